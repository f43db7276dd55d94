package proxy

import (
	"fmt"
	"runtime/debug"
	"slices"
	"time"
	"unicode/utf8"

	"popgate/internal/pop3"
	"popgate/internal/relay"
	"popgate/internal/route"
)

// trail is what a session leaves for traces: events for those that follow it, and
// before login a bounded record for those that will, once the client has named
// their user. All methods do nothing for nil, which is the trail of a session that
// has begun while no trace waited.
//
// What a client says is masked before it gets here, as nobody knows yet who the
// user is, and what has been typed into which field.
type trail struct {
	srv    *Server
	rec    *Record
	routes *route.Table
	born   uint64 // the number of the last trace that was there before the session

	early     []TraceEvent // the dialogue before login
	lost      int          // its first events, which had no room
	followers []*trace

	// The login attempt under way.
	who      names
	password pop3.Password // its own copy: see keep
	greeting bool          // the backend's next line is its greeting
}

// maxEarly bounds the record before login, in events.
const maxEarly = 64

// trail returns the trail of a session that has got to its first octets.
func (ts *traces) trail(s *session) *trail {
	if ts.wanted.Load() == 0 || s.overflow {
		return nil
	}
	t := &trail{srv: s.srv, rec: s.rec, routes: s.set.Routes, born: ts.last()}
	t.note("%s connects to listener %s", s.rec.Client, s.listener.Name)
	return t
}

// note adds what popgate does. Foreign text must have been through foreign.
func (t *trail) note(format string, args ...any) {
	if t == nil {
		return
	}
	defer t.rescue()
	t.add("note", fmt.Sprintf(format, args...))
}

// add adds an event, and reports whether anybody follows the session.
func (t *trail) add(from, text string) bool {
	e := t.event(from, text)
	t.remember(e)
	return t.show(func(*trace) TraceEvent { return e })
}

// addFor adds an event of which masked is for everybody but those who trace the
// user of the attempt under way.
func (t *trail) addFor(from, text, masked string) {
	full, rest := t.event(from, text), t.event(from, masked)
	t.remember(rest)
	t.show(func(f *trace) TraceEvent {
		if t.who.are(f.user) {
			return full
		}
		return rest
	})
}

func (t *trail) event(from, text string) TraceEvent {
	return TraceEvent{Time: time.Now(), Session: t.rec.ID, From: from, Text: clip(text)}
}

// remember keeps an event for who may follow later.
func (t *trail) remember(e TraceEvent) {
	if t.rec.loggedIn() {
		return
	}
	if len(t.early) == maxEarly {
		t.early = slices.Delete(t.early, 0, 1)
		t.lost++
	}
	t.early = append(t.early, e)
}

// show gives an event to all followers, and forgets those that want no more.
func (t *trail) show(event func(*trace) TraceEvent) (followed bool) {
	t.followers = slices.DeleteFunc(t.followers, func(f *trace) bool { return !f.add(event(f)) })
	return len(t.followers) > 0
}

// named notes whose login this may become, and shows the beginning of the session
// to the traces that have waited for that user.
func (t *trail) named(who names) {
	t.who = who
	for _, f := range t.srv.traces.claim(who, t.rec.Client.Addr(), t.born) {
		f.follow(t.rec.ID)
		t.followers = append(t.followers, f)
		if t.lost > 0 {
			f.add(t.event("note", fmt.Sprintf("%d events at the beginning are lost", t.lost)))
		}
		for _, e := range t.early {
			f.add(e)
		}
	}
}

// observer is told what the relay carries; nil if nobody follows the session. What
// is only for the time before login is forgotten.
func (t *trail) observer() relay.Observer {
	if t == nil {
		return nil
	}
	t.early, t.routes = nil, nil
	if len(t.followers) == 0 {
		return nil
	}
	return func(by relay.Origin, text string) (followed bool) {
		defer t.rescue()
		if by == relay.ByBackend {
			// Some backends say at QUIT who has been there, and how.
			text = shown([]byte(text), t.password)
		}
		followed = t.add(string(by), text)
		if !followed {
			t.password.Wipe()
		}
		return followed
	}
}

// ended ends the traces of the session.
func (t *trail) ended() {
	if t == nil {
		return
	}
	defer t.rescue()
	r := t.rec
	text := fmt.Sprintf("the session ends: %s, %d octets from the client and %d from the backend after login, %s in all",
		r.End, r.FromClient, r.FromBackend, time.Since(r.began).Round(time.Millisecond))
	for _, f := range t.followers {
		t.release(f, text)
	}
	t.forget()
}

func (t *trail) forget() {
	t.followers, t.early = nil, nil
	t.password.Wipe()
}

// release ends a trace, or has it wait for another session if this one has never
// had credentials for its user: any stranger can say a name.
func (t *trail) release(f *trace, text string) {
	e := t.event("note", text)
	if !f.leave() {
		f.finish(e)
		return
	}
	f.add(e)
	f.add(TraceEvent{Time: e.Time, From: "note", Text: "nobody tried to log in as the user: waiting for the next session"})
	t.srv.traces.resume(f)
}

// rescue keeps a bug in the tracing from the session that is traced, which is none
// that met a bug.
func (t *trail) rescue() {
	if cause := recover(); cause != nil {
		t.srv.log.Error("trace met a bug", "session", t.rec.ID, "error", fmt.Sprintf("panic: %v\n%s", cause, debug.Stack()))
		e := t.event("note", "the trace ends here: a bug of popgate, see its log")
		for _, f := range t.followers {
			f.finish(e)
		}
		t.forget()
	}
}

// clip bounds a text, between two characters.
func clip(text string) string {
	if len(text) <= maxTraceText {
		return text
	}
	end := maxTraceText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// names are how the user of a login attempt may be called, folded; "" is none.
type names struct{ typed, canonical string }

// are reports whether one of them is user, which is folded.
func (n names) are(user string) bool {
	return user != "" && (user == n.typed || user == n.canonical)
}
