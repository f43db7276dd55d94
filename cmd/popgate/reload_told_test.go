package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReloadIsTold: a reload that was refused is seen by whoever looks, until one
// succeeds, and what popgate warns of is seen by whoever asks for a reload.
func TestReloadIsTold(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, _ := s.serve(t)
	socket := filepath.Join(s.dir, "admin.sock")
	if r := runHere(t, "status", "--socket", socket); !strings.Contains(r.out, "listens on") || strings.Contains(r.out, "last reload") {
		t.Errorf("before a reload: %s", r.out)
	}
	s.write(t, s.text("limits { conections = 5 }\n"))
	runHere(t, "reload", "--socket", socket).wantCode(t, exitFailed, "conections")
	for _, command := range []string{"status", "top"} {
		runHere(t, command, "--socket", socket).wantCode(t, exitOK, "REFUSED ", "conections")
	}
	token := filepath.Join(s.dir, "token")
	if err := os.WriteFile(token, []byte(strings.Repeat("0", 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	s.write(t, strings.Replace(s.text("log { format = \"json\" }\n"), ownSocket,
		"admin {\n  socket = \"admin.sock\"\n  address = \"127.0.0.1:0\"\n  token_file = \"token\"\n}\n", 1))
	runHere(t, "reload", "--socket", socket).wantCode(t, exitOK, "the configuration is in force",
		"warning: token_file can be read by every user", "warning: the log's format changes with a restart only: format json")
	if r := runHere(t, "status", "--socket", socket); strings.Contains(r.out, "last reload") {
		t.Errorf("after a good one: %s", r.out)
	}
	p.log(t, 1, `\[WARN\]  popgate: the log's format changes`)
}
