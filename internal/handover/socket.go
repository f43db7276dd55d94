package handover

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Use is what a socket is for, and where: the word of the configuration that
// opens it, and the address that is written there.
type Use struct {
	Kind    string `json:"kind,omitempty"`
	Address string `json:"address,omitempty"`
}

// Want is a use that the configuration has for a socket.
type Want struct {
	Use
	Name string // that of FileDescriptorName=, where addresses don't tell
	Unix bool   // Address is the path of a unix socket, else it is host:port
}

// Socket is a listening socket that the process was given, or gives away.
type Socket struct {
	// Use is what the popgate before had it for; zero: it comes from systemd.
	Use
	// Name is that of systemd's FileDescriptorName=; "": it has none.
	Name string `json:"name,omitempty"`
	// Kept: systemd keeps it open, too. The port can't be opened a second time
	// then, so that the socket has to be kept here as well while it isn't used.
	Kept bool `json:"kept,omitempty"`
	// Spare: it is kept and wasn't used.
	Spare bool `json:"spare,omitempty"`

	file  *os.File // to give away
	fd    int      // that was given; no file, which the poller would watch
	local net.Addr // where that listens; nil: it is none that accepts streams
	taken bool     // a listener uses it, or did
}

// NewSocket returns a listener's socket to give away, with a descriptor of its own,
// which [Start] closes.
//
// Deliberate: not by the listener's method File, whose file makes the socket a
// blocking one, for the listener too, when it is given to os/exec: closing that
// wouldn't end its Accept any more.
func NewSocket(use Use, listener any) (*Socket, error) {
	conn, ok := listener.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("%T has no descriptor", listener)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var file *os.File
	var failed error
	if err := raw.Control(func(fd uintptr) { file, failed = duplicate(int(fd)) }); err != nil {
		return nil, err
	}
	return &Socket{Use: use, file: file}, failed
}

// Where says where the socket listens, for people.
func (s *Socket) Where() string {
	if s.local == nil {
		return fmt.Sprintf("descriptor %d, which accepts nothing", s.fd)
	}
	return s.local.String()
}

// fits are the ways to tell that a socket is the wanted one, the surest first.
var fits = []func(*Want, *Socket) bool{
	func(w *Want, s *Socket) bool { return s.Use == w.Use },
	sameAddress,
	sameWildcard,
	func(w *Want, s *Socket) bool { return s.Name != "" && s.Name == w.Name },
}

// sameKind tells whether both are TCP, or both unix sockets.
func sameKind(w *Want, s *Socket) bool {
	_, unix := s.local.(*net.UnixAddr)
	return s.local != nil && unix == w.Unix
}

// sameAddress tells whether a socket listens at just the wanted address.
func sameAddress(w *Want, s *Socket) bool {
	switch local := s.local.(type) {
	case *net.UnixAddr:
		path, err := filepath.Abs(w.Address)
		return err == nil && local.Name == path
	case *net.TCPAddr:
		host, port, ok := hostPort(w.Address)
		addr, err := netip.ParseAddr(host)
		return ok && err == nil && local.AddrPort() == netip.AddrPortFrom(addr, port)
	}
	return false
}

// sameWildcard tells whether all addresses are wanted (":995") and a socket
// listens at them. It may do so for IPv4 only, where there is no IPv6.
func sameWildcard(w *Want, s *Socket) bool {
	local, ok := s.local.(*net.TCPAddr)
	host, port, valid := hostPort(w.Address)
	return ok && valid && host == "" && local.IP.IsUnspecified() && local.Port == int(port)
}

// hostPort splits an address; port 0, any one, is not valid here.
func hostPort(address string) (host string, port uint16, ok bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(text, 10, 16)
	return host, uint16(n), err == nil && n > 0
}
