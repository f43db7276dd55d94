package relay

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What a client says in one write, what the backend sees of it, what that
// answers, and what the client reads.
var dialogues = []struct {
	name string
	up   string
	seen []string // by the backend, with
	says []string // its answers
	down string
}{
	{
		"a DELE among commands",
		"STAT\r\nLIST\r\nDELE 1\r\nRETR 1\r\nQUIT\r\n",
		[]string{"STAT\r\n", "LIST\r\n", "RETR 1\r\n", "QUIT\r\n"},
		[]string{"+OK 1 120\r\n", "+OK\r\n1 120\r\n.\r\n", "+OK\r\nhi\r\n.\r\n", "+OK bye\r\n"},
		"+OK 1 120\r\n" + "+OK\r\n1 120\r\n.\r\n" + refusedDelete + "+OK\r\nhi\r\n.\r\n" + "+OK bye\r\n",
	},
	{
		"QUIT behind DELE",
		"DELE 1\r\nQUIT\r\n",
		[]string{"QUIT\r\n"},
		[]string{"+OK bye\r\n"},
		refusedDelete + "+OK bye\r\n",
	},
	{
		"a refused QUIT",
		"QUIT\r\nDELE 1\r\nSTAT\r\n",
		[]string{"QUIT\r\n", "STAT\r\n"},
		[]string{"-ERR busy\r\n", "+OK 1 120\r\n"},
		"-ERR busy\r\n" + refusedDelete + "+OK 1 120\r\n",
	},
	{
		"all kinds of refusals",
		"NOOP\r\ndele\r\nXTND X\r\n\r\nSTAT\nSTAT\x00\r\nAUTH PLAIN\r\n" + strings.Repeat("x", 600) + "\r\nUSER a\r\nRSET\r\n",
		[]string{"NOOP\r\n", "RSET\r\n"},
		[]string{"+OK\r\n", "+OK\r\n"},
		"+OK\r\n" + refusedDelete + refusedCommand + refusedCommand + refusedCRLF + refusedControl + refusedCommand + refusedLong + refusedCommand + "+OK\r\n",
	},
	{
		"answers of one line and of many",
		"LIST\r\nX\r\nLIST 1\r\nX\r\nUIDL\r\nX\r\nUIDL 1\r\nX\r\nTOP 1 0\r\nX\r\nCAPA\r\nX\r\nRETR 9\r\nX\r\nLIST 9\r\nX\r\n",
		[]string{"LIST\r\n", "LIST 1\r\n", "UIDL\r\n", "UIDL 1\r\n", "TOP 1 0\r\n", "CAPA\r\n", "RETR 9\r\n", "LIST 9\r\n"},
		[]string{"+OK\r\n.\r\n", "+OK 1 120\r\n", "+OK\r\n1 a\r\n.\r\n", "+OK 1 a\r\n", "+OK\r\nA: b\r\n\r\n.\r\n", "+OK\r\nTOP\r\n.\r\n", "-ERR none\r\n", "-ERR none\r\n"},
		"+OK\r\n.\r\n" + refusedCommand + "+OK 1 120\r\n" + refusedCommand + "+OK\r\n1 a\r\n.\r\n" + refusedCommand + "+OK 1 a\r\n" + refusedCommand +
			"+OK\r\nA: b\r\n\r\n.\r\n" + refusedCommand + "+OK\r\nTOP\r\n.\r\n" + refusedCommand + "-ERR none\r\n" + refusedCommand + "-ERR none\r\n" + refusedCommand,
	},
	{
		"mail that looks like answers",
		"RETR 1\r\nDELE 1\r\nRETR 2\r\nDELE 2\r\nRETR 3\r\nDELE 3\r\n",
		[]string{"RETR 1\r\n", "RETR 2\r\n", "RETR 3\r\n"},
		[]string{"+OK\r\n-ERR\r\n+OK\r\n..\r\n.x\r\n.\r\n", "+OK\r\n.\r\n", "+OK\r\na\r\nb\n.\n.\r\nno end.\r\n.\r\n"},
		"+OK\r\n-ERR\r\n+OK\r\n..\r\n.x\r\n.\r\n" + refusedDelete + "+OK\r\n.\r\n" + refusedDelete + "+OK\r\na\r\nb\n.\n.\r\nno end.\r\n.\r\n" + refusedDelete,
	},
}

