package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestBlocksWire: the words of the API, which programs rely on.
func TestBlocksWire(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	list := []Block{
		{Address: "192.0.2.7", Check: "blocked_ip", Until: at, Level: 2},
		{Address: "2001:db8::/64", User: "bob@example.com", Check: "blocked_user", Until: at, Level: 1},
	}
	r := serve(t, stock{blocks: list, unblock: func(Blocked) int { return 3 }})
	for request, want := range map[string]string{
		"GET /v1/blocks": `{"blocks":[{"address":"192.0.2.7","check":"blocked_ip","until":"2026-03-01T12:00:00Z","level":2},` +
			`{"address":"2001:db8::/64","user":"bob@example.com","check":"blocked_user","until":"2026-03-01T12:00:00Z","level":1}]}`,
		"DELETE /v1/blocks/all": `{"cleared":3}`,
	} {
		answer, body := r.ask(t, request+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if answer.StatusCode != http.StatusOK || string(body) != want+"\n" {
			t.Errorf("%s: %s\n got %s\nwant %s", request, answer.Status, body, want)
		}
		wantHeader(t, answer)
	}
	got, err := r.client().Blocks(t.Context())
	must(t, err)
	if !reflect.DeepEqual(got, BlockList{Blocks: list}) {
		t.Errorf("listed %+v", got)
	}
	if _, body := serve(t, stock{}).ask(t, "GET /v1/blocks HTTP/1.1\r\nHost: x\r\n\r\n"); string(body) != `{"blocks":[]}`+"\n" {
		t.Errorf("no blocks: %s", body)
	}
}

// TestBlocksAreBounded: a botnet can't make an answer that no client takes, and
// what is left out is said. Names can't do anything to a terminal.
func TestBlocksAreBounded(t *testing.T) {
	// The longest that one can be in JSON.
	longest, err := json.Marshal(Block{Address: "2001:db8:ffff:ffff:ffff:ffff:ffff::/112", User: strings.Repeat("<", 255), Check: "blocked_user",
		Until: time.Date(2026, 3, 1, 12, 0, 0, 1, time.FixedZone("", 3600)), Level: 1000})
	must(t, err)
	if size := (len(longest) + 1) * maxBlocks; size > maxAnswer {
		t.Errorf("an answer may have %d octets, and a client takes %d", size, maxAnswer)
	}
	const extra = 7
	list := make([]Block, maxBlocks+extra)
	for i := range list {
		list[i] = Block{Address: "192.0.2.7", User: "bob", Check: "blocked_user", Level: i}
	}
	list[0].User = "a\x1b[2J\tb"
	r := serve(t, stock{blocks: list})
	got, err := r.client().Blocks(t.Context())
	must(t, err)
	if len(got.Blocks) != maxBlocks || got.More != extra {
		t.Errorf("%d blocks and %d more", len(got.Blocks), got.More)
	}
	if got.Blocks[0].User != "a\ufffd[2J b" || got.Blocks[maxBlocks-1] != list[maxBlocks-1] {
		t.Errorf("%+v, %+v", got.Blocks[0], got.Blocks[maxBlocks-1])
	}
}

// TestUnblock: the program hears which blocks are meant, and the log which were
// lifted, by whatever name: the operator has typed it.
func TestUnblock(t *testing.T) {
	asked := make(chan Blocked, 1)
	r := serve(t, stock{unblock: func(which Blocked) int {
		asked <- which
		return 1
	}})
	for _, test := range []struct {
		key, user string
		network   string // "": all
		logged    string
	}{
		{"all", "", "", `address="all" result=ok`},
		{"all", "bob", "", `address="all" user="bob" result=ok`},
		{"192.0.2.7", "", "192.0.2.7/32", `address="192.0.2.7/32" result=ok`},
		{"::ffff:192.0.2.7", "", "192.0.2.7/32", `address="192.0.2.7/32" result=ok`},
		{"192.0.2.7/24", "a&b=c?d#e/%2F+f g", "192.0.2.0/24", `user="a&b=c?d#e/%2F+f g"`},
		{"2001:db8::7", "bob@example.com", "2001:db8::7/128", `user="bob@example.com"`},
		{"2001:db8::/64", "x\n[ERROR] forged", "2001:db8::/64", `user="x\n[ERROR] forged"`},
		{"fe80::1%eth0", "ü", "fe80::1/128", `user="ü" result=ok`},
	} {
		which, err := ParseBlocked(test.key)
		must(t, err)
		which.User = test.user
		n, err := r.client().Unblock(t.Context(), which)
		if err != nil || n != 1 {
			t.Fatalf("%s: %d, %v", test.key, n, err)
		}
		want := Blocked{User: test.user}
		if test.network != "" {
			want.Network = netip.MustParsePrefix(test.network)
		}
		if got := <-asked; got != want {
			t.Errorf("%s: asked for %+v, want %+v", test.key, got, want)
		}
		if !strings.Contains(unquote(r.log.String()), unquote(test.logged)) {
			t.Errorf("nothing of %s in\n%s", test.logged, r.log)
		}
	}
	r.log.want(t, 8, "[INFO]  admin call: ", `call="clear blocks"`, "address=", "result=ok", "duration=")
	r.log.want(t, 0, "[ERROR]  forged")
}

// unquote is a log whose values are quoted only where they need it.
func unquote(text string) string { return strings.ReplaceAll(text, `"`, "") }

// TestUnblockRefused: what isn't understood lifts nothing.
func TestUnblockRefused(t *testing.T) {
	r := serve(t, stock{unblock: func(which Blocked) int {
		t.Errorf("%+v was lifted", which)
		return 0
	}})
	for _, path := range []string{
		"ALL", "any", "localhost", "192.0.2", "192.0.2.7:110", "192.0.2.7%2F33", "%1b%5b2J", "::ffff:192.0.2.0%2F120",
		"all?user=", "all?user", "all?user=a&user=b", "all?usr=a", "all?user=a&x=y", "all?user=%zz", "all?user=a;b",
		"192.0.2.7?address=192.0.2.8",
	} {
		answer, body := r.ask(t, "DELETE /v1/blocks/"+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if failed := refusal(t, body); answer.StatusCode != 400 || failed.Code != CodeBadRequest || !fit(failed.Message) {
			t.Errorf("%s: %s %+v", path, answer.Status, failed)
		}
	}
	r.log.want(t, 16, "admin call", "result=bad_request")
}

// FuzzBlocked: whatever stands in the path and behind it, one network, all or
// nothing is meant, and a user only if one is named.
func FuzzBlocked(f *testing.F) {
	f.Add("192.0.2.7", "")
	f.Add("all", "user=bob")
	f.Add("2001:db8::/64", "user=a%26b")
	f.Add("fe80::1%eth0", "user=a&user=b")
	f.Add("::ffff:1.2.3.4/128", "x=y")
	f.Add(strings.Repeat("\x1b", 2*maxText), "0")
	f.Fuzz(func(t *testing.T, key, query string) {
		which, err := readBlocked(key, query)
		var refused *Error
		switch {
		case err != nil:
			if !errors.As(err, &refused) || refused.Code != CodeBadRequest || !fit(refused.Message) {
				t.Errorf("%v", err)
			}
			return
		case (key == allAddresses) == which.Network.IsValid():
			t.Errorf("%q became %v", key, which.Network)
		case which.Network.IsValid() && (which.Network != which.Network.Masked() || which.Network.Addr().Is4In6() || which.Network.Addr().Zone() != ""):
			t.Errorf("%q became %v", key, which.Network)
		case (which.User == "") != (query == "") && strings.Trim(query, "&") != "":
			t.Errorf("%q became the user %q", query, which.User)
		}
		if which.Network.IsValid() {
			if again, err := ParseBlocked(fmt.Sprint(which.Network)); err != nil || again.Network != which.Network {
				t.Errorf("%v became %v, %v", which.Network, again.Network, err)
			}
		}
	})
}
