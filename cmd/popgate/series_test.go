package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"popgate/internal/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"popgate/internal/config"
)

// TestStrangersAddNoSeries (L2): twenty strangers, each with server names, user
// names, addresses, mechanisms and commands of their own, leave the very same
// metrics behind as one.
func TestStrangersAddNoSeries(t *testing.T) {
	needLoopbacks(t)
	one, many := seriesAfter(t, 1), seriesAfter(t, 20)
	if len(one) < 10 {
		t.Errorf("only %d series: %q", len(one), one)
	}
	if !slices.Equal(one, many) {
		t.Errorf("one stranger leaves\n%q, twenty leave\n%q", one, many)
	}
}

// seriesAfter returns popgate's series after n strangers were there.
func seriesAfter(t *testing.T, n int) []string {
	t.Helper()
	s := newSite(t)
	s.write(t, s.text(shortDelay+"limits { login_attempts = 100 }\n"))
	cfg, diags, _ := config.Load(s.config)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	service, err := newService(cfg, hclog.NewNullLogger(), metrics.New())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := service.apply(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	address := service.server.Addr("127.0.0.1:0").String()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { s.stranger(t, address, i) })
	}
	all.Wait()
	cancel()
	service.finish()

	families, err := service.metrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "popgate_") {
			continue
		}
		for _, m := range family.GetMetric() {
			found[fmt.Sprint(family.GetName(), m.GetLabel())] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// stranger does what strangers do, the i-th of them in its own words.
func (s *site) stranger(t *testing.T, address string, i int) {
	from := &net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(i+1))}}
	for _, name := range []string{"", siteName, fmt.Sprintf("host%d.example", i)} {
		conn, err := from.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		secure := tls.Client(conn, &tls.Config{RootCAs: s.ca.Pool(), ServerName: name, InsecureSkipVerify: name == ""})
		if secure.Handshake() == nil {
			strangeWords(t, secure, i)
		}
		_ = conn.Close()
	}
	for _, line := range []string{"GET /%d HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00\x05%05d"} {
		conn, err := from.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(conn, line, i)
		_, _ = io.Copy(io.Discard, conn)
		_ = conn.Close()
	}
}

// strangeWords says what nobody else says, and says goodbye.
func strangeWords(t *testing.T, conn net.Conn, i int) {
	lines := bufio.NewReader(conn)
	if _, err := lines.ReadString('\n'); err != nil {
		return // refused: a greeting would have come
	}
	for _, line := range []string{
		fmt.Sprintf("AUTH X-STRANGE-%d", i),
		fmt.Sprintf("X%d", i),
		fmt.Sprintf("LANG %d", i),
		fmt.Sprintf("USER joe%d@domain%d.example", i, i),
		fmt.Sprintf("PASS %d", i),
		fmt.Sprintf("USER a@b@%d", i),
		"PASS x",
		"QUIT",
	} {
		if _, err := io.WriteString(conn, line+"\r\n"); err != nil {
			t.Error(err)
			return
		}
		if _, err := lines.ReadString('\n'); err != nil {
			t.Errorf("%s: %v", line, err)
			return
		}
	}
}
