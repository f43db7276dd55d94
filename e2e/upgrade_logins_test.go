package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// traffic is guests who come, log in, look at their mailbox and go, some at a time.
type traffic struct {
	done   atomic.Int64
	mu     sync.Mutex
	failed []string
	over   sync.WaitGroup
}

// guestsCome lets n guests come, atOnce at a time.
func guestsCome(t *testing.T, e endpoint, a account, n, atOnce int) *traffic {
	t.Helper()
	config := guestTLS(t, e)
	visits := new(traffic)
	var begun atomic.Int64
	for range atOnce {
		visits.over.Go(func() {
			for begun.Add(1) <= int64(n) {
				if err := fetchBriefly(e, a, config); err != nil {
					visits.mu.Lock()
					visits.failed = append(visits.failed, err.Error())
					visits.mu.Unlock()
				}
				visits.done.Add(1)
			}
		})
	}
	return visits
}

// fetchBriefly is one session: login, STAT, QUIT.
func fetchBriefly(e endpoint, a account, config *tls.Config) error {
	g, err := visitFrom("127.0.0.1", e, config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer g.Close()
	if said, _, err := g.login(a); err != nil || !strings.HasPrefix(said, in) {
		return fmt.Errorf("login: %q, %w", said, err)
	}
	if said, err := g.command("STAT"); err != nil || !strings.HasPrefix(said, in) {
		return fmt.Errorf("STAT: %q, %w", said, err)
	}
	return g.quit()
}

// reach waits until so many guests have gone.
func (v *traffic) reach(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d guests have gone", n), func() bool { return v.done.Load() >= int64(n) })
}

// end waits for the last guests, all of whom must have been served.
func (v *traffic) end(t *testing.T) {
	t.Helper()
	v.over.Wait()
	if len(v.failed) > 0 {
		t.Errorf("%d of %d guests were not served, such as: %s", len(v.failed), v.done.Load(), v.failed[0])
	}
}

// TestUpgradeUnderLogins: 2,000 logins while popgate is upgraded six times; nobody is refused, cut or sent away, the admin
// socket answers all the time, sessions that were open go on in their process and end in order, and its exit code is 0.
func TestUpgradeUnderLogins(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe, ann := b.mailbox(t, "joe", threeMails()), b.mailbox(t, "ann", threeMails())
	// However slow this machine is, the first process drains longer than that.
	d := startDynasty(t, settings{backends: backend("legacy", b.port()) + many, timeouts: `drain = "10m"`})
	reading, waiting := dial(t, d.implicit), dial(t, d.starttls)
	insistLogin(t, reading, ann, in)
	reading.ok("DELE 1")

	stop := make(chan struct{})
	var asking sync.WaitGroup
	var asked int
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			asked++
			if got, err := d.desk.try(http.MethodGet, "/readyz", "", nil); err != nil || got.status != http.StatusOK {
				t.Errorf("question %d was answered %d %s, %v", asked, got.status, got.body, err)
			}
		}
	})
	const logins, upgrades = 2000, 6
	visits := guestsCome(t, d.implicit, joe, logins, 16)
	for n := range upgrades {
		visits.reach(t, (n+1)*logins/(upgrades+2))
		if n%2 == 0 {
			d.upgrade(t)
			continue
		}
		before := d.pid
		if err := syscall.Kill(before, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		d.logs(t, n+1, `this process serves from now on: pid=`)
		d.pid = d.newest(t)
	}
	visits.end(t)
	close(stop)
	asking.Wait()
	t.Logf("%d logins, %d upgrades, %d questions", logins, upgrades, asked)

	// Who came before the change is served by the first process still.
	insistLogin(t, waiting, joe, in)
	waiting.quit()
	reading.ok("DELE 2")
	reading.quit()
	<-d.ended
	if code := d.first.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d of the first process, want 0", code)
	}
	if got, want := b.left(t, ann), []string{"three"}; !slices.Equal(got, want) {
		t.Errorf("the mailbox holds %q, want %q", got, want)
	}
	d.alone(t)
}

// TestUpgradeUnderQuestions: mail clients that ask for their settings at http_address, each on a connection of its own, are
// all answered while popgate is upgraded.
func TestUpgradeUnderQuestions(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	d := startDynasty(t, settings{
		backends: backend("legacy", 110) + "autoconfig {\n  domains = [\"e2e.example\"]\n}\n",
		tls: fmt.Sprintf("acme {\n  hosts = [%q]\n  directory = %q\n  cache = \"acme\"\n  http_address = %q\n  https_address = \"off\"\n}\n",
			acmeHost, "https://"+loopback(port)+"/directory", loopback(port)), // no CA
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var asking sync.WaitGroup
	t.Cleanup(asking.Wait)
	var asked atomic.Int64
	for range 8 {
		asking.Go(func() {
			for ctx.Err() == nil {
				got, err := client.Get("http://" + loopback(port) + configPath + "?emailaddress=joe@e2e.example")
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(got.Body)
				got.Body.Close()
				if err != nil || got.StatusCode != http.StatusOK || !strings.Contains(string(body), acmeHost) {
					t.Errorf("status %d, %q, %v", got.StatusCode, body, err)
					return
				}
				asked.Add(1)
			}
		})
	}
	for range 4 {
		before := asked.Load()
		eventually(t, "questions are answered", func() bool { return asked.Load() >= before+100 })
		d.upgrade(t)
	}
	stop()
	asking.Wait()
	t.Logf("%d questions", asked.Load())
	d.alone(t)
}

// TestManyUpgrades: 20 of them in a row leave one process, which has no more descriptors than the first had; the socket's
// file is there, and gone after the end.
func TestManyUpgrades(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	port := freePort(t)
	d := startDynasty(t, settings{backends: backend("legacy", b.port()), admin: fmt.Sprintf("address = %q", loopback(port))})
	descriptors := func() int { return int(d.desk.number(t, "process_open_fds")) }
	d.upgrade(t)
	d.alone(t)
	before := descriptors()
	for range 20 {
		d.upgrade(t)
		tcpDesk(port, "").do(t, http.MethodGet, "/readyz", "", nil)
	}
	d.alone(t)
	w := dial(t, d.starttls)
	insistLogin(t, w, joe, in)
	w.quit()
	eventually(t, "no descriptor is left", func() bool { return descriptors() <= before })
	if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the socket is gone with the last process", func() bool {
		_, err := d.desk.try(http.MethodGet, "/healthz", "", nil)
		return err != nil && strings.Contains(err.Error(), "no such file")
	})
}
