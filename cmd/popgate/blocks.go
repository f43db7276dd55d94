package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"popgate/internal/admin"
)

// blocksMenu lists and lifts blocks of the running popgate.
func blocksMenu(c *call) *menu {
	m := newMenu(c, "blocks")
	m.about = `Shows, or lifts, what wrong passwords have led to: blocks of an address, or of an
address as one user. KEY is an address, a network, or "all". With USER only the
blocks as that user are lifted. Blocks live in the running popgate only.
`
	m.examples = []string{"blocks", "blocks clear 192.0.2.7", "blocks clear 2001:db8::/32 bob@example.com", "blocks clear all"}
	m.first, m.without = true, ": blocks live in the running popgate only"
	var which admin.Blocked
	m.words = []word{
		{name: "list", summary: "show the blocks in force",
			run: func(ctx context.Context, client *admin.Client, _ []string) error { return c.listBlocks(ctx, client) }},
		{name: "clear", args: "KEY [USER]", summary: "lift blocks", least: 1, most: 2, offer: offerBlocks,
			check: func(args []string) (err error) { which, err = parseBlocked(args); return err },
			run: func(ctx context.Context, client *admin.Client, _ []string) error {
				return c.clearBlocks(ctx, client, which)
			}},
	}
	return m
}

// parseBlocked reads which blocks are meant.
func parseBlocked(args []string) (admin.Blocked, error) {
	which, err := admin.ParseBlocked(args[0])
	if err == nil && len(args) > 1 {
		if which.User = args[1]; which.User == "" {
			err = errors.New("USER is empty")
		}
	}
	return which, err
}

func (c *call) listBlocks(ctx context.Context, client *admin.Client) error {
	list, err := client.Blocks(ctx)
	if err != nil {
		return err
	}
	list.Blocks = append([]admin.Block{}, list.Blocks...)
	return c.show(list, func(w io.Writer) error {
		c.sayMore(list.More, "block")
		return blockTable(list.Blocks, time.Now()).writeOrNone(w)
	})
}

// blockTable shows blocks to people.
func blockTable(list []admin.Block, now time.Time) *table {
	t := newTable("ADDRESS", "USER", "CHECK", "UNTIL", "LEFT", "LEVEL")
	t.spare, t.cut = []string{"LEVEL", "LEFT"}, []string{"USER"}
	for _, b := range list {
		left := max(0, b.Until.Sub(now).Round(time.Second)).String()
		t.add(b.Address, b.User, b.Check, b.Until.UTC().Format(time.RFC3339), left, strconv.Itoa(b.Level))
	}
	return t
}

// clearedBlocks is what `popgate blocks clear --json` writes.
type clearedBlocks struct {
	Cleared int `json:"cleared"`
}

func (c *call) clearBlocks(ctx context.Context, client *admin.Client, which admin.Blocked) error {
	n, err := client.Unblock(ctx, which)
	if err != nil {
		return err
	}
	text := "nothing was blocked there"
	if n > 0 {
		text = fmt.Sprintf("%s lifted", count(n, "block"))
	}
	return c.say(clearedBlocks{n}, "%s", text)
}
