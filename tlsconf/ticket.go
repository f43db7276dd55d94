package tlsconf

import (
	"crypto/tls"
	"slices"
)

// ticketMark starts popgate's entry in a ticket, next to any others'.
const ticketMark = "popgate server name 1\x00"

// bindTickets writes the server name into every ticket that config issues, and
// turns down tickets that come back under another name.
//
// RFC 6066 §3: a server must not resume a session under another server name,
// but proceeds with a full handshake. RFC 8446 §4.2.11 leaves that to clients;
// here it holds for TLS 1.3 too, as the server name can decide on the tenant.
// A ticket under a name that has no certificate any more is turned down too,
// as the name would otherwise be served for as long as the ticket lives.
//
// Encryption stays crypto/tls's own. Its keys are config's: a clone's tickets
// are made and read with them as well.
func (s *Source) bindTickets(config *tls.Config) {
	config.WrapSession = func(cs tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
		session.Extra = append(session.Extra, ticketEntry(cs))
		return config.EncryptTicket(cs, session)
	}
	config.UnwrapSession = func(ticket []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		session, err := config.DecryptTicket(ticket, cs)
		if err != nil || session == nil {
			return nil, err
		}
		ours := func(entry []byte) bool { return string(entry) == string(ticketEntry(cs)) }
		if !slices.ContainsFunc(session.Extra, ours) || !s.current.Load().answers(cs.ServerName) {
			return nil, nil // a full handshake
		}
		return session, nil
	}
}

// ticketEntry is what a ticket holds about the server name that it was issued
// under, and about whether that was a CA's visit: what proves a host to a CA is
// nothing to resume a session with.
func ticketEntry(cs tls.ConnectionState) []byte {
	entry := append([]byte(ticketMark), fold(cs.ServerName)...)
	if cs.NegotiatedProtocol == ChallengeProtocol {
		entry = append(entry, "\x00acme"...)
	}
	return entry
}
