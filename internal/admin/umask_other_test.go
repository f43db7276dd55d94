//go:build !unix

package admin

func umask(mask int) int { return mask }
