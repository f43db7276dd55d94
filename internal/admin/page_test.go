package admin

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// pageOf returns the page of a program as the socket shows it.
func pageOf(t testing.TB, p program) string {
	t.Helper()
	answer, body := serve(t, p).ask(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", answer.Status, body)
	}
	return string(body)
}

// textOf returns what can be read in a page, words with single spaces between
// them, and checks that its elements are nested as they should be.
func textOf(t testing.TB, page string) string {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(page))
	var open, text []string
	for {
		switch kind, token := tokens.Next(), tokens.Token(); kind {
		case html.ErrorToken:
			if tokens.Err() != io.EOF || len(open) > 0 {
				t.Errorf("the page ends with %v and %q open", tokens.Err(), open)
			}
			return strings.Join(strings.Fields(strings.Join(text, " ")), " ")
		case html.TextToken:
			if len(open) > 0 && open[len(open)-1] != "style" && open[len(open)-1] != "script" {
				text = append(text, token.Data)
			}
		case html.StartTagToken:
			if token.Data == "th" && attribute(token, "scope") == "" {
				t.Errorf("a header of a table belongs to nothing: %s", token)
			}
			if token.Data != "meta" && token.Data != "link" { // which have no end
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> where %q is open", token.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

func attribute(token html.Token, key string) string {
	for _, a := range token.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestPageFacts: all that an operator asks is in the page, with names for whoever
// may see them.
func TestPageFacts(t *testing.T) {
	text := textOf(t, pageOf(t, troubled()))
	wantFacts(t, text, "Not ready – pop.example.com – popgate", "popgate 1.4.0, up 3 d 4 h", "Not ready: draining",
		"257 of 280 possible sessions are open", "1 backend is down: west", "1 backend is full: south", "1 certificate is expired: main",
		"1 certificate is expiring: pop.example.com", "pop3s 12 241 253", "acme 0 210 210", "119 refused", "west down 0 192.0.2.10:110",
		"connect: connection refused", "south draining 7 / 7", "spare unused", "70 in force", "blocked ip", "bob@acme.example", "20 more.",
		"s0007 logged in being ended", "read-only", "failed logins: 2 (bad password)", "user4@acme.example", "TLS 1.3", "4.0 KiB",
		"Log level info", "Log lines dropped 1,234", "Memory 51.0 MiB", "go1.26.8")
	wantFacts(t, textOf(t, pageOf(t, calm())), "Ready – pop.example.com – popgate", "acme Some CA", "valid 62", "0 in force")
	if text := textOf(t, pageOf(t, calm())); strings.Contains(text, "Problems") {
		t.Errorf("problems of a popgate that has none:\n%s", text)
	}
}

// TestEmptyPage: a program that knows nothing yet has a page, too.
func TestEmptyPage(t *testing.T) {
	wantFacts(t, textOf(t, pageOf(t, stock{})), "Not ready", "0 logins", "0 open, 0 of them logged in", "Backends None.", "Certificates None.", "no limit")
	until := leveled{stock{ready: Readiness{Ready: true}}}
	wantFacts(t, textOf(t, pageOf(t, until)), "Log level debug, until 9999-12-31 00:00")
}

// leveled is a program whose log level was changed.
type leveled struct{ stock }

func (leveled) LogLevel() (level string, until time.Time) {
	return "debug", time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
}

// Status says what SetLogLevel did.
func (l leveled) Status() Status { return Status{LogLevel: "debug"} }

// TestPageHeader: a browser lets the page do what it does itself, and nothing
// else, and keeps no copy of it.
func TestPageHeader(t *testing.T) {
	r := serve(t, calm())
	answer, body := r.ask(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	between := func(tag string) string {
		_, rest, _ := strings.Cut(string(body), "<"+tag+">")
		inner, _, _ := strings.Cut(rest, "</"+tag+">")
		return inner
	}
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Content-Length": strconv.Itoa(len(body)),
		"Content-Security-Policy": "default-src 'none'; style-src " + sourceOf(between("style")) + "; script-src " + sourceOf(between("script")) +
			"; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// A style attribute or an event handler would need more than that policy.
	if found := regexp.MustCompile(`\s(style|on\w+)=`).FindString(string(body)); found != "" {
		t.Errorf("the page has %q", found)
	}
	// As the script asks for another page when it has changed.
	if between("script") != string(pageScript) || between("style") != string(pageStyle) {
		t.Error("style or script are not as they are in the files")
	}
	head, body := r.ask(t, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
	if head.StatusCode != 200 || len(body) > 0 || head.ContentLength < 1000 || head.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("HEAD: %s, %d octets of %d", head.Status, len(body), head.ContentLength)
	}
	if post, _ := r.ask(t, "POST / HTTP/1.1\r\nHost: x\r\n\r\n"); post.StatusCode != 405 || post.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s, Allow: %s", post.Status, post.Header.Get("Allow"))
	}
}

// TestPageIsBounded: the page stays small, what is wrong is in it all the same,
// and what was left out is said.
func TestPageIsBounded(t *testing.T) {
	p := calm()
	p.sessions, p.backends, p.list, p.status.Sessions = nil, nil, nil, nil
	long := strings.Repeat("n", 200)
	for i := range 20_000 {
		p.sessions = append(p.sessions, Session{ID: fmt.Sprint("id", i), State: SessionLoggedIn, User: long, ServerName: long, Began: time.Now()})
	}
	for i := range 10_000 {
		p.backends = append(p.backends, Backend{Name: fmt.Sprint("backend", i), State: BackendUp, Addresses: []string{long, long, long, long}})
		p.list = append(p.list, Certificate{Name: fmt.Sprint("host", i), Source: SourceACME, State: StateValid, DaysLeft: ptr(60 + i), Issuer: long})
		p.blocks = append(p.blocks, Block{Address: "192.0.2.1", User: long, Check: "blocked_user", Until: time.Now()})
		p.status.Sessions = append(p.status.Sessions, SessionCount{State: SessionLoggedIn, Listener: "pop3s", Tenant: fmt.Sprint("tenant", i), Open: i})
	}
	p.backends[9999].State, p.backends[9999].LastError = BackendDown, &Problem{Detail: strings.Repeat("<", 5000)}
	p.list[9998].State, p.list[9997].State = StateExpiring, StateMissing
	began := time.Now()
	page := pageOf(t, p)
	if took := time.Since(began); len(page) > 256<<10 || took > 5*time.Second {
		t.Errorf("%d octets in %v", len(page), took)
	}
	text := textOf(t, page)
	wantFacts(t, text, "1 backend is down: backend9999", "Last error backend9999 down", "Last error host9997 missing", "host9998 expiring",
		"id19999", "19,950 more.", "9,950 more.", "tenant9999", "valid 60")
	if strings.Contains(text, "id19949 ") || strings.Count(text, "9,950 more.") != 5 {
		t.Errorf("a table is too long: %d, %d", strings.Index(text, "id19949 "), strings.Count(text, "9,950 more."))
	}
}

// TestHostilePage: no text of strangers gets out of its place.
func TestHostilePage(t *testing.T) {
	const nasty = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{.}}` + "\x1b[2J\x00'`"
	p := stock{
		status: Status{Version: nasty, Hostname: nasty, GoVersion: nasty, LogLevel: nasty,
			Sessions: []SessionCount{{State: nasty, Listener: nasty, Tenant: nasty, Open: 1}}},
		ready:    Readiness{Reasons: []string{nasty}},
		backends: []Backend{{Name: nasty, Addresses: []string{nasty}, State: nasty, LastError: &Problem{Type: nasty, Detail: nasty}}},
		list:     []Certificate{{Name: nasty, Source: nasty, Issuer: nasty, State: nasty, LastError: &Problem{Type: nasty, Detail: nasty}}},
		blocks:   []Block{{Address: nasty, User: nasty, Check: nasty}},
		sessions: []Session{{ID: nasty, State: nasty, Client: nasty, Listener: nasty, TLSVersion: nasty, ServerName: nasty, User: nasty, Tenant: nasty,
			Backend: nasty, LastReason: nasty, Failures: 1}},
	}
	page := pageOf(t, p)
	if n := strings.Count(page, "<script"); n != 1 || strings.Contains(page, "<img") {
		t.Errorf("%d scripts:\n%s", n, page)
	}
	if text := textOf(t, page); strings.Count(text, "alert(1)</script>") < 20 {
		t.Errorf("texts are missing:\n%s", text)
	}
}

// TestPageStyle: everything can be read, in light and dark (WCAG 2.2, 1.4.3).
func TestPageStyle(t *testing.T) {
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(pageStyle), -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes", len(schemes))
	}
	colors := make(map[string]float64)
	for _, scheme := range schemes {
		for _, m := range regexp.MustCompile(`--([\w-]+): #([0-9a-f]+);`).FindAllStringSubmatch(scheme[1], -1) {
			colors[m[1]] = luminance(t, m[2])
		}
		for ground, inks := range map[string]string{"paper": "ink mute link good warn bad", "ground": "ink mute link good warn bad", "warn-ground": "ink", "bad": "paper"} {
			for ink := range strings.FieldsSeq(inks) {
				a, b := colors[ink], colors[ground]
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Errorf("%s on %s: %.2f", ink, ground, ratio)
				}
			}
		}
	}
}

// luminance is that of a color, as WCAG defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[2*i:2*i+2], 16, 8)
		must(t, err)
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// TestPageFiles: nothing in the files could end the element that they stand in.
func TestPageFiles(t *testing.T) {
	for _, text := range []string{string(pageStyle), string(pageScript)} {
		if strings.Contains(text, "</") || strings.Contains(text, "<!--") {
			t.Error("a style or script holds what ends it")
		}
	}
}

func BenchmarkPage(b *testing.B) {
	s, _ := newServer(b, troubled())
	b.ReportAllocs()
	for b.Loop() {
		view := newPage(s.overview(b.Context(), 70), true)
		if err := pageTemplate.Execute(io.Discard, view); err != nil {
			b.Fatal(err)
		}
	}
}
