package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"popgate/internal/admin"
)

// completionCases are command lines up to where Tab is pressed, and what is
// offered there, in every shell. SOCKET is that of a running popgate.
var completionCases = []struct{ line, want string }{
	{"popgate se", "serve sessions"},
	{"popgate comple", "completion"}, // and not the hidden one
	{"popgate no-such ", ""},
	{"popgate sessions ", "kick list show"},
	{"popgate sessions k", "kick"},
	{"popgate sessions kick --socket SOCKET ", "3k9f2m-1a 3k9f2m-1c"},
	{"popgate sessions kick --socket SOCKET 3k9f2m-1a 3k9f2m-1", "3k9f2m-1c"},
	{"popgate sessions --socket SOCKET show 3k9f2m-1c ", ""},
	{"popgate sessions --state logg", "logged_in logging_in"},
	{"popgate sessions --state=wai", "--state=waiting"},
	{"popgate sessions --socket=SOCKET --user ", "bob@example.com"},
	{"popgate sessions kick --s", "--socket"}, // --state means nothing there
	{"popgate sessions --s", "--socket --state"},
	{"popgate backends drain --socket SOCKET ", "legacy new"},
	{"popgate backends drain --socket /no/such/socket ", ""},
	{"popgate backends undrain --socket SOCKET l", "legacy"},
	{"popgate cert renew --socket SOCKET ", "pop.example.com"},
	{"popgate blocks clear --socket SOCKET 2", "2001:db8::/64"},
	{"popgate blocks clear --socket SOCKET 2001:db8:", "2001:db8::/64"},
	{"popgate log ", "debug error info trace warn"},
	{"popgate health --q", "--quiet"},
	{"popgate completion ", "bash fish zsh"},
	{"popgate serve --c", "--config"},
	{"popgate check --config conf", "config.hcl"},
	{"popgate backends --config con", "config.hcl"},
	{"popgate backends --config=con", "--config=config.hcl"},
}

// completed is the popgate that these tests ask.
func completed() *fake {
	f := &fake{sessions: twoSessions(), backends: twoBackends(),
		hosts:  []admin.Certificate{{Name: "pop.example.com", Names: []string{"pop.example.com"}, State: admin.StateValid}},
		blocks: []admin.Block{{Address: "2001:db8::/64", Until: noon}}}
	// Nobody is to type these by pressing Tab.
	for _, name := range []string{"$(reboot)", "a b", "x;y", "`id`", "\x1b[2J", "~root", "*"} {
		f.sessions = append(f.sessions, admin.Session{ID: name, User: name})
		f.backends = append(f.backends, admin.Backend{Name: name})
	}
	return f
}

// TestComplete: what popgate itself says.
func TestComplete(t *testing.T) {
	socket := completed().serve(t)
	for _, test := range completionCases {
		args := strings.Split(strings.ReplaceAll(test.line, "SOCKET", socket), " ")[1:]
		r := runHere(t, append([]string{completeWord}, args...)...)
		r.wantCode(t, exitOK)
		var got []string
		for line := range strings.Lines(r.out) {
			text, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			got = append(got, text)
		}
		slices.Sort(got)
		want := test.want
		if strings.HasSuffix(want, "config.hcl") {
			want = filesHere.text
		}
		if strings.Join(got, " ") != want || r.err != "" {
			t.Errorf("%s: %q, %q; want %q", test.line, got, r.err, want)
		}
	}
	for _, args := range [][]string{nil, {""}, {"sessions"}, {"sessions", "--no-such", ""}, {"sessions", "--config", "no-such.hcl", "show", ""}, {"help", ""}} {
		if r := runHere(t, append([]string{completeWord}, args...)...); r.code != exitOK || r.err != "" {
			t.Errorf("%q: %+v", args, r)
		}
	}
}

// TestCompletionOfEveryFlag: what is offered behind each command and word are the
// flags that its help shows, no more and no less.
func TestCompletionOfEveryFlag(t *testing.T) {
	for _, c := range allCommands() {
		words := []string{""}
		if c.menu != nil {
			for _, w := range c.menu(new(call)).words {
				words = append(words, w.name)
			}
		}
		for _, w := range words {
			line := strings.Fields(c.name + " " + w)
			var shown, offered []string
			for _, m := range regexp.MustCompile(`(?m)^  --([a-z]+)`).FindAllStringSubmatch(runHere(t, append(line, "--help")...).out, -1) {
				shown = append(shown, "--"+m[1])
			}
			for text := range strings.Lines(runHere(t, slices.Concat([]string{completeWord}, line, []string{"--"})...).out) {
				if text, _, _ := strings.Cut(text, "\t"); text != "--help" {
					offered = append(offered, text)
				}
			}
			if w == "" && c.menu != nil && c.menu(new(call)).first {
				continue // list's; the help shows all
			}
			if !slices.Equal(shown, offered) {
				t.Errorf("%q: %q are offered, %q are there", line, offered, shown)
			}
		}
	}
}

// needProgram is a program that is installed. Without it the test is skipped, or
// fails where everything has to be there.
func needProgram(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("POPGATE_E2E_REQUIRE") == "1" {
		t.Fatalf("POPGATE_E2E_REQUIRE=1, but %s is not installed (Debian package %s)", name, debian)
	}
	t.Skipf("SKIPPED: %s is not installed (Debian package %s)", name, debian)
	return ""
}

