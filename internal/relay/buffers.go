package relay

import "sync"

const (
	// chunk is the most that is read from a backend at once: four full TLS
	// records.
	chunk = 64 << 10
	// sealed has room for a chunk after TLS: per record 5 octets of header,
	// at most 8 of nonce, 16 of tag and 1 of type, and some for a KeyUpdate.
	sealed = chunk + 512
	// letter has room for the server's side of a handshake with two
	// certificates, and for answers to commands.
	letter = 4 << 10
)

var (
	chunks    = sync.Pool{New: func() any { b := make([]byte, chunk); return &b }}
	letters   = sync.Pool{New: func() any { b := make([]byte, 0, letter); return &b }}
	envelopes = sync.Pool{New: func() any { b := make([]byte, 0, sealed); return &b }}
)
