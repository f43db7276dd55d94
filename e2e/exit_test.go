package e2e

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// TestExitCodes: 0 for what went well, 1 for what failed at run time, 2 for a bad configuration or usage.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := newKeys(t, dir, host)
	s := settings{backends: backend("legacy", 110)}.filled(t)
	good := write(t, filepath.Join(dir, "good.hcl"), s.text(keys))
	bad := write(t, filepath.Join(dir, "bad.hcl"),
		s.text(keys)+"route \"x\" {\n  backend = \"nowhere\"\n}\nlimits {\n  conections = 5\n}\n")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	s.ports[0] = busy.Addr().(*net.TCPAddr).Port
	taken := write(t, filepath.Join(dir, "taken.hcl"), s.text(keys))

	for _, test := range []struct {
		name string
		args []string
		code int
		says []string // parts of what it writes
	}{
		{"version", []string{"version"}, 0, []string{"popgate"}},
		{"good configuration", []string{"check", "--config", good}, 0, nil},
		{"all problems at once", []string{"check", "--config", bad}, 2, []string{"bad.hcl", "nowhere", "conections"}},
		{"bad configuration", []string{"serve", "--config", bad}, 2, []string{"bad.hcl", "nowhere", "conections"}},
		{"no configuration", []string{"serve", "--config", filepath.Join(dir, "absent.hcl")}, 2, []string{"absent.hcl"}},
		{"address in use", []string{"serve", "--config", taken}, 1, []string{"in use"}},
		{"unknown command", []string{"sevre"}, 2, []string{"sevre"}},
		{"unknown flag", []string{"serve", "--confg", good}, 2, []string{"confg"}},
		{"no command", nil, 2, []string{"serve"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := start(t, "popgate", command(test.args...))
			if code := p.exit(t); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, part := range test.says {
				if !strings.Contains(p.log.text(), part) {
					t.Errorf("nothing of %q in what it wrote:\n%s", part, p.log.text())
				}
			}
		})
	}
}
