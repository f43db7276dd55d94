package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/prometheus/client_golang/prometheus"

	"popgate/internal/admin"
	"popgate/internal/config"
	"popgate/proxy"
)

// doors is entrances that tell what they log.
func doors(t *testing.T) (*entrances, *output) {
	t.Helper()
	log := newOutput()
	e, err := newEntrances(hclog.New(&hclog.LoggerOptions{Output: log}), nil, new(given), noDesks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.close)
	return e, log
}

// noDesk is a desk with nothing on it, where nobody asks for more.
type noDesk struct {
	admin.Certificates
	admin.Logins
	admin.Process
}

func (noDesk) List() []admin.Certificate { return nil }

func (noDesk) Ready() admin.Readiness { return admin.Readiness{Ready: true} }

var noDesks = admin.Options{
	Certificates: noDesk{}, Logins: noDesk{}, Sessions: &sessionDesk{}, Backends: &backendDesk{}, Process: noDesk{}, Metrics: prometheus.NewRegistry(),
}

// taken is an address that another program has.
func taken(t *testing.T) string {
	t.Helper()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	return other.Addr().String()
}

// A default port that is taken is a warning as long as hosts can be validated at
// the other; one that was written, and both of them, are errors.
func TestChallengePortTaken(t *testing.T) {
	const free = "127.0.0.1:0"
	for name, test := range map[string]struct {
		http     config.Challenge
		https    string // "": off
		fails    bool
		required bool // https_address can't be done without any more
	}{
		"free":                       {config.Challenge{Address: free}, ":443", false, false},
		"off":                        {config.Challenge{}, ":443", false, true},
		"default taken":              {config.Challenge{Address: taken(t)}, ":443", false, true},
		"default taken, other off":   {config.Challenge{Address: taken(t)}, "", true, false},
		"written one taken":          {config.Challenge{Address: taken(t), Written: true}, ":443", true, false},
		"no such address, a default": {config.Challenge{Address: "192.0.2.1:80"}, ":443", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, log := doors(t)
			settings := &proxy.Settings{Listeners: []proxy.Listener{{Name: "pop3s"}}}
			if test.https != "" {
				settings.Listeners = append(settings.Listeners, proxy.Listener{Name: challengeListener, Optional: true})
			}
			cfg := &config.Config{TLS: config.TLS{ACME: &config.ACME{HTTP: test.http, HTTPS: config.Challenge{Address: test.https}}}}
			err := e.open(cfg, settings)
			if (err != nil) != test.fails || err != nil && !strings.Contains(err.Error(), "http_address: ") {
				t.Fatalf("error %v", err)
			}
			if err != nil {
				e.forget()
				return
			}
			e.use(admin.Access{})
			if test.https != "" && settings.Listeners[1].Optional == test.required {
				t.Errorf("https_address is optional: %v", settings.Listeners[1].Optional)
			}
			if warned := strings.Contains(log.String(), "[WARN]"); warned != (test.required && test.http.Address != "") {
				t.Errorf("the log says %q", log)
			}
			if open := e.challenge.addr() != nil; open != (test.http.Address == free) {
				t.Errorf("open: %v", open)
			}
		})
	}
}

