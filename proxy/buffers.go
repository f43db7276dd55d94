package proxy

// buffers are what the kernel may keep of a connection, in octets: what has come
// and isn't read yet, and what is written and isn't sent yet.
type buffers struct{ unread, unsent int }

// Those of Options.SmallBuffers. Mail goes from backends to clients, and nothing
// but commands the other way.
var (
	clientBuffers  = buffers{unread: 32 << 10, unsent: 128 << 10}
	backendBuffers = buffers{unread: 128 << 10, unsent: 32 << 10}
)
