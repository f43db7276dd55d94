package e2e

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// poplib reads mailboxes with Python's library.
type poplib struct{}

func (poplib) name() string     { return "poplib" }
func (poplib) program() string  { return "python3" }
func (poplib) logins() []string { return []string{"USER"} }

// refused knows the exit code of the script in testdata, which shows what the server said.
func (poplib) refused(r result) bool { return r.code == 3 && strings.Contains(r.output, "-ERR [AUTH]") }

func (p poplib) fetch(t testing.TB, v visit) ([][]byte, result) {
	t.Helper()
	dir := t.TempDir()
	r := p.run(t, v, dir, []int{})
	return readAll(t, filepath.Join(dir, "*")), r
}

func (p poplib) removeSmall(t testing.TB, v visit, numbers []int) result {
	t.Helper()
	return p.run(t, v, t.TempDir(), numbers)
}

func (poplib) run(t testing.TB, v visit, folder string, remove []int) result {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("testdata", "poplib_client.py"))
	if err != nil {
		t.Fatal(err)
	}
	job, err := json.Marshal(map[string]any{
		"host": v.host, "port": v.port, "security": v.security, "version": v.version, "ca": v.ca,
		"user": v.user, "password": v.password, "delete": remove, "folder": folder,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, r := run(t, t.TempDir(), string(job), need(t, "python3"), script)
	return r
}
