package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// builtin is a plain POP3 server within the test: USER and PASS, AUTH PLAIN, and the commands that the tests use. Like most old
// servers it takes what stands before the end of a stream for a line.
type builtin struct {
	listener net.Listener
	sessions sync.WaitGroup
	ends     *output       // a line for each QUIT of a mailbox's session, and one for the session's end
	slow     chan struct{} // a QUIT isn't carried out before this is closed; nil: at once

	dials, logins atomic.Int64 // connections, and those of them that came with the right password

	mu    sync.Mutex
	boxes map[account][]mail
	conns map[net.Conn]bool
}

// startBuiltin runs the server until the test ends.
func startBuiltin(t testing.TB) *builtin {
	t.Helper()
	return startSlowBuiltin(t, nil)
}

// startSlowBuiltin runs one that carries out no QUIT before the channel is closed.
func startSlowBuiltin(t testing.TB, slow chan struct{}) *builtin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &builtin{
		listener: l, ends: newOutput(), slow: slow,
		boxes: map[account][]mail{}, conns: map[net.Conn]bool{},
	}
	b.sessions.Go(b.accept)
	t.Cleanup(func() {
		l.Close()
		b.mu.Lock()
		for c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		b.sessions.Wait()
	})
	return b
}

func (b *builtin) mailbox(t testing.TB, user string, mails []mail) account {
	return b.fill(t, account{user, newPassword()}, mails)
}

func (b *builtin) fill(_ testing.TB, a account, mails []mail) account {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.boxes[a] = mails
	return a
}

func (b *builtin) left(_ testing.TB, a account) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return names(b.boxes[a])
}

func (b *builtin) closed(t testing.TB, n int) { b.ends.wait(t, n, "ended") }

func (b *builtin) port() int { return b.listener.Addr().(*net.TCPAddr).Port }

func (b *builtin) plain() endpoint {
	return endpoint{host: "127.0.0.1", port: b.port(), security: noTLS}
}

// accept serves connections until the listener is closed.
func (b *builtin) accept() {
	for {
		c, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.dials.Add(1)
		b.mu.Lock()
		b.conns[c] = true
		b.mu.Unlock()
		b.sessions.Go(func() {
			defer func() {
				b.mu.Lock()
				delete(b.conns, c)
				b.mu.Unlock()
				c.Close()
			}()
			c.SetDeadline(time.Now().Add(4 * patience))
			b.serve(c)
		})
	}
}

// serve talks to one client until it quits or leaves.
func (b *builtin) serve(c net.Conn) {
	r := bufio.NewReader(c)
	fmt.Fprint(c, "+OK built-in\r\n")
	for {
		a, ok := credentials(c, r)
		if !ok {
			return
		}
		b.mu.Lock()
		mails, known := b.boxes[a]
		b.mu.Unlock()
		if !known {
			// Deliberate: some old servers repeat what they were given.
			fmt.Fprintf(c, "-ERR [AUTH] no %s with %s\r\n", a.user, a.password)
			continue
		}
		b.logins.Add(1)
		fmt.Fprint(c, "+OK in\r\n")
		left, quit := transaction(c, r, mails)
		if quit {
			fmt.Fprintln(b.ends, "quitting")
			if b.slow != nil {
				<-b.slow
			}
			b.mu.Lock()
			b.boxes[a] = left
			b.mu.Unlock()
			fmt.Fprint(c, "+OK bye\r\n")
		}
		fmt.Fprintln(b.ends, "ended")
		return
	}
}

// credentials answers commands until the client has said who it is; ok is false if it ends before that.
func credentials(w io.Writer, r *bufio.Reader) (a account, ok bool) {
	for {
		verb, arg, ok := readCommand(r)
		if !ok {
			return a, false
		}
		switch verb {
		case "USER":
			a.user = arg
			fmt.Fprint(w, "+OK\r\n")
		case "PASS":
			a.password = arg
			return a, true
		case "AUTH":
			_, code, initial := strings.Cut(arg, " ")
			if !initial {
				fmt.Fprint(w, "+ \r\n")
				code, _, _ = readCommand(r)
			}
			text, _ := base64.StdEncoding.DecodeString(code)
			if parts := strings.Split(string(text), "\x00"); len(parts) == 3 {
				return account{parts[1], parts[2]}, true
			}
			fmt.Fprint(w, "-ERR\r\n")
		case "QUIT":
			fmt.Fprint(w, "+OK\r\n")
			return a, false
		default:
			fmt.Fprint(w, "-ERR\r\n")
		}
	}
}

// readCommand reads one line; ok is false when there is none any more.
func readCommand(r *bufio.Reader) (verb, arg string, ok bool) {
	line, err := r.ReadString('\n')
	if err != nil && line == "" {
		return "", "", false
	}
	verb, arg, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	return verb, arg, true
}

// transaction answers commands about the mails and returns those that stay; quit is false if the client just left.
func transaction(w io.Writer, r *bufio.Reader, mails []mail) (left []mail, quit bool) {
	deleted := make([]bool, len(mails))
	for {
		verb, arg, ok := readCommand(r)
		if !ok {
			return nil, false
		}
		var n int
		fmt.Sscan(arg, &n)
		known := n >= 1 && n <= len(mails) && !deleted[n-1]
		switch {
		case verb == "STAT":
			fmt.Fprintf(w, "+OK %d %d\r\n", len(mails), len(mails))
		case verb == "RETR" && known:
			stuffed := strings.ReplaceAll("\r\n"+mails[n-1].wire(), "\r\n.", "\r\n..")
			fmt.Fprintf(w, "+OK %d octets%s.\r\n", len(mails[n-1].wire()), stuffed)
		case verb == "DELE" && known:
			deleted[n-1] = true
			fmt.Fprint(w, "+OK\r\n")
		case verb == "NOOP":
			fmt.Fprint(w, "+OK\r\n")
		case verb == "QUIT":
			for i, m := range mails {
				if !deleted[i] {
					left = append(left, m)
				}
			}
			return slices.Clip(left), true
		default:
			fmt.Fprint(w, "-ERR\r\n")
		}
	}
}
