package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"

	"popgate/authz"
	"popgate/internal/metrics"
	"popgate/internal/poptest"
	"popgate/internal/route"
	"popgate/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listenAt is the rig's one listener, as configured.
const listenAt = "192.0.2.25:995"

// rig is a server on an in-memory network, made from a transcript's settings.
type rig struct {
	tb       testing.TB
	server   *proxy.Server
	network  *poptest.Network
	listener *poptest.Listener
	backends map[string]*poptest.Backend
	metrics  *metrics.Metrics
	log      *logBuffer
	settings proxy.Settings

	drainTime time.Duration
	stop      context.CancelFunc
	clients   int
	client    netip.Addr
}

// newRig starts a server; the keys that set knows are explained beside each.
func newRig(tb testing.TB, ca *poptest.CA, set poptest.Settings) *rig {
	tb.Helper()
	r := &rig{
		tb: tb, network: poptest.NewNetwork(), metrics: metrics.New(), log: new(logBuffer),
		backends: make(map[string]*poptest.Backend),
		client:   netip.MustParseAddr(set.Get("client", "198.51.100.7")), // the clients' address
	}
	r.listener = r.network.Listen(listenAt)
	r.drainTime = duration(tb, set, "drain", 30*time.Second)
	guard := authz.New(authz.Limits{
		Connections:            number(tb, set, "connections", 100),
		ConnectionsPerIP:       number(tb, set, "connections_per_ip", 50),
		ConnectionsBeforeLogin: number(tb, set, "connections_before_login", 100),
	})
	r.server = proxy.New(proxy.Options{
		Guard: guard, Metrics: r.metrics,
		Logger: hclog.New(&hclog.LoggerOptions{Output: r.log, Level: hclog.Debug, JSONFormat: true}),
		Listen: func(context.Context, string) (net.Listener, error) { return r.listener, nil },
		Dial:   r.network.DialContext,
		LookUp: r.lookUp(set),
	})
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.settings = r.makeSettings(ca, set)
	if err := r.server.Apply(ctx, r.settings); err != nil {
		tb.Fatal(err)
	}
	return r
}

func (r *rig) makeSettings(ca *poptest.CA, set poptest.Settings) proxy.Settings {
	tb := r.tb
	listener := proxy.Listener{Name: "pop3s", Address: listenAt, StartTLS: set.Get("listener", "implicit") == "starttls"}
	for _, network := range set["proxy_from"] { // a network that sends PROXY headers
		listener.ProxyFrom = append(listener.ProxyFrom, netip.MustParsePrefix(network))
	}
	return proxy.Settings{
		Hostname:      "pop.example.com",
		Listeners:     []proxy.Listener{listener},
		TLS:           serverTLS(ca),
		Routes:        r.routes(set),
		Errors:        number(tb, set, "errors", 3),
		LoginAttempts: number(tb, set, "login_attempts", 3),
		FailedUsers:   proxy.FailedUsers(set.Get("failed_users", "served")),
		Timeouts: proxy.Timeouts{
			Handshake:    duration(tb, set, "handshake", 10*time.Second),
			Login:        duration(tb, set, "login", time.Minute),
			FailureDelay: duration(tb, set, "failure_delay", 3*time.Second),
			Connect:      duration(tb, set, "connect", 10*time.Second),
			Greeting:     duration(tb, set, "greeting", 30*time.Second),
			BackendLogin: duration(tb, set, "backend_login", 2*time.Minute),
			Idle:         duration(tb, set, "idle", 10*time.Minute),
			Quit:         duration(tb, set, "quit", 2*time.Minute),
			HalfClosed:   duration(tb, set, "half_closed", 2*time.Minute),
		},
	}
}

func serverTLS(ca *poptest.CA) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{ca.Issue("pop.example.com", "*.tenants.example")},
		MinVersion:   tls.VersionTLS12, NextProtos: []string{"pop3"},
		DynamicRecordSizingDisabled: true,
	}
}

