package e2e

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// policyPage is the text about limits and policies.
const policyPage = "../docs/policy.md"

// TestPolicyPage: the commands in docs/policy.md write what it shows, at a popgate with its policy for offices, once two
// addresses have guessed as often as it says.
func TestPolicyPage(t *testing.T) {
	t.Parallel()
	office := regexp.MustCompile("(?s)\n### Office only\n\n```hcl\n(.*?)```\n").FindStringSubmatch(readFile(t, policyPage))
	if office == nil {
		t.Fatal("there is no policy for offices")
	}
	b := startBuiltin(t)
	p := startPopgate(t, settings{
		listener: `proxy_protocol {
    from = ["127.0.0.0/8"]
  }`,
		backends: backend("legacy", b.port()) + office[1],
	})
	guess := func(from, user string) {
		t.Helper()
		w := connect(t, p.implicit)
		w.raw(headerV1(netip.AddrPortFrom(netip.MustParseAddr(from), 4711)))
		w.open(p.implicit)
		insistLogin(t, w, account{user, newPassword()}, refused)
	}
	for range 5 {
		guess("198.51.100.7", "joe@acme.example")
	}
	for i := range 20 {
		guess("2001:db8:5::1", fmt.Sprintf("user%d@acme.example", i))
	}
	say := func(line string) string {
		out, r := run(t, filepath.Dir(p.config), "", "sh", "-c", fmt.Sprintf("PATH=%s:$PATH; %s", filepath.Dir(program), line))
		r.ok(t)
		return string(out) + r.output
	}
	// As wide as on the page.
	eventually(t, "no block has five minutes left", func() bool { return !strings.Contains(say("popgate blocks"), " 5m0s ") })

	ran := 0
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(readFile(t, policyPage), -1) {
		for exchange := range strings.SplitSeq("\n"+block[1], "\n$ ") {
			line, shown, _ := strings.Cut(exchange, "\n")
			if line == "" {
				continue // before the first one
			}
			ran++
			if out := say(line); !samples(shown).MatchString(strings.TrimSuffix(out, "\n")) {
				t.Errorf("%s writes\n%s\nand the page shows\n%s", line, out, shown)
			}
		}
	}
	if ran != 4 {
		t.Errorf("%d commands are there", ran)
	}
}

// samples matches what a page shows of an output: "…" stands for lines that are left out, and the times of blocks are others.
func samples(shown string) *regexp.Regexp {
	pattern := regexp.QuoteMeta(strings.TrimSuffix(shown, "\n"))
	pattern = strings.ReplaceAll(pattern, "\n…\n", "\n(?:.*\n)+")
	const until = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  4m\d\ds`
	pattern = regexp.MustCompile(until).ReplaceAllLiteralString(pattern, until)
	return regexp.MustCompile(`\A` + pattern + `\z`)
}