// A door that stays where it is stays open over reloads; one that moves is open
// at the new place before the old one closes; open and forget change nothing.
func TestDoorMoves(t *testing.T) {
	served := make(chan net.Conn, 10)
	d := &door{
		listen: func(address string) (net.Listener, error) { return net.Listen("tcp", address) },
		serve: func(l net.Listener) error {
			for {
				conn, err := l.Accept()
				if err != nil {
					return err
				}
				served <- conn
			}
		},
	}
	closed := func() error { return nil }
	defer d.close(closed)
	reach := func(at net.Addr) bool {
		t.Helper()
		conn, err := net.DialTimeout("tcp", at.String(), patience)
		if err != nil {
			return false
		}
		_ = conn.Close()
		_ = (<-served).Close()
		return true
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(d.open("127.0.0.1:0"))
	if d.addr() != nil {
		t.Error("in use before use")
	}
	d.use()
	first := d.addr()
	must(d.open("127.0.0.1:0"))
	d.use()
	if d.addr() != first || !reach(first) {
		t.Errorf("moved from %v to %v without a reason", first, d.addr())
	}
	must(d.open("localhost:0"))
	d.forget()
	if d.addr() != first || !reach(first) {
		t.Error("what was forgotten has changed something")
	}
	if d.open(taken(t)) == nil {
		t.Error("a taken address was opened")
	}
	d.use()
	if d.addr() != first || !reach(first) {
		t.Error("what failed has changed something")
	}
	must(d.open("localhost:0"))
	d.use()
	if second := d.addr(); second == first || !reach(second) || reach(first) {
		t.Errorf("at %v, before at %v", second, first)
	}
	must(d.open(""))
	d.use()
	if d.addr() != nil {
		t.Error("open still")
	}
}

// The admin socket is there while popgate runs, for its own user only, follows
// the configuration, and is gone afterwards.
func TestAdminSocket(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	p, address := s.serve(t)
	first, second := filepath.Join(s.dir, "admin.sock"), filepath.Join(s.dir, "other.sock")
	asks := func(socket string) error {
		_, err := admin.NewClient(socket).Certificates(t.Context())
		return err
	}
	if err := asks(first); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(first); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	s.write(t, strings.Replace(s.text(""), "admin.sock", "other.sock", 1))
	p.reload(t, 1)
	if err := asks(second); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(first); err == nil {
		t.Error("the old socket is there still")
	}
	s.write(t, strings.Replace(s.text(""), `"admin.sock"`, `"off"`, 1))
	p.reload(t, 2)
	if _, err := os.Stat(second); err == nil {
		t.Error("the socket is there still, though it is off")
	}
	s.write(t, s.text(""))
	p.reload(t, 3)
	s.login(t, address, alice).quit()
	p.signal(t, syscall.SIGTERM)
	p.exit(t, exitOK)
	if _, err := os.Stat(first); err == nil {
		t.Error("the socket is there still, after the end")
	}
}

// Two popgates can't have one socket: a written one is an error, and the first
// one keeps it.
func TestAdminSocketTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve(t)
	r := popgate(t, nil, "serve", "--config", s.config)
	r.exit(t, exitFailed)
	if !strings.Contains(r.err.String(), "another process answers there") {
		t.Errorf("it says %q", r.err)
	}
	if _, err := admin.NewClient(filepath.Join(s.dir, "admin.sock")).Certificates(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

// What a certificate is like, in a word and in days.
func TestCertificatesShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serve(t)
	list, err := admin.NewClient(filepath.Join(s.dir, "admin.sock")).Certificates(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	c := list[0]
	days := int(time.Until(*c.NotAfter) / (24 * time.Hour))
	if c.Name != "main" || c.Source != admin.SourceFile || fmt.Sprint(c.Names) != "["+siteName+"]" || c.State != admin.StateValid ||
		c.Issuer != "popgate test CA" || *c.DaysLeft != days || c.LastError != nil || c.NextTry != nil {
		t.Errorf("%+v", c)
	}
}

// TestAdminMovesAway: whoever came in while a token was asked for gets nothing by a
// reload that asks for none elsewhere, nor by one that closes the door.
func TestAdminMovesAway(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := filepath.Join(s.dir, "token")
	if err := os.WriteFile(token, []byte(strings.Repeat("0123456789abcdef", 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	door := func(lines string) {
		s.write(t, oneListener+s.certificate(siteName)+backendAt(s.port)+"admin {\n  socket = \"off\"\n"+lines+"\n}\n")
	}
	door("address = \"127.0.0.1:0\"\ntoken_file = \"token\"")
	p := popgate(t, nil, "serve", "--config", s.config)
	const served = `status page and metrics are served: address=(\S+)`
	first := p.log(t, 1, served)[1]
	conn, err := net.Dial("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	ask := func(path string) (int, error) {
		if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
			return 0, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return 0, err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, err
	}
	if status, err := ask("/healthz"); status != http.StatusOK || err != nil {
		t.Fatalf("a probe: %d, %v", status, err)
	}
	door("address = \"127.0.0.2:0\"")
	p.reload(t, 1)
	if status, err := ask("/v1/sessions"); err == nil {
		t.Errorf("the old connection is answered: %d", status)
	}
	second := p.log(t, 2, served)[1]
	if answer, err := http.Get("http://" + second + "/v1/sessions"); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the new door: %v", err)
	} else {
		_ = answer.Body.Close()
	}
	door("")
	p.reload(t, 2)
	if answer, err := http.Get("http://" + second + "/v1/sessions"); err == nil {
		_ = answer.Body.Close()
		t.Errorf("the closed door: %s", answer.Status)
	}
}
