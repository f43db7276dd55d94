package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
)

// TestBlocksUsage: what was asked for goes to standard output, what went wrong
// to standard error with exit code 2.
func TestBlocksUsage(t *testing.T) {
	for _, test := range []struct {
		args     string
		code     int
		out, err string // patterns; "" for nothing at all
	}{
		{"--help", exitOK, `^Usage: popgate blocks \[COMMAND\]`, ""},
		{"clear -h", exitOK, `(?s)^Usage: popgate blocks .*clear KEY \[USER\]`, ""},
		{"clr", exitUsage, "", `(?s)^Usage: popgate blocks .*popgate: unknown command "blocks clr"\n$`},
		{"\x1b[2J", exitUsage, "", `unknown command "blocks \\x1b\[2J"\n$`},
		{"list all", exitUsage, "", `^popgate: popgate blocks list: unexpected argument "all"\n$`},
		{"clear", exitUsage, "", `^popgate: popgate blocks clear: KEY is missing\n$`},
		{"clear 192.0.2.7 bob alice", exitUsage, "", `unexpected argument "alice"\n$`},
		{"clear bob", exitUsage, "", `^popgate: popgate blocks clear: "bob" is neither an address, nor a network, nor "all"\n$`},
		{"clear al\x1bl", exitUsage, "", "\"al\uFFFDl\" is neither"},
		{"--jsno", exitUsage, "", `(?s)-jsno.*Usage: popgate blocks`},
		{"list --socket=", exitUsage, "", `^popgate: --socket is empty\n$`},
		{"clear all --config no-such.hcl", exitUsage, "", `no-such\.hcl`},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := runHere(t, append([]string{"blocks"}, strings.Fields(test.args)...)...)
			if r.code != test.code {
				t.Errorf("exit code %d, want %d", r.code, test.code)
			}
			insistOn(t, "standard output", r.out, test.out)
			insistOn(t, "standard error", r.err, test.err)
		})
	}
	if r := runHere(t, "blocks", "clear", "all", ""); r.code != exitUsage || !strings.Contains(r.err, "USER is empty") {
		t.Errorf("an empty user: %d, %q", r.code, r.err)
	}
	for line := range strings.Lines(runHere(t, "blocks", "--help").out) {
		if len(line) > 90 {
			t.Errorf("a line of %d columns: %s", len(line)-1, line)
		}
	}
}

// TestBlocksNotRunning: without a running popgate there is nothing to show or
// to lift, which is a failure.
func TestBlocksNotRunning(t *testing.T) {
	s := newSite(t)
	for _, args := range [][]string{{"blocks"}, {"blocks", "list", "--json"}, {"blocks", "clear", "all"}} {
		r := runHere(t, append(args, "--config", s.config)...)
		r.wantCode(t, exitFailed, "no popgate is running that answers on ", ": blocks live in the running popgate only\n")
		if r.out != "" {
			t.Errorf("%q writes %q", args, r.out)
		}
	}
	s.write(t, strings.Replace(s.text(""), "admin.sock", "off", 1))
	runHere(t, "blocks", "--config", s.config).wantCode(t, exitFailed, "the admin socket is off", "in the running popgate only")
}

