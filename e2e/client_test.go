package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
)

// client is a mail program. Each of its runs is a process of its own that reads no settings but the test's.
type client interface {
	// name is the name of the program, or of the part of it, that reads mail.
	name() string

	// program is the file that must be installed.
	program() string

	// logins are the ways to log in that it knows: "USER", "PLAIN", "LOGIN".
	logins() []string

	// fetch reads all mails and deletes none. The mails are as the program hands them on, which can differ from the
	// wire in line ends, but is always the same for the same mail.
	fetch(t testing.TB, v visit) ([][]byte, result)

	// removeSmall deletes all mails below 2 KiB and no other. It is told their numbers, from 1, too.
	removeSmall(t testing.TB, v visit, numbers []int) result

	// refused says whether the run ended as the program ends when the server refuses the login.
	refused(r result) bool
}

// clients returns all that there are; each skips its tests itself where it isn't installed.
func clients() []client {
	return []client{curl{}, fetchmail{}, mpop{}, openssl{}, poplib{}}
}

// result is how a run of a program ended.
type result struct {
	code   int
	output string // standard output and standard error, as far as a method doesn't use the former
}

// ok fails the test unless the program was content.
func (r result) ok(t testing.TB) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.output)
	}
}

// run runs a program until it ends, in dir as its home, and returns its standard output beside the rest.
func run(t testing.TB, dir, stdin, program string, args ...string) ([]byte, result) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	// Nothing of the environment may turn the client to another server or another set of trusted authorities.
	cmd.Env = []string{"HOME=" + dir, "FETCHMAILHOME=" + dir, "LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH")}
	cmd.Stdin = bytes.NewReader([]byte(stdin))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s didn't end: %v\n%s%s", program, ctx.Err(), tail(out.Bytes()), errs.String())
	}
	return out.Bytes(), result{exitCode(err), errs.String()}
}

// tail returns the end of a text that may be long.
func tail(b []byte) string {
	return string(b[max(0, len(b)-4000):])
}