// routes makes the table of backends and tenants:
//
//	set backend=east auth=plain capabilities=TOP,UIDL connections=2 addresses=a:110,b:110
//	set tenant=acme hosts=pop.tenants.example domains=acme.example backend=east any_host
//
// Without a backend there is one, "east" at 192.0.2.110:110.
func (r *rig) routes(set poptest.Settings) *route.Table {
	r.tb.Helper()
	lines := set["backend"]
	if len(lines) == 0 {
		lines = []string{"east addresses=192.0.2.110:110"}
	}
	var opts route.Options
	for _, line := range lines {
		opts.Backends = append(opts.Backends, r.backend(line))
	}
	for _, line := range set["tenant"] {
		opts.Tenants = append(opts.Tenants, tenant(line))
	}
	table, err := route.New(opts)
	if err != nil {
		r.tb.Fatal(err)
	}
	return table
}

// backend makes a backend, and listens at its addresses but for those that are
// refused:host:port or silent:host:port.
func (r *rig) backend(line string) route.Backend {
	name, words := parseWords(line)
	b := route.Backend{
		Name: name, Capabilities: []string{"TOP", "UIDL"},
		InUseWords:     []string{"lock", "in use", "another session"},
		TemporaryWords: []string{"temporar", "try again"},
	}
	if words["auth"] == "plain" {
		b.Auth = route.AuthPlain
	}
	if list := words["capabilities"]; list != "" {
		b.Capabilities = strings.Split(list, ",")
	}
	b.Connections, _ = strconv.Atoi(words["connections"])
	for i, address := range strings.Split(words["addresses"], ",") {
		address, refused := strings.CutPrefix(address, "refused:")
		address, silent := strings.CutPrefix(address, "silent:")
		b.Addresses = append(b.Addresses, address)
		address = strings.TrimPrefix(address, "unix:")
		switch {
		case refused:
		case silent:
			r.network.OnDial(address, poptest.BlackHole)
		default:
			key := name
			if i > 0 {
				key = fmt.Sprintf("%s%d", name, i+1)
			}
			r.backends[key] = poptest.NewBackend(r.network.Listen(address), nil)
		}
	}
	return b
}

func tenant(line string) route.Tenant {
	name, words := parseWords(line)
	t := route.Tenant{Name: name, Backend: words["backend"], Domains: strings.Split(words["domains"], ",")}
	if hosts := words["hosts"]; hosts != "" {
		t.Hosts = strings.Split(hosts, ",")
	}
	_, t.AnyHost = words["any_host"]
	return t
}

func parseWords(line string) (name string, words map[string]string) {
	fields := strings.Fields(line)
	words = make(map[string]string)
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		words[key] = value
	}
	return fields[0], words
}

// lookUp answers from `set host=name ip,ip`.
func (r *rig) lookUp(set poptest.Settings) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		for _, line := range set["host"] {
			name, list, _ := strings.Cut(line, " ")
			if name != host {
				continue
			}
			var addrs []netip.Addr
			for _, addr := range strings.Split(list, ",") {
				addrs = append(addrs, netip.MustParseAddr(addr))
			}
			return addrs, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
}

// connect is a new client.
func (r *rig) connect() net.Conn {
	r.clients++
	conn, err := r.listener.Dial(netip.AddrPortFrom(r.client, uint16(40000+r.clients)))
	if err != nil {
		r.tb.Fatal(err)
	}
	return conn
}

// close drains the server and its network, and insists that everything that
// was counted up has been counted down.
func (r *rig) close() {
	r.tb.Helper()
	r.stop()
	r.server.Drain(r.drainTime)
	for _, b := range r.backends {
		_ = b.Close()
	}
	_ = r.listener.Close()
	for _, state := range []string{"before_login", "logged_in"} {
		if n := r.open(state); n != 0 {
			r.tb.Errorf("%v sessions %s at the end", n, state)
		}
	}
}

// open is the number of sessions in a state.
func (r *rig) open(state string) float64 { return r.gauge("popgate_sessions", "state", state) }

// gauge is a number, or 0.
func (r *rig) gauge(name, label, value string) float64 {
	families, err := r.metrics.Registry.Gather()
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, pair := range m.GetLabel() {
				if pair.GetName() == label && pair.GetValue() == value {
					return m.GetGauge().GetValue() + m.GetCounter().GetValue()
				}
			}
			if label == "" {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return 0
}

func number(tb testing.TB, set poptest.Settings, key string, def int) int {
	tb.Helper()
	n, err := strconv.Atoi(set.Get(key, strconv.Itoa(def)))
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func duration(tb testing.TB, set poptest.Settings, key string, def time.Duration) time.Duration {
	tb.Helper()
	d, err := time.ParseDuration(set.Get(key, def.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// logBuffer is a log that tests can read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
