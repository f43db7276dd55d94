package e2e

import (
	"maps"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// shellRunners are the headings under which there are blocks of shell, by file: how many, and which test runs them. Where
// none does it is said why.
var shellRunners = map[string]struct {
	blocks int
	test   string
	why    string
}{
	"README.md#Try it":               {1, "TestReadmePage", ""},
	"README.md#Run it":               {4, "TestReadmePage", ""},
	"bench/README.md#":               {1, "", "they are measurements of minutes; the packages of bench have tests of their own"},
	"docs/install.md#Container":      {5, "TestContainerPage", ""},
	"docs/install.md#Debian package": {2, "TestInstallPage", ""},
	"docs/install.md#From source":    {2, "TestInstallPage", ""},
	"docs/migration.md#2. Freeze a mailbox while it is copied": {1, "TestDocsBlocks", ""},
	"docs/migration.md#5. The end of the old server":           {1, "TestDocsBlocks", ""},
	"docs/operations.md#Commands":                              {2, "TestDocsBlocks", ""},
	"docs/operations.md#Upgrades":                              {1, "TestInstallPage", ""},
	"docs/operations.md#Over TCP":                              {1, "TestDocsBlocks", ""},
	"docs/operations.md#What can be asked":                     {1, "TestDocsBlocks", ""},
	"docs/policy.md#Why was this login refused?":               {2, "TestPolicyPage", ""},
	"deploy/compose/README.md#Edit":                            {1, "TestComposePage", ""},
	"deploy/compose/README.md#Apply":                           {1, "TestComposePage", ""},
	"deploy/compose/README.md#Check":                           {4, "TestComposePage", ""},
	"deploy/compose/README.md#Upgrade":                         {1, "TestComposePage", ""},
	"deploy/compose/README.md#Remove":                          {1, "TestComposePage", ""},
	"deploy/fail2ban/README.md#Installing":                     {2, "TestReadmePage", ""},
	"deploy/kubernetes/README.md#Apply":                        {3, "TestKubernetesPage", ""},
	"deploy/kubernetes/README.md#Check":                        {1, "TestKubernetesPage", ""},
	"deploy/kubernetes/README.md#Remove":                       {1, "TestKubernetesPage", ""},
	"deploy/systemd/README.md#Install":                         {2, "TestInstallPage", ""},
	"deploy/systemd/README.md#Socket activation, or not":       {1, "TestInstallPage", ""},
}

// tracked are the repository's files whose names match a pattern of git's.
func tracked(t *testing.T, pattern string) []string {
	t.Helper()
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", "..", "ls-files", pattern).Output()
	if err != nil {
		missing(t, "git knows no files here: %v", err)
	}
	return strings.Fields(string(out))
}

// TestShellRunners: every block of shell in all pages is run by a test, and no other language is nameless, in which
// there could be more of them.
func TestShellRunners(t *testing.T) {
	heading := regexp.MustCompile(`^##+ (.*)`)
	fence := regexp.MustCompile("^ *```(.*)$")
	found := make(map[string]int)
	for _, page := range tracked(t, "*.md") {
		under, inside := "", false
		for _, line := range strings.Split(readFile(t, "../"+page), "\n") {
			if m := heading.FindStringSubmatch(line); m != nil && !inside {
				under = m[1]
			}
			m := fence.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if inside = !inside; !inside {
				continue
			}
			switch m[1] {
			case "hcl", "text", "json", "yaml":
			case "":
				t.Errorf("%s: under %q is a block without a language", page, under)
			default:
				found[page+"#"+under]++
			}
		}
	}
	known := make(map[string]int)
	var tests strings.Builder
	for _, file := range tracked(t, "*_test.go") {
		tests.WriteString(readFile(t, "../"+file))
	}
	for where, runner := range shellRunners {
		known[where] = runner.blocks
		there := strings.Contains(tests.String(), "\nfunc "+runner.test+"(t *testing.T) {")
		if there == (runner.why != "") {
			t.Errorf("%s: %q runs nothing, or something in spite of %q", where, runner.test, runner.why)
		}
	}
	if !maps.Equal(found, known) {
		t.Errorf("there are blocks of shell at %v, and tests run those at %v", found, known)
	}
}
