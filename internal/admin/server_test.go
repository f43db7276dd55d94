package admin

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/poptest"
)

// waiting is a program whose orders never end by themselves. It tells when one
// has begun, and why it ended.
type waiting struct {
	stock
	begun, over chan error
}

func newWaiting() waiting {
	w := waiting{begun: make(chan error, 1), over: make(chan error, 1)}
	w.renew = func(ctx context.Context, _ string) (Certificate, error) {
		w.begun <- nil
		<-ctx.Done()
		w.over <- context.Cause(ctx)
		return Certificate{}, ctx.Err()
	}
	return w
}

// TestShutdown: who waits for an order is told, and everything ends.
func TestShutdown(t *testing.T) {
	w := newWaiting()
	r := serve(t, w)
	renewed := make(chan error, 1)
	go func() {
		_, err := r.client().Renew(t.Context(), "pop.example.com")
		renewed <- err
	}()
	<-w.begun
	must(t, r.server.Shutdown(t.Context()))
	if cause := <-w.over; cause != ErrShuttingDown {
		t.Errorf("the order was told %v", cause)
	}
	wantError(t, <-renewed, ErrShuttingDown)
	must(t, <-r.served)
	r.log.want(t, 1, "admin call", `call="renew certificate"`, "result=shutting_down")
	wantEntries(t, r.socket)
	if _, err := r.client().Certificates(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("afterwards: %v", err)
	}

	// What comes too late is closed at once.
	l := mustListen(t, r.socket)
	must(t, r.server.Serve(l))
	wantEntries(t, r.socket)
}

// TestTooLate: a request that was read just before the end is told so, and
// changes nothing.
func TestTooLate(t *testing.T) {
	r := serve(t, stock{probe: func(string) (Probe, error) {
		t.Error("it was done all the same")
		return Probe{}, nil
	}})
	r.server.end(ErrShuttingDown)
	for _, line := range []string{"GET /v1/certificates", "POST /v1/certificates/x/probe", "GET /nothing"} {
		answer, body := r.ask(t, line+" HTTP/1.1\r\nHost: x\r\n\r\n")
		if failed := refusal(t, body); answer.StatusCode != 503 || failed.Code != CodeShuttingDown {
			t.Errorf("%s: %s, %+v", line, answer.Status, failed)
		}
	}
}

// TestShutdownWaits: an order that ends well while the server ends is answered.
func TestShutdownWaits(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	r := serve(t, stock{renew: func(context.Context, string) (Certificate, error) {
		close(begun)
		<-end
		return sample(), nil
	}})
	renewed := make(chan error, 1)
	go func() {
		_, err := r.client().Renew(t.Context(), "x")
		renewed <- err
	}()
	<-begun
	over := make(chan error, 1)
	go func() { over <- r.server.Shutdown(t.Context()) }()
	must(t, <-r.served)
	close(end)
	must(t, <-renewed)
	must(t, <-over)
}

// TestShutdownHasAnEnd: an order that does not end, or half a request, holds
// nobody up for longer than ctx.
func TestShutdownHasAnEnd(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	r := serve(t, stock{renew: func(context.Context, string) (Certificate, error) {
		close(begun)
		<-end
		return Certificate{}, nil
	}})
	client := r.dial(t)
	_, err := client.Write([]byte("POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n"))
	must(t, err)
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, r.server.Shutdown(ctx), context.Canceled, "shut down admin server")
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("an answer")
	}
	must(t, <-r.served)
}

func TestClose(t *testing.T) {
	w := newWaiting()
	r := serve(t, w)
	client := r.dial(t)
	_, err := client.Write([]byte("POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n"))
	must(t, err)
	<-w.begun
	must(t, r.server.Close())
	if cause := <-w.over; cause != ErrShuttingDown {
		t.Errorf("the order was told %v", cause)
	}
	must(t, <-r.served)
	wantEntries(t, r.socket)
}

