package autoconfig

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Whoever connects is a stranger: times and sizes are small.
const (
	readTime  = 5 * time.Second
	writeTime = 5 * time.Second
	maxHeader = 4 << 10 // octets
)

// ServeConn answers one request on conn, over HTTP/1.1, and returns when conn is
// closed, which the end of ctx makes it at once. It takes no longer than some
// 10 s. A *tls.Conn makes it a request over TLS.
func (s *Server) ServeConn(ctx context.Context, conn net.Conn) {
	l := &single{conn: conn, over: make(chan struct{})}
	server := &http.Server{
		Handler:        s,
		ReadTimeout:    readTime,
		WriteTimeout:   writeTime,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       s.errorLog(),
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				_ = l.Close()
			}
		},
		DisableGeneralOptionsHandler: true, // OPTIONS * is 404 like the rest
	}
	server.SetKeepAlivesEnabled(false)
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	// It ends with an error always: that of Accept.
	_ = server.Serve(l)
	<-l.over
}

func (s *Server) errorLog() *log.Logger {
	return s.opts.Logger.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug})
}

// single is a listener that has accepted one connection already, and waits for its
// end.
type single struct {
	conn  net.Conn // nil: the server has it
	over  chan struct{}
	close sync.Once
}

// Accept gives the connection, and an error once that is closed.
func (l *single) Accept() (net.Conn, error) {
	if conn := l.conn; conn != nil {
		l.conn = nil
		return conn, nil
	}
	<-l.over
	return nil, io.EOF
}

// Close is called when the connection has ended.
func (l *single) Close() error {
	l.close.Do(func() { close(l.over) })
	return nil
}

// Addr is there for net.Listener.
func (l *single) Addr() net.Addr { return new(net.TCPAddr) }
