// Package maildrop makes the messages of the comparison, byte for byte the
// same in every process that asks, so that the generator knows what the
// backend must have sent. It knows how a RETR reply is framed and nothing of
// connections. Start with Standard.
package maildrop

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
)

// Message is one mail and the reply to its RETR, ready to be written.
type Message struct {
	Size  int               // octets, before dot-stuffing; what STAT and RETR announce
	Reply []byte            // the whole reply: status line, stuffed text, final dot
	Sum   [sha256.Size]byte // of Reply
}

// Sizes of the three messages, in octets.
const (
	Small  = 4 << 10
	Medium = 64 << 10
	Large  = 10 << 20
)

// Standard is the maildrop of every user: messages 1, 2 and 3 of Small,
// Medium and Large octets.
func Standard() []Message {
	return []Message{New(Small), New(Medium), New(Large)}
}

// Stat is the backend's whole reply to STAT for these messages.
func Stat(messages []Message) string {
	size := 0
	for _, m := range messages {
		size += m.Size
	}
	return fmt.Sprintf("+OK %d %d\r\n", len(messages), size)
}

// New is a message of so many octets, at least 64, with its reply.
func New(size int) Message {
	reply := fmt.Appendf(nil, "+OK %d octets\r\n", size)
	for line := range bytes.Lines(text(size)) {
		// RFC 1939 §3: a line that begins with the termination octet gets a second one.
		if line[0] == '.' {
			reply = append(reply, '.')
		}
		reply = append(reply, line...)
	}
	reply = append(reply, ".\r\n"...)
	return Message{Size: size, Reply: reply, Sum: sha256.Sum256(reply)}
}

const (
	header   = "From: a@bench.test\r\nTo: b@bench.test\r\nSubject: bench\r\n\r\n"
	lineSize = 78 // octets with CRLF, as encoders of attachments make them
	dotEvery = 20 // every so many lines one starts with a dot
)

// text is a mail of exactly size octets, in CRLF lines that look like base64;
// the size must be at least the header's and two more.
func text(size int) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1939, uint64(size)))
	mail := append(make([]byte, 0, size), header...)
	for line := 0; len(mail) < size; line++ {
		n := min(lineSize, size-len(mail))
		if size-len(mail)-n == 1 {
			n-- // A single octet that is left over couldn't be a line.
		}
		for i := range n - 2 {
			c := letters[random.IntN(len(letters))]
			if i == 0 && line%dotEvery == 0 {
				c = '.'
			}
			mail = append(mail, c)
		}
		mail = append(mail, "\r\n"...)
	}
	return mail
}
