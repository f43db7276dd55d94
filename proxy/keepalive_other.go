//go:build !unix

package proxy

func keepAlive(uintptr) error { return nil }
