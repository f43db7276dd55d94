package relay

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// answerOf returns an answer to RETR of about size octets, whose lines are as
// in text, or as in an attachment.
func answerOf(size int, text bool) string {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	if text {
		line = "The relay moves bytes. It knows one fact of POP3, i.e. QUIT. No more than that.\r\n"
	}
	return "+OK " + fmt.Sprint(size) + " octets\r\n" + strings.Repeat(line, size/len(line)) + ".\r\n"
}

// BenchmarkReadOnly fetches messages over loopback TLS, through both relays.
func BenchmarkReadOnly(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10} {
		for _, text := range []bool{true, false} {
			for _, readOnly := range []bool{false, true} {
				name := fmt.Sprintf("%dKiB/text=%v/readOnly=%v", size>>10, text, readOnly)
				b.Run(name, func(b *testing.B) {
					fetch(b, open(b, fast, func(o *Options) { o.ReadOnly = readOnly }), answerOf(size, text))
				})
			}
		}
	}
}

// BenchmarkReply looks for the end of an answer.
func BenchmarkReply(b *testing.B) {
	for _, text := range []bool{true, false} {
		b.Run(fmt.Sprintf("text=%v", text), func(b *testing.B) {
			answer := []byte(answerOf(chunk, text))
			b.SetBytes(int64(len(answer)))
			b.ReportAllocs()
			for b.Loop() {
				var r reply
				r.begin(true)
				if n, p := r.take(answer); n != len(answer) || p != whole {
					b.Fatal(n, p)
				}
			}
		})
	}
}

// BenchmarkRefuse answers one command a write over loopback TLS.
func BenchmarkRefuse(b *testing.B) {
	r := open(b, fast, func(o *Options) { o.ReadOnly = true })
	got := make([]byte, len(refusals[noDelete]))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(r.client, "DELE 1\r\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r.client, got); err != nil {
			b.Fatal(err)
		}
	}
}
