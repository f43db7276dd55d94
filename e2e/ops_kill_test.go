package e2e

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestKilledAndStartedAgain: whenever popgate is killed, with mails marked and one half read, nothing is deleted; it starts
// again at once on the same ports and the same socket, and serves.
func TestKilledAndStartedAgain(t *testing.T) {
	t.Parallel()
	const times = 20
	b := startBuiltin(t)
	mails := append(threeMails(), hugeMail())
	joe := b.mailbox(t, "joe", mails)
	port := freePort(t)
	s := settings{
		backends: backend("legacy", b.port()) + many,
		admin:    fmt.Sprintf("address = %q", loopback(port)),
	}.filled(t)
	p := startPopgate(t, s)
	for n := range times {
		reading, marking, waiting := dial(t, p.implicit), dial(t, p.starttls), dial(t, p.implicit)
		insistLogin(t, reading, joe, in)
		insistLogin(t, marking, joe, in)
		marking.ok("DELE 1")
		reading.ok("DELE 2")
		reading.ok("RETR 4")
		if _, err := io.CopyN(io.Discard, reading.r, 1<<20); err != nil {
			t.Fatal(err)
		}
		if got := len(socketDesk(t, p).sessions(t)); got < 3 {
			t.Errorf("round %d: %d sessions are listed, want 3", n, got)
		}

		p.signal(t, syscall.SIGKILL)
		p.exit(t)
		waiting.end()
		marking.end()
		b.closed(t, 2*(n+1))
		if got := b.left(t, joe); !slices.Equal(got, names(mails)) {
			t.Fatalf("round %d: the mailbox holds %q, want all mails", n, got)
		}

		p.begin(t, s)
		for _, d := range []desk{socketDesk(t, p), tcpDesk(port, "")} {
			d.do(t, http.MethodGet, "/readyz", "", nil)
		}
		if log := p.log.text(); strings.Contains(log, "[ERROR]") || strings.Contains(log, "admin socket") {
			t.Errorf("round %d: after the kill popgate says\n%s", n, log)
		}
	}
	w := dial(t, p.implicit)
	insistLogin(t, w, joe, in)
	if got := len(w.fetch()); got != len(mails) {
		t.Errorf("%d mails are read, want %d", got, len(mails))
	}
}
