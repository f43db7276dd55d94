package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"popgate/internal/admin"
	"popgate/tlsconf"
)

// reach is what came of connecting to one address of a host as a CA would.
type reach struct {
	at     string // address and port
	status reachStatus
	seen   string // what was there instead, or why there was no connection
}

type reachStatus int

const (
	reachUs     reachStatus = iota // it leads to this popgate
	reachOther                     // somebody else answers
	reachNobody                    // there was no connection
)

// checkGates tells which addresses could be opened. All of them are asked
// through later, where a CA would ask.
func checkGates(all gates) (found []finding) {
	for _, g := range all {
		f := finding{Check: g.word, Status: statusOK, Detail: g.Address + " could be opened"}
		if g.err != nil {
			f.Status, f.Detail, f.Hint = statusWarn, oneLine(g.err.Error(), maxDetail), mendGate(g.err)
			if all.needed(g) {
				f.Status = statusFail
			}
		}
		found = append(found, f)
	}
	return found
}

// checkGatesOf connects to a host's addresses as a CA would.
func (k *checker) checkGatesOf(ctx context.Context, host string, addresses []netip.Addr, probe admin.Probe) []finding {
	addresses = addresses[:min(len(addresses), maxAddresses)]
	own, _ := k.own()
	isOwn := func(i int) bool { return isOwn(addresses[i], own) }
	asked := slices.DeleteFunc(slices.Clone(k.gates), func(g *gate) bool { return g.err != nil }) // said already
	came := make([][]reach, len(asked))
	var asking sync.WaitGroup
	for i, g := range asked {
		came[i] = make([]reach, len(addresses))
		for j, a := range addresses {
			asking.Go(func() { came[i][j] = k.reach(ctx, g.kind, host, a, probe) })
		}
	}
	asking.Wait()
	found := make([]finding, len(asked))
	works := false
	for i, g := range asked {
		found[i] = judge(came[i], isOwn)
		found[i].Check, found[i].Host = g.kind, host
		works = works || found[i].Status == statusOK
	}
	for i, g := range asked {
		// What was only a default, popgate can do without, and may have to.
		if found[i].Status == statusFail && works && !g.Written {
			found[i].Status = statusWarn
			found[i].Hint += fmt.Sprintf(`; or write %s = "off", as the other one works`, g.word)
		}
	}
	return found
}

// judge makes one finding of what came of a host's addresses: the worst counts,
// as a CA takes whichever it likes.
func judge(all []reach, own func(i int) bool) finding {
	var good, nobody []string
	for i, r := range all {
		switch {
		case r.status == reachOther:
			return finding{Status: statusFail, Detail: fmt.Sprintf("somebody else answers at %s: %s", r.at, r.seen),
				Hint: "let the port lead to popgate, or what answers there pass the CA's question on to it"}
		case r.status == reachNobody && own(i):
			return finding{Status: statusFail, Detail: fmt.Sprintf("no connection to %s, an address of this machine: %s", r.at, r.seen),
				Hint: "let the port lead to popgate: its address in the configuration, the container's ports, the firewall"}
		case r.status == reachNobody:
			nobody = append(nobody, r.at+": "+r.seen)
		default:
			good = append(good, r.at)
		}
	}
	if len(nobody) > 0 {
		return finding{Status: statusWarn, Detail: "no connection from here to " + strings.Join(nobody, ", "),
			Hint: "a CA may get through all the same, where a router doesn't lead back in: try from outside, or with the staging directory"}
	}
	return finding{Status: statusOK, Detail: strings.Join(good, ", ") + " leads to this popgate"}
}

// reach asks for a probe at one address of a host.
func (k *checker) reach(ctx context.Context, kind, host string, a netip.Addr, probe admin.Probe) reach {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if kind == tlsconf.HTTP01 {
		return k.reachHTTP(ctx, host, a, probe)
	}
	return k.reachTLS(ctx, host, a, probe)
}

