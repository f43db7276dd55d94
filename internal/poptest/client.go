package poptest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// peer is the client of a transcript: a raw connection, TLS over it perhaps.
type peer struct {
	tap  *tap
	tls  *tls.Conn // nil before TLS
	in   *inbox
	last time.Time // of its last step, or of connecting

	handshake error // why it failed, if it did
}

func newPeer(raw net.Conn) *peer {
	t := &tap{wrapped: wrapped{raw}}
	return &peer{tap: t, in: receive(t, raw), last: time.Now()}
}

// conn is the layer that lines are written to.
func (p *peer) conn() net.Conn {
	if p.tls != nil {
		return p.tls
	}
	return p.tap
}

// startTLS makes the handshake; its failure is kept in p.handshake, as a
// script may want it. An error is one of the script.
func (p *peer) startTLS(config *tls.Config, patience time.Duration) error {
	if p.tls != nil {
		return errors.New("there is TLS already")
	}
	p.in.stop()
	p.in.mu.Lock()
	left := len(p.in.unread())
	p.in.secure = true
	p.in.mu.Unlock()
	if left > 0 {
		return fmt.Errorf("%d bytes wait unread before the handshake", left)
	}
	conn := tls.Client(p.tap, config)
	p.tap.SetDeadline(time.Now().Add(patience))
	p.handshake = conn.Handshake()
	p.tap.SetDeadline(time.Time{})
	p.tls = conn
	if p.handshake != nil && p.tap.ended() == nil && alertText(p.handshake) == "" {
		return fmt.Errorf("handshake failed on this side: %w", p.handshake)
	}
	p.in.start(&stream{conn: conn, tap: p.tap, failed: p.handshake})
	return nil
}

// tlsVersions are the values of min= and max=.
var tlsVersions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

// configure returns base changed by the arguments of <tls>.
func configure(base *tls.Config, args []string) *tls.Config {
	config := base.Clone()
	for _, arg := range args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "name":
			config.ServerName = value
			if value == "-" {
				// Without a name there is none to check either.
				config.ServerName, config.InsecureSkipVerify = "", true
			}
		case "alpn":
			config.NextProtos = strings.Split(value, ",")
			if value == "-" {
				config.NextProtos = nil
			}
		case "min":
			config.MinVersion = tlsVersions[value]
		case "max":
			config.MaxVersion = tlsVersions[value]
			if config.MinVersion > config.MaxVersion || config.MinVersion == 0 {
				config.MinVersion = config.MaxVersion
			}
		}
	}
	return config
}

// tap is the raw connection below TLS. It notes how TCP has ended, as
// crypto/tls gives io.EOF for a FIN as for a close_notify.
type tap struct {
	wrapped
	mu  sync.Mutex
	end error
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.mu.Lock()
		t.end = err
		t.mu.Unlock()
	}
	return n, err
}

func (t *tap) ended() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end
}

// errCloseNotify is the orderly end of TLS data.
var errCloseNotify = errors.New("close_notify")

// stream is what an inbox reads under TLS.
type stream struct {
	conn   *tls.Conn
	tap    *tap
	failed error // of the handshake
}

// Read gives TCP's own error if TCP has ended, and a notice if the TLS data
// ended before.
func (s *stream) Read(p []byte) (int, error) {
	n, err := 0, s.failed
	if err == nil {
		n, err = s.conn.Read(p)
	}
	switch end := s.tap.ended(); {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded) && s.failed == nil:
		return n, err
	case end != nil:
		return n, end
	case errors.Is(err, io.EOF):
		return n, notice{errCloseNotify}
	}
	return n, notice{err}
}

// isAlert says whether err is the peer's TLS alert of that number.
func isAlert(err error, number string) bool {
	n, _ := strconv.ParseUint(number, 10, 8)
	return alertText(err) == tls.AlertError(n).Error()
}

// alertText is the text of the peer's TLS alert that err is; empty if it is
// none. The alert's own type isn't exported; tls.AlertError has its texts.
func alertText(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" {
		return op.Err.Error()
	}
	return ""
}
