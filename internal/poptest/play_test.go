package poptest

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// witness is a testing.TB that remembers failures.
type witness struct {
	testing.TB
	failures []string
}

func (w *witness) Helper() {}
func (w *witness) Errorf(format string, args ...any) {
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

// perform plays a script's text against a toy with two backends, and returns
// what Play reported, empty if nothing.
func perform(t *testing.T, text string, secure bool) (report string) {
	t.Helper()
	scripts, err := Parse("toy.txt", []byte("# an example\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	var server, client *tls.Config
	if secure {
		ca := NewCA(t)
		server = &tls.Config{Certificates: []tls.Certificate{ca.Issue("toy.example")}, NextProtos: []string{"pop3"}, MinVersion: tls.VersionTLS12}
		client = &tls.Config{RootCAs: ca.Pool(), ServerName: "toy.example"}
	}
	synctest.Test(t, func(t *testing.T) {
		network := NewNetwork()
		backends := map[string]*Backend{}
		for name, addr := range map[string]string{"east": "10.0.0.1:110", "west": "10.0.0.2:110"} {
			backends[name] = NewBackend(network.Listen(addr), nil)
		}
		stage, stop := toy{network: network, tls: server}.stage(client, backends)
		w := &witness{TB: t}
		Play(w, scripts[0], stage)
		stop()
		for _, b := range backends {
			b.Close()
		}
		report = strings.Join(w.failures, "\n")
	})
	return report
}

const dialled = "S: +OK toy\nC: DIAL 10.0.0.1:110\nP: <connect east>\n"

func TestPlaySucceeds(t *testing.T) {
	for name, text := range map[string]string{
		"echo":              "S: +OK toy\nC: ECHO a\nS: +OK a\nC: QUIT\nS: +OK bye\nS: <eof>\nP: <none>\n",
		"pipelined":         "S: +OK toy\nC: ECHO a\nC| ECHO b\nC: ECHO c\nS: +OK a\nS: +OK b\nS: +OK c\n",
		"in pieces":         `S: +OK toy` + "\n" + `C: EC\` + "\nS: <nothing 1s>\nC: HO a\nS: +OK a\n",
		"open line":         "S: +OK…\nC: ECHO \\{300:x}\nS: +OK xx…\n",
		"repeated":          "S: +OK toy\nC* 3: ECHO a\nS* 3: +OK a\n",
		"piece of a line":   "S: +OK\\\nS:  toy\n",
		"delay":             "S=0s: +OK toy\nC: SLOW\nS>=3s: -ERR slow\nC: SLOW\nS<=3s: -ERR slow\nC: SLOW\nS=3s: -ERR slow\n",
		"looked at later":   "S: +OK toy\nC: SLOW\nwait 60s\nS=3s: -ERR slow\n",
		"client fin":        "S: +OK toy\nC: <fin>\nS: <eof>\n",
		"half a line":       "S: +OK toy\nC: ECHO a\\\nC: <fin>\nS: <eof>\n",
		"client rst":        "S: +OK toy\nC: <rst>\n",
		"client close":      "S: +OK toy\nC: <close>\n",
		"server rst":        "S: +OK toy\nC: RST\nS: <rst>\n",
		"any end":           "S: +OK toy\nC: RST\nS: <closed>\n",
		"nothing":           "S: +OK toy\nC: SLOW\nS: <nothing 2s>\nS: -ERR slow\n",
		"nothing until":     "S: +OK toy\nC: SLOW\nS: <nothing 3s>\nS=3s: -ERR slow\n",
		"two clients":       "S: +OK toy\nS2: +OK toy\nC: ECHO a\nC2!: ECHO b\nS2: +OK b\nS: +OK a\nC2: QUIT\nS2: +OK bye\nS2: <eof>\nC: ECHO c\nS: +OK c\n",
		"rest":              "S: +OK toy\nC: EXTRA\nS: <rest>\n",
		"talks first":       "C!: ECHO a\nS: +OK toy\nS: +OK a\n",
		"may fail":          "S: +OK toy\nC: QUIT\nS: +OK bye\nS: <eof>\nC?: ECHO\n",
		"window closed":     "S: +OK toy\nS: <pause>\nC: ECHO a\nS: <nothing 9s>\nS: <resume>\nS=9s: +OK a\n",
		"backend":           dialled + "B: hello\nC: TAKE\nS: hello\nC: SEND x\nP: x\nC: HANGUP\nP: <eof>\n",
		"backend joined":    dialled + "B: a\nB| b\nC: TAKE\nS: a\nC: HANGUP\nP: <closed>\n",
		"backend rst":       dialled + "C: DROP\nP: <rst>\n",
		"backend cut":       dialled + "B: <rst>\nC: TAKE\nC: QUIT\nS: +OK bye\nS: <eof>\n",
		"backend fin":       dialled + "B: a\nB: <fin>\nC: TAKE\nS: a\nC: SEND x\nP: x\n",
		"backend closed":    dialled + "B: <close>\nC: SEND x\nC: QUIT\nS: +OK bye\nS: <eof>\n",
		"nobody wrote":      dialled + "P: <no bytes>\nP: <nothing 5s>\n",
		"unmentioned":       "S: +OK toy\nC: DIAL 10.0.0.1:110\nP: <no bytes>\n",
		"several":           dialled + "C: DIAL 10.0.0.2:110\nP: <connect west>\nC: SEND b\nP2: b\nP1: <nothing 1s>\nC: SEND c\nP: c\n",
		"backend rest":      dialled + "P: <rest>\nC: SEND b\nC: QUIT\nS: +OK bye\nS: <eof>\n",
		"backend paused":    dialled + "P: <pause>\nC: SEND b\nP: <nothing 3s>\nP: <resume>\nP=3s: b\n",
		"early, and said":   dialled + "C: EARLY x\nS: +OK\nP: x\nB: y\n",
		"early, and forced": dialled + "C: EARLY x\nP: x\nB!: y\nS: +OK\n",
	} {
		t.Run(name, func(t *testing.T) {
			if report := perform(t, text, false); report != "" {
				t.Error(report)
			}
		})
	}
}

// TestPlayFails shows that what a script doesn't say, or says otherwise, is
// found, and where.
func TestPlayFails(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"wrong line":               {"S: +OK joy\n", `toy.txt:2: S: +OK joy` + "\n\t" + `got "+OK toy\r\n" instead`},
		"wrong start":              {"S: -ERR…\n", `got "+OK toy\r\n" instead`},
		"line longer than said":    {"S: +OK\n", `got "+OK toy\r\n" instead`},
		"line forgotten at send":   {"C: <connect>\nC!: ECHO a\nwait 1s\nC: ECHO b\n", `toy.txt:5: C: ECHO b` + "\n\t" + `client 1 has received "+OK toy\r\n+OK a\r\n", which no S: line expects here`},
		"line forgotten at end":    {"S: +OK toy\nC: ECHO a\n", `toy.txt: at the end of session "toy": client 1 has received "+OK a\r\n"`},
		"missing line":             {"S: +OK toy\nC: MUTE\nS: +OK\n", `toy.txt:4: S: +OK` + "\n\t" + `got only nothing within 1h0m0s`},
		"half a line":              {"S: +OK toy\nC: EXTRA\nS: +OK\nS: xy\n", `got only "x" within`},
		"missing at the end":       {"S: +OK toy\nC: QUIT\nS: +OK bye\nS: more\n", `got nothing and then the end (eof)`},
		"repeated once too often":  {"S: +OK toy\nC* 2: ECHO a\nS* 3: +OK a\n", `toy.txt:4: S* 3: +OK a` + "\n\tgot only nothing"},
		"extra byte":               {"S: +OK toy\nC: EXTRA\nS: +OK\n", `client 1 has received "x", which no S: line expects here`},
		"extra byte before end":    {"S: +OK toy\nC: EXTRA\nS: +OK\nC!: QUIT\nS: <eof>\n", `got "x`},
		"no end":                   {"S: +OK toy\nS: <eof>\n", `no such end within 1h0m0s: the stream is open`},
		"rst for eof":              {"S: +OK toy\nC: RST\nS: <eof>\n", `the stream is reset`},
		"eof for rst":              {"S: +OK toy\nC: CUT\nS: <rst>\n", `the stream is eof`},
		"something for nothing":    {"S: +OK toy\nC: SLOW\nS: <nothing 3001ms>\n", `got "-ERR slow\r\n", stream open`},
		"end for nothing":          {"S: +OK toy\nC: CUT\nS: <nothing 3s>\n", `got nothing, stream eof`},
		"too early":                {"S: +OK toy\nC: ECHO a\nwait 5s\nS>=3s: +OK a\n", `it came after 0s`},
		"too late":                 {"S: +OK toy\nC: SLOW\nS<=2s: -ERR slow\n", `it came after 3s`},
		"not then":                 {"S: +OK toy\nC: SLOW\nS=2s: -ERR slow\n", `it came after 3s`},
		"end not then":             {"S: +OK toy\nC: QUIT\nS: +OK bye\nS>=1s: <eof>\n", `it came after 0s`},
		"send to a closed":         {"S: +OK toy\nC: QUIT\nS: +OK bye\nS: <eof>\nC: ECHO\n", "toy.txt:6: C: ECHO\n\twrite tcp"},
		"no TLS":                   {"S: +OK toy\nC: <close_notify>\n", `there is no TLS`},
		"no TLS configuration":     {"C: <tls>\nS: x", `the stage has no TLS configuration`},
		"dialled":                  {dialled + "P: <none>\n", `backend east was connected to`},
		"dialled, unsaid":          {"S: +OK toy\nC: DIAL 10.0.0.1:110\n", `backend east was connected to, which no P: <connect> expects here`},
		"dialled, unsaid, at send": {"S: +OK toy\nC: DIAL 10.0.0.1:110\nwait 1s\nC: ECHO a\n", `toy.txt:5: C: ECHO a` + "\n\tbackend east was connected to"},
		"dialled the other":        {"S: +OK toy\nC: DIAL 10.0.0.2:110\nP: <connect east>\n", `no connection within 1h0m0s`},
		"connected twice":          {"S: +OK toy\nC: <connect>\n", "connected already"},
		"no such connection":       {dialled + "B2: x\n", "there is no such connection to a backend"},
		"which":                    {"P: <connect>\n", `which backend? the stage has several`},
		"who":                      {"P: <connect north>\n", `the stage has no backend north`},
		"nobody connected":         {"P: x\n", `P: <connect> must come before`},
		"wrong line out":           {dialled + "C: SEND QUIT\nP: NOOP\n", `toy.txt:6: P: NOOP` + "\n\t" + `got "QUIT\r\n" instead`},
		"unsaid line out":          {dialled + "C: SEND QUIT\n", `connection 1 of backend east has received "QUIT\r\n", which no P: line expects here`},
		"bytes out":                {dialled + "C: SEND QUIT\nP: <no bytes>\n", `connection 1 of backend east received "QUIT\r\n"`},
		"bytes before the end":     {dialled + "C: SEND QUIT\nC: HANGUP\nP: <eof>\n", `got "QUIT\r\n" before the end`},
		"wrong end":                {dialled + "C: DROP\nP: <eof>\n", `the stream is reset`},
		"answer before its cause":  {dialled + "C: EARLY x\nP: x\nB: y\nS: +OK\n", `toy.txt:7: B: y` + "\n\t" + `client 1 has received "+OK\r\n"`},
		"last will":                {dialled + "C: TESTAMENT\n", `when the clients closed, connection 1 of backend east received "QUIT\r\n"`},
	} {
		t.Run(name, func(t *testing.T) {
			if report := perform(t, c.text, false); !strings.Contains(report, c.want) {
				t.Errorf("reported %q, want %q", report, c.want)
			}
		})
	}
}

func TestPlayTLS(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"whole":                  {"C: <tls>\nS: +OK toy\nC: ECHO a\nS: +OK a\nC: QUIT\nS: +OK bye\nS: <eof>\n", ""},
		"options":                {"C: <tls name=toy.example alpn=imap,pop3 max=1.2>\nS: +OK toy\n", ""},
		"no name":                {"C: <tls name=- alpn=- min=1.3>\nS: +OK toy\n", ""},
		"old version":            {"C: <tls max=1.1>\nS: <alert 70>\n", ""},
		"wrong protocol":         {"C: <tls alpn=http/1.1>\nS: <alert 120>\nS: <closed>\n", ""},
		"close_notify, then fin": {"C: <tls>\nS: +OK toy\nC: <close_notify>\nS: <close_notify>\nC: <fin>\nS: <eof>\n", ""},
		"fin only":               {"C: <tls>\nS: +OK toy\nC: <fin>\nS: <eof>\n", ""},
		"truncated":              {"C: <tls>\nS: +OK toy\nC: CUT\nS: <fin>\n", ""},
		"reset":                  {"C: <tls>\nS: +OK toy\nC: RST\nS: <rst>\n", ""},
		"paused":                 {"C: <tls>\nS: +OK toy\nS: <pause>\nC: ECHO a\nwait 5s\nS: <resume>\nS=5s: +OK a\n", ""},
		"no hello":               {"C: <connect>\nC: STAT\nS: <eof>\n", ""},
		"wrong name":             {"C: <tls name=a.example>\n", "handshake failed on this side"},
		"alert, unsaid":          {"C: <tls alpn=http/1.1>\nS: +OK toy\n", "toy.txt:2: C: <tls alpn=http/1.1>\n\thandshake failed: remote error: tls: no application protocol"},
		"alert, at the end":      {"C: <tls alpn=http/1.1>\n", "handshake failed"},
		"other alert":            {"C: <tls alpn=http/1.1>\nS: <alert 70>\n", "after remote error: tls: no application protocol"},
		"no alert":               {"C: <tls>\nS: +OK toy\nC: QUIT\nS: +OK bye\nS: <alert 70>\n", "after close_notify"},
		"truncated for eof":      {"C: <tls>\nS: +OK toy\nC: CUT\nS: <eof>\n", "the stream is eof without close_notify"},
		"eof for truncated":      {"C: <tls>\nS: +OK toy\nC: QUIT\nS: +OK bye\nS: <fin>\n", "the stream is eof after close_notify"},
		"no close_notify":        {"C: <tls>\nS: +OK toy\nC: CUT\nS: <close_notify>\n", "the stream is eof without close_notify"},
		"twice":                  {"C: <tls>\nS: +OK toy\nC: <tls>\n", "there is TLS already"},
		"extra byte":             {"C: <tls>\nS: +OK toy\nC: EXTRA\nS: +OK\n", `client 1 has received "x"`},
		"wrong line":             {"C: <tls>\nS: +OK joy\n", `got "+OK toy\r\n" instead`},
	} {
		t.Run(name, func(t *testing.T) {
			report := perform(t, c.text, true)
			if c.want == "" && report != "" || !strings.Contains(report, c.want) {
				t.Errorf("reported %q, want %q", report, c.want)
			}
		})
	}
}

// TestPlayBeforeTLS: what a server says in clear before the handshake is no
// part of the session under TLS.
func TestPlayBeforeTLS(t *testing.T) {
	ca := NewCA(t)
	synctest.Test(t, func(t *testing.T) {
		stage, stop := toy{}.stage(&tls.Config{RootCAs: ca.Pool()}, nil)
		stage.Patience = time.Second
		scripts, err := Parse("toy.txt", []byte("# x\nC: <connect>\nwait 1s\nC!: <tls>\n"))
		if err != nil {
			t.Fatal(err)
		}
		w := &witness{TB: t}
		Play(w, scripts[0], stage)
		stop()
		if report := strings.Join(w.failures, "\n"); !strings.Contains(report, "9 bytes wait unread before the handshake") {
			t.Errorf("reported %q", report)
		}
	})
}

func TestLoadReportsFaults(t *testing.T) {
	if got := Load(t, "testdata/*.txt"); len(got) != 1 || got[0].File != "example.txt" {
		t.Errorf("loaded %+v", got)
	}
}
