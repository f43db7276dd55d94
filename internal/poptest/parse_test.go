package poptest

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const head = "# rfc 1939 §3 row 6: an example\n"

// steps parses a one-session transcript and returns its steps.
func steps(t *testing.T, text string) []step {
	t.Helper()
	scripts, err := Parse("example.txt", []byte(head+text))
	if err != nil {
		t.Fatal(err)
	}
	return scripts[0].steps
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"C: STAT":                 "STAT\r\n",
		"C:":                      "\r\n",
		"C:  two":                 " two\r\n",
		`C: QUIT\`:                "QUIT",
		`C: a\\`:                  "a\\\r\n",
		`C: a\\\`:                 "a\\",
		`C: \r\n\t\0\x7f\xFF\\`:   "\r\n\t\x00\x7f\xff\\\r\n",
		`C: \{3:ab}c`:             "abababc\r\n",
		`C: \{2:\x7d\{2:a}`:       "", // no nesting, see below
		"C* 3: NOOP":              "NOOP\r\nNOOP\r\nNOOP\r\n",
		`C*2: x\`:                 "xx",
		"C: a\nC| b\nC| c":        "a\r\nb\r\nc\r\n",
		"C2!?: x":                 "x\r\n",
		`C: \x3ctls>`:             "<tls>\r\n",
		"C: USER josé…":           "USER josé…\r\n",
		"C: trailing blanks  ":    "trailing blanks  \r\n",
		"C: # no comment":         "# no comment\r\n",
		"C: STLS\nC| USER evil\\": "STLS\r\nUSER evil",
	} {
		if want == "" {
			if _, err := Parse("x", []byte(head+text)); err == nil {
				t.Errorf("%q was accepted", text)
			}
			continue
		}
		all := steps(t, text)
		if len(all) != 1 || string(all[0].data) != want {
			t.Errorf("%q: got %q, want %q", text, all[0].data, want)
		}
	}
}

func TestSteps(t *testing.T) {
	all := steps(t, "S2>=3s: -ERR [AUTH] …\nP=0s: <nothing 5s>\nC?: <tls name=a.example alpn=x,y max=1.2>\n\n# comment\nwait 90s\nP1: <no bytes>\nS: <alert 120>")
	check := func(name string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %+v", name, all)
		}
	}
	check("timed open line", all[0].side == server && all[0].num == 2 && all[0].open &&
		string(all[0].data) == "-ERR [AUTH] " && all[0].timing == timing{">=", 3 * time.Second})
	check("span", all[1].event == "nothing" && all[1].span == 5*time.Second && all[1].timing.op == "=")
	check("arguments", all[2].event == "tls" && len(all[2].args) == 3 && all[2].may)
	check("wait", all[3].side == pause && all[3].span == 90*time.Second && all[3].line == 7)
	check("words", all[4].event == "no bytes" && all[4].num == 1)
	check("alert", all[5].args[0] == "120")
}

func TestSessionsAndSettings(t *testing.T) {
	text := head + "# and more of it\n\nset listener=starttls\n-- first --\nset backend = east auth=plain\nset backend=west\nC: a\n-- the second --\nset listener=implicit\nC: b\n"
	scripts, err := Parse("row06-x.txt", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != 2 || scripts[0].Name != "first" || scripts[1].Name != "the second" {
		t.Fatalf("sessions: %+v", scripts)
	}
	a, b := scripts[0], scripts[1]
	if a.Head != "rfc 1939 §3 row 6: an example\nand more of it" || a.Head != b.Head || a.File != "row06-x.txt" {
		t.Errorf("head %q, file %q", a.Head, a.File)
	}
	if a.Settings.Get("listener", "") != "starttls" || b.Settings.Get("listener", "") != "implicit" {
		t.Errorf("settings: %v, %v", a.Settings, b.Settings)
	}
	if got := a.Settings["backend"]; len(got) != 2 || got[0] != "east auth=plain" || b.Settings.Get("backend", "none") != "none" {
		t.Errorf("backends: %v, %v", a.Settings, b.Settings)
	}
	single, err := Parse("row06-x.txt", []byte(head+"C: a"))
	if err != nil || len(single) != 1 || single[0].Name != "row06-x" {
		t.Errorf("single session: %+v, %v", single, err)
	}
}

func TestFaultyTranscripts(t *testing.T) {
	for text, want := range map[string]string{
		"C: a":                               "x.txt:1: a transcript starts with a comment",
		head + "D: a":                        "x.txt:2: neither a step",
		head + "C:a":                         "neither a step",
		head + "C a":                         "neither a step",
		head + `C: a\q`:                      `unknown escape \q`,
		head + `C: \x4`:                      `\x needs two hex digits`,
		head + `C: \x4g`:                     `\x4g: not two hex digits`,
		head + `C: \{3:a`:                    `must read \{300:text}`,
		head + `C: \{x:a}`:                   `must read \{300:text}`,
		head + `C: \{99999999999:a}`:         `must read \{300:text}`,
		head + `C: \`:                        "without a single byte",
		head + "C| a":                        "nothing above to join",
		head + "C: a\nB| b":                  "joins a line to one of the same side",
		head + "C: <fin>\nC| b":              "joins a line to one of the same side",
		head + "C: a\nC| <fin>":              "not events",
		head + "S: a\nS| b":                  "are for C and B",
		head + "S!: a":                       "are for C and B",
		head + "C>=3s: a":                    "a time is for S and P",
		head + "S>=3: a":                     "missing unit",
		head + "C: <eof>":                    "C knows no event <eof>",
		head + "B: <none>":                   "B knows no event <none>",
		head + "S: <eof":                     "an event reads <word>",
		head + "S: <>":                       "S knows no event <>",
		head + "S: <eof now>":                "takes no argument",
		head + "S* 2: <eof>":                 "an event happens once",
		head + "S: <nothing>":                "takes a time",
		head + "S: <nothing long>":           "invalid duration",
		head + "S: <alert>":                  "takes the alert's number",
		head + "S: <alert 256>":              "out of range",
		head + "P: <connect a b>":            "one backend at most",
		head + "C: <tls sni=x>":              "knows name=",
		head + "C: <tls max=1.4>":            "versions 1.0 to 1.3",
		head + "wait long":                   "invalid duration",
		head + "set x":                       "set key=value",
		head + "C: a\nset x=y":               "before the first step",
		head + "C: a\n-- b --\nC: b":         "above the first session",
		head + "-- b --\nC: b\n-- b --":      "already a session",
		head + "-- b --\nC: b\n-- c --":      `session "c" has no steps`,
		head + "-- b --\nC: b\n-- c --\n# x": `session "c" has no steps`,
		head:                                 "x.txt: no session",
	} {
		_, err := Parse("x.txt", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// FuzzText: what unescape accepts it turns into the same bytes as a script
// line does, and every byte string has a notation that gives it back.
func FuzzText(f *testing.F) {
	f.Add([]byte("USER a\x00\r\n\\ {}<…"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var notation strings.Builder
		for _, b := range data {
			notation.WriteString(`\x`)
			notation.WriteString(string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15]))
		}
		got, err := unescape(notation.String())
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%q became %q, %v", data, got, err)
		}
		plain, err := unescape(string(data))
		if err != nil || bytes.ContainsAny(data, "\n\r") {
			return
		}
		scripts, err := Parse("x", []byte(head+"C: \\x2e"+string(data)+"."))
		if err != nil {
			t.Fatalf("a line with %q: %v", data, err)
		}
		if want := "." + string(plain) + ".\r\n"; string(scripts[0].steps[0].data) != want {
			t.Fatalf("%q became %q", data, scripts[0].steps[0].data)
		}
	})
}
