package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSocket finds the socket whatever stands around it.
func TestSocket(t *testing.T) {
	const standard = "/run/popgate/admin.sock"
	t.Setenv("POPGATE_TEST_SOCKET", "/run/from-env.sock")
	for name, test := range map[string]struct {
		src, socket, doubt, err string
	}{
		"written":         {"admin { socket = \"/run/a.sock\" }\n", "/run/a.sock", "", ""},
		"default":         {"log { level = \"info\" }\n", standard, "", ""},
		"off":             {"admin { socket = \"off\" }\n", "", "", ""},
		"empty":           {"", standard, "", ""},
		"of a variable":   {"admin { socket = env(\"POPGATE_TEST_SOCKET\") }\n", "/run/from-env.sock", "", ""},
		"among mistakes":  {"hostnaem = 5\nadmin {\n  socket = \"/run/a.sock\"\n  pprof = \"yes\"\n}\nlog { level = \"loud\" }\n", "/run/a.sock", "", ""},
		"among variables": {"tls { ticket_secret = env(\"POPGATE_NO_SUCH\") }\nadmin {\n  token_file = env(\"POPGATE_NO_SUCH\")\n  socket = \"/run/a.sock\"\n}\n", "/run/a.sock", "", ""},
		"torn elsewhere":  {"timeouts {\n  idle = 10m\n}\nadmin {\n  socket = \"/run/a.sock\"\n}\n", "/run/a.sock", "line 2 can't be read", ""},
		"torn all over":   {"admin {\n  socket = \"/run/a.sock\"\n", standard, "can't be read", ""},
		"torn itself":     {"admin {\n  socket = @\n}\n", standard, "can't be read", ""},
		"wrong":           {"admin {\n  socket = 5\n}\n", "", "", "line 2"},
		"unset variable":  {"admin {\n  socket = env(\"POPGATE_NO_SUCH\")\n}\n", "", "", "POPGATE_NO_SUCH"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.hcl")
			write(t, path, test.src)
			socket, doubts, err := Socket(path)
			if socket != test.socket {
				t.Errorf("%q, want %q", socket, test.socket)
			}
			if said := strings.Join(doubts, "\n"); (test.doubt == "") != (said == "") || !strings.Contains(said, test.doubt) {
				t.Errorf("doubts: %q", said)
			}
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// TestSocketOfFolder finds it in whichever file it is, beside one that can't be
// read.
func TestSocketOfFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.hcl"), "x = = 5\n")
	write(t, filepath.Join(dir, "b.hcl"), "admin { socket = \"b.sock\" }\n")
	if err := os.Symlink("nowhere", filepath.Join(dir, "c.hcl")); err != nil {
		t.Fatal(err)
	}
	socket, doubts, err := Socket(dir)
	if err != nil || socket != filepath.Join(dir, "b.sock") || len(doubts) != 2 {
		t.Errorf("%q, %q, %v", socket, doubts, err)
	}
	if _, _, err := Socket(filepath.Join(dir, "none.hcl")); err == nil || !strings.Contains(err.Error(), "none.hcl") {
		t.Errorf("no such file: %v", err)
	}
}

// TestSocketAsLoaded: it is the one that popgate itself opens.
func TestSocketAsLoaded(t *testing.T) {
	for _, src := range []string{least, least + "admin { socket = \"x.sock\" }\n", least + "admin { socket = \"off\" }\n"} {
		path := filepath.Join(t.TempDir(), "config.hcl")
		write(t, path, src)
		cfg, diags, files := Load(path)
		if diags.HasErrors() {
			t.Fatal(messages(t, files, diags))
		}
		if socket, doubts, err := Socket(path); socket != cfg.Admin.Socket || doubts != nil || err != nil {
			t.Errorf("%q, %q, %v; loaded: %q", socket, doubts, err, cfg.Admin.Socket)
		}
	}
}

// FuzzSocket: whatever a file holds, what is loaded has the same socket, and no
// text panics or tells a secret.
func FuzzSocket(f *testing.F) {
	f.Add([]byte(least))
	f.Add([]byte("admin { socket = \"/run/a.sock\" }\n"))
	f.Add([]byte("admin { socket = \"off\" }\nadmin {"))
	f.Add([]byte("admin {\n  socket = 5 \n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		path := filepath.Join(t.TempDir(), "config.hcl")
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		socket, _, err := Socket(path)
		if cfg, diags, _ := Parse(path, src); !diags.HasErrors() && (err != nil || socket != cfg.Admin.Socket) {
			t.Errorf("%q, %v; loaded: %q", socket, err, cfg.Admin.Socket)
		}
	})
}
