//go:build !unix

package relay

func (s *Session) source() source { return &plainSource{from: s.backend} }