// maxRedirects is how many of them Let's Encrypt follows.
const maxRedirects = 10

// reachHTTP asks as CAs do for HTTP-01, which follow redirections (RFC 8555
// §8.3).
func (k *checker) reachHTTP(ctx context.Context, host string, a netip.Addr, probe admin.Probe) reach {
	r := reach{at: net.JoinHostPort(a.String(), k.ports.http)}
	var connected atomic.Bool
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := k.dial(ctx, network, k.whereTo(address, host, a))
			if err == nil {
				connected.Store(true)
			}
			return conn, err
		},
		// Deliberate: who redirects to HTTPS may have no certificate yet, and CAs
		// don't look at it, either. The body alone proves who answers.
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true},
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 16 << 10,
	}}
	client.CheckRedirect = func(_ *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return http.ErrUseLastResponse
		}
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+probe.HTTPPath, nil)
	if err == nil {
		var answer *http.Response
		if answer, err = client.Do(request); err == nil {
			defer answer.Body.Close()
			return r.compare(answer, probe.HTTPBody)
		}
	}
	r.status, r.seen = reachNobody, oneLine(bare(err).Error(), maxDetail)
	if connected.Load() {
		r.status = reachOther
	}
	return r
}

// whereTo is the address to dial for one that a URL names: that of the host
// which is looked at, or that of another one that it redirects to.
func (k *checker) whereTo(address, host string, a netip.Addr) string {
	name, port, err := net.SplitHostPort(address)
	if err != nil || tlsconf.FoldHost(name) != host {
		return address
	}
	switch port {
	case "80":
		port = k.ports.http
	case "443":
		port = k.ports.https
	}
	return net.JoinHostPort(a.String(), port)
}

// compare tells by an answer who has sent it.
func (r reach) compare(answer *http.Response, want string) reach {
	body, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	// RFC 8555 §8.3: white space at the end is ignored.
	if err == nil && answer.StatusCode == http.StatusOK && strings.TrimRight(string(body), " \t\r\n") == want {
		return r
	}
	r.status = reachOther
	r.seen = fmt.Sprintf("status %s, %s", oneLine(answer.Status, maxSeen), quotedBody(body))
	if server := answer.Header.Get("Server"); server != "" {
		r.seen = fmt.Sprintf("%.*q, ", maxSeen, server) + r.seen
	}
	if first := answer.Request.Response; first != nil {
		r.seen += fmt.Sprintf(", after a redirection to %.*q", maxSeen, answer.Request.URL.Redacted())
	}
	return r
}

// reachTLS asks as CAs do for TLS-ALPN-01 (RFC 8737 §3).
func (k *checker) reachTLS(ctx context.Context, host string, a netip.Addr, probe admin.Probe) reach {
	r := reach{at: net.JoinHostPort(a.String(), k.ports.https)}
	conn, err := k.dial(ctx, "tcp", r.at)
	if err != nil {
		r.status, r.seen = reachNobody, oneLine(err.Error(), maxDetail)
		return r
	}
	defer conn.Close()
	secure := tls.Client(conn, &tls.Config{
		ServerName: host,
		NextProtos: []string{tlsconf.ChallengeProtocol},
		// Deliberate: the certificate of a challenge is self-signed. It is
		// compared with the one that popgate has made for this probe.
		InsecureSkipVerify: true,
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		r.status, r.seen = reachOther, oneLine(err.Error(), maxDetail)
		return r
	}
	leaf := secure.ConnectionState().PeerCertificates[0]
	if sum := sha256.Sum256(leaf.Raw); hex.EncodeToString(sum[:]) == probe.TLSALPNHash {
		return r
	}
	r.status = reachOther
	r.seen = fmt.Sprintf("a certificate of %.*q for %.*q, and protocol %q", maxSeen, leaf.Issuer.String(),
		maxSeen, strings.Join(leaf.DNSNames, " "), secure.ConnectionState().NegotiatedProtocol)
	return r
}
