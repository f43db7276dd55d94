package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/poptest"
	"popgate/proxy"
)

// Who is sent away, or has to leave with popgate, while a backend's name is looked
// up or while it is dialed, says nothing of the backend.
func TestCalledOffDials(t *testing.T) {
	waits := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	steps := map[string]func(*plan){
		"looked up": func(p *plan) {
			p.routes.Backends[0].Addresses = []string{"mail.example:110"}
			p.server.LookUp = func(ctx context.Context, _ string) ([]netip.Addr, error) { return nil, waits(ctx) }
		},
		"dialed": func(p *plan) {
			p.server.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, waits(ctx) }
		},
	}
	ends := map[string]func(h *hall, id string){
		"kicked":   func(h *hall, id string) { _ = h.server.Kick(id) },
		"draining": func(h *hall, _ string) { h.stop() },
	}
	for step, tweak := range steps {
		for reason, end := range ends {
			t.Run(step+", "+reason, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					h := newHall(t, obliging, tweak)
					defer h.close()
					m := h.arrived(t)
					defer m.under.Close()
					m.chat(t, "USER joe")
					_, _ = io.WriteString(m, "PASS sesame\r\n")
					<-time.After(time.Second)
					end(h, h.one(t, proxy.StateLoggingIn).ID)
					if got := m.rest(t); !strings.HasPrefix(got, "-ERR [SYS/TEMP] ") {
						t.Errorf("the client was told %q", got)
					}
					h.log.await(t, `"reason":"`+reason+`"`, 1)
					h.log.await(t, sessionLine, 1)
					if b := h.server.Backend("east"); b.Down || b.LastError != "" || h.series(t, "popgate_backend_up") != 0 || h.series(t, "popgate_backend_dials_total") != 0 {
						t.Errorf("it tells of the backend: %+v", b)
					}
				})
			})
		}
	}
}

// series is how many series a number has.
func (h *hall) series(t *testing.T, name string) (n int) {
	t.Helper()
	families, err := h.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			n += len(family.GetMetric())
		}
	}
	return n
}

// onLine calls do when a line with text is written to a log.
type onLine struct {
	io.Writer
	text string
	do   func()
}

func (l *onLine) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(l.text)) {
		l.do()
	}
	return l.Writer.Write(p)
}

// A session can be kicked when it has left the login behind and is not with the
// relay yet: its login is being logged. It ends there.
func TestKickBeforeTheRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h *hall
		kick := func() {
			for _, v := range h.server.Sessions() {
				if err := h.server.Kick(v.ID); err != nil {
					t.Error(err)
				}
			}
		}
		log := newEventLog()
		h = newHall(t, poptest.Answers("+OK\r\n", choosy), func(p *plan) {
			p.server.Logger = hclog.New(&hclog.LoggerOptions{Output: &onLine{log, `"result":"ok"`, kick}, JSONFormat: true})
		})
		defer h.close()
		m := h.arrived(t)
		defer m.under.Close()
		if err := m.login("joe", "sesame"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if got := m.rest(t); got != "" || time.Since(began) != 0 {
			t.Errorf("the client was told %q, and that after %v", got, time.Since(began))
		}
		log.await(t, `"end":"kicked"`, 1)
		if received := string(h.backend.Received(0)); strings.Contains(received, "QUIT") {
			t.Errorf("the backend received %q", received)
		}
	})
}
