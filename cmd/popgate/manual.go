package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// manualWord is the hidden command that writes the pages of the manual, for
// packages.
const manualWord = "manual"

// manual writes popgate(1), a page for each command, and popgate.hcl(5). All of it
// is made of what --help writes and of the sample configuration.
func manual(ctx context.Context, args []string, std streams) error {
	set := flags(manualWord, "FOLDER CONFIG\n\nWrites the pages of the manual. CONFIG is config.hcl, the one with every word.", std)
	if err := parseFlags(set, args, std); err != nil {
		return err
	}
	if set.NArg() != 2 {
		return usageError{fmt.Errorf("%s: FOLDER CONFIG are needed", set.Name())}
	}
	sample, err := os.ReadFile(set.Arg(1))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(set.Arg(0), 0o755); err != nil {
		return err
	}
	for name, page := range manualPages(ctx, string(sample)) {
		if err := os.WriteFile(filepath.Join(set.Arg(0), name), []byte(page), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manualPages are all pages by the names of their files.
func manualPages(ctx context.Context, sample string) map[string]string {
	pages := map[string]string{"popgate.1": programPage(), "popgate.hcl.5": configPage(sample)}
	for _, g := range groups() {
		for _, c := range g.commands {
			pages["popgate-"+c.name+".1"] = commandPage(c, helpOf(ctx, c))
		}
	}
	return pages
}

// helpOf is what a command writes when it is asked for help.
func helpOf(ctx context.Context, c command) string {
	var out bytes.Buffer
	if err := c.run(ctx, []string{"--help"}, streams{out: &out, err: io.Discard}); !errors.Is(err, flag.ErrHelp) {
		panic("popgate " + c.name + " has no help")
	}
	return out.String()
}

// beginPage begins a page with its name, which is what apropos finds.
func beginPage(name string, section int, summary string) *roff {
	b := builtFrom()
	date, _, _ := strings.Cut(b.Committed, "T")
	r := newRoff(name, section, date, "popgate "+b.Version)
	r.section("NAME")
	r.out.WriteString(roffText(name) + ` \- ` + roffText(summary) + "\n")
	return r
}

// programPage is popgate(1): what stands in popgate help.
func programPage() string {
	r := beginPage("popgate", 1, strings.TrimPrefix(strings.TrimSuffix(whatItIs, "."), "popgate is a "))
	r.section("SYNOPSIS")
	r.out.WriteString("\\fBpopgate\\fR COMMAND [FLAGS]\n")
	r.section("DESCRIPTION")
	r.paragraphs(whatItIs + "\n\n" + forAllCommands)
	r.section("COMMANDS")
	more := []string{"popgate.hcl(5)"}
	for _, g := range groups() {
		r.part(g.name)
		for _, c := range g.commands {
			r.term(c.name, "", c.summary)
			more = append(more, "popgate-"+c.name+"(1)")
		}
	}
	r.section("SEE ALSO")
	r.paragraphs(strings.Join(more, ", "))
	return r.out.String()
}

// commandPage is the page of a command, of its help.
func commandPage(c command, help string) string {
	r := beginPage("popgate-"+c.name, 1, c.summary)
	usage, rest, _ := strings.Cut(help, "\n")
	r.section("SYNOPSIS")
	full := "popgate " + c.name
	r.out.WriteString("\\fB" + roffText(full) + "\\fR" + roffText(strings.TrimPrefix(usage, "Usage: "+full)) + "\n")
	about, rest := cutHead(rest)
	if about = strings.TrimSpace(about); about != "" {
		r.section("DESCRIPTION")
		r.paragraphs(about)
	}
	for rest != "" {
		var head, text string
		head, rest, _ = strings.Cut(rest, "\n")
		text, rest = cutHead(rest)
		r.helpSection(head, text)
	}
	r.section("SEE ALSO")
	r.paragraphs("popgate(1), popgate.hcl(5)")
	return r.out.String()
}

// The heads in a command's help.
const (
	headCommands = "Commands:"
	headFlags    = "Flags:"
	headExamples = "Examples:"
)

// cutHead cuts a text before the first line that is a head.
func cutHead(text string) (before, rest string) {
	at := 0
	for line := range strings.Lines(text) {
		switch strings.TrimSuffix(line, "\n") {
		case headCommands, headFlags, headExamples:
			return text[:at], text[at:]
		}
		at += len(line)
	}
	return text, ""
}

// helpSection writes what stands under a head of a command's help.
func (r *roff) helpSection(head, text string) {
	r.section(strings.ToUpper(strings.TrimSuffix(head, ":")))
	switch head {
	case headCommands: // two columns
		for line := range strings.Lines(strings.Trim(text, "\n")) {
			what, summary, _ := strings.Cut(strings.TrimSpace(line), "  ")
			name, values, _ := strings.Cut(what, " ")
			r.term(name, values, strings.TrimSpace(summary))
		}
	case headFlags: // as printFlags writes them: meanings stand behind tabs
		for entry := range strings.SplitSeq("\n"+strings.Trim(text, "\n"), "\n  --") {
			if what, meaning, found := strings.Cut(entry, "\n"); found {
				name, values, _ := strings.Cut(what, " ")
				r.term("--"+name, values, meaning)
			}
		}
	default:
		r.literal(text)
	}
}

// configPage is popgate.hcl(5): the sample, which has every word.
func configPage(sample string) string {
	r := beginPage("popgate.hcl", 5, "the configuration of popgate")
	r.section("DESCRIPTION")
	r.paragraphs("What popgate reads: one file, " + defaultConfig + " if nothing else is said, or all *.hcl files of a folder.\n\n" +
		"popgate check shows every problem of a configuration. docs/configuration.md explains each word; packages have it in " +
		"/usr/share/doc/popgate.")
	r.section("EVERY WORD")
	r.literal(sample)
	r.section("SEE ALSO")
	r.paragraphs("popgate(1), popgate-check(1), popgate-reload(1)")
	return r.out.String()
}
