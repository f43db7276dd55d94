package manifests

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// settings is a config.hcl as text says it. The defaults are not in it: a test of
// internal/config insists that the project's own config.hcl shows them.
type settings struct {
	t    *testing.T
	body *hclsyntax.Body
}

func readSettings(t *testing.T, text string) settings {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(text), "config.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return settings{t, file.Body.(*hclsyntax.Body)}
}

// blocks are those of a type, of which there can be several.
func (s settings) blocks(name string) (list []settings) {
	for _, block := range s.body.Blocks {
		if block.Type == name {
			list = append(list, settings{s.t, block.Body})
		}
	}
	return list
}

// text returns the value of a word, such as "timeouts.drain"; "" if it isn't written.
func (s settings) text(path string) string {
	s.t.Helper()
	block, word, inner := strings.Cut(path, ".")
	if inner {
		for _, b := range s.blocks(block) {
			if value := b.text(word); value != "" {
				return value
			}
		}
		return ""
	}
	attribute := s.body.Attributes[path]
	if attribute == nil {
		return ""
	}
	value, diags := attribute.Expr.Value(nil)
	if diags.HasErrors() {
		s.t.Fatal(diags)
	}
	if value.Type().FriendlyName() == "number" {
		return value.AsBigFloat().String()
	}
	return value.AsString()
}

// period returns a time, the default if it isn't written.
func (s settings) period(path string) time.Duration {
	s.t.Helper()
	value := s.text(path)
	if value == "" {
		value = readSettings(s.t, readFile(s.t, root+"/config.hcl")).text(path)
	}
	d, err := time.ParseDuration(value)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return d
}

// number returns a number, the default if it isn't written.
func (s settings) number(path string) int {
	s.t.Helper()
	value := s.text(path)
	if value == "" {
		value = readSettings(s.t, readFile(s.t, root+"/config.hcl")).text(path)
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		s.t.Fatalf("%s: %v", path, err)
	}
	return n
}

// addresses are where popgate listens, by the names that manifests give to ports.
func (s settings) addresses() map[string]string {
	named := map[string]string{
		"pop3s": s.text("listener.address"),
		"admin": s.text("admin.address"),
		"http":  s.text("tls.acme.http_address"),
		"https": s.text("tls.acme.https_address"),
	}
	for name, address := range named {
		if address == "" || address == "off" {
			delete(named, name)
		}
	}
	return named
}

// longestDrain is how long popgate may take to end after SIGTERM.
func (s settings) longestDrain() time.Duration {
	return s.period("timeouts.drain") + s.period("timeouts.quit")
}

// sessionMemory is what a connection can take, in octets: docs/operations.md.
const sessionMemory = 256 << 10

// otherMemory is what popgate takes beside its connections, in octets: what it
// remembers of addresses and users under a large attack, and itself.
const otherMemory = 128 << 20

// leastMemory is what popgate has to be given, in octets.
func (s settings) leastMemory() int64 {
	return int64(s.number("limits.connections"))*sessionMemory + otherMemory
}

// TestDefaultsAreFound: where nothing is written, times and numbers are popgate's.
func TestDefaultsAreFound(t *testing.T) {
	empty := readSettings(t, "")
	if got := empty.longestDrain(); got != 150*time.Second {
		t.Errorf("drain and quit take %v", got)
	}
	if got := empty.number("limits.connections"); got != 10000 {
		t.Errorf("%d connections", got)
	}
}
