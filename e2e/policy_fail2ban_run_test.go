package e2e

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fail2banFolder has the filter and the jail that come with popgate.
const fail2banFolder = "../deploy/fail2ban"

// findings is what fail2ban-regex says of a log.
type findings struct {
	addresses       map[string]int // how often it found which
	matched, missed int            // lines
}

// fail2ban runs Debian's fail2ban-regex with popgate's filter on a log.
func fail2ban(t *testing.T, mode string, lines []string) findings {
	t.Helper()
	out := fail2banRegex(t, mode, lines, "--verbose")
	summary := regexp.MustCompile(`(?m)^Lines: (\d+) lines, 0 ignored, (\d+) matched, (\d+) missed$`).FindStringSubmatch(out)
	if summary == nil || summary[1] != strconv.Itoa(len(lines)) {
		t.Fatalf("fail2ban-regex says of %d lines:\n%s", len(lines), out)
	}
	f := findings{addresses: map[string]int{}}
	f.matched, _ = strconv.Atoi(summary[2])
	f.missed, _ = strconv.Atoi(summary[3])
	for _, found := range regexp.MustCompile(`(?m)^\|      (\S+)  \w{3} \w{3} .*$`).FindAllStringSubmatch(out, -1) {
		f.addresses[found[1]]++
	}
	return f
}

// fail2banRegex returns what the program writes about a log.
func fail2banRegex(t *testing.T, mode string, lines []string, options ...string) string {
	t.Helper()
	filter, err := filepath.Abs(filepath.Join(fail2banFolder, "filter.d", "popgate.conf"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log := write(t, filepath.Join(dir, "popgate.log"), strings.Join(lines, "\n")+"\n")
	out, r := run(t, dir, "", need(t, "fail2ban-regex"), append(options, log, filter+"[mode="+mode+"]")...)
	r.ok(t)
	return string(out) + r.output
}

// loginLine is what a line of popgate's log says of a login.
type loginLine struct{ event, result, reason, client string }

// parseLogin reads a line in popgate's own formats, by another way than the filter: the text one value by value.
func parseLogin(t *testing.T, line, format string) loginLine {
	t.Helper()
	values := map[string]any{}
	if format == "json" {
		if err := json.Unmarshal([]byte(line), &values); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if values["@message"] != "login" {
			return loginLine{}
		}
	} else {
		_, rest, ok := strings.Cut(line, " popgate.proxy: login: ")
		if !ok {
			return loginLine{}
		}
		for _, pair := range textPair.FindAllStringSubmatch(rest, -1) {
			if _, twice := values[pair[1]]; !twice {
				values[pair[1]] = pair[2]
			}
		}
	}
	text := func(key string) string {
		value, _ := values[key].(string)
		return value
	}
	return loginLine{text("event"), text("result"), text("reason"), text("client")}
}

var textPair = regexp.MustCompile(`(\w+)=("[^"]*"|\S+)`)

// plainAs is the message of AUTH PLAIN in which an account asks to act for another.
func plainAs(other string, a account) string {
	return base64.StdEncoding.EncodeToString([]byte(other + "\x00" + a.user + "\x00" + a.password))
}

// TestFail2banTellsTime: the time of a failure is that of popgate's line, in whatever zone popgate is.
func TestFail2banTellsTime(t *testing.T) {
	t.Parallel()
	const noon = "1767355200" // of 2 January 2026
	text := func(time string) string {
		return time + ` [INFO]  popgate.proxy: login: event=login result=refused reason=blocked_ip user="` +
			`2020-01-01T00:00:00.000Z \x3d" client=[2001:db8::7]:4711 mechanism=USER listener=pop3s session=abcde-1`
	}
	object := func(time string) string {
		return `{"@level":"info","@message":"login","@module":"popgate.proxy","@timestamp":"` + time +
			`","client":"192.0.2.7:4711","event":"login","listener":"pop3s","mechanism":"USER","policy_text":"a \"b\" \\",` +
			`"reason":"blocked_user","result":"refused","session":"abcde-1","user":"2020-01-01T00:00:00.000000Z"}`
	}
	lines := []string{
		text("2026-01-02T12:00:00.000Z"),
		text("2026-01-02T17:30:00.999+0530"),
		text("2026-01-02T08:30:00.123-0330"),
		object("2026-01-02T12:00:00.000000Z"),
		object("2026-01-02T17:30:00.999999+05:30"),
		object("2026-01-02T08:30:00.123456-03:30"),
		"Jan  2 04:00:00 mail popgate[4711]: " + text("2026-01-02T12:00:00.000Z"),
		"Jan 12 04:00:00 mail popgate[4711]: " + object("2026-01-02T13:00:00.000000+01:00"),
		"2026-01-02T13:00:00.123456+01:00 mail popgate[4711]: " + text("2026-01-02T12:00:00.000Z"),
	}
	found := slices.Collect(strings.Lines(fail2banRegex(t, "blocked", lines, "--out", "<time>")))
	if len(found) != len(lines) {
		t.Fatalf("it found %q in %d lines", found, len(lines))
	}
	for i, time := range found {
		if strings.TrimSpace(time) != noon {
			t.Errorf("the time of\n%s\nis %s, want %s", lines[i], time, noon)
		}
	}
}

// TestFail2banJail: fail2ban takes the jail and the filter as they come with popgate, but for the place of the log.
func TestFail2banJail(t *testing.T) {
	t.Parallel()
	client := need(t, "fail2ban-client")
	dir := filepath.Join(t.TempDir(), "fail2ban")
	if err := os.CopyFS(dir, os.DirFS("/etc/fail2ban")); err != nil {
		t.Fatal(err)
	}
	// Those of this machine may be on, and need its logs.
	if err := os.RemoveAll(filepath.Join(dir, "jail.d")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(fail2banFolder)); err != nil {
		t.Fatal(err)
	}
	jail := filepath.Join(dir, "jail.d", "popgate.conf")
	text, err := os.ReadFile(jail)
	if err != nil {
		t.Fatal(err)
	}
	log := write(t, filepath.Join(dir, "popgate.log"), "")
	const place = "/var/log/popgate.log"
	if !strings.Contains(string(text), place) {
		t.Fatalf("the jail doesn't read %s", place)
	}
	write(t, jail, strings.ReplaceAll(string(text), place, log))
	out, err := exec.Command(client, "-c", dir, "-t").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "OK: configuration test is successful") {
		t.Fatalf("fail2ban doesn't take the jail: %v\n%s", err, out)
	}
	out, err = exec.Command(client, "-c", dir, "--dp").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{
		"['add', 'popgate', 'auto']", "['port', '995,110']", "'addlogpath', '" + log + "'",
		"reason=(?:blocked_ip|blocked_user|login_rate|login_rate_per_ip)",
	} {
		if !strings.Contains(string(out), part) {
			t.Errorf("nothing of %s in what fail2ban makes of the jail:\n%s", part, out)
		}
	}
}
