package relay

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// harmless are lines that a read-only relay lets through.
var harmless = []string{
	"STAT\r\n", "LIST\r\n", "list 1\r\n", "LIST \r\n", "UIDL\r\n", "UIDL 2\r\n", "RETR 1\r\n", "retr\r\n", "TOP 1 0\r\n",
	"NOOP\r\n", "nOoP x\r\n", "RSET\r\n", "CAPA\r\n", "QUIT\r\n", "quit now\r\n", "RETR \xff\xfe  DELE\r\n",
	"RETR " + strings.Repeat("1", gateSize-7) + "\r\n",
}

// FuzzReadOnlyIsOpaque compares the relays: as long as only allowed commands are
// sent, a backend and a client see the same octets through both. The commands
// are those that picks says. The backend follows the rules, or else answers
// each line with a part of says, whatever that is.
func FuzzReadOnlyIsOpaque(f *testing.F) {
	f.Add([]byte{0, 1, 6, 13}, "", []byte(nil), true, uint64(1))
	f.Add(bytes.Repeat([]byte{6, 1, 12, 8, 2}, 50), "QUI", []byte(nil), true, uint64(2))
	f.Add([]byte{6, 0}, "DELE 1", []byte("+OK\r\nhi\r\n.\r\n+OK\r\n"), false, uint64(3))
	f.Add([]byte{0, 6, 1}, "", []byte("\r\n.\r\n+OK\n.\n-ERR"), false, uint64(4))
	f.Add([]byte{13, 0, 13, 6}, "", bytes.Repeat([]byte("+OK\r\n-ERR\r\n"), 9000), false, uint64(5))
	f.Add([]byte{}, "", []byte("-ERR autologout\r\n"), false, uint64(6))
	f.Fuzz(func(t *testing.T, picks []byte, tail string, says []byte, proper bool, seed uint64) {
		var up strings.Builder
		for _, pick := range picks[:min(len(picks), gateSize/2)] {
			up.WriteString(harmless[int(pick)%len(harmless)])
		}
		whole := up.String()
		up.WriteString(strings.ReplaceAll(tail[:min(len(tail), gateSize-1)], "\n", ""))

		said := split(says, strings.Count(whole, "\n"), seed)
		if proper {
			for i, line := range slices.Collect(strings.Lines(whole)) {
				said[i] = mailbox(line, i)
			}
		}
		synctest.Test(t, func(t *testing.T) {
			seen, got := exchange(t, false, up.String(), said, seed)
			if seen != whole || got != strings.Join(said, "") {
				t.Fatalf("the opaque relay has changed something: %.200q, %.200q", seen, got)
			}
			seenToo, gotToo := exchange(t, true, up.String(), said, seed)
			if seenToo != seen {
				t.Errorf("the backend saw %.200q, want %.200q", seenToo, seen)
			}
			if gotToo != got {
				t.Errorf("the client read %.200q, want %.200q", gotToo, got)
			}
		})
	})
}

// split cuts b into n parts, or one if n is 0.
func split(b []byte, n int, seed uint64) (parts []string) {
	rng := rand.New(rand.NewPCG(seed, 9))
	for ; n > 1; n-- {
		at := rng.IntN(len(b)/n*2 + 1)
		parts = append(parts, string(b[:at]))
		b = b[at:]
	}
	return append(parts, string(b))
}

// exchange lets a client say up, and a backend answer each line with one of
// says, or the only one at once if there is no line; the backend closes after
// the last one. It returns what backend and client have read.
func exchange(t *testing.T, readOnly bool, up string, says []string, seed uint64, tweak ...func(*Options)) (seen, got string) {
	t.Helper()
	r := open(t, plain, append(tweak, func(o *Options) { o.ReadOnly = readOnly })...)
	sent, all := make(chan struct{}), make(chan string, 1)
	go func() {
		defer close(sent)
		_ = pieces(r.client, []byte(up), rand.New(rand.NewPCG(seed, 1))) // fails once the backend is gone
	}()
	go func() { all <- readAll(r.client) }()
	rng := rand.New(rand.NewPCG(seed, 2))
	if strings.Contains(up, "\n") {
		seen = serveLines(r.backend, rng, func(_ string, number int) (string, bool) {
			return says[number], number == len(says)-1
		})
	} else {
		_ = pieces(r.backend, []byte(says[0]), rng)
	}
	synctest.Wait()
	_ = r.backend.Close()
	got = <-all
	_ = r.client.Close()
	<-sent
	r.result()
	return seen, got
}

// FuzzReadOnlyRefuses sends what data says. The backend sees the allowed lines
// among that and nothing else, whatever ends a line for it; the client reads one
// answer for each line, in order.
func FuzzReadOnlyRefuses(f *testing.F) {
	for i, dialogue := range dialogues {
		f.Add([]byte(dialogue.up), uint64(i))
	}
	f.Add([]byte("NOOP\rDELE 1\r\nNOOP\nDELE 1\r\nNOOP\x00\r\nDELE 1"), uint64(100))
	f.Add([]byte(strings.Repeat("\n", 2000)+"STAT\r\n"), uint64(101))
	f.Add([]byte(strings.Repeat("RETR 1\r\nDELE 1\r\n", 400)+"QUIT\r\nQUIT\r\n"), uint64(102))
	f.Add([]byte("RETR "+strings.Repeat("1", gateSize-7)+"\r\nRETR "+strings.Repeat("1", gateSize-6)+"\r\nNOOP\r\n"), uint64(103))
	f.Add([]byte(strings.Repeat("DELE 1 ", 1000)+"\nQUIT\r\n"), uint64(104))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		var seen, down strings.Builder
		number := 0
		for line := range strings.Lines(string(data)) {
			if !strings.HasSuffix(line, "\n") {
				break
			}
			if refusal := refusalOf(line); refusal != "" {
				down.WriteString(refusal)
				continue
			}
			seen.WriteString(line)
			down.WriteString(mailbox(line, number))
			number++
		}
		k := plain
		if seed%16 == 0 {
			k = plainTLS
		}
		synctest.Test(t, func(t *testing.T) {
			r := open(t, k, readOnly, func(o *Options) {
				n := int(seed % uint64(len(data)+1))
				o.FromClient, data = data[:n], data[n:]
			})
			sent, got := make(chan error, 1), make(chan string, 1)
			go func() { sent <- pieces(r.client, data, rand.New(rand.NewPCG(seed, 1))) }()
			go func() {
				got <- serveLines(r.backend, rand.New(rand.NewPCG(seed, 2)), func(line string, number int) (string, bool) {
					return mailbox(line, number), false
				})
			}()
			r.expect(r.client, down.String())
			if err := <-sent; err != nil {
				t.Error(err)
			}
			r.expectQuiet(r.client)
			r.hangUp("FIN")
			backendGot := <-got
			if backendGot != seen.String() {
				t.Errorf("the backend saw %.200q, want %.200q", backendGot, seen.String())
			}
			onlyAllowed(t, backendGot)
		})
	})
}

// onlyAllowed judges by its own lights what a backend would obey.
func onlyAllowed(t *testing.T, stream string) {
	t.Helper()
	for _, line := range strings.FieldsFunc(stream, func(c rune) bool { return c < 0x20 || c == 0x7f }) {
		if !mayPass.MatchString(line + "\r\n") {
			t.Errorf("the backend may have taken %q for a command", line)
		}
	}
}
