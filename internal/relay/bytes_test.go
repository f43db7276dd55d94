package relay

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// Rule 3: the backend's stream is the client's stream, byte for byte, and the
// other way round; only an unterminated tail is dropped.
func TestRule3BytesInAreBytesOut(t *testing.T) {
	message := "+OK\r\n..\r\n.\n\r.\r\n\x00\xff\xfe-ERR\r\n" + strings.Repeat("x", 200_000) + "\n.\n\r\n.\r\n"
	for _, k := range []kind{fast, fast12, plain, plainTLS, fastObserved, plainObserved} {
		t.Run(k.name, func(t *testing.T) {
			for _, test := range []struct{ name, up, down string }{
				{"nothing", "", ""},
				{"no client", "", message},
				{"no backend", "STAT\r\nRETR 1\r\n", ""},
				{"both", "STAT\r\nRETR 1\r\nNOOP\n\n\r\n", message},
				{"with QUIT", "RETR 1\r\nQUIT\r\n", message},
				{"behind QUIT", "QUIT\r\nNOOP\r\nQU", message},
				{"tail", "RETR 1\r\nDELE 1", message},
				{"odd octets", "\x00\x80\xff\r\r\n\xc3\xa9\n\x1b[2J\r\n", message},
				{"long lines", strings.Repeat(strings.Repeat("y", 700)+"\r\n", 50), message},
				{"long tail", "NOOP\r\n" + strings.Repeat("z", 3000), message},
				{"many", strings.Repeat("RETR 1\r\n", 2000), strings.Repeat(message, 3)},
			} {
				t.Run(test.name, func(t *testing.T) {
					for seed := range uint64(3) {
						roundTrip(t, k, []byte(test.up), []byte(test.down), seed)
					}
				})
			}
		})
	}
}

func FuzzRelay(f *testing.F) {
	f.Add([]byte("STAT\r\nQUIT\r\n"), []byte("+OK 0 0\r\n+OK bye\r\n"), uint64(1))
	f.Add([]byte("RETR 1\r\nDELE 1"), bytes.Repeat([]byte("0123456789abcde\n"), 10_000), uint64(2))
	f.Add(bytes.Repeat([]byte("y"), 2000), []byte("\r\n.\r\n"), uint64(3))
	f.Fuzz(func(t *testing.T, up, down []byte, seed uint64) {
		for _, k := range []kind{fast, plain, fastObserved} {
			roundTrip(t, k, up, down, seed)
		}
	})
}

// roundTrip sends up and down through a relay at once, in random pieces, and
// compares what comes out. The client closes its side as soon as it may: when
// all is sent, or, as an unfinished line ends the session, when all is read.
func roundTrip(t *testing.T, k kind, up, down []byte, seed uint64) {
	t.Helper()
	want := up[:letThrough(up)]
	quit, _ := quits(up, 0)
	cut := !quit && len(up) > 0 && up[len(up)-1] != '\n'

	rng := rand.New(rand.NewPCG(seed, uint64(len(up))))
	headUp, headDown := rng.IntN(min(len(up), 2000)+1), rng.IntN(min(len(down), 2000)+1)
	r := open(t, k, func(o *Options) {
		o.FromClient, o.FromBackend = bytes.Clone(up[:headUp]), bytes.Clone(down[:headDown])
	})
	upRng, downRng := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
	allRead, allSent, allGot := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := pieces(r.client, up[headUp:], upRng); err != nil && !quit {
			t.Errorf("client: %v", err)
		}
		if cut {
			<-allRead
			<-allGot // a reset loses what wasn't read
		}
		r.hangUp(hangUps[upRng.IntN(len(hangUps)-1)])
	})
	wait.Go(func() {
		got := make([]byte, len(down))
		n, err := io.ReadFull(r.client, got)
		close(allRead)
		if !bytes.Equal(got, down) {
			t.Errorf("client read %d octets of %d that are not the backend's: %v", n, len(down), err)
		}
		if rest, err := io.ReadAll(r.client); len(rest) > 0 || err != nil && !cut {
			t.Errorf("client read %.40q (%v), want the end", rest, err)
		}
	})
	wait.Go(func() {
		if err := pieces(r.backend, down[headDown:], downRng); err != nil {
			t.Errorf("backend: %v", err)
		}
		close(allSent)
	})
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r.backend, got); !bytes.Equal(got, want) {
		t.Errorf("backend read %d octets of %d that are not the client's: %v", n, len(want), err)
	}
	close(allGot)
	<-allSent
	if !quit {
		if rest, err := io.ReadAll(r.backend); len(rest) > 0 || err != nil && !cut {
			t.Errorf("backend read %.40q (%v), want the end", rest, err)
		}
	}
	_ = r.backend.Close()
	wait.Wait()
	result := r.result()
	if result.FromClient != int64(len(want)) || result.FromBackend != int64(len(down)) || result.Quit != quit {
		t.Errorf("%+v, want %d and %d octets, QUIT %v", result, len(want), len(down), quit)
	}
}

// pieces writes b in pieces of random lengths.
func pieces(w io.Writer, b []byte, rng *rand.Rand) error {
	for len(b) > 0 {
		most := []int{3, 600, 5000, 100_000}[rng.IntN(4)]
		n := min(len(b), 1+rng.IntN(most))
		if _, err := w.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
