package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"popgate/internal/admin"
)

const blocksUsage = `[list] [--config FILE|FOLDER] [--json]
       popgate blocks clear KEY [USER] [--config FILE|FOLDER] [--json]
Shows, or lifts, what wrong passwords have led to: blocks of an address, or of an
address as one user. KEY is an address, a network, or "all". With USER only the
blocks as that user are lifted. Blocks live in the running popgate only.
`

// blocks lists and lifts blocks of the running popgate.
func blocks(ctx context.Context, args []string, std streams) error {
	c := &call{std: std}
	set := c.flags("blocks")
	set.Usage = func() {
		fmt.Fprint(set.Output(), "Usage: popgate blocks ", blocksUsage)
		set.PrintDefaults()
	}
	words, err := parseWords(set, args, std)
	if err != nil {
		return err
	}
	run, err := c.blocksCommand(words)
	if err != nil {
		if errors.Is(err, errUnknownWord) {
			set.Usage()
		}
		return usageError{err}
	}
	ctx, stop, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer stop()
	client := c.client()
	if client != nil {
		err = run(ctx, client)
	}
	if client == nil || errors.Is(err, admin.ErrNotRunning) {
		return fmt.Errorf("%s: blocks live in the running popgate only", c.whyNotRunning())
	}
	return err
}

var errUnknownWord = errors.New("unknown command")

// blocksCommand returns what the words ask for.
func (c *call) blocksCommand(words []string) (func(context.Context, *admin.Client) error, error) {
	if len(words) == 0 {
		words = []string{"list"}
	}
	name, words := words[0], words[1:]
	most := map[string]int{"list": 0, "clear": 2}
	switch n, known := most[name]; {
	case !known:
		return nil, fmt.Errorf("%w %q", errUnknownWord, "blocks "+name)
	case len(words) > n:
		return nil, fmt.Errorf("popgate blocks %s: unexpected argument %q", name, words[n])
	case name == "list":
		return c.listBlocks, nil
	case len(words) == 0:
		return nil, errors.New(`popgate blocks clear: KEY is missing: an address, a network, or "all"`)
	}
	which, err := admin.ParseBlocked(words[0])
	if err != nil {
		return nil, fmt.Errorf("popgate blocks clear: %w", err)
	}
	if len(words) == 2 {
		if which.User = words[1]; which.User == "" {
			return nil, errors.New("popgate blocks clear: USER is empty")
		}
	}
	return func(ctx context.Context, client *admin.Client) error { return c.clearBlocks(ctx, client, which) }, nil
}

func (c *call) listBlocks(ctx context.Context, client *admin.Client) error {
	list, err := client.Blocks(ctx)
	if err != nil {
		return err
	}
	if c.json {
		list.Blocks = append([]admin.Block{}, list.Blocks...)
		return writeJSON(c.std.out, list)
	}
	if list.More > 0 {
		fmt.Fprintf(c.std.err, "popgate: %d more blocks are not shown\n", list.More)
	}
	return writeBlocks(c.std.out, list.Blocks, time.Now())
}

// writeBlocks shows blocks to people.
func writeBlocks(w io.Writer, list []admin.Block, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ADDRESS\tUSER\tCHECK\tUNTIL\tLEFT\tLEVEL")
	for _, b := range list {
		left := max(0, b.Until.Sub(now).Round(time.Second)).String()
		fmt.Fprintln(table, row(oneLine(b.Address, maxNameCell), oneLine(b.User, maxNameCell), oneLine(b.Check, maxNameCell),
			b.Until.UTC().Format(time.RFC3339), left, strconv.Itoa(b.Level)))
	}
	return table.Flush()
}

// clearedBlocks is what `popgate blocks clear --json` writes.
type clearedBlocks struct {
	Cleared int `json:"cleared"`
}

func (c *call) clearBlocks(ctx context.Context, client *admin.Client, which admin.Blocked) error {
	n, err := client.Unblock(ctx, which)
	switch {
	case err != nil:
		return err
	case c.json:
		return writeJSON(c.std.out, clearedBlocks{n})
	case n == 0:
		fmt.Fprintln(c.std.out, "nothing was blocked there")
	default:
		fmt.Fprintf(c.std.out, "%s lifted\n", count(n, "block"))
	}
	return nil
}
