package relay

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
)

// sealer writes a client's TLS 1.3 records by hand, since crypto/tls can't be
// told to update its keys. The client's tls.Conn must not write meanwhile.
type sealer struct {
	t      testing.TB
	to     io.Writer
	suite  uint16
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// newSealer goes on where the handshake of conn has ended, whose key log is
// given.
func newSealer(t testing.TB, to io.Writer, conn *tls.Conn, log string) *sealer {
	t.Helper()
	s := &sealer{t: t, to: to, suite: conn.ConnectionState().CipherSuite}
	_, line, _ := strings.Cut(log, "CLIENT_TRAFFIC_SECRET_0 ")
	fields := strings.Fields(line)
	if len(fields) < 2 {
		t.Fatal("no traffic secret in the key log")
	}
	secret, err := hex.DecodeString(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	s.rekey(secret)
	return s
}

// rekey follows RFC 8446 §7.3.
func (s *sealer) rekey(secret []byte) {
	s.t.Helper()
	s.secret, s.seq = secret, 0
	s.iv = s.expand("iv", 12)
	var err error
	switch s.suite {
	case tls.TLS_AES_128_GCM_SHA256:
		block, blockErr := aes.NewCipher(s.expand("key", 16))
		if blockErr != nil {
			s.t.Fatal(blockErr)
		}
		s.aead, err = cipher.NewGCM(block)
	case tls.TLS_CHACHA20_POLY1305_SHA256:
		s.aead, err = chacha20poly1305.New(s.expand("key", 32))
	default:
		s.t.Fatalf("cipher suite %s", tls.CipherSuiteName(s.suite))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// expand is HKDF-Expand-Label of RFC 8446 §7.1 with an empty context.
func (s *sealer) expand(label string, size int) []byte {
	s.t.Helper()
	label = "tls13 " + label
	info := string([]byte{byte(size >> 8), byte(size), byte(len(label))}) + label + "\x00"
	key, err := hkdf.Expand(sha256.New, s.secret, info, size)
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

// record follows RFC 8446 §5.2 and §5.3.
func (s *sealer) record(contentType byte, payload string) error {
	inner := append([]byte(payload), contentType)
	header := []byte{23, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+s.aead.Overhead()))
	nonce := bytes.Clone(s.iv)
	for i := range 8 {
		nonce[len(nonce)-1-i] ^= byte(s.seq >> (8 * i))
	}
	s.seq++
	_, err := s.to.Write(s.aead.Seal(header, nonce, inner, header))
	return err
}

const (
	handshakeRecord   = 22
	applicationRecord = 23
	// updateRequested is a KeyUpdate that asks for one in return (RFC 8446 §4.6.3).
	updateRequested = "\x18\x00\x00\x01\x01"
)

// A KeyUpdate's answer is written by the reading side while the writing side
// holds its records back: were they to change places, the client could not
// decrypt what follows.
func TestKeyUpdatesKeepOrder(t *testing.T) {
	message := strings.Repeat("0123456789abcdef", chunk/16)
	// crypto/tls takes 16 records in a row without data: no more than 8
	// answers are under way for each message.
	keepOrder(t, 8, trade{sent: "NOOP\r\n", through: "NOOP\r\n", answer: message, got: message})
}

// trade is what a client sends, what of it comes through to the backend, what
// that answers, and what the client gets.
type trade struct{ sent, through, answer, got string }

// keepOrder repeats x, each time behind a KeyUpdate that wants an answer, with so
// many ahead of what has been got.
func keepOrder(t *testing.T, ahead int, x trade, tweak ...func(*Options)) {
	t.Helper()
	var log bytes.Buffer
	over := fast
	over.keyLog = &log
	r := open(t, over, tweak...)
	client := r.client.(tlsEnd)
	s := newSealer(t, client.transport, client.Conn, log.String())

	const updates = 200
	turns := make(chan struct{}, ahead)
	var wait sync.WaitGroup
	wait.Go(func() {
		for range updates {
			turns <- struct{}{}
			err := s.record(handshakeRecord, updateRequested)
			s.rekey(s.expand("traffic upd", sha256.Size))
			if err == nil {
				err = s.record(applicationRecord, x.sent)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	wait.Go(func() {
		for range updates {
			err := read(r.backend, x.through)
			if err == nil {
				_, err = io.WriteString(r.backend, x.answer)
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range updates {
		r.expect(r.client, x.got)
		<-turns
	}
	wait.Wait()
	_ = r.backend.Close()
	r.expectEnd(r.client, "")
	_ = r.client.Close()
	r.ends(EndBackendClosed)
}

// What the reading side writes while records are held back comes behind them:
// the answer to a KeyUpdate, and the alert for a record that nobody can
// decrypt.
func TestReadingSideWritesBehindHeldRecords(t *testing.T) {
	var log bytes.Buffer
	over := plainTLS
	over.keyLog = &log
	near, far := pipePair()
	beneath := NewConn(far, nil, time.Minute)
	client, server := tlsPair(t, over, near, NewConn(near, nil, time.Minute), beneath)
	s := newSealer(t, near, client.Conn, log.String())
	r := &rig{t: t}

	beneath.hold(make([]byte, 0, sealed))
	r.send(server, "before the update, ")
	if err := s.record(handshakeRecord, updateRequested); err != nil {
		t.Fatal(err)
	}
	s.rekey(s.expand("traffic upd", sha256.Size))
	if err := s.record(applicationRecord, "NOOP\r\n"); err != nil {
		t.Fatal(err)
	}
	r.expect(server, "NOOP\r\n")
	r.send(server, "behind it")
	r.send(near, "\x17\x03\x03\x00\x20"+strings.Repeat("forged..", 4))
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Error("the server took a forged record")
	}
	if err := beneath.release(false); err != nil {
		t.Fatal(err)
	}
	r.expect(client, "before the update, behind it")
	_, err := client.Read(make([]byte, 1))
	if err == nil || !strings.Contains(err.Error(), "remote error: tls: bad record MAC") {
		t.Errorf("the client got %v, want the alert", err)
	}
}
