package main

import (
	"strings"
	"testing"

	"popgate/internal/poptest/acmetest"
)

// TestCertUsage: what was asked for goes to standard output, what went wrong to
// standard error with exit code 2; flags may stand before and behind the words.
func TestCertUsage(t *testing.T) {
	for _, test := range []struct {
		args     string
		code     int
		out, err string // patterns; "" for nothing at all
	}{
		{"", exitUsage, "", `(?s)^Usage: popgate cert COMMAND .*\n  list .*\n  check .*\n  renew `},
		{"--help", exitOK, `^Usage: popgate cert COMMAND`, ""},
		{"-h list", exitOK, `^Usage: popgate cert COMMAND`, ""},
		{"list --help", exitOK, `^Usage: popgate cert list \[FLAGS\]\n`, ""},
		{"check -h", exitOK, `^Usage: popgate cert check \[HOST\.\.\.\] `, ""},
		{"--json renew --help", exitOK, `^Usage: popgate cert renew HOST `, ""},
		{"lits", exitUsage, "", `(?s)^Usage: popgate cert COMMAND.*popgate: unknown command "cert lits"\n$`},
		{"\x1b[2J", exitUsage, "", `unknown command "cert \\x1b\[2J"\n$`},
		{"list extra", exitUsage, "", `^popgate: popgate cert list: unexpected argument "extra"\n$`},
		{"renew", exitUsage, "", `^popgate: popgate cert renew: HOST is missing\n$`},
		{"renew one.example.com two.example.com", exitUsage, "", `unexpected argument "two\.example\.com"\n$`},
		{"list --jsno", exitUsage, "", `(?s)-jsno.*Usage: popgate cert list`},
		{"--jsno list", exitUsage, "", `(?s)-jsno.*Usage: popgate cert COMMAND`},
		{"list --config", exitUsage, "", `(?s)-config.*Usage: popgate cert list`},
		{"list", exitUsage, "", `config\.hcl`},
		{"check --config no-such.hcl", exitUsage, "", `no-such\.hcl`},
		{"--config no-such.hcl renew " + certHost, exitUsage, "", `no-such\.hcl`},
	} {
		t.Run(test.args, func(t *testing.T) {
			r := runHere(t, append([]string{"cert"}, strings.Fields(test.args)...)...)
			if r.code != test.code {
				t.Errorf("exit code %d, want %d", r.code, test.code)
			}
			insistOn(t, "standard output", r.out, test.out)
			insistOn(t, "standard error", r.err, test.err)
		})
	}
}

// TestCertHelpFits: no line of a help is wider than a terminal.
func TestCertHelpFits(t *testing.T) {
	for _, args := range []string{"", "list", "check", "renew"} {
		r := runHere(t, append([]string{"cert", "--help"}, strings.Fields(args)...)...)
		for line := range strings.Lines(r.out) {
			if len(line) > 90 {
				t.Errorf("a line of %d columns: %s", len(line)-1, line)
			}
		}
	}
}

// TestCertFlagsAnywhere: before the word, behind it, and behind its arguments.
func TestCertFlagsAnywhere(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	for _, args := range [][]string{
		{"--config", s.config, "--json", "list"},
		{"--config", s.config, "list", "--json"},
		{"list", "--json", "--config", s.config},
		{"--json", "list", "--config=" + s.config},
		{"check", certHost, "--json", "--config", s.config},
		{"check", "--json", certHost, "--config", s.config},
	} {
		r := runHere(t, append([]string{"cert"}, args...)...)
		if r.code == exitUsage || !strings.HasPrefix(r.out, "{") && !strings.HasPrefix(r.out, "[") {
			t.Errorf("%q: exit code %d, %q, %q", args, r.code, r.out, r.err)
		}
	}
}

// TestCertBadSocket: a socket on which something else answers is a failure, and
// none is taken for a popgate that doesn't run.
func TestCertBadSocket(t *testing.T) {
	s := newCertSite(t, acmetest.Options{}, certHost)
	l := listenUnix(t, s.socket)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1000)) // the question
			_, _ = conn.Write([]byte("220 hello\r\n"))
			_ = conn.Close()
		}
	}()
	for _, args := range [][]string{{"list"}, {"check"}, {"renew", certHost}} {
		r := s.run(t, args...)
		r.wantCode(t, exitFailed, s.socket)
		if r.out != "" || strings.Contains(r.err, "no popgate is running") {
			t.Errorf("%q: %q, %q", args, r.out, r.err)
		}
	}
	if n := s.ca.Orders(""); n != 0 {
		t.Errorf("%d orders were made", n)
	}
}
