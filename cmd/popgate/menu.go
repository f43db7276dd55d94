package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"popgate/internal/admin"
)

// menu is a command that asks the running popgate: its flags, and the words that
// may stand behind its name. Its help and what shells complete are made of it.
type menu struct {
	*call
	name     string
	about    string   // what it does, in lines for its help; each ends with a line feed
	examples []string // command lines, without "popgate"
	set      *flag.FlagSet

	// words can stand behind the name. A single one without a name: none can,
	// only arguments.
	words []word
	// first: where no word is written, the first one is meant.
	first bool
	// alone: it does something without a running popgate, too. What runs is given
	// no client then.
	alone bool
	// without is what to say where no popgate runs, behind that.
	without string
	// values completes the values of flags, by their names.
	values map[string]offer

	typed []string // the words and arguments of a command line
}

// word is one word behind a command's name.
type word struct {
	name, args, summary string
	least, most         int      // how many arguments
	flags               []string // that mean something here, beside those of all commands
	offer               offer    // completes the arguments; nil: nothing does

	// check looks at the command line before anybody is asked; its errors are
	// usage. May be nil.
	check func(args []string) error
	run   func(ctx context.Context, client *admin.Client, args []string) error
}

// anyNumber is more arguments than a command line can have.
const anyNumber = 1 << 30

// newMenu begins a menu: its flags are those that all have.
func newMenu(c *call, name string) *menu {
	m := &menu{call: c, name: name, values: map[string]offer{"config": offerFiles, "socket": offerFiles}}
	m.set = c.flags(name)
	m.set.Usage = func() { m.printUsage(m.set.Output()) }
	return m
}

// asking is the run of a command that has a menu.
func asking(make func(*call) *menu) func(context.Context, []string, streams) error {
	return func(ctx context.Context, args []string, std streams) error {
		return make(&call{std: std}).ask(ctx, args)
	}
}

// ask does what a command line says.
func (m *menu) ask(ctx context.Context, args []string) error {
	w, args, err := m.parse(args)
	if err != nil {
		return err
	}
	if err := m.find(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	client := m.client()
	if client != nil || m.alone {
		err = w.run(ctx, client, args)
	}
	return m.explained(w, client, err)
}

// explained is an error of asking, for people.
func (m *menu) explained(w *word, client *admin.Client, err error) error {
	var refused *admin.Error
	var usage usageError
	switch {
	case m.quiet && err != nil && !errors.As(err, &usage), m.quiet && client == nil:
		return errShown
	case client == nil && !m.alone, errors.Is(err, admin.ErrNotRunning):
		return errors.New(m.whyNotRunning() + m.without)
	case errors.As(err, &refused) && refused.Code == admin.CodeBadRequest:
		return usageError{fmt.Errorf("%s: %w", m.full(w), err)}
	}
	return err
}

// parse reads a command line: flags can stand anywhere; behind -- none can.
func (m *menu) parse(args []string) (*word, []string, error) {
	if err := m.parseWords(args); err != nil {
		return nil, nil, err
	}
	w, args := m.chosen()
	if w == nil {
		m.printUsage(m.std.err)
		if len(m.typed) == 0 {
			return nil, nil, usageError{errShown}
		}
		return nil, nil, usageError{fmt.Errorf("unknown command %q", m.name+" "+m.typed[0])}
	}
	err := m.checkFlags(w)
	switch {
	case err != nil:
	case len(args) < w.least:
		if len(m.typed) == 0 {
			m.printUsage(m.std.err)
		}
		err = fmt.Errorf("%s is missing", strings.Fields(w.args)[len(args)])
	case len(args) > w.most:
		err = fmt.Errorf("unexpected argument %q", args[w.most])
	case w.check != nil:
		err = w.check(args)
	}
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("%s: %w", m.full(w), err)}
	}
	return w, args, nil
}

