package poptest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing/synctest"
)

// backends are the stage's names, in order.
func (p *player) backends() []string {
	return slices.Sorted(maps.Keys(p.stage.Backends))
}

// untouched checks that no backend was connected to or, for "no bytes", that
// none has received a byte.
func (p *player) untouched(event string) error {
	synctest.Wait()
	for _, name := range p.backends() {
		for i, c := range p.stage.Backends[name].all() {
			if event == "none" {
				return fmt.Errorf("backend %s was connected to", name)
			}
			if got := c.Received(); len(got) > 0 {
				return fmt.Errorf("connection %d of backend %s received %s", i+1, name, excerpt(got))
			}
			c.mentioned.Store(true)
		}
	}
	return nil
}

// leftover says what waits unread or unmentioned.
func (p *player) leftover() error {
	for n, c := range p.peers {
		if got := c.in.waiting(); len(got) > 0 {
			return fmt.Errorf("client %d has received %s, which no S: line expects here", n, excerpt(got))
		}
	}
	for _, name := range p.backends() {
		for i, c := range p.stage.Backends[name].all() {
			if !c.mentioned.Load() {
				return fmt.Errorf("backend %s was connected to, which no P: <connect> expects here", name)
			}
			if got := c.in.waiting(); len(got) > 0 {
				return fmt.Errorf("connection %d of backend %s has received %s, which no P: line expects here", i+1, name, excerpt(got))
			}
		}
	}
	return nil
}

// finish checks that the script told everything, and that the end of its
// clients brings the backends nothing more.
func (p *player) finish() error {
	synctest.Wait()
	if err := p.leftover(); err != nil {
		return err
	}
	for _, c := range p.peers {
		c.tap.Close()
	}
	synctest.Wait()
	for _, name := range p.backends() {
		for i, c := range p.stage.Backends[name].all() {
			if got := c.in.waiting(); len(got) > 0 {
				return fmt.Errorf("when the clients closed, connection %d of backend %s received %s", i+1, name, excerpt(got))
			}
		}
	}
	return nil
}

// state shows what lies unread, for the message of a failure.
func (p *player) state() string {
	var out strings.Builder
	for _, n := range slices.Sorted(maps.Keys(p.peers)) {
		in := p.peers[n].in
		in.mu.Lock()
		fmt.Fprintf(&out, "\n\tclient %d: unread %s, stream %s", n, excerpt(in.unread()), in.how())
		in.mu.Unlock()
	}
	for _, name := range p.backends() {
		for i, c := range p.stage.Backends[name].all() {
			c.in.mu.Lock()
			fmt.Fprintf(&out, "\n\tbackend %s, connection %d: unread %s, stream %s", name, i+1, excerpt(c.in.unread()), c.in.how())
			c.in.mu.Unlock()
		}
	}
	return out.String()
}

// excerpt quotes the start of data.
func excerpt(data []byte) string {
	const most = 200
	switch {
	case len(data) == 0:
		return "nothing"
	case len(data) > most:
		return fmt.Sprintf("%q… (%d bytes)", data[:most], len(data))
	}
	return fmt.Sprintf("%q", data)
}
