package config

import (
	"crypto/tls"
	"os"
)

// decode copies what was read into a Config. Words that were refused count as not
// written: the Config is thrown away then, once the rest was checked.
func decode(top *section) *Config {
	c := &Config{
		Hostname: top.get("hostname").text,
		TLS:      decodeTLS(top.one(tlsBlock)),
		Networks: decodeNetworks(top),
		Policies: decodePolicies(top),
		Limits:   decodeLimits(top.one(limitsBlock)),
		Blocking: decodeBlocking(top.one(blockingBlock)),
		Timeouts: decodeTimeouts(top.one(timeoutsBlock)),
		Admin:    decodeAdmin(top.one(adminBlock)),
		Log:      decodeLog(top.one(logBlock)),
		Routes:   decodeRoutes(top),
	}
	if c.Hostname == "" {
		c.Hostname = machineName(os.Hostname)
	}
	for _, s := range top.all(listenerBlock) {
		c.Listeners = append(c.Listeners, decodeListener(s))
	}
	if len(c.Listeners) == 0 {
		// RFC 8314 §3.1: POP3 with TLS from the first byte is on port 995.
		c.Listeners = []Listener{{Name: "pop3s", Address: ":995"}}
	}
	for _, s := range top.all(backendBlock) {
		c.Backends = append(c.Backends, decodeBackend(s))
	}
	for _, s := range top.all(tenantBlock) {
		c.Tenants = append(c.Tenants, decodeTenant(s))
	}
	for _, s := range top.all(autoconfigBlock) {
		c.Autoconfig = decodeAutoconfig(s, c.Listeners)
	}
	return c
}

func decodeListener(s *section) Listener {
	l := Listener{
		Name:     s.label,
		Address:  s.get("address").text,
		StartTLS: s.get("tls").text == "starttls",
	}
	for _, p := range s.all(proxyProtocolBlock) {
		l.ProxyFrom = prefixes(p.get("from").texts)
	}
	for _, o := range s.all(listenerLimitsBlock) {
		l.Limits = decodeOverride(o)
	}
	return l
}

func decodeTLS(s *section) TLS {
	t := TLS{
		MinVersion:         tls.VersionTLS12,
		DefaultHost:        s.get("default_host").text,
		UnknownHostDefault: s.get("unknown_host").text == "default",
		TicketSecret:       NewSecret([]byte(s.get("ticket_secret").text)),
		SelfSigned:         s.get("self_signed").flag,
	}
	if s.get("min_version").text == "1.3" {
		t.MinVersion = tls.VersionTLS13
	}
	for _, a := range s.all(acmeBlock) {
		t.ACME = decodeACME(a)
	}
	for _, c := range s.all(certificateBlock) {
		t.Certificates = append(t.Certificates, Certificate{
			Name:     c.label,
			CertFile: c.get("cert_file").text,
			KeyFile:  c.get("key_file").text,
		})
	}
	return t
}

func decodeACME(s *section) *ACME {
	a := &ACME{
		Hosts:     s.get("hosts").texts,
		Email:     s.get("email").text,
		Directory: directoryURL(s.get("directory").text),
		CAFile:    s.get("ca_file").text,
		Cache:     s.get("cache").text,
	}
	a.HTTP.Address, a.HTTP.Written = decodeUnlessOff(s, "http_address")
	a.HTTPS.Address, a.HTTPS.Written = decodeUnlessOff(s, "https_address")
	for _, e := range s.all(eabBlock) {
		a.EAB = &EAB{
			KeyID:   e.get("key_id").text,
			HMACKey: NewSecret([]byte(e.get("hmac_key").text)),
		}
	}
	return a
}

// decodeUnlessOff returns the value of a word, "" where it is off, and whether the
// word is written at all.
func decodeUnlessOff(s *section, name string) (text string, written bool) {
	_, written = s.values[name]
	if text = s.get(name).text; text == off {
		text = ""
	}
	return text, written
}

func decodeBackend(s *section) Backend {
	b := Backend{
		Name:           s.label,
		Addresses:      s.get("addresses").texts,
		AuthPlain:      s.get("auth").text == "plain",
		Capabilities:   s.get("capabilities").texts,
		Connections:    s.get("connections").number,
		InUseWords:     s.get("in_use_words").texts,
		TemporaryWords: s.get("temporary_words").texts,
	}
	if address := s.get("address").text; address != "" {
		b.Addresses = []string{address}
	}
	return b
}

func decodeTenant(s *section) Tenant {
	t := Tenant{
		Name:       s.label,
		Hosts:      s.get("hosts").texts,
		Domains:    s.get("domains").texts,
		Backend:    s.get("backend").text,
		AnyHost:    s.get("any_host").flag,
		Routes:     decodeRoutes(s),
		Policies:   decodePolicies(s),
		LoginDelay: s.get("login_delay").period,
	}
	for _, o := range s.all(tenantLimitsBlock) {
		t.Limits = decodeOverride(o)
	}
	return t
}

// decodeRoutes returns the route blocks of s: the top of the document or a tenant.
func decodeRoutes(s *section) []Route {
	var routes []Route
	for _, r := range s.all(routeBlock) {
		routes = append(routes, Route{
			Name:    r.label,
			When:    r.get("when").program,
			Login:   r.get("login").program,
			Backend: r.get("backend").text,
		})
	}
	return routes
}

func decodeTimeouts(s *section) Timeouts {
	return Timeouts{
		Handshake:    s.get("handshake").period,
		Login:        s.get("login").period,
		FailureDelay: s.get("failure_delay").period,
		Connect:      s.get("connect").period,
		Greeting:     s.get("greeting").period,
		BackendLogin: s.get("backend_login").period,
		Idle:         s.get("idle").period,
		Quit:         s.get("quit").period,
		HalfClosed:   s.get("half_closed").period,
		Drain:        s.get("drain").period,
	}
}

func decodeAdmin(s *section) Admin {
	a := Admin{
		Address:   s.get("address").text,
		TokenFile: s.get("token_file").text,
		Hosts:     s.get("hosts").texts,
		Pprof:     s.get("pprof").flag,
	}
	a.Socket, a.Written = decodeUnlessOff(s, "socket")
	return a
}

func decodeLog(s *section) Log {
	return Log{
		Level:       s.get("level").text,
		Format:      s.get("format").text,
		FailedUsers: s.get("failed_users").text,
	}
}
