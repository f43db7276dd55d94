package acmetest

import (
	"context"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Fault is what goes wrong with one request. Its fields count in the order in
// which they stand here; with none set the request is answered as ever.
type Fault struct {
	Late    bool          // the CA does its work first; only its answer is spoilt
	Delay   time.Duration // goes by first, unless the request's context ends
	Hang    bool          // no answer until the request's context ends, for ever if it has no end
	Err     error         // no answer but this transport error
	Status  int           // an answer of this status; 0 where Problem is set: what fits it
	Problem string        // a problem's type, as "rateLimited" or as a whole URN; "" with Status: a plain text answer
	Detail  string        // the problem's detail, or the plain text
	Header  http.Header   // is added to the answer, also to a good one: Retry-After, …
}

// SetFault sets the function that is asked about every request; nil, which it
// may also return, lets all be well. Faults of a certain moment, number or host
// are its own affair. It must not block.
//
// stage is "directory", "nonce", "account", "order" (newOrder), "authz"
// (polls and deactivation), "challenge", "finalize", "order-poll",
// "certificate" or "other". host is the first name of the order that the
// request belongs to, "" where it belongs to none. The body of req can be read.
func (ca *CA) SetFault(f func(stage, host string, req *http.Request) *Fault) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.fault = f
}

// Down makes every request fail as if nobody listened at the CA's address. It
// comes before what SetFault has set and leaves that alone.
func (ca *CA) Down() { ca.setDown(true) }

// Up ends Down.
func (ca *CA) Up() { ca.setDown(false) }

func (ca *CA) setDown(down bool) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	ca.down = down
}

// faultFor asks what shall go wrong with c.
func (ca *CA) faultFor(c *call, req *http.Request) *Fault {
	ca.mu.Lock()
	down, f := ca.down, ca.fault
	ca.mu.Unlock()
	var fault *Fault
	switch {
	case down:
		fault = &Fault{Err: refused(ca.opts.Host)}
	case f != nil:
		fault = f(c.stage, c.host, req)
	}
	if fault == nil {
		fault = new(Fault)
	}
	return fault
}

// refused is what a dialer says where nobody listens.
func refused(host string) error {
	return &net.OpError{
		Op: "dial", Net: "tcp", Addr: named(host + ":443"),
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}
}

// named is an address that nobody has looked up.
type named string

func (named) Network() string  { return "tcp" }
func (a named) String() string { return string(a) }

// strike does what f says. Where it leaves the answer alone both results are
// nil.
func (f *Fault) strike(ctx context.Context) (*reply, error) {
	if err := pause(ctx, f.Delay); err != nil {
		return nil, err
	}
	if f.Hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	switch {
	case f.Err != nil:
		return nil, f.Err
	case f.Problem != "":
		return problemReply(&Problem{Status: f.Status, Type: f.Problem, Detail: f.Detail}), nil
	case f.Status != 0:
		rep := &reply{status: f.Status, header: make(http.Header), body: []byte(f.Detail), alien: true}
		rep.header.Set("Content-Type", "text/plain; charset=utf-8")
		return rep, nil
	}
	return nil, nil
}

// pause lets d go by, or less if ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
	}
	return ctx.Err()
}
