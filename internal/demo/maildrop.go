package demo

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"slices"
	"sync"
)

// message is one mail. It never changes.
type message struct {
	id   string // for UIDL
	text []byte // CRLF at its end, dots as they are
}

// maildrop is a user's mails. One session at a time holds it.
type maildrop struct {
	secret [sha256.Size]byte // of the password

	mu       sync.Mutex
	held     bool
	messages []*message
}

func newMaildrop(u User) *maildrop {
	d := &maildrop{secret: sha256.Sum256([]byte(u.Password))}
	for i, mail := range u.Mails {
		text := bytes.Clone(mail)
		if len(text) > 0 && !bytes.HasSuffix(text, []byte("\r\n")) {
			text = append(text, "\r\n"...)
		}
		// RFC 1939 §7 UIDL: 1 to 70 characters from 0x21 to 0x7e, never
		// the same for two messages of a maildrop; so equal mails differ
		// by their place.
		sum := sha256.Sum256(text)
		d.messages = append(d.messages, &message{id: fmt.Sprintf("%x.%d", sum[:12], i+1), text: text})
	}
	return d
}

// opens says whether password is the right one, in constant time.
func (d *maildrop) opens(password []byte) bool {
	sum := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(sum[:], d.secret[:]) == 1
}

// take gives the maildrop to one session; false if another one holds it.
func (d *maildrop) take() ([]*message, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held {
		return nil, false
	}
	d.held = true
	return slices.Clone(d.messages), true
}

// release gives the maildrop back as it was.
func (d *maildrop) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = false
}

// remove takes the given messages out.
func (d *maildrop) remove(gone map[*message]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.messages = slices.DeleteFunc(d.messages, func(m *message) bool { return gone[m] })
}

// mails returns copies of all texts.
func (d *maildrop) mails() [][]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := [][]byte{}
	for _, m := range d.messages {
		all = append(all, bytes.Clone(m.text))
	}
	return all
}
