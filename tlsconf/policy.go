package tlsconf

import (
	"crypto/tls"
	"fmt"
	"slices"
)

// protocol is the name of POP3 in the ALPN registry of IANA. RFC 7301 §3.2: a
// client that offers ALPN, but not this, gets no_application_protocol, which
// crypto/tls sends by itself. Clients that offer nothing are most of them.
const protocol = "pop3"

// suites are the cipher suites of TLS 1.2: ephemeral keys and AEAD only. Those
// of TLS 1.3 are all of that kind and can't be chosen. The order is of no
// effect, as crypto/tls sorts by what the hardware does well.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// serverConfig returns the TLS policy. What it leaves alone is policy too: the
// curves, so that the post-quantum hybrid stays on, and tickets, which are on
// and whose keys crypto/tls changes daily. A Go server renegotiates never.
func (s *Source) serverConfig(minVersion uint16) (*tls.Config, error) {
	switch minVersion {
	case 0:
		minVersion = tls.VersionTLS12
	case tls.VersionTLS12, tls.VersionTLS13:
	default:
		// RFC 8996 §4 and §5: TLS 1.0 and 1.1 must not be used.
		return nil, fmt.Errorf("lowest TLS version %s: it must be TLS 1.2 or TLS 1.3", tls.VersionName(minVersion))
	}
	config := &tls.Config{
		GetCertificate: s.getCertificate,
		MinVersion:     minVersion,
		MaxVersion:     tls.VersionTLS13,
		CipherSuites:   slices.Clone(suites),
		NextProtos:     []string{protocol},
		Time:           s.now,

		// Mails are sent in one go; small first records only cost time.
		DynamicRecordSizingDisabled: true,
	}
	s.bindTickets(config)
	return config, nil
}