// TestBlocksTable: what people see.
func TestBlocksTable(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var out strings.Builder
	if err := blockTable([]admin.Block{
		{Address: "192.0.2.7", Check: "blocked_ip", Until: now.Add(4*time.Minute + 10*time.Second), Level: 1},
		{Address: "192.0.2.7", User: "bob@example.com", Check: "blocked_user", Until: now.Add(25 * time.Hour), Level: 9},
		{Address: "2001:db8:1:2::/64", User: "b\x1b[2J\tb" + strings.Repeat("x", 99), Check: "blocked_user", Until: now.Add(-time.Second), Level: 2},
	}, now).write(&out); err != nil {
		t.Fatal(err)
	}
	name := "b\uFFFD[2J b" + strings.Repeat("x", 99)
	want := fmt.Sprintf(`ADDRESS            USER%[1]s  CHECK         UNTIL                 LEFT     LEVEL
192.0.2.7          -%[2]s  blocked_ip    2026-03-01T12:04:10Z  4m10s    1
192.0.2.7          bob@example.com%[3]s  blocked_user  2026-03-02T13:00:00Z  25h0m0s  9
2001:db8:1:2::/64  %[4]s  blocked_user  2026-03-01T11:59:59Z  0s       2
`, strings.Repeat(" ", 102), strings.Repeat(" ", 105), strings.Repeat(" ", 91), name)
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

// guesses makes wrong guesses as a user from an address of loopback.
func (h *house) guesses(t testing.TB, last byte, user string, n int) {
	t.Helper()
	for i := range n {
		c := h.call(t, clientFrom(last, ""))
		c.hear()
		if answer := c.logIn("PLAIN", user, fmt.Sprint("wrong", i)); !strings.HasPrefix(answer, "-ERR [AUTH]") {
			t.Fatalf("a guess is answered %q", answer)
		}
		_ = c.conn.Close()
	}
}

// listed are the blocks of a running popgate, as "address user check".
func (h *house) listed(t testing.TB) (list []string) {
	t.Helper()
	r := runHere(t, "blocks", "--json", "--config", h.config)
	r.wantCode(t, exitOK)
	var all admin.BlockList
	if err := json.Unmarshal([]byte(r.out), &all); err != nil || all.Blocks == nil {
		t.Fatalf("%v in %s", err, r.out)
	}
	for _, b := range all.Blocks {
		if left := time.Until(b.Until); left <= 0 || left > time.Hour || b.Level != 1 {
			t.Errorf("%+v", b)
		}
		list = append(list, fmt.Sprintf("%s %s %s", b.Address, b.User, b.Check))
	}
	return list
}

// TestBlocksOfARunningPopgate: blocks are listed in order, and lifted by any
// address of what is blocked, by a network, by a user, or all at once. Who was
// blocked can log in again, and has all tries again.
func TestBlocksOfARunningPopgate(t *testing.T) {
	needLoopbacks(t)
	const (
		first, firstAlice, firstBob = "127.0.0.4/30  blocked_ip", "127.0.0.4/30 alice blocked_user", "127.0.0.4/30 bob blocked_user"
		second, secondBob           = "127.0.0.8/30  blocked_ip", "127.0.0.8/30 bob blocked_user"
	)
	all := []string{first, firstAlice, firstBob, second, secondBob}
	for _, test := range []struct {
		clear, says string
		left        []string
	}{
		{"127.0.0.200", "nothing was blocked there\n", all},
		{"127.0.0.6", "3 blocks lifted\n", all[3:]},
		{"127.0.0.4/30", "3 blocks lifted\n", all[3:]},
		{"127.0.0.0/29", "3 blocks lifted\n", all[3:]},
		{"127.0.0.0/8", "5 blocks lifted\n", nil},
		{"127.0.0.7 BOB", "1 block lifted\n", []string{first, firstAlice, second, secondBob}},
		{"127.0.0.7 nobody", "nothing was blocked there\n", all},
		{"all bob", "2 blocks lifted\n", []string{first, firstAlice, second}},
		{"all", "5 blocks lifted\n", nil},
	} {
		t.Run(test.clear, func(t *testing.T) {
			h := newHouse(t, oneListener, quickBlocks)
			h.guesses(t, 5, bob, 2)
			h.guesses(t, 6, alice, 2)
			h.guesses(t, 9, bob, 2)
			h.guesses(t, 10, "a@@b", 1)
			h.guesses(t, 10, "c@@d", 1)
			h.guesses(t, 13, alice, 1)
			if got := h.listed(t); fmt.Sprint(got) != fmt.Sprint(all) {
				t.Fatalf("blocked are %q", got)
			}
			r := runHere(t, append([]string{"blocks", "--config", h.config, "clear"}, strings.Fields(test.clear)...)...)
			r.wantCode(t, exitOK)
			if r.out != test.says || r.err != "" {
				t.Errorf("%q, %q", r.out, r.err)
			}
			if got := h.listed(t); fmt.Sprint(got) != fmt.Sprint(test.left) {
				t.Errorf("left are %q, want %q", got, test.left)
			}
			if lines := h.log.lines(`\[INFO\]  admin: admin call: call="clear blocks" address=.* result=ok`); len(lines) != 1 {
				t.Errorf("%d lines about it", len(lines))
			}
			// What is told of logins is what they get, blocked and not.
			for _, last := range []byte{5, 9} {
				for _, user := range []string{alice, bob} {
					h.agree(t, clientFrom(last, user))
				}
			}
		})
	}
	h := newHouse(t, oneListener, "")
	r := runHere(t, "blocks", "clear", "all", "--json", "--config", h.config)
	if r.wantCode(t, exitOK); strings.Join(strings.Fields(r.out), "") != `{"cleared":0}` {
		t.Errorf("%q", r.out)
	}
}

// quickBlocks are blocking and limits under which few guesses are enough.
const quickBlocks = `
limits { ipv4_prefix = 30 }
blocking {
  failures_per_user = 2
  failures_per_ip   = 4
  first             = "1h"
}
`

// TestUnblockFailures: clearing an address that is not blocked yet takes back
// what would lead to its block.
func TestUnblockFailures(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, "blocking {\n  failures_per_user = 3\n  failures_per_ip = 5\n}\n")
	clear := func(words ...string) {
		t.Helper()
		runHere(t, append([]string{"blocks", "--config", h.config, "clear"}, words...)...).wantCode(t, exitOK, "nothing was blocked there")
	}
	for i, user := range []string{alice, bob, "carl", "dora"} {
		h.guesses(t, 1, user, 2)
		if i%2 == 1 {
			clear("127.0.0.1")
		}
	}
	for i := range 4 {
		c := h.call(t, clientFrom(2, ""))
		c.hear()
		c.logIn("USER", bob, fmt.Sprint("wrong", i))
		clear("127.0.0.2", bob)
	}
	if got := h.listed(t); len(got) > 0 {
		t.Errorf("blocked are %q", got)
	}
	// The test isn't blind: without that there are blocks.
	h.guesses(t, 3, bob, 3)
	if got := h.listed(t); len(got) != 1 {
		t.Errorf("blocked are %q", got)
	}
}

