package main

import (
	"context"
	"strings"

	"popgate/internal/admin"
)

// suggestion is a text that may stand somewhere, and what it is.
type suggestion struct{ text, about string }

// offer tells what may stand in a place of a command line. It may ask the running
// popgate, which may not be there.
type offer func(ctx context.Context, client *admin.Client) []suggestion

// filesHere is the offer of which shells know more than popgate does.
var filesHere = suggestion{text: ":files"}

func offerFiles(context.Context, *admin.Client) []suggestion { return []suggestion{filesHere} }

func offerTexts(texts ...string) offer {
	return func(context.Context, *admin.Client) (all []suggestion) {
		for _, text := range texts {
			all = append(all, suggestion{text: text})
		}
		return all
	}
}

func offerSessions(ctx context.Context, client *admin.Client) (all []suggestion) {
	list, _ := client.Sessions(ctx)
	for _, s := range list.Sessions {
		all = append(all, suggestion{s.ID, strings.TrimSpace(strings.Join([]string{s.State, s.Client, s.User}, " "))})
	}
	return all
}

// offerOfSessions offers what a part of sessions is, now.
func offerOfSessions(part func(admin.Session) string) offer {
	return func(ctx context.Context, client *admin.Client) (all []suggestion) {
		list, _ := client.Sessions(ctx)
		for _, s := range list.Sessions {
			all = append(all, suggestion{text: part(s)})
		}
		return all
	}
}

func offerBackends(ctx context.Context, client *admin.Client) (all []suggestion) {
	list, _ := client.Backends(ctx)
	for _, b := range list {
		all = append(all, suggestion{b.Name, b.State})
	}
	return all
}

func offerHosts(ctx context.Context, client *admin.Client) (all []suggestion) {
	list, _ := client.Certificates(ctx)
	for _, c := range list {
		for _, name := range c.Names {
			all = append(all, suggestion{name, c.State})
		}
	}
	return all
}

func offerBlocks(ctx context.Context, client *admin.Client) (all []suggestion) {
	list, _ := client.Blocks(ctx)
	for _, b := range list.Blocks {
		all = append(all, suggestion{b.Address, "blocked"})
	}
	return append(all, suggestion{"all", "every address"})
}
