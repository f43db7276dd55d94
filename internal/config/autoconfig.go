package config

import (
	"net"
	"slices"
	"strconv"
)

// decodeAutoconfig needs the listeners for the port, and what TLS is like there.
func decodeAutoconfig(s *section, listeners []Listener) *Autoconfig {
	a := &Autoconfig{
		Server:    s.get("server").text,
		Port:      s.get("port").number,
		LocalPart: s.get("username").text == "local",
		Domains:   s.get("domains").texts,
	}
	told := listeners[max(0, slices.IndexFunc(listeners, func(l Listener) bool { return !l.StartTLS }))]
	if a.Port == 0 {
		a.Port = portOf(told)
	}
	if i := slices.IndexFunc(listeners, func(l Listener) bool { return portOf(l) == a.Port }); i >= 0 && portOf(told) != a.Port {
		told = listeners[i]
	}
	a.StartTLS = told.StartTLS
	for _, block := range s.all(smtpBlock) {
		a.SMTP = decodeSMTP(block)
	}
	return a
}

// The ports of submission (RFC 8314 §3.3).
const submissions, submission = 465, 587

func decodeSMTP(s *section) *SMTP {
	out := &SMTP{Server: s.get("server").text, Port: s.get("port").number, StartTLS: s.get("tls").text == "starttls"}
	if out.Port == 0 {
		out.Port = submissions
		if out.StartTLS {
			out.Port = submission
		}
	}
	return out
}

// portOf is the port of a listener; 0: any free one, or the address was refused.
func portOf(l Listener) int {
	_, port, _ := net.SplitHostPort(l.Address)
	n, _ := strconv.Atoi(port)
	return n
}

// autoconfig demands something to tell, and a place to tell it at.
func (k *checker) autoconfig() {
	for _, s := range k.top.all(autoconfigBlock) {
		if len(k.top.one(tlsBlock).all(acmeBlock)) == 0 {
			// With http_address and https_address off, acme is refused anyway.
			k.fail(s.at, "Autoconfig without address", "Mail clients ask at http_address and https_address of the acme block, and there is none: write tls { acme { hosts = [\"autoconfig.example.com\"] } } with the names that clients connect to, or take the autoconfig block away.")
		}
		tenants := k.top.all(tenantBlock)
		if len(s.get("domains").texts) == 0 && len(tenants) == 0 && !s.wrong("domains") {
			k.fail(s.at, "Autoconfig without domains", "There is no domain whose users could be told anything: add domains = [\"example.com\"] with what stands behind the @ of their addresses.")
		}
		refused := slices.ContainsFunc(k.c.Listeners, func(l Listener) bool { return l.Address == "" })
		if k.c.Autoconfig.Port == 0 && !s.wrong("port") && !refused {
			k.fail(s.at, "Autoconfig without port", "The listener takes any free port, so that nobody knows what to tell: add port = 995 with the port that clients connect to.")
		}
	}
}
