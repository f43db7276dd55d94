package backend

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
)

// ServeAuth answers nginx's auth_http requests on listener until ctx ends;
// then it closes the listener and all connections and returns nil. Every user
// is sent to the server at target, which checks the password itself. nginx
// opens a connection for each login and reads headers only, so this is the
// least that can be answered.
func ServeAuth(ctx context.Context, listener net.Listener, target netip.AddrPort) error {
	answer := fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nAuth-Status: OK\r\nAuth-Server: %s\r\nAuth-Port: %d\r\n\r\n",
		target.Addr(), target.Port())
	return serve(ctx, listener, func(c net.Conn) {
		in := bufio.NewReaderSize(c, maxHeader)
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) <= len("\r\n") { // the blank line after the headers
				break
			}
		}
		// A failed write shows as a failed login in the generator.
		_, _ = c.Write(answer)
	})
}

const maxHeader = 4 << 10 // bytes of one header line
