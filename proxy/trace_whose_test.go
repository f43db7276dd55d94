package proxy_test

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
)

// Who traces ann sees nothing of joe's session, though it began as ann's.
func TestTraceOfSomebodyElsesSession(t *testing.T) {
	for name, test := range map[string]struct {
		begins []string // the beginning of the session, as ann
		waits  bool     // for the session after it
	}{
		"credentials": {[]string{"USER ann", "PASS bad", "USER joe"}, false},
		"a name":      {[]string{"USER ann", "USER joe"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHall(t, gossip())
				defer h.close()
				ann, joe := h.trace(t, "ann"), h.trace(t, "joe")
				m := h.from(t, "198.51.100.7")
				m.chat(t, append(test.begins, "PASS "+canary, "LIST 1")...)
				_, _ = io.WriteString(m, "QUIT\r\n")
				m.rest(t)
				last := "note: logged in as somebody else: nothing more is shown\n"
				synctest.Wait()
				if test.waits {
					last += waitsOn
					next := h.from(t, "198.51.100.7")
					next.chat(t, "USER ann", "PASS bad", "QUIT")
					next.rest(t)
					<-ann.done
					ann.done <- nil
				}
				<-ann.done
				before, after, ok := strings.Cut(ann.told(), last)
				if !ok || strings.Contains(before, "LIST") || strings.Contains(ann.told(), "joe") || (after != "") != test.waits {
					t.Errorf("the trace of ann told\n%s", ann.told())
				}
				if told := joe.ends(t); !strings.Contains(told, "client: LIST 1\nbackend: +OK 1 120\n") {
					t.Errorf("the trace of joe told\n%s", told)
				}
			})
		})
	}
}

// A stranger who only says the name doesn't use up the trace.
func TestTraceOutlastsANameAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, gossip())
		defer h.close()
		r := h.trace(t, "joe")
		for range 2 {
			stranger := h.from(t, "203.0.113.9")
			stranger.chat(t, "USER joe", "QUIT")
			stranger.rest(t)
			synctest.Wait()
		}
		m := h.from(t, "198.51.100.7")
		m.chat(t, "USER joe", "PASS "+canary, "QUIT")
		m.rest(t)
		if err := <-r.done; err != nil {
			t.Error(err)
		}
		if told := r.told(); strings.Count(told, waitsOn) != 2 || !strings.Contains(told, "note: login ok") {
			t.Errorf("the trace told\n%s", told)
		}
		for _, e := range r.events {
			if (e.Session == "") != strings.HasSuffix(waitsOn, e.Text+"\n") {
				t.Errorf("%+v", e)
			}
		}
	})
}

// A trace may wait for sessions from some place only.
func TestTraceFrom(t *testing.T) {
	for from, client := range map[string]string{"198.51.100.7/32": "198.51.100.7", "2001:db8::/64": "2001:db8::1"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHall(t, gossip())
			defer h.close()
			r := h.trace(t, "joe", netip.MustParsePrefix(from))
			stranger := h.from(t, "203.0.113.9")
			stranger.chat(t, "USER joe", "PASS bad", "QUIT")
			stranger.rest(t)
			synctest.Wait()
			if told := r.told(); told != "" {
				t.Errorf("the trace told of a stranger\n%s", told)
			}
			m := h.from(t, client)
			m.chat(t, "USER joe", "PASS "+canary, "QUIT")
			m.rest(t)
			if told := r.ends(t); !strings.Contains(told, "note: login ok") {
				t.Errorf("the trace told\n%s", told)
			}
		})
	}
}
