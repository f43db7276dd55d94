package e2e

import (
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
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
	"docs/performance.md#What follows from measuring":          {1, "", "it is a measurement of minutes, whose result goes into the program"},
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
	"e2e/README.md#":                                           {4, "TestOwnPage", ""},
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

// pageHeading begins what shellRunners names. pageFence begins a block, in the only way that pages may.
var (
	pageHeading = regexp.MustCompile(`^##+ (.*)`)
	pageFence   = regexp.MustCompile("^```([a-z]+)$")
)

// hidesShell are lines outside of a fenced block that begin one of another kind: indented, at once behind the mark of a list or
// quotation, or HTML.
var hidesShell = regexp.MustCompile(`^ {4}|\t|^(?: *(?:[-*+>]|\d+[.)]))+ {5}|<(?:[!?]|[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|$))`)

// shellPrompt is before a command that is shown with its output.
var shellPrompt = regexp.MustCompile(`^[ >]*\S*\$ `)

// shellIn counts the blocks of shell in a page, by the headings that they are under, and returns the lines where one could
// hide. Languages that aren't known to be none are shell.
func shellIn(page string) (blocks map[string]int, hidden []string) {
	blocks = make(map[string]int)
	under, inside, shell := "", false, false
	for i, line := range strings.Split(page, "\n") {
		fence, heading := pageFence.FindStringSubmatch(line), pageHeading.FindStringSubmatch(line)
		switch {
		case !inside && fence != nil:
			inside = true
			if shell = !slices.Contains([]string{"hcl", "text", "json", "yaml"}, fence[1]); shell {
				blocks[under]++
			}
		case inside && line == "```":
			inside, shell = false, false
		case strings.Contains(line, "```"), strings.Contains(line, "~~~"),
			!inside && hidesShell.MatchString(line), !shell && shellPrompt.MatchString(line):
			hidden = append(hidden, fmt.Sprintf("line %d: %s", i+1, line))
		case !inside && heading != nil:
			under = heading[1]
		}
	}
	if inside {
		hidden = append(hidden, "a block without an end")
	}
	return blocks, hidden
}

// TestShellCannotHide: a block of shell is counted, or found to be written as it may not be.
func TestShellCannotHide(t *testing.T) {
	page := func(block string) string {
		return "# Mail\n\n## Upgrade\n\nAs root, with `$HOME` < 1 GB:\n\n" + block + "\n- That is all\n  there is.\n\n## Remove\n"
	}
	for _, block := range []string{"```sh\npopgate upgrade\n```\n", "```bash\npopgate upgrade\n```\n", "```console\n$ popgate upgrade\nupgraded\n```\n"} {
		if blocks, hidden := shellIn(page(block)); len(hidden) > 0 || !maps.Equal(blocks, map[string]int{"Upgrade": 1}) {
			t.Errorf("%s is %v, and hides %q", block, blocks, hidden)
		}
	}
	const innocent = "```text\npopgate v1.2.0\n    proxy_set_header Host $host;\n# costs 5 $\n```\n\n```hcl\ntls {\n    self_signed = true\n}\n```\n"
	if blocks, hidden := shellIn(page(innocent)); len(blocks)+len(hidden) > 0 {
		t.Errorf("nothing of shell is %v, and hides %q", blocks, hidden)
	}
	for way, block := range map[string]string{
		"tildes":                  "~~~sh\npopgate upgrade\n~~~\n",
		"tildes in a list":        "- ~~~\n  popgate upgrade\n  ~~~\n",
		"indented":                "    popgate upgrade\n",
		"tab":                     "\tpopgate upgrade\n",
		"blank and tab":           "  \tpopgate upgrade\n",
		"indented in a list":      "- Once more:\n\n      popgate upgrade\n",
		"begins a list":           "-     popgate upgrade\n",
		"begins a list of digits": "1.     popgate upgrade\n",
		"quoted":                  ">     popgate upgrade\n",
		"list in a quotation":     "> -     popgate upgrade\n",
		"pre":                     "<pre>\npopgate upgrade\n",
		"pre with a class":        "<PRE class=\"sh\">popgate upgrade\n",
		"pre over two lines":      "<pre\nclass=sh>popgate upgrade\n",
		"code":                    "Now <code>popgate upgrade\n",
		"fence in a comment":      "<!--\n```text\n-->\n\n<!--\n```\n-->\n",
		"fence in an instruction": "<?\n```text\n?>\n\n<?\n```\n?>\n",
		"prompt in text":          "```text\n$ popgate upgrade\nupgraded\n```\n",
		"prompt in hcl":           "```hcl\n  $ popgate upgrade\n```\n",
		"prompt with a name":      "```text\nroot@mail:~$ popgate upgrade\n```\n",
		"prompt without a block":  "$ popgate upgrade\n",
		"quoted prompt":           "> $ popgate upgrade\n",
		"no language":             "```\npopgate upgrade\n```\n",
		"longer fence":            "````sh\npopgate upgrade\n````\n",
		"language in capitals":    "```Bash\npopgate upgrade\n```\n",
		"more than a language":    "```text upgrade\npopgate upgrade\n```\n",
		"blank after a fence":     "```text\nupgraded\n``` \n```sh\npopgate upgrade\n```\n",
		"indented fence":          "- Once more:\n\n  ```sh\n  popgate upgrade\n  ```\n",
		"quoted fence":            "> ```sh\n> popgate upgrade\n> ```\n",
		"no end":                  "```text\nupgraded\n",
	} {
		if _, hidden := shellIn(page(block)); len(hidden) == 0 {
			t.Errorf("%s: isn't found in\n%s", way, block)
		}
	}
}

// TestShellRunners: every block of shell in all pages is run by a test, and none can hide.
func TestShellRunners(t *testing.T) {
	found := make(map[string]int)
	for _, page := range tracked(t, "*.md") {
		blocks, hidden := shellIn(readFile(t, "../"+page))
		for under, n := range blocks {
			found[page+"#"+under] = n
		}
		for _, line := range hidden {
			t.Errorf("%s: shell could hide at %s", page, line)
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

// TestOwnPage: the commands in the README of these tests are some of go's, and each part of a pattern is one of the tests.
func TestOwnPage(t *testing.T) {
	var tests []string
	for _, file := range tracked(t, "e2e/*_test.go") {
		for _, name := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(readFile(t, "../"+file), -1) {
			tests = append(tests, name[1])
		}
	}
	command := regexp.MustCompile(`^(?:POPGATE_E2E_REQUIRE=1 )?go test(?: -race)?(?: -timeout 300s)? \./e2e(?: -run '(\S+)')?(?: -v)?(?: +# .*)?$`)
	for _, block := range shellBlocks(t, readFile(t, "README.md"), 4) {
		for line := range strings.SplitSeq(strings.TrimSpace(block), "\n") {
			m := command.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("what is %s?", line)
				continue
			}
			for pattern := range strings.SplitSeq(m[1], "|") {
				name, _, _ := strings.Cut(pattern, "/")
				if !slices.ContainsFunc(tests, regexp.MustCompile(name).MatchString) {
					t.Errorf("%s: there is no test of %q", line, name)
				}
			}
		}
	}
}
