package tlsconf

import (
	"container/list"
	"net"
	"sync"
)

// ChallengeConnections is how many connections a challenge server has at once.
// CAs come with a handful.
const ChallengeConnections = 64

// LimitChallenges returns l with room for ChallengeConnections. One too many
// ends the oldest of them: strangers who say nothing and stay must not keep a CA
// out, which says at once what it wants.
func LimitChallenges(l net.Listener) net.Listener {
	return &room{Listener: l, guests: list.New()}
}

// room is a listener with a limited number of connections.
type room struct {
	net.Listener

	mu     sync.Mutex
	guests *list.List // of *guest, the oldest first
}

// size is how many are in.
func (r *room) size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.guests.Len()
}

// guest is a connection in a room.
type guest struct {
	net.Conn
	room  *room
	place *list.Element // nil: it has left
}

// Accept waits for the next connection, never for room.
func (r *room) Accept() (net.Conn, error) {
	conn, err := r.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, room: r}
	r.mu.Lock()
	g.place = r.guests.PushBack(g)
	var oldest *guest
	if r.guests.Len() > ChallengeConnections {
		oldest = r.guests.Front().Value.(*guest)
	}
	r.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return g, nil
}

// Close ends the connection, and makes room.
func (g *guest) Close() error {
	g.room.mu.Lock()
	if g.place != nil {
		g.room.guests.Remove(g.place)
		g.place = nil
	}
	g.room.mu.Unlock()
	return g.Conn.Close()
}