// endOfLine stands behind what is offered for a line.
const endOfLine = "<end of line>"

// Each shell is asked in its own way what it would offer for each of the lines $2,
// $3 …, once it has read the script $1. It writes a line for each text that it
// offers, and then endOfLine.
var shellDrivers = map[string]string{
	// As readline splits a line, whose breaks are among others = and :.
	"bash": `
source "$1"
for line in "${@:2}"; do
	COMP_LINE=$line COMP_POINT=${#line} COMP_WORDS=() rest=$line
	while [[ -n $rest ]]; do
		case $rest in
		[[:space:]]*) rest=${rest#?}; [[ -n $rest ]] || COMP_WORDS+=('') ;;
		[=:]*) COMP_WORDS+=("${rest%%[!=:]*}"); rest=${rest#"${rest%%[!=:]*}"} ;;
		*) word=${rest%%[[:space:]=:]*}; COMP_WORDS+=("$word"); rest=${rest#"$word"} ;;
		esac
	done
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	_popgate popgate "${COMP_WORDS[COMP_CWORD]}" ''
	# What readline leaves in the line stands before what is offered.
	last=${line##* }
	case $last in *[:=]*) last=${last%"${last##*[:=]}"} ;; *) last= ;; esac
	for text in "${COMPREPLY[@]}"; do printf '%s\n' "$last$text"; done
	echo '<end of line>'
done
`,
	"fish": `
source $argv[1]
for line in $argv[2..]
	complete --do-complete=$line | string replace -r '\t.*' ''
	echo '<end of line>'
end
`,
	// zsh completes in a line editor only: one in a terminal of its own (zpty) lists
	// what compadd is given.
	"zsh": `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PS1=; PROMPT=; autoload -Uz compinit; compinit -u -C -d $HOME/.zcompdump; source $1"
zpty -w z 'compadd() { [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] && { builtin compadd "$@"; return }
	local -a got; builtin compadd -A got "$@"; local x; for x in $got; do print -r -- "<offer>${IPREFIX}$x</offer>"; done; builtin compadd "$@" }'
zpty -w z 'done-line() { print -r -- "<done>"; BUFFER= }; zle -N done-line; bindkey "^G" done-line'
for wanted in "${@[2,-1]}"; do
	zpty -n -w z "$wanted"$'\t\C-g'
	while zpty -r z line; do
		[[ $line == *'<offer>'*'</offer>'* && $line != *compadd* ]] && print -r -- "${${line##*<offer>}%%</offer>*}"
		[[ $line == *'<done>'* && $line != *done-line* ]] && break
	done
	print '<end of line>'
done
zpty -d z
`,
}

// TestCompletionInShells: real shells offer what they should, and no more.
func TestCompletionInShells(t *testing.T) {
	socket := completed().serve(t)
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			path := needProgram(t, shell, shell)
			dir := t.TempDir()
			script := filepath.Join(dir, "script")
			if err := os.WriteFile(script, []byte(runHere(t, "completion", shell).out), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "config.hcl"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, test := range completionCases {
				lines = append(lines, strings.ReplaceAll(test.line, "SOCKET", socket))
			}
			for i, got := range offered(t, path, shell, dir, append([]string{script}, lines...)) {
				if test := completionCases[i]; strings.Join(got, " ") != test.want {
					t.Errorf("%s<Tab> offers %q, want %q", test.line, got, test.want)
				}
			}
		})
	}
}

// offered is what a shell offers for each line of args behind the script.
func offered(t *testing.T, path, shell, dir string, args []string) (all [][]string) {
	t.Helper()
	lines := len(args) - 1
	if args = append([]string{"-c", shellDrivers[shell], shell}, args...); shell == "fish" {
		args = slices.Concat([]string{"--no-config"}, args[:2], args[3:])
	}
	c := exec.CommandContext(t.Context(), path, args...)
	c.Dir = dir
	c.Env = append(plainEnvironment(), fmt.Sprintf("PATH=%s%c%s", filepath.Dir(program), os.PathListSeparator, os.Getenv("PATH")), "HOME="+dir, "TERM=dumb",
		"GORACE=atexit_sleep_ms=0") // else each Tab takes a second where popgate has the race detector
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var texts []string
	for text := range strings.Lines(string(out)) {
		if text = strings.TrimRight(text, "\r\n"); text != endOfLine {
			texts = append(texts, text)
			continue
		}
		slices.Sort(texts)
		all, texts = append(all, slices.Compact(texts)), nil
	}
	if len(all) != lines {
		t.Fatalf("it answers for %d of %d lines:\n%s", len(all), lines, out)
	}
	return all
}

// TestCompletesOnce: what is on the line already is not offered again, and flags
// come before a command, too.
func TestCompletesOnce(t *testing.T) {
	f := &fake{sessions: twoSessions()}
	socket := f.serve(t)
	r := runHere(t, "complete", "sessions", "kick", "--socket", socket, "3k9f2m-1a", "3")
	if strings.Contains(r.out, "3k9f2m-1a") || !strings.Contains(r.out, "3k9f2m-1c") {
		t.Errorf("%q", r.out)
	}
	if r := runHere(t, "complete", "--"); !strings.HasPrefix(r.out, "--help\t") {
		t.Errorf("%q", r.out)
	}
}
