package e2e

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// many lets a crowd of clients come from the loopback interface, as one user.
const many = `
limits {
  exempt               = ["127.0.0.0/8"]
  connections_per_user = 0
  login_rate_per_user  = "off"
}
`

// crowd logs n guests in, some at a time.
func crowd(t *testing.T, e endpoint, a account, n int) []*guest {
	t.Helper()
	config := guestTLS(t, e)
	guests, errs := make([]*guest, n), make([]error, n)
	var coming sync.WaitGroup
	const atOnce = 8
	for worker := range atOnce {
		coming.Go(func() {
			for i := worker; i < n; i += atOnce {
				if guests[i], errs[i] = visitFrom("127.0.0.1", e, config); errs[i] != nil {
					return
				}
				var said string
				if said, _, errs[i] = guests[i].login(a); errs[i] == nil && !strings.HasPrefix(said, in) {
					errs[i] = fmt.Errorf("login: %q", said)
				}
			}
		})
	}
	coming.Wait()
	t.Cleanup(func() {
		for _, g := range guests {
			if g != nil {
				g.Close()
			}
		}
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return guests
}

// insistAll sends a command in every session, all of which must still be there.
func insistAll(t *testing.T, guests []*guest, command string) {
	t.Helper()
	cut := 0
	for _, g := range guests {
		if said, err := g.command(command); err != nil || !strings.HasPrefix(said, in) {
			cut++
		}
	}
	if cut > 0 {
		t.Errorf("%d of %d sessions are cut", cut, len(guests))
	}
}

// TestBadReloadCutsNobody: a configuration with mistakes cuts none of 500 sessions, however it was asked for; who asked
// learns what is wrong, and new sessions are served as before.
func TestBadReloadCutsNobody(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	p := startPopgate(t, settings{backends: backend("legacy", b.port()) + many})
	d := socketDesk(t, p)
	guests := crowd(t, p.implicit, joe, 500)
	good, err := os.ReadFile(p.config)
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for n, bad := range []struct{ text, problem string }{
		{"backend \"legacy\" {\n  adress = \"127.0.0.1:110\"\n}\n", "adress"},
		{string(good) + "}", "config.hcl"},
		{strings.Replace(string(good), host+".crt", "nowhere.crt", 1), "nowhere.crt"},
		// This one is good in itself, but its listener can't be opened.
		{strings.Replace(string(good), loopback(p.implicit.port), taken.Addr().String(), 1), "address already in use"},
	} {
		write(t, p.config, bad.text)
		refused := d.refuses(t, http.MethodPost, "/v1/reload", "", http.StatusUnprocessableEntity, "reload_failed")
		if !strings.Contains(refused.body, `"problems":[`) || !strings.Contains(refused.body, bad.problem) {
			t.Errorf("the answer to the reload doesn't tell of %s: %s", bad.problem, refused.body)
		}
		p.signal(t, syscall.SIGHUP)
		eventually(t, "the signal is obeyed", func() bool {
			return d.number(t, `popgate_reloads_total{result="error"}`) == float64(2*(n+1))
		})
		d.do(t, http.MethodGet, "/readyz", "", nil)
		w := dial(t, p.starttls)
		insistLogin(t, w, joe, in)
		w.quit()
	}
	p.log.wait(t, 1, `\[ERROR\] .*reload failed, the old configuration stays`)
	insistAll(t, guests, "NOOP")
	write(t, p.config, string(good))
	d.do(t, http.MethodPost, "/v1/reload", "", nil)
	insistAll(t, guests, "QUIT")
}

// TestThousandReloads: popgate is as good after a thousand SIGHUPs, ten at a time, and reloads by call among them, as before:
// no session is cut, no memory, descriptor or goroutine is lost, and the last configuration is in force.
func TestThousandReloads(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	s := settings{backends: backend("legacy", b.port()) + many}.filled(t)
	p := startPopgate(t, s)
	d := socketDesk(t, p)
	guests := crowd(t, p.implicit, joe, 20)
	round := func(n int) {
		mark := time.Minute + time.Duration(n)*time.Second + 500*time.Millisecond
		s.timeouts = fmt.Sprintf("backend_login = %q", mark)
		inForce := regexp.MustCompile(fmt.Sprintf(`backend_login += %q`, mark))
		// In one step, as popgate may be reading it for an earlier signal.
		next := write(t, p.config+".next", s.text(keyFiles{filepath.Dir(p.config)}))
		if err := os.Rename(next, p.config); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			p.signal(t, syscall.SIGHUP)
		}
		if n%2 == 0 {
			d.do(t, http.MethodPost, "/v1/reload", "", nil)
		}
		eventually(t, "the last configuration is in force", func() bool {
			var config struct{ HCL string }
			d.get(t, "/v1/config", &config)
			return inForce.MatchString(config.HCL)
		})
		if said, err := guests[n%len(guests)].command("STAT"); err != nil || !strings.HasPrefix(said, in) {
			t.Errorf("round %d: STAT was answered %q, %v", n, said, err)
		}
		if n%10 == 0 {
			w := dial(t, p.starttls)
			insistLogin(t, w, joe, in)
			w.quit()
		}
	}
	// The first ones bring the program to its working size.
	const rounds, first = 100, 20
	for n := range first {
		round(n)
	}
	before := footprint(t, d)
	for n := first; n < rounds; n++ {
		round(n)
	}
	insistAll(t, guests, "NOOP")
	if n := d.number(t, `popgate_reloads_total{result="error"}`); n > 0 {
		t.Errorf("%v reloads failed", n)
	}
	var after size
	defer func() {
		if t.Failed() {
			t.Logf("before them %+v, after them %+v", before, after)
		}
	}()
	eventually(t, "popgate is as small as before", func() bool {
		after = footprint(t, d)
		// What watches the files of certificates begins a moment after a reload, so that there may be none at first; and
		// Go's runtime starts a few goroutines of its own when it needs them.
		return after.descriptors <= before.descriptors+1 && after.goroutines <= before.goroutines+4
	})
	t.Logf("%v reloads; before them %+v, after them %+v", d.number(t, `popgate_reloads_total{result="ok"}`), before, after)
	if grown := after.memory - before.memory; grown > 16<<20 {
		t.Errorf("the reloads took %d KiB", grown>>10)
	}
	insistAll(t, guests, "QUIT")
}

// size is what a popgate holds.
type size struct{ descriptors, goroutines, memory int }

// footprint returns what popgate holds now. Its memory is that of Go's runtime: the race detector has more of its own.
func footprint(t testing.TB, d desk) size {
	t.Helper()
	var status struct {
		Memory     int `json:"memory_bytes"`
		Goroutines int
	}
	d.get(t, "/v1/status", &status)
	return size{int(d.number(t, "process_open_fds")), status.Goroutines, status.Memory}
}
