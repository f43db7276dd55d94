package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemd is the end of NOTIFY_SOCKET that systemd would have.
type systemd struct {
	conn  *net.UnixConn
	heard *output
}

// listenAsSystemd listens at a path, or at an abstract name behind "@".
func listenAsSystemd(t *testing.T, name string) *systemd {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	s := &systemd{conn: conn, heard: newOutput()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			_, _ = s.heard.Write([]byte(strings.ReplaceAll(string(buf[:n]), "\n", " ") + "\n"))
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-ended
	})
	return s
}

// TestNotify: what systemd is told, in order: that popgate serves, reloads and serves, who takes over, that that one serves,
// stops, and how long that may take; and that it is alive, all the time.
func TestNotify(t *testing.T) {
	t.Parallel()
	for name, socket := range map[string]string{"path": filepath.Join(folder(t), "notify"), "abstract": "@popgate-test-" + strconv.Itoa(os.Getpid())} {
		t.Run(name, func(t *testing.T) {
			b := startBuiltin(t)
			systemd := listenAsSystemd(t, socket)
			d := startDynasty(t, settings{
				backends: backend("legacy", b.port()),
				env:      []string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=600000"},
			})
			systemd.heard.wait(t, 1, `(?m)^READY=1 STATUS=serving, 0 sessions$`)
			systemd.heard.wait(t, 2, `WATCHDOG=1`)
			d.desk.do(t, http.MethodPost, "/v1/reload", "", nil)
			systemd.heard.wait(t, 1, `(?m)^RELOADING=1 MONOTONIC_USEC=[1-9][0-9]+$`)
			systemd.heard.wait(t, 2, `^READY=1 `)
			d.upgrade(t)
			systemd.heard.wait(t, 1, `(?m)^MAINPID=`+strconv.Itoa(d.pid)+`$`)
			systemd.heard.wait(t, 3, `^READY=1 `)
			d.alone(t)
			alive := len(systemd.heard.lines(`WATCHDOG=1`))
			systemd.heard.wait(t, alive+2, `WATCHDOG=1`)
			if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			// 30 s, 120 s, and some to spare.
			systemd.heard.wait(t, 1, `^STOPPING=1 EXTEND_TIMEOUT_USEC=165000000 STATUS=`)
			var words []string
			for _, line := range systemd.heard.lines(`READY|RELOADING|MAINPID|STOPPING`) {
				word, _, _ := strings.Cut(line, "=")
				words = append(words, word)
			}
			if got, want := strings.Join(words, " "), "READY RELOADING READY MAINPID READY STOPPING"; got != want {
				t.Errorf("systemd heard %s, want %s", got, want)
			}
		})
	}
}

// activated runs popgate under systemd-socket-activate, which passes sockets at these ports as systemd does. That program
// starts popgate with the first connection.
func activated(t *testing.T, s settings, names string, ports ...int) *dynasty {
	t.Helper()
	s.run = []string{need(t, "systemd-socket-activate"), "--fdname=" + names}
	for _, port := range ports {
		s.run = append(s.run, "-l", loopback(port))
	}
	came := make(chan struct{})
	go func() {
		defer close(came)
		for range 200 {
			if c, err := net.Dial("tcp", loopback(ports[0])); err == nil {
				c.Close()
				return
			}
			wait(50 * time.Millisecond)
		}
	}()
	defer func() { <-came }()
	return startDynasty(t, s)
}

