//go:build unix

package handover

import (
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// passed passes a listener's socket, as systemd or a popgate would.
func passed(t *testing.T, s *Sockets, l net.Listener, socket Socket) {
	t.Helper()
	given, err := NewSocket(socket.Use, l)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(given.file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	Discard([]*Socket{given})
	s.add(&socket, fd)
	t.Cleanup(func() { s.CloseUnused() })
}

func tcp(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("SKIPPED: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// port is the port of a listener, behind a colon.
func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return ":" + p
}

func mail(address, name string) Want { return Want{Use: Use{"mail", address}, Name: name} }

// TestAssign: the popgate before counts first, then the address, then all
// addresses, then the name.
func TestAssign(t *testing.T) {
	one, all := tcp(t, "127.0.0.1:0"), tcp(t, ":0")
	path := filepath.Join(t.TempDir(), "s")
	unixSocket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer unixSocket.Close()
	before := Use{"mail", "127.0.0.1:0"}
	for name, test := range map[string]struct {
		listener net.Listener
		socket   Socket
		want     Want
		fits     bool
	}{
		"as before":           {one, Socket{Use: before}, mail("127.0.0.1:0", ""), true},
		"another use":         {one, Socket{Use: Use{"admin", "127.0.0.1:0"}}, mail("127.0.0.1:0", ""), false},
		"address":             {one, Socket{}, mail("127.0.0.1"+port(one), ""), true},
		"another port":        {one, Socket{}, mail("127.0.0.1:1", ""), false},
		"another address":     {one, Socket{}, mail("127.0.0.2"+port(one), ""), false},
		"all addresses":       {all, Socket{}, mail(port(all), ""), true},
		"one of all":          {all, Socket{}, mail("127.0.0.1"+port(all), ""), false},
		"one for all":         {one, Socket{}, mail(port(one), ""), false},
		"name":                {one, Socket{Name: "pop3s"}, mail("localhost:995", "pop3s"), true},
		"another name":        {one, Socket{Name: "pop3s"}, mail("localhost:995", "pop3"), false},
		"no names":            {one, Socket{}, mail("localhost:995", ""), false},
		"unix":                {unixSocket, Socket{}, Want{Use: Use{"admin_socket", path}, Unix: true}, true},
		"unix, another":       {unixSocket, Socket{}, Want{Use: Use{"admin_socket", path + "x"}, Unix: true}, false},
		"a name of two kinds": {unixSocket, Socket{Name: "x"}, mail(":995", "x"), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := new(Sockets)
			passed(t, s, test.listener, test.socket)
			s.Assign([]Want{test.want})
			l, err := s.Take(test.want.Use)
			if err != nil {
				t.Fatal(err)
			}
			if l != nil {
				defer l.Close()
			}
			if (l != nil) != test.fits {
				t.Errorf("it is taken: %v", l != nil)
			}
			if left := len(s.CloseUnused()); (left == 0) != test.fits {
				t.Errorf("%d are closed unused", left)
			}
		})
	}
}

// TestAssignSurest: a name doesn't take a socket away from whose address it is.
func TestAssignSurest(t *testing.T) {
	l := tcp(t, "127.0.0.1:0")
	s := new(Sockets)
	passed(t, s, l, Socket{Name: "pop3s"})
	named, exact := mail(":995", "pop3s"), mail(l.Addr().String(), "pop3")
	s.Assign([]Want{named, exact})
	if got, err := s.Take(named.Use); got != nil || err != nil {
		t.Errorf("the name has got it: %v, %v", got, err)
	}
	got, err := s.Take(exact.Use)
	if got == nil || err != nil {
		t.Fatalf("the address hasn't got it: %v", err)
	}
	_ = got.Close()
}

// TestKept: what systemd keeps open can be taken again after a reload took it
// away, and is handed over in reserve; what another popgate gave can't.
func TestKept(t *testing.T) {
	for _, kept := range []bool{true, false} {
		l := tcp(t, "127.0.0.1:0")
		s := new(Sockets)
		passed(t, s, l, Socket{Kept: kept})
		want := mail(l.Addr().String(), "")
		for n := range 3 {
			s.Assign([]Want{want})
			got, err := s.Take(want.Use)
			if err != nil {
				t.Fatal(err)
			}
			if taken := got != nil; taken != (kept || n == 0) {
				t.Errorf("kept %v, time %d: taken %v", kept, n, taken)
			}
			if got != nil {
				_ = got.Close()
			}
			s.Assign(nil)
		}
		away, err := s.Offer(nil)
		if err != nil || (len(away) == 1) != kept {
			t.Errorf("kept %v: %d are handed over, %v", kept, len(away), err)
		}
		for _, socket := range away {
			if !socket.Spare || !socket.Kept {
				t.Errorf("%+v", socket)
			}
		}
		Discard(away)
	}
}

// TestNothingGiven: most processes are given nothing.
func TestNothingGiven(t *testing.T) {
	var s *Sockets
	s.Assign([]Want{mail(":995", "")})
	if l, err := s.Take(Use{"mail", ":995"}); l != nil || err != nil {
		t.Errorf("%v, %v", l, err)
	}
	if s.Kept(Use{}) || s.CloseUnused() != nil {
		t.Error("there is something")
	}
}

// TestNewSocketLeavesNonblocking: a socket that is given to os/exec stays one that
// doesn't block, so that its listener can be closed.
func TestNewSocketLeavesNonblocking(t *testing.T) {
	l := tcp(t, "127.0.0.1:0")
	socket, err := NewSocket(Use{}, l)
	if err != nil {
		t.Fatal(err)
	}
	defer Discard([]*Socket{socket})
	flags, err := unix.FcntlInt(socket.file.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Errorf("flags %o, %v", flags, err)
	}
}