// The client's lines are answered in order, whatever pieces they, and the
// backend's answers, come in.
func TestReadOnlyDialogues(t *testing.T) {
	for _, test := range dialogues {
		for _, k := range []kind{plain, plainTLS, plainObserved} {
			virtual(t, test.name+", "+k.name, func(t *testing.T) {
				r := open(t, k, readOnly)
				got := backendOf(r, answers(test.says...))
				r.send(r.client, test.up)
				r.expect(r.client, test.down)
				r.hangUp("FIN")
				if seen := <-got; seen != strings.Join(test.seen, "") {
					t.Errorf("the backend saw %q", seen)
				}
				_ = r.backend.Close()
				r.expectEnd(r.client, "")
				r.result()
			})
		}
		virtual(t, test.name+", client cut", func(t *testing.T) {
			for at := range len(test.up) + 1 {
				r := open(t, plain, readOnly)
				got := backendOf(r, answers(test.says...))
				r.send(r.client, test.up[:at])
				synctest.Wait()
				r.send(r.client, test.up[at:])
				r.expect(r.client, test.down)
				r.hangUp("FIN")
				if seen := <-got; seen != strings.Join(test.seen, "") {
					t.Errorf("cut after %q: the backend saw %q", test.up[:at], seen)
				}
			}
		})
		virtual(t, test.name+", backend cut", func(t *testing.T) {
			says := strings.Join(test.says, "")
			for at := range len(says) + 1 {
				r := open(t, plain, readOnly)
				r.send(r.client, test.up)
				r.expect(r.backend, strings.Join(test.seen, ""))
				r.send(r.backend, says[:at])
				synctest.Wait()
				r.send(r.backend, says[at:])
				r.expect(r.client, test.down)
				r.hangUp("FIN")
				r.expectEnd(r.backend, "")
			}
		})
	}
}

// What a client says behind its login is judged like all the rest.
func TestReadOnlyLinesOfTheLogin(t *testing.T) {
	for _, test := range dialogues {
		virtual(t, test.name, func(t *testing.T) {
			for at := range len(test.up) + 1 {
				r := open(t, plain, readOnly, func(o *Options) { o.FromClient = []byte(test.up[:at]) })
				got := backendOf(r, answers(test.says...))
				r.send(r.client, test.up[at:])
				r.expect(r.client, test.down)
				r.hangUp("FIN")
				if seen := <-got; seen != strings.Join(test.seen, "") {
					t.Errorf("cut after %q: the backend saw %q", test.up[:at], seen)
				}
			}
		})
	}
}

// A refusal comes at once if nothing is awaited, and otherwise not before the
// answer under way is whole.
func TestReadOnlyRefusalWaitsForItsTurn(t *testing.T) {
	virtual(t, "RETR", func(t *testing.T) {
		r := open(t, plainTLS, readOnly)
		r.send(r.client, "DELE 1\r\n")
		r.expect(r.client, refusedDelete)
		r.send(r.client, "RETR 1\r\n")
		r.expect(r.backend, "RETR 1\r\n")
		r.send(r.client, "DELE 1\r\nNOOP\r\nDELE 2\r\n")
		r.expect(r.backend, "NOOP\r\n") // asked ahead all the same
		for _, part := range []string{"+OK 120", " octets\r\n", "hi\r\n.", "\r", "\r\n", ".", "\r"} {
			r.send(r.backend, part)
			r.expect(r.client, part)
			r.expectQuiet(r.client)
		}
		r.send(r.backend, "\n")
		r.expect(r.client, "\n"+refusedDelete)
		r.expectQuiet(r.client)
		r.send(r.backend, "+OK\r\n")
		r.expect(r.client, "+OK\r\n"+refusedDelete)
	})
}