// TestSocketActivation: popgate serves on sockets that it is given, upgrades with them, and a listener that a reload takes
// away and brings back is there again.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	s := settings{backends: backend("legacy", b.port()) + many}.filled(t)
	d := activated(t, s, "pop3-implicit:pop3-starttls", s.ports[0], s.ports[1])
	login := func(e endpoint) {
		t.Helper()
		w := dial(t, e)
		insistLogin(t, w, joe, in)
		w.quit()
	}
	login(d.implicit)
	login(d.starttls)
	good := readFile(t, d.config)
	one := "listener \"pop3-" + string(startTLS) + "\" {"
	without := good[:strings.Index(good, one)] + good[strings.Index(good, "tls {\n"):]
	for range 2 {
		write(t, d.config, without)
		d.desk.do(t, http.MethodPost, "/v1/reload", "", nil)
		login(d.implicit)
		write(t, d.config, good)
		d.desk.do(t, http.MethodPost, "/v1/reload", "", nil)
		login(d.starttls)
		d.upgrade(t)
		login(d.implicit)
		login(d.starttls)
	}
	// It is also kept by a process that took over meanwhile.
	write(t, d.config, without)
	d.desk.do(t, http.MethodPost, "/v1/reload", "", nil)
	d.upgrade(t)
	write(t, d.config, good)
	d.desk.do(t, http.MethodPost, "/v1/reload", "", nil)
	login(d.starttls)
	d.alone(t)
}

// TestForeignSocket: a socket that the configuration doesn't name is closed, with a warning; what it names is opened.
func TestForeignSocket(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	s := settings{backends: backend("legacy", b.port())}.filled(t)
	other := freePort(t)
	d := activated(t, s, "one:two", other, s.ports[0])
	d.logs(t, 1, `\[WARN\] +popgate: inherited socket matches nothing in the configuration, it is closed: address=`+loopback(other))
	for _, e := range []endpoint{d.implicit, d.starttls} {
		w := dial(t, e)
		insistLogin(t, w, joe, in)
		w.quit()
	}
}

// TestNoSockets: what the environment says of sockets that weren't passed takes none of popgate's own descriptors.
func TestNoSockets(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	for said, pattern := range map[string]string{
		"LISTEN_FDS=9":               `popgate.proxy: listening`,
		"LISTEN_PID=$$ LISTEN_FDS=9": `\[WARN\] +popgate: not all inherited sockets can be used: error=.*it isn't one that was passed`,
	} {
		d := prepareDynasty(t, settings{backends: backend("legacy", b.port())})
		d.beginWith(t, []string{"/bin/sh", "-c", said + ` exec "$@"`, "sh", d.program, "serve", "--config", d.config}, nil)
		d.logs(t, 1, pattern)
		w := dial(t, d.implicit)
		insistLogin(t, w, joe, in)
		w.quit()
	}
}

// TestRestartUnderActivation: while popgate is away, whoever connects to a socket that systemd keeps open waits in its queue,
// and is served by the next popgate.
func TestRestartUnderActivation(t *testing.T) {
	t.Parallel()
	b := startBuiltin(t)
	joe := b.mailbox(t, "joe", threeMails())
	s := settings{backends: backend("legacy", b.port()) + many}.filled(t)
	l, err := net.Listen("tcp", loopback(s.ports[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	d := prepareDynasty(t, s)
	// As systemd does: the process that gets the sockets is told its own id.
	run := []string{"/bin/sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=pop3s exec "$@"`, "sh", d.program, "serve", "--config", d.config}
	d.beginWith(t, run, nil, socket)
	visits := guestsCome(t, d.implicit, joe, 300, 16)
	for n := range 3 {
		visits.reach(t, 80*(n+1))
		if err := syscall.Kill(d.pid, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		// Who is there already is sent away by the drain, or served; who comes from now on waits.
		<-d.ended
		d.beginWith(t, run, nil, socket)
	}
	visits.over.Wait()
	for _, failed := range visits.failed {
		// Those whom popgate had accepted when it was stopped: sent away, or closed if TLS hadn't come about.
		if !strings.Contains(failed, "[SYS/TEMP]") && !strings.Contains(failed, "EOF") {
			t.Errorf("a guest was not served: %s", failed)
		}
	}
	if n := len(visits.failed); n > 3*16 {
		t.Errorf("%d guests were sent away by three drains, which see 16 each at most", n)
	}
}
