package notify

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSend: words reach the socket in one message, and nobody where there is none.
func TestSend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "3000000")
	t.Setenv("WATCHDOG_PID", "")
	n, watchdog, err := New()
	if err != nil || watchdog != 3*time.Second || !n.Used() {
		t.Fatalf("%v, %v", watchdog, err)
	}
	if err := n.Send(Ready, Status("two\nlines"), MainPID(7), ExtendTimeout(time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 200)
	got, err := conn.Read(buf)
	if want := "READY=1\nSTATUS=two lines\nMAINPID=7\nEXTEND_TIMEOUT_USEC=1000000"; err != nil || string(buf[:got]) != want {
		t.Errorf("%q, %v", buf[:got], err)
	}
	if err := new(Notifier).Send(Ready); err != nil {
		t.Error(err)
	}
}

// TestNewRefuses: what isn't a socket of systemd's is not used.
func TestNewRefuses(t *testing.T) {
	for _, socket := range []string{"vsock:2:1234", "relative"} {
		t.Setenv("NOTIFY_SOCKET", socket)
		if n, _, err := New(); err == nil || n.Used() {
			t.Errorf("%q is used", socket)
		}
	}
}

// TestWatchdogTime: only what is for this process counts.
func TestWatchdogTime(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
		wrong     bool
	}{
		{"", "", 0, false}, {"1000000", "", time.Second, false}, {"1000000", "7", time.Second, false}, {"1000000", "8", 0, false},
		{"0", "7", 0, true}, {"x", "7", 0, true}, {"-1", "", 0, true}, {"18446744073709551615", "", 0, false},
	} {
		got, err := watchdogTime(test.usec, test.pid, 7)
		if got != test.want || (err != nil) != test.wrong {
			t.Errorf("%+v: %v, %v", test, got, err)
		}
	}
}

// FuzzStatus: whatever is said of popgate is one word of the protocol.
func FuzzStatus(f *testing.F) {
	f.Add("serving\nREADY=1")
	f.Fuzz(func(t *testing.T, text string) {
		if got := Status(text); strings.ContainsAny(got, "\n\x00\r") || !strings.HasPrefix(got, "STATUS=") {
			t.Errorf("%q", got)
		}
	})
}

// FuzzWatchdogTime: never a negative time.
func FuzzWatchdogTime(f *testing.F) {
	f.Add("1000000", "7")
	f.Fuzz(func(t *testing.T, usec, pid string) {
		if d, err := watchdogTime(usec, pid, 7); d < 0 || err != nil && d != 0 {
			t.Errorf("%v, %v", d, err)
		}
	})
}