// Neither refused lines nor refusals are counted as relayed.
func TestReadOnlyCounts(t *testing.T) {
	virtual(t, "octets", func(t *testing.T) {
		r := open(t, plain, readOnly)
		got := backendOf(r, answers("+OK\r\n"))
		r.send(r.client, "NOOP\r\nDELE 1\r\n")
		r.expect(r.client, "+OK\r\n"+refusedDelete)
		r.hangUp("FIN")
		<-got
		_ = r.backend.Close()
		if result := r.ends(EndClientClosed); result.FromClient != int64(len("NOOP\r\n")) || result.FromBackend != int64(len("+OK\r\n")) {
			t.Errorf("%+v", result)
		}
	})
}

// A line that never ends costs nothing and is answered when it does.
func TestReadOnlyEndlessLine(t *testing.T) {
	virtual(t, "10 MB", func(t *testing.T) {
		r := open(t, plain, readOnly)
		for range 10 {
			r.send(r.client, strings.Repeat("DELE 1 ", 150_000))
		}
		r.expectQuiet(r.client)
		r.expectQuiet(r.backend)
		r.send(r.client, "\r\nSTAT\r\n")
		r.expect(r.client, refusedLong)
		r.expect(r.backend, "STAT\r\n")
	})
}

// Of a client that asks and does not read no more lines are taken than can be
// noted, and it goes on when it reads.
func TestReadOnlyFloodIsBounded(t *testing.T) {
	for _, line := range []string{"\n", "DELE 1\r\n", "NOOP\r\n"} {
		virtual(t, fmt.Sprintf("%q", line), func(t *testing.T) {
			const lines = 50_000
			r := open(t, plain, readOnly)
			_ = r.client.(*pipeEnd).SetReadBuffer(512)
			_ = r.session.beneath.Conn.(*pipeEnd).SetReadBuffer(512)
			_ = r.session.backend.(*pipeEnd).SetReadBuffer(512)
			sent := make(chan error, 1)
			go func() {
				for range lines {
					if _, err := io.WriteString(r.client, line); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			if line == "NOOP\r\n" {
				// The backend reads all and answers nothing.
				go func() { _, _ = io.Copy(io.Discard, r.backend) }()
			}
			pass(time.Minute)
			if len(sent) > 0 {
				t.Error("all lines were taken: ", <-sent)
			}
			if n := len(all(r.session.speaker.owed)); n > gateSize {
				t.Errorf("%d answers are owed", n)
			}
			if line == "NOOP\r\n" {
				if up, _ := r.session.Bytes(); up != int64(gateSize*len(line)) {
					t.Errorf("%d octets went up, want %d lines'", up, gateSize)
				}
				return
			}
			want := refusalOf(line)
			for range lines {
				r.expect(r.client, want)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// Several answers that come together leave in one write, with what is between
// them, as they do from the opaque relay.
func TestReadOnlyGathersWrites(t *testing.T) {
	virtual(t, "one write", func(t *testing.T) {
		below := &recorder{}
		over := plainTLS
		over.wrap = wrapWith(below)
		r := open(t, over, readOnly)
		r.send(r.client, "RETR 1\r\nSTAT\r\nDELE 1\r\nNOOP\r\n")
		r.expect(r.backend, "RETR 1\r\nSTAT\r\nNOOP\r\n")
		before := len(below.all())
		message := "+OK\r\n" + strings.Repeat("0123456789abcd\r\n", 3000) + ".\r\n+OK 1\r\n"
		r.send(r.backend, message+"+OK\r\n")
		r.expect(r.client, message+refusedDelete+"+OK\r\n")
		synctest.Wait()
		writes := below.all()[before:]
		// Three records for what stands before the refusal, one for it, one behind it.
		if len(writes) != 1 || records(writes[0]) != 5 {
			t.Errorf("%d writes, the first with %d records; want 5 records in one write", len(writes), records(writes[0]))
		}
	})
}