// TestBlocksOfTheProgram: as a shell sees it.
func TestBlocksOfTheProgram(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write(t, s.text(shortDelay+"blocking { failures_per_user = 1 }\n"))
	_, address := s.serve(t)
	c := s.dial(t, address)
	c.ok("USER bob")
	c.send("PASS wrong")
	c.want("-ERR [AUTH]")
	command := func(args ...string) *process {
		p := popgate(t, nil, append(args, "--config", s.config)...)
		p.exit(t, exitOK)
		return p
	}
	insistOn(t, "standard output", command("blocks").out.String(),
		`^ADDRESS +USER +CHECK +UNTIL +LEFT +LEVEL\n127\.0\.0\.1 +bob +blocked_user +\S+Z +[45]m\d*s? +1\n$`)
	insistOn(t, "standard output", command("explain", "bob", "--from", "127.0.0.1").out.String(),
		`(?m)^  blocked_user +denies +until \S+Z, block 1 in a row  <- this decides$`)
	insistOn(t, "standard output", command("blocks", "clear", "127.0.0.1", "bob").out.String(), `^1 block lifted\n$`)
	insistOn(t, "standard output", command("blocks").out.String(), `^none\n$`)
	s.login(t, address, bob).quit()
	if list, err := admin.NewClient(filepath.Join(s.dir, "admin.sock")).Blocks(t.Context()); err != nil || len(list.Blocks) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestDeskNetworks: what counts as one client, by the limits in force.
func TestDeskNetworks(t *testing.T) {
	needLoopbacks(t)
	h := newHouse(t, oneListener, "")
	d := &loginDesk{guard: h.service.guard, current: &h.service.explainer}
	for addr, want := range map[string]string{"192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64"} {
		if got := d.network(netip.MustParseAddr(addr)); got.String() != want {
			t.Errorf("%s: %v, want %s", addr, got, want)
		}
	}
}
