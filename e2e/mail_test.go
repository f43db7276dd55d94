package e2e

import (
	"math/rand/v2"
	"strings"
	"sync"
)

// mail is a message as it lies in a mailbox.
type mail struct {
	name   string // letters and hyphens; also part of its file's name
	stored string // the file's content
}

// wire is the message as a correct server sends it, without dot-stuffing: lines end in CRLF, the last one too.
func (m mail) wire() string {
	text := strings.ReplaceAll(m.stored, "\r\n", "\n")
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return strings.ReplaceAll(text, "\n", "\r\n")
}

// newMail makes a message with a header of its own, to which lines can be added, before the body.
func newMail(name, body string, header ...string) mail {
	header = append([]string{
		"From: <a@example.org>",
		"To: <b@example.org>",
		"Subject: " + name,
		"Date: Thu, 1 Jan 2026 00:00:00 +0000",
		"Message-ID: <" + name + "@example.org>",
	}, header...)
	return mail{name, strings.Join(header, "\n") + "\n\n" + body}
}

// names returns the names of mails.
func names(mails []mail) []string {
	var all []string
	for _, m := range mails {
		all = append(all, m.name)
	}
	return all
}

// oddMails are mails that proxies and clients stumble over.
func oddMails() []mail {
	mails := []mail{
		newMail("plain", "Hello.\n"),
		newMail("empty-body", ""),
		newMail("no-last-newline", "the last line has no end"),
		newMail("dots", ".\n..\n...\n.x\n..x\n. \n.\n"),
		newMail("dot-at-once", "."),
		newMail("dot-cr", "a\n.\r\r\n.\rb\nc\r\n"),
		newMail("eight-bit", "Grüße, naïve café: "+allBytes()+"\n"),
		newMail("long-line", strings.Repeat("0123456789abcdef", 20_000)+"\nshort\n"),
		newMail("long-dots", strings.Repeat(".", 70_000)+"\n."+strings.Repeat("x", 70_000)+"\n"),
		newMail("replies", "+OK\n-ERR [AUTH] no\n+OK 2 messages\n1 120\n.\nQUIT\nDELE 1\nPASS x\n\n.\n\n-ERR [SYS] x\n"),
		newAttachment("attachment", 300_000),
		newMail("blank-lines", strings.Repeat("\n", 5000)),
		{"crlf", strings.ReplaceAll(newMail("crlf", "stored with CRLF\n.\nand bare LF:").stored, "\n", "\r\n") + "\nx\n"},
		{"mbox-like", newMail("mbox-like", "From someone Thu Jan  1 00:00:00 2026\n>From x\nFrom y\n").stored},
	}
	return mails
}

// hugeMail has 10 MiB, more than all buffers on the way together.
var hugeMail = sync.OnceValue(func() mail { return newAttachment("huge", 10<<20) })

// allBytes returns every byte value but NUL, which Dovecot replaces, and CR and LF, which end lines.
func allBytes() string {
	var b strings.Builder
	for c := 1; c < 256; c++ {
		if c != '\r' && c != '\n' {
			b.WriteByte(byte(c))
		}
	}
	return b.String()
}

// newAttachment makes a message of about size bytes with a file in it, which is random but the same in each run.
func newAttachment(name string, size int) mail {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	random := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	b.Grow(size + 1000)
	b.WriteString("--=_b\nContent-Type: text/plain\n\nSee the file.\n\n--=_b\n" +
		"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n")
	for b.Len() < size {
		for range 76 {
			b.WriteByte(alphabet[random.IntN(len(alphabet))])
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n--=_b--\n")
	return newMail(name, b.String(), "MIME-Version: 1.0", `Content-Type: multipart/mixed; boundary="=_b"`)
}
