package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
)

// oneSession is a client's cache that offers its last ticket to every name.
type oneSession struct{ last *tls.ClientSessionState }

func (o *oneSession) Get(string) (*tls.ClientSessionState, bool)    { return o.last, o.last != nil }
func (o *oneSession) Put(_ string, session *tls.ClientSessionState) { o.last = session }

func TestTicketsAreBoundToTheServerName(t *testing.T) {
	files, issued := newFiles(t, t.TempDir(), "main", "a.example.com", "b.example.com")
	roots := x509.NewCertPool()
	roots.AddCert(issued.leaf)

	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := newTestSource(t, Options{Certificates: []Files{files}})
			cache := new(oneSession)
			for i, step := range []struct {
				serverName string
				resumed    bool
			}{
				{"a.example.com", false},
				{"a.example.com", true},
				{"A.Example.Com", true},
				{"b.example.com", false},
				{"b.example.com", true},
				{"a.example.com", false},
			} {
				state, err := handshake(t, s, &tls.Config{
					ServerName: step.serverName, RootCAs: roots, MaxVersion: version, ClientSessionCache: cache})
				must(t, err)
				if state.DidResume != step.resumed {
					t.Errorf("step %d, %s: resumed %v", i, step.serverName, state.DidResume)
				}
			}

			// To a client that leaves the name out, the ticket is foreign as well.
			state, err := handshake(t, s, &tls.Config{
				InsecureSkipVerify: true, MaxVersion: version, ClientSessionCache: cache})
			must(t, err)
			if state.DidResume {
				t.Error("a client without a server name resumed another's session")
			}
		})
	}
}

func TestTicketsEndWithTheCertificate(t *testing.T) {
	dir := t.TempDir()
	files, issued := newFiles(t, dir, "main", "a.example.com", "b.example.com")
	roots := x509.NewCertPool()
	roots.AddCert(issued.leaf)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		issued.write(t, dir, "main")
		s := newTestSource(t, Options{Certificates: []Files{files}})
		client := &tls.Config{ServerName: "a.example.com", RootCAs: roots, MaxVersion: version, ClientSessionCache: new(oneSession)}
		_, err := handshake(t, s, client)
		must(t, err)

		newPEM(t, issue{names: []string{"b.example.com"}}).write(t, dir, "main")
		s.refresh()
		if _, err = handshake(t, s, client); err == nil || alertOf(t, err) != alertUnrecognizedName {
			t.Errorf("%s: resumed under a name without a certificate: %v", tls.VersionName(version), err)
		}
	}
}

func TestTicketsWithoutACertificateOfTheirName(t *testing.T) {
	s := newTestSource(t, Options{SelfSigned: true})
	for _, serverName := range []string{"pop.example.com", ""} {
		client := &tls.Config{ServerName: serverName, InsecureSkipVerify: true, ClientSessionCache: new(oneSession)}
		for _, resumed := range []bool{false, true} {
			state, err := handshake(t, s, client)
			must(t, err)
			if state.DidResume != resumed {
				t.Errorf("%q: resumed %v, want %v", serverName, state.DidResume, resumed)
			}
		}
	}
}

func TestForeignTicketsAreIgnored(t *testing.T) {
	s := newTestSource(t, Options{SelfSigned: true})
	for _, ticket := range [][]byte{nil, {1, 2, 3}, make([]byte, 500)} {
		session, err := s.ServerConfig().UnwrapSession(ticket, tls.ConnectionState{})
		if session != nil || err != nil {
			t.Errorf("ticket of %d octets: %v, %v", len(ticket), session, err)
		}
	}
}
