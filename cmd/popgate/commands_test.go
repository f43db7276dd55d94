package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"popgate/internal/admin"
)

// backendsTable is what people see of twoBackends.
const backendsTable = `NAME    STATE  SESSIONS   ADDRESSES                  LAST OK            LAST ERROR
legacy  up     12 of 200  10.0.0.5:110               2026-03-01T12:00Z  -
new     down   0          10.0.0.6:110 10.0.0.7:110  -                  2026-03-01T12:00Z backend_unreachable: dial tcp 10.0.0.6:110: connect: connection refused
`

func TestBackendTable(t *testing.T) {
	if got := written(t, func(out *bytes.Buffer) error { return backendTable(twoBackends()).write(out) }); got != backendsTable {
		t.Errorf("got\n%swant\n%s", got, backendsTable)
	}
}

// TestBackendsCommand: what is asked for is done, and shown.
func TestBackendsCommand(t *testing.T) {
	f := &fake{backends: twoBackends()}
	f.asked(t, "backends").wantCode(t, exitOK, "legacy  up     12 of 200")
	f.asked(t, "backends", "drain", "legacy").wantCode(t, exitOK, "legacy is draining, with 12 sessions\n")
	f.asked(t, "backends", "undrain", "legacy", "--json").wantCode(t, exitOK, `"state": "up"`)
	f.asked(t, "backends", "drain", "x").wantCode(t, exitFailed, "popgate: popgate has no such backend: \"x\"; there are legacy, new\n")
	if got := f.done(); !slices.Equal(got, []string{"drain legacy", "undrain legacy"}) {
		t.Errorf("%q", got)
	}
}

// TestChanges: reload, drain, config and log do what they are asked, and say so.
func TestChanges(t *testing.T) {
	f := &fake{config: "a = 1\n\tb = \"\x1b[2J\"\n", level: "info"}
	for _, test := range []struct {
		args, out, did string
	}{
		{"reload", "the configuration is in force\n", "reload"},
		{"reload --json", "{\n  \"reloaded\": true,\n  \"problems\": [],\n  \"warnings\": []\n}\n", "reload"},
		{"upgrade", "upgraded: process 4711 serves, and the old one ends when its sessions have\n", "upgrade"},
		{"upgrade --json", "{\n  \"upgraded\": true,\n  \"pid\": 4711\n}\n", "upgrade"},
		{"drain", "draining: nobody new gets in, and popgate ends when its sessions have\n", "drain"},
		{"config", "a = 1\n b = \"\uFFFD[2J\"\n", ""},
		{"log", "info\n", ""},
		{"log error", "error\n", "level error 0s"},
		{"log debug --for 10m", "debug until 2026-03-01T12:10:00Z\n", "level debug 10m0s"},
		{"log --json", "{\n  \"level\": \"debug\",\n  \"until\": \"2026-03-01T12:10:00Z\"\n}\n", ""},
	} {
		f.did = nil
		r := f.asked(t, strings.Fields(test.args)...)
		r.wantCode(t, exitOK)
		if r.out != test.out || r.err != "" {
			t.Errorf("%s: %q, %q", test.args, r.out, r.err)
		}
		if got := strings.Join(f.done(), " "); got != test.did {
			t.Errorf("%s did %q, want %q", test.args, got, test.did)
		}
	}
	for _, level := range logLevels {
		f.asked(t, "log", level).wantCode(t, exitOK, level)
	}
	f.asked(t, "log", "debug", "--for", "25h").wantCode(t, exitUsage, "popgate log: for is a time from 1s to 24h")
}

// TestReloadWarnings: what popgate has against a configuration that it takes.
func TestReloadWarnings(t *testing.T) {
	f := &fake{warnings: []string{"the log's format changes with a restart only: format json\x1b"}}
	r := f.asked(t, "reload")
	r.wantCode(t, exitOK)
	if r.out != "the configuration is in force\n" || r.err != "warning: the log's format changes with a restart only: format json\uFFFD\n" {
		t.Errorf("%q, %q", r.out, r.err)
	}
	f.asked(t, "reload", "--json").wantCode(t, exitOK, `"reloaded": true`, `"the log's format changes`)
}

// TestReloadProblems: they are shown, and it is a failure.
func TestReloadProblems(t *testing.T) {
	f := &fake{reload: &admin.ReloadError{Problems: []string{"config.hcl:3: unknown word", "b\x1b[2J"}}}
	r := f.asked(t, "reload")
	r.wantCode(t, exitFailed)
	if want := "config.hcl:3: unknown word\nb\uFFFD[2J\npopgate: the old configuration stays\n"; r.err != want || r.out != "" {
		t.Errorf("%q, %q", r.out, r.err)
	}
	r = f.asked(t, "reload", "--json")
	r.wantCode(t, exitFailed)
	if got := strings.Join(strings.Fields(r.out), ""); !strings.HasPrefix(got, `{"reloaded":false,"problems":["config.hcl:3:unknownword",`) || r.err != "" {
		t.Errorf("%s, %q", got, r.err)
	}
}

// TestUpgradeFails: why the old process goes on is shown, and it is a failure.
func TestUpgradeFails(t *testing.T) {
	for want, err := range map[string]error{
		"popgate: the old process goes on: bad\uFFFD[2J\n": &admin.UpgradeError{Reason: "bad\x1b[2J"},
		"popgate: an upgrade is under way\n":               admin.ErrUpgrading,
	} {
		r := (&fake{upgrade: err}).asked(t, "upgrade")
		r.wantCode(t, exitFailed)
		if r.err != want || r.out != "" {
			t.Errorf("%q, %q; want %q", r.out, r.err, want)
		}
	}
}

