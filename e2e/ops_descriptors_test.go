package e2e

import (
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestFewDescriptors: with 64 descriptors popgate says how many sessions that makes, serves so many, tells the next ones
// so, and lets in again when there is room. However many strangers hold connections, operators get their answers.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	port := freePort(t)
	p := startPopgate(t, settings{
		backends: backend("legacy", b.port()) + many,
		admin:    fmt.Sprintf("address = %q", loopback(port)),
		run:      []string{need(t, "prlimit"), "--nofile=64:64", program},
	})
	most := lowered(t, p)
	if most < 10 {
		t.Errorf("64 descriptors make %d sessions, want 10 at least", most)
	}
	desks := []desk{socketDesk(t, p), tcpDesk(port, "")}
	var readers []*wire
	for range most {
		w := dial(t, p.implicit)
		insistLogin(t, w, joe, in)
		readers = append(readers, w)
	}
	answered(t, desks, most)
	for range 3 {
		insistNoRoom(t, p.implicit)
	}

	// Who connects and says nothing takes all that is left for being polite; then connections are just closed.
	var silent []net.Conn
	for range 100 {
		silent = append(silent, connect(t, p.implicit).Conn)
	}
	for range 5 {
		answered(t, desks, most)
	}
	for _, w := range readers {
		w.multi("RETR 1")
	}
	for _, c := range silent {
		c.Close()
	}

	readers[0].quit()
	eventually(t, "a place that has come free is taken", func() bool {
		w := connect(t, p.starttls)
		if !strings.HasPrefix(w.line(), in) {
			return false
		}
		w.ok("STLS")
		w.startTLS(p.starttls)
		insistLogin(t, w, joe, in)
		w.quit()
		return true
	})
	for _, w := range readers[1:] {
		w.quit()
	}
	if n := desks[0].number(t, "popgate_accept_errors_total"); n > 0 {
		t.Errorf("%v connections could not be accepted", n)
	}
}

// lowered returns to how many sessions popgate says that it has lowered the limit.
func lowered(t *testing.T, p *popgate) int {
	t.Helper()
	line := p.log.wait(t, 1, `\[(?:INFO|WARN)\] .*limits\.connections is lowered`)[0]
	n, err := strconv.Atoi(regexp.MustCompile(`lowered_to=(\d+)`).FindStringSubmatch(line)[1])
	if err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	return n
}

// answered asks what operators ask when there is trouble.
func answered(t *testing.T, desks []desk, open int) {
	t.Helper()
	for _, d := range desks {
		for _, path := range []string{"/healthz", "/readyz", "/v1/status", "/v1/backends"} {
			d.do(t, http.MethodGet, path, "", nil)
		}
		if n := d.number(t, "process_max_fds"); n != 64 {
			t.Errorf("%s: process_max_fds is %v, want 64", d.name, n)
		}
		loggedIn := 0
		for _, s := range d.sessions(t) {
			if s.State == "logged_in" {
				loggedIn++
			}
		}
		if loggedIn != open {
			t.Errorf("%s: %d sessions are logged in, want %d", d.name, loggedIn, open)
		}
	}
}

// insistNoRoom connects, and must be told that there is no room.
func insistNoRoom(t *testing.T, e endpoint) {
	t.Helper()
	w := connect(t, e)
	w.startTLS(e)
	if line := w.line(); !strings.HasPrefix(line, "-ERR [SYS/TEMP] ") {
		t.Errorf("over the limit %q, want -ERR [SYS/TEMP]", line)
	}
	if rest := w.end(); rest != "" {
		t.Errorf("then came %q", rest)
	}
}
