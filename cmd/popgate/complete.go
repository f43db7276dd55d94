package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"popgate/internal/admin"
)

// completeWord is the hidden command that scripts ask what may come next.
const completeWord = "complete"

// completeTime bounds how long somebody who has pressed Tab waits for a popgate.
const completeTime = time.Second

// complete writes what may stand in the place of the last argument, which is the
// beginning of it, behind the others: a line each, with a tab before what it is.
// It is quick and silent, whatever is wrong.
func complete(ctx context.Context, args []string, std streams) error {
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	seen := make(map[string]bool)
	for _, s := range suggestions(ctx, args) {
		if s == filesHere {
			fmt.Fprintln(std.out, s.text)
			continue
		}
		if seen[s.text] || !safe(s.text) || !strings.HasPrefix(s.text, args[len(args)-1]) {
			continue
		}
		seen[s.text] = true
		fmt.Fprintf(std.out, "%s\t%s\n", s.text, oneLine(s.about, maxErrorCell))
	}
	return nil
}

// safe tells whether a text means itself in every shell. Deliberate: others are
// not offered, as users choose their names, and bash takes over what is offered as
// if it had been typed.
func safe(text string) bool {
	plain := func(r rune) bool {
		return r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@+=,", r))
	}
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0
}

func suggestions(ctx context.Context, args []string) (all []suggestion) {
	switch len(args) {
	case 0:
		return nil
	case 1:
		if strings.HasPrefix(args[0], "-") {
			return []suggestion{{"--help", "all commands"}, {"--version", "what this is"}}
		}
		for _, g := range groups() {
			for _, c := range g.commands {
				all = append(all, suggestion{c.name, c.summary})
			}
		}
		return all
	}
	c, known := commandNamed(args[0])
	before, current := args[1:len(args)-1], args[len(args)-1]
	switch {
	case !known:
		return nil
	case c.menu == nil:
		return c.plain.suggest(before, current)
	}
	asked := &call{std: streams{out: io.Discard, err: io.Discard}}
	return c.menu(asked).suggest(ctx, before, current)
}

// suggest completes a command without a menu.
func (p plain) suggest(before []string, current string) (all []suggestion) {
	last := ""
	if len(before) > 0 {
		last = strings.TrimLeft(before[len(before)-1], "-")
	}
	name, _, valued := strings.Cut(strings.TrimLeft(current, "-"), "=")
	switch {
	case slices.Contains(p.flags, last), valued && slices.Contains(p.flags, name):
		return []suggestion{filesHere}
	case strings.HasPrefix(current, "-"):
		for _, flag := range slices.Concat(p.flags, p.switches, []string{"help"}) {
			all = append(all, suggestion{text: "--" + flag})
		}
	case len(before) == 0:
		for _, word := range p.words {
			all = append(all, suggestion{text: word})
		}
	}
	return all
}

// suggest completes a command that has a menu.
func (m *menu) suggest(ctx context.Context, before []string, current string) []suggestion {
	pending := m.pending(before)
	if pending != "" {
		before = before[:len(before)-1]
	}
	_ = m.parseWords(before)
	w, args := m.chosen()
	name, _, valued := strings.Cut(strings.TrimLeft(current, "-"), "=")
	switch dashed := strings.HasPrefix(current, "-"); {
	case pending != "":
		return m.from(ctx, m.values[pending], "")
	case dashed && valued:
		return m.from(ctx, m.values[name], current[:strings.IndexByte(current, '=')+1])
	case dashed:
		return m.flagSuggestions(w)
	case m.words[0].name != "" && len(m.typed) == 0:
		return m.wordSuggestions()
	case w == nil || len(args) >= w.most:
		return nil
	}
	// What is on the line already is not meant again.
	return slices.DeleteFunc(m.from(ctx, w.offer, ""), func(s suggestion) bool { return slices.Contains(args, s.text) })
}

// pending is the flag whose value is to come next; "": none.
func (m *menu) pending(before []string) string {
	if len(before) == 0 || !strings.HasPrefix(before[len(before)-1], "-") {
		return ""
	}
	name := strings.TrimLeft(before[len(before)-1], "-")
	f := m.set.Lookup(name)
	if f == nil {
		return ""
	}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return ""
	}
	return name
}

// from asks an offer, behind a prefix. Without a popgate, or a configuration that
// tells of one, nothing but files and fixed texts is offered.
func (m *menu) from(ctx context.Context, o offer, prefix string) (all []suggestion) {
	if o == nil {
		return nil
	}
	err := m.find()
	client := m.client()
	if err != nil || client == nil {
		client = admin.NewClient(os.DevNull) // nobody answers there
	}
	for _, s := range o(ctx, client) {
		if s != filesHere {
			s.text = prefix + s.text
		}
		all = append(all, s)
	}
	return all
}

func (m *menu) flagSuggestions(w *word) (all []suggestion) {
	m.flagsOf(w, io.Discard).VisitAll(func(f *flag.Flag) {
		_, usage := flag.UnquoteUsage(f)
		usage, _, _ = strings.Cut(usage, "\n")
		all = append(all, suggestion{"--" + f.Name, usage})
	})
	return append(all, suggestion{"--help", "what it does"})
}

func (m *menu) wordSuggestions() (all []suggestion) {
	for _, w := range m.words {
		all = append(all, suggestion{w.name, w.summary})
	}
	return all
}
