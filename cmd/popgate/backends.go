package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"popgate/internal/admin"
)

// backendsMenu lists and drains backends.
func backendsMenu(c *call) *menu {
	m := newMenu(c, "backends")
	m.about = `A backend's state is what became of the last connection to it. Nobody new logs in
at one that is drained, until it is undrained or popgate is restarted; sessions that
are there go on.
`
	m.examples = []string{"backends", "backends drain legacy", "backends undrain legacy"}
	m.first = true
	m.words = []word{
		{name: "list", summary: "show all backends", run: func(ctx context.Context, client *admin.Client, _ []string) error {
			return c.listBackends(ctx, client)
		}},
		{name: "drain", args: "NAME", summary: "let nobody new log in there", least: 1, most: 1, offer: offerBackends,
			run: func(ctx context.Context, client *admin.Client, args []string) error {
				return c.turn(ctx, client, args[0], client.DrainBackend)
			}},
		{name: "undrain", args: "NAME", summary: "let new sessions log in again", least: 1, most: 1, offer: offerBackends,
			run: func(ctx context.Context, client *admin.Client, args []string) error {
				return c.turn(ctx, client, args[0], client.UndrainBackend)
			}},
	}
	return m
}

// backendList is what `popgate backends list --json` writes.
type backendList struct {
	Backends []admin.Backend `json:"backends"`
}

func (c *call) listBackends(ctx context.Context, client *admin.Client) error {
	list, err := client.Backends(ctx)
	if err != nil {
		return err
	}
	return c.show(backendList{append([]admin.Backend{}, list...)}, func(w io.Writer) error { return backendTable(list).write(w) })
}

// backendTable shows backends to people.
func backendTable(list []admin.Backend) *table {
	t := newTable("NAME", "STATE", "SESSIONS", "ADDRESSES", "LAST OK", "LAST ERROR")
	t.beneath, t.cut = []string{"LAST ERROR", "ADDRESSES"}, []string{"NAME"}
	for _, b := range list {
		places := fmt.Sprint(b.Sessions)
		if b.Connections > 0 {
			places += fmt.Sprintf(" of %d", b.Connections)
		}
		problem := problemCell(b.LastError)
		if b.LastError != nil && b.LastError.Time != nil {
			problem = short(b.LastError.Time) + " " + problem
		}
		t.add(b.Name, b.State, places, strings.Join(b.Addresses, " "), short(b.LastOK), problem)
	}
	return t
}

// turn drains or undrains a backend, and shows it.
func (c *call) turn(ctx context.Context, client *admin.Client, name string, how func(context.Context, string) (admin.Backend, error)) error {
	b, err := how(ctx, name)
	if errors.Is(err, admin.ErrUnknownBackend) {
		return unknownBackend(ctx, client, name)
	}
	if err != nil {
		return err
	}
	return c.say(b, "%s is %s, with %s", b.Name, b.State, count(b.Sessions, "session"))
}

// unknownBackend says which backends there are instead.
func unknownBackend(ctx context.Context, client *admin.Client, name string) error {
	list, err := client.Backends(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, b := range list[:min(len(list), maxListed)] {
		names = append(names, b.Name)
	}
	if more := len(list) - maxListed; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: %q; there are %s", admin.ErrUnknownBackend, name, strings.Join(names, ", "))
}
