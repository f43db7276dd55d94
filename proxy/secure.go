package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"time"

	"popgate/internal/metrics"
)

// handshake does TLS until by at most, which bounds the whole of it and not each
// read.
func (s *session) handshake(ctx context.Context, by time.Time) error {
	conn := tls.Server(s.client.beneath, s.set.tls(s.listener))
	if err := s.client.beneath.SetDeadline(by); err != nil {
		return err
	}
	// In this order: whoever ends ctx moves the deadline afterwards.
	if ctx.Err() != nil {
		return calledOff(ctx).quiet()
	}
	began := time.Now()
	err := conn.Handshake()
	if err != nil && ctx.Err() != nil {
		return calledOff(ctx).quiet()
	}
	if err != nil {
		f := handshakeFailure(err)
		s.srv.metrics.Handshake(metrics.Handshake{Result: f.reason, Took: time.Since(began)})
		return f
	}
	took := time.Since(began)
	if err := s.client.beneath.SetDeadline(time.Time{}); err != nil {
		return err
	}
	// The server name of this connection, never of an earlier one that was
	// resumed, decides about tenants.
	state := conn.ConnectionState()
	s.rec.note(func() {
		s.rec.TLSVersion = tls.VersionName(state.Version)
		s.rec.Cipher = tls.CipherSuiteName(state.CipherSuite)
		s.rec.ServerName = state.ServerName
	})
	s.srv.metrics.Handshake(metrics.Handshake{
		Version: s.rec.TLSVersion, Cipher: s.rec.Cipher, Resumed: state.DidResume, Result: "ok", Took: took,
	})
	s.client.secured(conn)
	s.rec.trail.secured(state)
	if state.NegotiatedProtocol == challengeProtocol {
		return silent("acme_challenge", nil)
	}
	if state.NegotiatedProtocol == httpProtocol && s.listener.HTTP != nil && !s.listener.StartTLS {
		return s.leaveToHTTP(ctx)
	}
	return nil
}

// leaveToHTTP lets HTTP have the connection to its end. What it returns is without a
// reply: no client may be led to take a word of POP3 for one of HTTP, nor popgate the
// other way round (ALPACA).
func (s *session) leaveToHTTP(ctx context.Context) error {
	if s.overflow {
		return silent("no_room", nil)
	}
	if err := s.client.beneath.LetThrough(); err != nil {
		return silent("client_lost", err)
	}
	s.listener.HTTP(ctx, s.client.tls)
	return silent("http", nil)
}

// handshakeFailure sorts the errors of a handshake, whose texts can hold
// everything that the client offered.
func handshakeFailure(err error) *failure {
	var notTLS tls.RecordHeaderError
	f := asFailure(err)
	switch {
	case errors.As(err, &notTLS):
		return silent("not_tls", err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return silent("handshake_aborted", nil)
	case f.reason == "client_timeout":
		return silent("handshake_timeout", nil)
	}
	return silent("handshake_failed", err)
}

// startTLS answers STLS (RFC 2595 §4).
func (s *session) startTLS(ctx context.Context) error {
	if s.client.tls != nil {
		return s.client.say(replyNoSTLS)
	}
	// Octets that came in clear behind STLS were meant to be taken for
	// what the client says under TLS: nobody honest sends them.
	if len(s.client.lines.Buffered()) > 0 {
		s.srv.metrics.Injected()
		return silent("stls_injection", nil)
	}
	if err := s.client.say(replyBeginTLS); err != nil {
		return err
	}
	if err := s.handshake(ctx, time.Now().Add(s.set.Timeouts.Handshake)); err != nil {
		if asFailure(err).reason == "not_tls" {
			// The same in a second segment.
			s.srv.metrics.Injected()
			return silent("stls_injection", err)
		}
		return err
	}
	// The handshake had a limit of its own; that of the login goes on.
	return s.client.allow(ctx, s.loginBy)
}
