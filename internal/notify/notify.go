// Package notify tells systemd how a service is: the protocol of sd_notify(3). It
// knows words and the socket they go to, and must not know what the service does.
// Start with [Notifier].
//
// Deliberate: not go-systemd's daemon.SdNotify, which waits without limit for a
// socket whose queue is full, and can't be told to leave the socket's name to the
// process that follows.
package notify

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Words of the protocol. What takes a value is a function.
const (
	Ready    = "READY=1"
	Stopping = "STOPPING=1"
	Alive    = "WATCHDOG=1"
)

// Status is what people see in `systemctl status`.
func Status(text string) string {
	oneLine := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return "STATUS=" + strings.ToValidUTF8(oneLine, "\uFFFD")
}

// MainPID says who the service's main process is from now on. Only the one that
// was can say it.
func MainPID(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// ExtendTimeout asks for so much time from now, for starting or stopping.
func ExtendTimeout(d time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds())
}

// Reloading says that a reload begins; Ready ends it.
func Reloading() string {
	if now, ok := monotonic(); ok {
		return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Microseconds())
	}
	return "RELOADING=1"
}

// The variables of the environment.
const (
	socketVariable   = "NOTIFY_SOCKET"
	watchdogVariable = "WATCHDOG_USEC"
	watchdogPID      = "WATCHDOG_PID"
)

// Notifier sends words to systemd. The zero value sends them nowhere.
type Notifier struct{ socket string }

// New returns a Notifier for the socket of the environment, and how often systemd
// wants to hear that the process is alive; 0: never. The environment keeps them,
// for the process that follows after an upgrade. An error is a value that isn't
// systemd's; both can be used all the same.
func New() (*Notifier, time.Duration, error) {
	watchdog, err := watchdogTime(os.Getenv(watchdogVariable), os.Getenv(watchdogPID), os.Getpid())
	socket := os.Getenv(socketVariable)
	if socket == "" {
		return &Notifier{}, 0, err
	}
	// sd_notify(3): a path, or a name outside of the file system behind "@".
	if socket[0] != '/' && socket[0] != '@' {
		return &Notifier{}, 0, fmt.Errorf("%s=%q is neither a path nor a name behind @", socketVariable, socket)
	}
	return &Notifier{socket: socket}, watchdog, err
}

// watchdogTime reads for how long systemd puts up with silence.
func watchdogTime(usec, pid string, self int) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(self) {
		return 0, nil
	}
	const most = 1 << 50 // µs, 35 years: systemd's "infinity" is no watchdog either
	n, err := strconv.ParseUint(usec, 10, 64)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s=%q is no time", watchdogVariable, usec)
	}
	if n > most {
		return 0, nil
	}
	return time.Duration(n) * time.Microsecond, nil
}

// sendLimit is for a datagram to a process of this machine, whose queue may be
// full.
const sendLimit = time.Second

// Send sends words in one message.
func (n *Notifier) Send(words ...string) error {
	if n.socket == "" {
		return nil
	}
	if err := n.send(strings.Join(words, "\n")); err != nil {
		return fmt.Errorf("notify systemd: %w", err)
	}
	return nil
}

func (n *Notifier) send(text string) error {
	// Each time anew: systemd may have been started anew itself.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(text))
	return err
}

// Used tells whether anybody listens.
func (n *Notifier) Used() bool { return n.socket != "" }
