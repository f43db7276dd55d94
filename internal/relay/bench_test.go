package relay

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkDown fetches messages over loopback TLS. The figures include the
// client's and the backend's own work.
func BenchmarkDown(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 10 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			fetch(b, open(b, fast), strings.Repeat("0123456789abcd\r\n", size/16))
		})
	}
}

// fetch has the backend of r answer each RETR with a message.
func fetch(b *testing.B, r *rig, answer string) {
	b.Helper()
	done := make(chan error, 1)
	go func() {
		defer close(done)
		defer r.backend.Close()
		command, message := make([]byte, len("RETR 1\r\n")), []byte(answer)
		for {
			if _, err := io.ReadFull(r.backend, command); err != nil {
				return // the end of the benchmark
			}
			if _, err := r.backend.Write(message); err != nil {
				done <- err
				return
			}
		}
	}()
	into := make([]byte, len(answer))
	b.SetBytes(int64(len(answer)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(r.client, "RETR 1\r\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r.client, into); err != nil {
			b.Fatal(err)
		}
	}
	_ = r.client.Close()
	r.result()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// BenchmarkUp sends one command a write over loopback TLS.
func BenchmarkUp(b *testing.B) {
	r := open(b, fast)
	got := make([]byte, len("DELE 1\r\n"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(r.client, "DELE 1\r\n"); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(r.backend, got); err != nil {
			b.Fatal(err)
		}
	}
}
