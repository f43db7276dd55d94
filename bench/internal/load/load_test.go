package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"popgate/bench/internal/backend"
	"popgate/bench/internal/maildrop"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "load.test"

// messages are two small mails, made once.
var messages = sync.OnceValue(func() []maildrop.Message {
	return []maildrop.Message{maildrop.New(maildrop.Small), maildrop.New(maildrop.Medium)}
})

// certificate makes a self-signed certificate for name.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// listen opens a TLS listener and makes the target that reaches it.
func listen(t *testing.T) (net.Listener, Target) {
	t.Helper()
	pair, roots := certificate(t)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	return listener, Target{
		Address: listener.Addr().String(), TLS: TLSConfig(roots, name, tls.X25519),
		User: "user", Password: "sesame", Messages: messages(),
	}
}

// serveBackend puts the comparison's own backend directly behind TLS.
func serveBackend(t *testing.T) Target {
	t.Helper()
	listener, target := listen(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- backend.ServePOP3(ctx, listener, backend.Options{Password: target.Password, Messages: target.Messages})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the backend ended with %v", err)
		}
	})
	return target
}

// serveScript answers the n-th line of one session with the n-th reply; the
// greeting is reply 0. Then it closes.
func serveScript(t *testing.T, replies ...string) Target {
	t.Helper()
	listener, target := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer listener.Close()
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		line := make([]byte, 512)
		for i, reply := range replies {
			if i > 0 {
				if _, err := c.Read(line); err != nil {
					return
				}
			}
			if _, err := io.WriteString(c, reply); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return target
}

func TestCheckTellsTheHandshake(t *testing.T) {
	target := serveBackend(t)
	got, err := Check(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if got.Version != "TLS 1.3" || got.KeyExchange != "X25519" || !strings.HasPrefix(got.Cipher, "TLS_") {
		t.Errorf("got %+v", got)
	}
	target.TLS.CurvePreferences = []tls.CurveID{tls.X25519MLKEM768, tls.X25519}
	if got, err = Check(t.Context(), target); err != nil || got.KeyExchange != "X25519MLKEM768" {
		t.Errorf("with the hybrid: got %+v, %v", got, err)
	}
}

func TestSessions(t *testing.T) {
	r, err := Sessions(t.Context(), serveBackend(t), 4, 20)
	if err != nil {
		t.Fatal(err)
	}
	if r.Operations != 20 || r.Octets != 0 || r.Percentile(50) <= 0 || r.PerSecond() <= 0 {
		t.Errorf("got %+v", r)
	}
}

func TestPool(t *testing.T) {
	target := serveBackend(t)
	p, err := Open(t.Context(), target, 3)
	if err != nil {
		t.Fatal(err)
	}
	for number, m := range target.Messages {
		r, err := p.Retrieve(t.Context(), number+1, 10)
		if err != nil || r.Operations != 10 || r.Octets != 10*int64(len(m.Reply)) {
			t.Errorf("message %d: %+v, %v", number+1, r, err)
		}
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAWrongPasswordFails(t *testing.T) {
	target := serveBackend(t)
	target.Password = "other"
	_, err := Sessions(t.Context(), target, 1, 1)
	if err == nil || !strings.Contains(err.Error(), "PASS: refused") || strings.Contains(err.Error(), "other") {
		t.Errorf("got %v", err)
	}
	if _, err := Open(t.Context(), target, 2); err == nil {
		t.Error("a pool was opened with a wrong password")
	}
}

// A proxy that answers wrongly must never come out as a fast one.
func TestWrongRepliesAreErrors(t *testing.T) {
	const ok = "+OK\r\n"
	stat := maildrop.Stat(messages())
	first, second := string(messages()[0].Reply), string(messages()[1].Reply)
	wrongSize := func(more int) string { return fmt.Sprintf("got %d octets, want %d", len(first)+more, len(first)) }
	flipped := strings.Replace(first, "Subject: bench", "Subject: bensh", 1)
	for _, test := range []struct {
		name    string
		replies []string
		want    string
	}{
		{"refused at once", []string{"-ERR no\r\n"}, "greeting: refused"},
		{"no greeting", []string{""}, "greeting: unexpected EOF"},
		{"bare LF", []string{"+OK\n"}, "a line without CRLF"},
		{"endless line", []string{strings.Repeat("x", mailBuffer)}, "a line above"},
		{"wrong STAT", []string{ok, ok, ok, "+OK 2 1\r\n"}, "STAT: got"},
		{"RETR refused", []string{ok, ok, ok, stat, "-ERR\r\n"}, "RETR 1: refused"},
		{"cut short", []string{ok, ok, ok, stat, first[:len(first)-3]}, "unexpected EOF"},
		{"an octet less", []string{ok, ok, ok, stat, strings.Replace(first, "Subject", "Subjec", 1)}, wrongSize(-1)},
		{"an octet more", []string{ok, ok, ok, stat, strings.Replace(first, "Subject", "Subjectt", 1)}, wrongSize(1)},
		{"another octet", []string{ok, ok, ok, stat, flipped}, "content was changed"},
		{"octets behind the mail", []string{ok, ok, ok, stat, first + ok}, "octets behind the reply"},
		{"QUIT refused", []string{ok, ok, ok, stat, first, second, "-ERR\r\n"}, "QUIT: refused"},
		{"octets behind QUIT", []string{ok, ok, ok, stat, first, second, ok + ok}, "behind the answer to QUIT"},
		{"all well", []string{ok, ok, ok, stat, first, second, ok}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Check(t.Context(), serveScript(t, test.replies...))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestTheEndOfTheContextBreaksASession(t *testing.T) {
	target := serveScript(t, "+OK\r\n", "+OK\r\n", "+OK\r\n", "") // STAT is never answered in full
	ctx, cancel := context.WithCancel(t.Context())
	c, err := dial(ctx, target, make([]byte, lineBuffer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	cancel()
	// Whether the watch has run yet or not: the next operation is refused.
	if err := c.arm(ctx); err == nil {
		t.Error("an operation was allowed after the end of the context")
	}
}