// parseWords parses flags before, between and behind the words that are none.
func (m *menu) parseWords(args []string) error {
	defer m.note()
	for {
		if err := parseFlags(m.set, args, m.std); err != nil {
			return err
		}
		left := m.set.Args()
		switch parsed := len(args) - len(left); {
		case len(left) == 0:
			return nil
		case parsed > 0 && args[parsed-1] == "--":
			m.typed = append(m.typed, left...)
			return nil
		}
		m.typed, args = append(m.typed, left[0]), left[1:]
	}
}

// note remembers which flags were written.
func (m *menu) note() {
	m.given = make(map[string]bool)
	m.set.Visit(func(f *flag.Flag) { m.given[f.Name] = true })
}

// chosen is the word that is meant by what was typed, and its arguments; nil:
// none.
func (m *menu) chosen() (*word, []string) {
	if m.words[0].name == "" {
		return &m.words[0], m.typed
	}
	if len(m.typed) == 0 {
		if m.first {
			return &m.words[0], nil
		}
		return nil, nil
	}
	for i := range m.words {
		if m.words[i].name == m.typed[0] {
			return &m.words[i], m.typed[1:]
		}
	}
	return nil, nil
}

// checkFlags refuses flags of other words: they would be taken for heeded.
func (m *menu) checkFlags(w *word) (err error) {
	m.set.Visit(func(f *flag.Flag) {
		if !m.takes(w, f.Name) {
			err = fmt.Errorf("--%s means nothing here", f.Name)
		}
	})
	return err
}

// takes tells whether a flag means something behind a word: it is the word's own,
// or that of no other.
func (m *menu) takes(w *word, name string) bool {
	own := func(w word) bool { return slices.Contains(w.flags, name) }
	return own(*w) || !slices.ContainsFunc(m.words, own)
}

// full is a word's name with all before it.
func (m *menu) full(w *word) string { return strings.TrimSpace("popgate " + m.name + " " + w.name) }

// printUsage is the help: of the word that was typed, or of all.
func (m *menu) printUsage(out io.Writer) {
	w, _ := m.chosen()
	if w != nil && (len(m.typed) > 0 || w.name == "") {
		fmt.Fprintf(out, "Usage: %s [FLAGS]\n\n", strings.TrimSpace(m.full(w)+" "+w.args))
		if w.name != "" {
			fmt.Fprintf(out, "%s.\n\n", strings.ToUpper(w.summary[:1])+w.summary[1:])
		}
		fmt.Fprint(out, m.about)
	} else {
		m.printWords(out)
		w = nil
	}
	fmt.Fprint(out, "\n"+headFlags+"\n")
	printFlags(out, m.flagsOf(w, out))
	printExamples(out, m.examples)
}

// printWords is the part of the help that tells of all words.
func (m *menu) printWords(out io.Writer) {
	command, wide := "COMMAND", 0
	if m.first {
		command = "[COMMAND]"
	}
	fmt.Fprintf(out, "Usage: popgate %s %s [FLAGS]\n\n%s\nCommands:\n", m.name, command, m.about)
	for _, w := range m.words {
		wide = max(wide, len(w.name)+1+len(w.args))
	}
	for i, w := range m.words {
		summary := w.summary
		if i == 0 && m.first {
			summary += " (if no command is given)"
		}
		fmt.Fprintf(out, "  %-*s  %s\n", wide, strings.TrimSpace(w.name+" "+w.args), summary)
	}
}

// flagsOf are the flags that mean something behind w; nil: all.
func (m *menu) flagsOf(w *word, out io.Writer) *flag.FlagSet {
	some := flag.NewFlagSet(m.name, flag.ContinueOnError)
	some.SetOutput(out)
	m.set.VisitAll(func(f *flag.Flag) {
		if w == nil || m.takes(w, f.Name) {
			some.Var(f.Value, f.Name, f.Usage)
			some.Lookup(f.Name).DefValue = f.DefValue
		}
	})
	return some
}