// TestTrace: events as they come, and the exit code tells whether a session did.
func TestTrace(t *testing.T) {
	session := func(_ context.Context, _ admin.TraceOptions, each func(admin.TraceEvent) error) error {
		for _, e := range []admin.TraceEvent{
			{Time: noon, Session: "3k9f2m-1a", From: "client", Text: "USER bob"},
			{Time: noon.Add(1500 * time.Millisecond), Session: "3k9f2m-1a", From: "backend", Text: "+OK \x1b[2J"},
		} {
			if err := each(e); err != nil {
				return err
			}
		}
		return nil
	}
	const lines = "12:00:00.000  client   USER bob\n12:00:01.500  backend  +OK \uFFFD[2J\n"
	nobody := func(ctx context.Context, _ admin.TraceOptions, _ func(admin.TraceEvent) error) error {
		<-ctx.Done()
		return ctx.Err()
	}
	for name, test := range map[string]struct {
		trace    func(context.Context, admin.TraceOptions, func(admin.TraceEvent) error) error
		args     string
		code     int
		out, err string
	}{
		"a session": {session, "bob", exitOK, lines, ""},
		"as JSON": {session, "bob --json", exitOK, `{"time":"2026-03-01T12:00:00Z","session":"3k9f2m-1a","from":"client","text":"USER bob"}` + "\n" +
			`{"time":"2026-03-01T12:00:01.5Z","session":"3k9f2m-1a","from":"backend","text":"+OK ` + "\uFFFD" + `[2J"}` + "\n", ""},
		"nobody came": {nobody, "bob --for 1s", exitFailed, "", "popgate: no session of \"bob\" came; one that ends before its client names a user is in the log only\n"},
		"it goes on": {func(ctx context.Context, opts admin.TraceOptions, each func(admin.TraceEvent) error) error {
			_ = session(ctx, opts, each)
			return nobody(ctx, opts, each)
		}, "bob --for 1s", exitOK, lines, "the time is over, and the session goes on\n"},
		"nobody after all": {func(ctx context.Context, opts admin.TraceOptions, each func(admin.TraceEvent) error) error {
			if opts.From.String() != "192.0.2.0/24" {
				return fmt.Errorf("from %s", opts.From)
			}
			_ = session(ctx, opts, each)
			_ = each(admin.TraceEvent{Time: noon, From: "note", Text: "waiting"})
			return nobody(ctx, opts, each)
		}, "bob --for 1s --from 192.0.2.7/24", exitFailed, lines + "12:00:00.000  note     waiting\n", "popgate: no session of \"bob\" came; one that ends before its client names a user is in the log only\n"},
		"too many": {nil, "bob", exitFailed, "", "popgate: as many traces as there can be are under way\n"},
		"too long": {nobody, "bob --for 13h", exitUsage, "", "popgate: popgate trace: for is a time from 1s to 12h, such as 10m\n"},
	} {
		t.Run(name, func(t *testing.T) {
			r := (&fake{trace: test.trace}).asked(t, append([]string{"trace"}, strings.Fields(test.args)...)...)
			if r.code != test.code || r.out != test.out {
				t.Errorf("code %d, %q", r.code, r.out)
			}
			waits, rest, _ := strings.Cut(r.err, "\n")
			if !strings.HasPrefix(waits, `waiting for the next session of "bob", `) || rest != test.err {
				t.Errorf("%q", r.err)
			}
		})
	}
}

// TestHealth: the exit code says it, with reasons for people.
func TestHealth(t *testing.T) {
	ready := &fake{ready: admin.Readiness{Ready: true}}
	not := &fake{ready: admin.Readiness{Reasons: []string{"there is no certificate in force", "\x1bdraining"}}}
	stuck := &fake{stuck: make(chan struct{})}
	for _, test := range []struct {
		f        *fake
		args     string
		code     int
		out, err string
	}{
		{ready, "", exitOK, "ready\n", ""},
		{ready, "--quiet", exitOK, "", ""},
		{ready, "--live", exitOK, "alive\n", ""},
		{ready, "--json", exitOK, "{\n  \"ready\": true\n}\n", ""},
		{not, "", exitFailed, "not ready\n  there is no certificate in force\n  \uFFFDdraining\n", ""},
		{not, "--quiet", exitFailed, "", ""},
		{not, "--live", exitOK, "alive\n", ""},
		{stuck, "--timeout 50ms", exitFailed, "", "popgate: popgate has not answered within 50ms\n"},
		{stuck, "--timeout 50ms --quiet", exitFailed, "", ""},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := test.f.asked(t, strings.Fields("health "+test.args)...)
			if r.code != test.code || r.out != test.out || r.err != test.err {
				t.Errorf("code %d, %q, %q", r.code, r.out, r.err)
			}
		})
	}
	close(stuck.stuck)
	for _, args := range []string{"health --quiet", "health --quiet --live"} {
		if r := runHere(t, append(strings.Fields(args), "--socket", t.TempDir()+"/s")...); r.code != exitFailed || r.out+r.err != "" {
			t.Errorf("%s, not running: %+v", args, r)
		}
	}
}
