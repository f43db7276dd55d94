package main

import (
	"context"

	"popgate/internal/admin"
)

// replaced is what `popgate upgrade --json` writes.
type replaced struct {
	Upgraded bool `json:"upgraded"`
	PID      int  `json:"pid"`
}

// upgradeMenu lets a new process take over.
func upgradeMenu(c *call) *menu {
	m := newMenu(c, "upgrade")
	m.about = `Makes the running popgate start its program anew, as SIGUSR2 does: a new version, if
its file was replaced. The new process gets the listening sockets, so that nobody is
refused; once it can serve, the old one lets its sessions end. If it can't, the old
one goes on, and this tells why.
`
	m.examples = []string{"upgrade", "upgrade --json"}
	m.words = []word{{run: c.upgrade}}
	return m
}

func (c *call) upgrade(ctx context.Context, client *admin.Client, _ []string) error {
	pid, err := client.Upgrade(ctx)
	if err != nil {
		return err
	}
	return c.say(replaced{true, pid}, "upgraded: process %d serves, and the old one ends when its sessions have", pid)
}
