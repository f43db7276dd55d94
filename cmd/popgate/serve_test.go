package main

import (
	"bufio"
	"context"
	"net"
	"popgate/internal/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
)

// TestServeTakenPort: a port that another program has is a failure at run time,
// and the message says which listener and why.
func TestServeTakenPort(t *testing.T) {
	s := newSite(t)
	s.write(t, strings.Replace(s.text(""), oneListener, s.takenListener(t), 1))
	r := runHere(t, "serve", "--config", s.config)
	if r.code != exitFailed || r.out != "" {
		t.Errorf("exit code %d, %q; want 1 and nothing", r.code, r.out)
	}
	insistOn(t, "standard error", r.err, `(?m)^popgate: listener "pop3s": .*address already in use$`)
}

// TestServeTakenPortClosesTheOthers: the listeners that could be opened are
// closed again, and both that could not are named.
func TestServeTakenPortClosesTheOthers(t *testing.T) {
	s := newSite(t)
	taken := strings.Replace(s.takenListener(t), "pop3s", "taken", 1) +
		strings.Replace(s.takenListener(t), "pop3s", "too", 1)
	s.write(t, s.text(taken))
	r := runHere(t, "serve", "--config", s.config)
	if r.code != exitFailed {
		t.Errorf("exit code %d, want 1", r.code)
	}
	for _, name := range []string{"taken", "too"} {
		if !strings.Contains(r.err, `listener "`+name+`": `) {
			t.Errorf("listener %s isn't named in %q", name, r.err)
		}
	}
	if strings.Contains(r.err, "listening") {
		t.Errorf("it listens nevertheless: %s", r.err)
	}
}

// TestServeHere: serve in this process serves mail, ends with its context, and
// leaves no goroutine behind, which TestMain looks for.
func TestServeHere(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log, code := newOutput(), make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"serve", "--config", s.config}, streams{in: eof{}, out: log, err: log})
	}()
	address := log.wait(t, nil, 1, listening)[1]
	c := s.login(t, address, alice)
	c.ok("DELE 2")
	c.quit()
	log.wait(t, nil, 1, `session: .*end=quit`)
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d, want 0", got)
	}
	if left := len(s.mails.Maildrop(alice)); left != 2 {
		t.Errorf("%d mails are left, want 2", left)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("the port is open still")
	}
}

// TestFirstClientIsServed: whoever comes as soon as a port is open is served,
// by the limits of the configuration. The log is the test's way to come just
// then: while it takes the second "listening", the first port is open.
func TestFirstClientIsServed(t *testing.T) {
	needLoopbacks(t)
	s := newSite(t)
	two := "listener \"a\" {\n  address = \"127.0.0.1:0\"\n  tls = \"starttls\"\n}\n" +
		"listener \"b\" {\n  address = \"127.0.0.2:0\"\n  tls = \"starttls\"\n}\n"
	s.write(t, strings.Replace(s.text(""), oneListener, two, 1))
	cfg, diags, _ := config.Load(s.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	early := &earlyClient{}
	service, err := newService(cfg, hclog.New(&hclog.LoggerOptions{Output: early}), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := service.apply(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	if early.err != nil || !strings.HasPrefix(early.greeting, "+OK") {
		t.Errorf("the first client is told %q, %v; want +OK", early.greeting, early.err)
	}
	cancel()
	service.finish()
}

// earlyClient is a log that connects to the first of two listeners when the
// second is announced.
type earlyClient struct {
	mu       sync.Mutex
	first    string // address of the first listener
	greeting string
	err      error
}

func (e *earlyClient) Write(line []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, address, found := strings.Cut(strings.TrimSpace(string(line)), "listening: address=")
	switch {
	case !found:
	case e.first == "":
		e.first = address
	case e.greeting == "" && e.err == nil:
		e.greeting, e.err = greetingAt(e.first)
	}
	return len(line), nil
}

// greetingAt is the first line that a server says in clear.
func greetingAt(address string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	return bufio.NewReader(conn).ReadString('\n')
}
