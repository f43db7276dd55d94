package tlsconf

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// Tickets has the keys that session tickets are encrypted with. They change
// every UTC day, and follow from one secret: replicas that share it resume each
// other's sessions, and a reload ends none.
// It has no printed form.
type Tickets struct{ secret []byte }

// Format writes a fixed word, whatever the verb.
func (*Tickets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// NewTickets returns keys of a random secret, which is this process's own.
func NewTickets() *Tickets {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return &Tickets{secret: secret}
}

// SharedTickets returns keys of a secret that replicas share. Who knows it, now
// or later, has the keys of all its days: such a one can read recorded sessions
// of TLS 1.2 that used tickets, and play the server to clients that resume.
func SharedTickets(secret []byte) *Tickets { return &Tickets{secret: secret} }

// Secret is what the keys follow from, for the process that takes this one's
// place, which makes its own by [SharedTickets]. It must go nowhere else.
func (t *Tickets) Secret() []byte { return t.secret }

// ticketKey is a key of crypto/tls.
type ticketKey = [32]byte

const day = 24 * time.Hour

// dayOf numbers UTC days.
func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

// keys returns those of a day: the first encrypts; tickets of the day before are
// read as well, and so are those of a replica whose clock is a little ahead.
func (t *Tickets) keys(of int64) ([]ticketKey, error) {
	var keys []ticketKey
	for _, n := range [...]int64{of, of - 1, of + 1} {
		info := binary.BigEndian.AppendUint64([]byte("popgate session ticket key 1"), uint64(n))
		key, err := hkdf.Key(sha256.New, t.secret, nil, string(info), len(ticketKey{}))
		if err != nil {
			return nil, err
		}
		keys = append(keys, ticketKey(key))
	}
	return keys, nil
}

// rotateTickets brings the keys of config up to the day. RFC 9325 §3.4 (and
// RFC 8446 §4.6.1, which limits a ticket to seven days) want them changed often.
func (s *Source) rotateTickets(now time.Time) {
	today := dayOf(now)
	if today == s.ticketDay.Load() {
		return
	}
	keys, err := s.tickets.keys(today)
	if err != nil {
		s.log.Error("session ticket keys not changed", "error", err)
		return
	}
	s.config.SetSessionTicketKeys(keys)
	s.ticketDay.Store(today)
}