// TestMove: a reload moves the socket while somebody waits for an order on the
// old one.
func TestMove(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	r := serve(t, stock{renew: func(context.Context, string) (Certificate, error) {
		close(begun)
		<-end
		return sample(), nil
	}})
	l := mustListen(t, newPath(t))
	old := r.dial(t)
	_, err := old.Write([]byte("POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n"))
	must(t, err)
	<-begun

	served := make(chan error, 1)
	go func() { served <- r.server.Serve(l) }()
	_, err = NewClient(l.Addr().String()).Certificates(t.Context())
	must(t, err)
	_, err = r.client().Certificates(t.Context())
	must(t, err)

	// As a reload does it: both have been there for a moment.
	first := r.socket
	closeServed(t, r)
	wantEntries(t, first)
	if _, err := NewClient(first).Certificates(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("at the old place: %v", err)
	}
	_, err = NewClient(l.Addr().String()).Certificates(t.Context())
	must(t, err)
	close(end)
	if answer, _ := readAnswer(t, old, "POST"); answer.StatusCode != 200 {
		t.Errorf("over the old socket: %s", answer.Status)
	}
	must(t, l.Close())
	must(t, <-served)
}

// closeServed closes the listener that a rig's server began with.
func closeServed(t *testing.T, r *rig) {
	t.Helper()
	must(t, r.listener.Close())
	must(t, <-r.served)
}

// TestClientGoesAway: an order learns that nobody waits for it any more.
func TestClientGoesAway(t *testing.T) {
	w := newWaiting()
	r := serve(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	renewed := make(chan error, 1)
	go func() {
		_, err := r.client().Renew(ctx, "x")
		renewed <- err
	}()
	<-w.begun
	cancel()
	wantError(t, <-renewed, context.Canceled)
	if cause := <-w.over; cause != context.Canceled {
		t.Errorf("the order was told %v", cause)
	}
	must(t, r.server.Shutdown(t.Context()))
	r.log.want(t, 1, "admin call", "result=abandoned")
}

// TestServeFails: an accept that can't go on is an error.
func TestServeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newServer(t, stock{})
		l := poptest.NewNetwork().Listen("admin")
		l.FailAccept(3, os.NewSyscallError("accept4", syscall.EMFILE)) // net/http tries again
		l.FailAccept(1, errors.New("broken"))
		wantError(t, s.Serve(l), nil, "serve ", "broken")
		log.want(t, 3, "[DEBUG] trouble with a client", "too many open files")
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the listener was not closed: %v", err)
		}
	})
}

// TestLongOrder: an order may take longer than any limit of a connection, and
// has a limit of its own.
func TestLongOrder(t *testing.T) {
	for _, tt := range []struct {
		takes  time.Duration
		status int
		result string
	}{
		{10 * time.Minute, 200, "ok"},
		{20 * time.Minute, 504, CodeTimeout},
	} {
		synctest.Test(t, func(t *testing.T) {
			v := serveVirtually(t, stock{renew: func(ctx context.Context, host string) (Certificate, error) {
				select {
				case <-time.After(tt.takes):
					return Certificate{Name: host}, nil
				case <-ctx.Done():
					return Certificate{}, ctx.Err()
				}
			}})
			conn := v.dial()
			v.write(conn, "POST /v1/certificates/x/renew HTTP/1.1\r\nHost: x\r\n\r\n")
			answer, _ := readAnswer(t, conn, "POST")
			if answer.StatusCode != tt.status {
				t.Errorf("after %v: %s", tt.takes, answer.Status)
			}
			// The connection serves on.
			v.write(conn, "GET /v1/certificates HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer, _ := readAnswer(t, conn, "GET"); answer.StatusCode != 200 {
				t.Errorf("afterwards: %s", answer.Status)
			}
			v.log.want(t, 1, "admin call", "result="+tt.result)
		})
	}
}
