package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
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
	"popgate/internal/config"
	"popgate/internal/metrics"
	"popgate/internal/poptest"
	"popgate/proxy"
	"popgate/tlsconf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listenAt is the rig's one listener, as configured.
const listenAt = "192.0.2.25:995"

// standard is a configuration in which nothing is said that need not be: what
// a transcript does not set is what an operator gets who does not set it.
var standard = sync.OnceValues(func() (*config.Config, error) {
	cfg, diags, _ := config.Parse("standard.hcl", []byte(
		"tls {\n self_signed = true\n}\nbackend \"east\" {\n address = \"192.0.2.110:110\"\n}\n"))
	if diags.HasErrors() {
		return nil, diags
	}
	return cfg, nil
})

// rig is a server on an in-memory network, made from a transcript's settings.
type rig struct {
	tb       testing.TB
	standard *config.Config
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

// newRig starts a server. The keys that set knows are explained where they are
// read, here and in rig_routes_test.go; timeouts and limits are those of
// config.hcl.
func newRig(tb testing.TB, ca *poptest.CA, set poptest.Settings) *rig {
	tb.Helper()
	cfg, err := standard()
	if err != nil {
		tb.Fatal(err)
	}
	r := &rig{
		tb: tb, standard: cfg, network: poptest.NewNetwork(), metrics: metrics.New(), log: new(logBuffer),
		backends: make(map[string]*poptest.Backend),
		client:   netip.MustParseAddr(set.Get("client", "198.51.100.7")), // the clients' address
	}
	r.listener = r.network.Listen(listenAt)
	r.drainTime = duration(tb, set, "drain", cfg.Timeouts.Drain)
	guard := authz.New(authz.Rules{Limits: authz.Limits{
		Connections:            number(tb, set, "connections", cfg.Limits.Connections),
		ConnectionsPerIP:       number(tb, set, "connections_per_ip", cfg.Limits.ConnectionsPerIP),
		ConnectionsBeforeLogin: number(tb, set, "connections_before_login", cfg.Limits.ConnectionsBeforeLogin),
	}}, authz.Options{})
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
	tb, limits, timeouts := r.tb, r.standard.Limits, r.standard.Timeouts
	listener := proxy.Listener{Name: "pop3s", Address: listenAt, StartTLS: set.Get("listener", "implicit") == "starttls"}
	for _, network := range set["proxy_from"] { // a network that sends PROXY headers
		listener.ProxyFrom = append(listener.ProxyFrom, netip.MustParsePrefix(network))
	}
	settings := proxy.Settings{
		Hostname:      "pop.example.com",
		Listeners:     []proxy.Listener{listener},
		TLS:           r.serverTLS(ca, set),
		Errors:        number(tb, set, "errors", limits.Errors),
		LoginAttempts: number(tb, set, "login_attempts", limits.LoginAttempts),
		FailedUsers:   proxy.FailedUsers(set.Get("failed_users", r.standard.Log.FailedUsers)),
		Timeouts: proxy.Timeouts{
			Handshake:    duration(tb, set, "handshake", timeouts.Handshake),
			Login:        duration(tb, set, "login", timeouts.Login),
			FailureDelay: duration(tb, set, "failure_delay", timeouts.FailureDelay),
			Connect:      duration(tb, set, "connect", timeouts.Connect),
			Greeting:     duration(tb, set, "greeting", timeouts.Greeting),
			BackendLogin: duration(tb, set, "backend_login", timeouts.BackendLogin),
			Idle:         duration(tb, set, "idle", timeouts.Idle),
			Quit:         duration(tb, set, "quit", timeouts.Quit),
			HalfClosed:   duration(tb, set, "half_closed", timeouts.HalfClosed),
		},
	}
	// Last, as backends listen from then on: a faulty setting must not leave
	// them behind.
	settings.Routes = r.routes(set)
	return settings
}

// serverTLS is TLS as the program serves it, with one certificate, from
// `set min_version=1.3` on.
func (r *rig) serverTLS(ca *poptest.CA, set poptest.Settings) *tls.Config {
	r.tb.Helper()
	cert, key := ca.WriteFiles(r.tb, r.tb.TempDir(), "pop.example.com", "*.tenants.example")
	opts := tlsconf.Options{
		MinVersion:   r.standard.TLS.MinVersion,
		Certificates: []tlsconf.Files{{Name: "main", CertFile: cert, KeyFile: key}},
		Observer:     r.metrics,
	}
	if set.Get("min_version", "") == "1.3" {
		opts.MinVersion = tls.VersionTLS13
	}
	source, err := tlsconf.New(opts)
	if err != nil {
		r.tb.Fatal(err)
	}
	return source.ServerConfig()
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

// gauge is a number, the sum of the series with that label, or 0.
func (r *rig) gauge(name, label, value string) (sum float64) {
	families, err := r.metrics.Registry.Gather()
	if err != nil {
		r.tb.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != strings.TrimSuffix(name, "_sum") {
			continue
		}
		for _, m := range family.GetMetric() {
			match := label == ""
			for _, pair := range m.GetLabel() {
				match = match || pair.GetName() == label && pair.GetValue() == value
			}
			switch h := m.GetHistogram(); {
			case !match:
			case strings.HasSuffix(name, "_sum"):
				sum += h.GetSampleSum()
			default:
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(h.GetSampleCount())
			}
		}
	}
	return sum
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
