package handover

import (
	"fmt"
	"net"
	"slices"
	"sync"
)

// Sockets are the listening sockets that a process was given. The zero value, and
// nil, are none. Its methods can be called at any time, from any goroutine.
type Sockets struct {
	mu   sync.Mutex
	list []*Socket
	plan map[Use]*Socket // which one is meant for which use
}

// Assign decides which sockets are meant for what a configuration wants. Each
// has one use, and each use one socket. A reload calls it again.
func (s *Sockets) Assign(wants []Want) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.plan
	s.plan = make(map[Use]*Socket)
	var used []*Socket
	assign := func(w *Want, socket *Socket) { s.plan[w.Use], used = socket, append(used, socket) }
	for i := range wants {
		if socket := before[wants[i].Use]; socket != nil {
			assign(&wants[i], socket)
		}
	}
	for _, fit := range fits {
		for i := range wants {
			w := &wants[i]
			if s.plan[w.Use] != nil {
				continue
			}
			for _, socket := range s.list {
				if !slices.Contains(used, socket) && sameKind(w, socket) && fit(w, socket) {
					assign(w, socket)
					break
				}
			}
		}
	}
}

// Take returns a listener on the socket that is meant for a use; nil: there is
// none, and the address has to be opened. One that systemd keeps open can be
// taken again.
func (s *Sockets) Take(use Use) (net.Listener, error) {
	if s == nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	socket := s.plan[use]
	if socket == nil {
		return nil, nil
	}
	l, err := listener(socket.fd)
	if err != nil {
		return nil, fmt.Errorf("inherited socket %s: %w", socket.Where(), err)
	}
	socket.Use, socket.taken = use, true
	if !socket.Kept {
		s.drop(socket)
	}
	return l, nil
}

// drop needs the lock.
func (s *Sockets) drop(socket *Socket) {
	closeDescriptor(socket.fd)
	s.list = slices.DeleteFunc(s.list, func(other *Socket) bool { return other == socket })
	for use, planned := range s.plan {
		if planned == socket {
			delete(s.plan, use)
		}
	}
}

// CloseUnused closes the sockets that nobody has taken, and returns what they
// were. What the popgate before kept in reserve is kept.
func (s *Sockets) CloseUnused() []*Socket {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var closed []*Socket
	for _, socket := range slices.Clone(s.list) {
		if !socket.taken && !socket.Spare {
			s.drop(socket)
			closed = append(closed, socket)
		}
	}
	return closed
}

// Offer is what a process gives to the next one: the open sockets, of which
// those that systemd keeps are marked so, and what it keeps in reserve. All of
// them are to be closed, by [Start] or [Discard], also if there is an error.
func (s *Sockets) Offer(open []*Socket) ([]*Socket, error) {
	if s == nil {
		return open, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kept := range s.list {
		i := slices.IndexFunc(open, func(o *Socket) bool { return kept.taken && o.Use == kept.Use })
		if i >= 0 {
			open[i].Kept, open[i].Name = true, kept.Name
			continue
		}
		file, err := duplicate(kept.fd)
		if err != nil {
			return open, err
		}
		open = append(open, &Socket{Name: kept.Name, Kept: true, Spare: true, file: file})
	}
	return open, nil
}

// Discard closes sockets that were to be given away.
func Discard(sockets []*Socket) {
	for _, socket := range sockets {
		_ = socket.file.Close()
	}
}

// listener returns a listener on a socket, with a descriptor of its own.
func listener(fd int) (net.Listener, error) {
	file, err := duplicate(fd)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return net.FileListener(file)
}

// Kept tells whether systemd keeps a socket open that is used so.
func (s *Sockets) Kept(use Use) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.list, func(o *Socket) bool { return o.taken && o.Use == use })
}

// add takes a descriptor among the sockets.
func (s *Sockets) add(socket *Socket, fd int) {
	socket.fd, socket.local = fd, localAddr(fd)
	s.list = append(s.list, socket)
}
