package relay

import (
	"strings"
	"testing"
)

// Refusals, answers of the backend and answers to KeyUpdates are written by
// two goroutines, and keep their order.
func TestReadOnlyKeyUpdates(t *testing.T) {
	mail := "+OK\r\n" + strings.Repeat("0123456789abcd\r\n", chunk/16) + ".\r\n"
	keepOrder(t, 4, trade{
		sent: "DELE 1\r\nRETR 1\r\nDELE 1\r\n", through: "RETR 1\r\n",
		answer: mail, got: refusedDelete + mail + refusedDelete,
	}, readOnly)
}

// After many read-only sessions, ended with refusals and answers under way, no
// goroutine and no descriptor is left.
func TestNothingIsLeftOfReadOnlySessions(t *testing.T) {
	session := func(t *testing.T, i int) {
		r := open(t, fast, readOnly)
		r.send(r.client, "STAT\r\nDELE 1\r\n"+strings.Repeat("NOOP\r\nX\r\n", 20*(i%40)))
		r.expect(r.backend, "STAT\r\n")
		r.send(r.backend, "+OK\r\n")
		r.expect(r.client, "+OK\r\n"+refusedDelete)
		switch i % 4 {
		case 0:
			r.hangUp(hangUps[i/4%len(hangUps)])
		case 1:
			_ = r.backend.Reset()
		case 2:
			r.session.Expire()
		case 3:
			r.send(r.backend, "what?\r\n")
		}
		_, _ = r.backend.Close(), r.client.Close()
		r.result()
	}
	leavesNothing(t, session)
}
