package admin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestClient(t *testing.T) {
	probe := Probe{HTTPPath: "/p", HTTPBody: "b", TLSALPNHash: "00", Expires: time.Unix(60, 0).UTC()}
	r := serve(t, stock{
		list:  []Certificate{sample(), {Name: "main", Source: SourceSelfSigned, State: StateValid, Names: []string{"x"}}},
		renew: func(context.Context, string) (Certificate, error) { return sample(), nil },
		probe: func(string) (Probe, error) { return probe, nil },
	})
	list, err := r.client().Certificates(t.Context())
	must(t, err)
	if len(list) != 2 || !reflect.DeepEqual(list[0], sample()) || list[1].Name != "main" {
		t.Errorf("listed %+v", list)
	}
	renewed, err := r.client().Renew(t.Context(), "pop.example.com")
	must(t, err)
	if !reflect.DeepEqual(renewed, sample()) {
		t.Errorf("renewed %+v", renewed)
	}
	probed, err := r.client().Probe(t.Context(), "pop.example.com")
	must(t, err)
	if probed != probe {
		t.Errorf("probe %+v", probed)
	}
}

func TestNotRunning(t *testing.T) {
	dead := newPath(t)
	leaveDead(t, dead)
	for name, path := range map[string]string{
		"no file": newPath(t), "no folder": newPath(t) + "/x/s", "dead": dead, "file for a folder": "/etc/passwd/s", "a file": "/etc/passwd",
	} {
		_, err := NewClient(path).Certificates(t.Context())
		if !errors.Is(err, ErrNotRunning) || !strings.HasPrefix(err.Error(), "ask popgate at "+path+": popgate is not running (") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(err.Error(), "http://") {
			t.Errorf("%s: an address that means nothing: %v", name, err)
		}
	}
	_, err := NewClient("/" + strings.Repeat("x", 200)).Certificates(t.Context())
	if errors.Is(err, ErrNotRunning) {
		t.Errorf("a path that can't be: %v", err)
	}
	wantError(t, err, nil, "octets")
}

// answerWith listens and answers every request with the same octets.
func answerWith(t *testing.T, text string) *Client {
	t.Helper()
	l := mustListen(t, newPath(t))
	done := make(chan struct{})
	t.Cleanup(func() { <-done })
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, text)
			_ = conn.(*net.UnixConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	return NewClient(l.Addr().String())
}

// TestStrangeAnswers: another program may listen there, or popgate may die.
func TestStrangeAnswers(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":          "",
		"half a header":    "HTTP/1.1 200 OK\r\nContent-",
		"half a body":      "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"certificates\":[",
		"POP3":             "+OK POP3 ready\r\n",
		"HTML":             "HTTP/1.1 200 OK\r\n\r\n<html>",
		"another program":  "HTTP/1.1 404 Not Found\r\n\r\n{\"error\":\"not found\"}",
		"refused by HTTP":  "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n431",
		"no code":          "HTTP/1.1 500 x\r\n\r\n{\"error\":{\"message\":\"m\"}}",
		"redirection":      "HTTP/1.1 302 Found\r\nLocation: /v1/certificates\r\n\r\n",
		"endless header":   "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 1<<20),
		"wrong types":      "HTTP/1.1 200 OK\r\n\r\n{\"certificates\":[{\"name\":1}]}",
		"no content":       "HTTP/1.1 204 No Content\r\n\r\n",
		"a kind of 2xx":    "HTTP/1.1 202 Accepted\r\n\r\n{}",
		"wrong time":       "HTTP/1.1 200 OK\r\n\r\n{\"certificates\":[{\"not_after\":\"tomorrow\"}]}",
		"two values":       "HTTP/1.1 200 OK\r\n\r\n{}{}",
		"nothing but text": "HTTP/1.1 200 OK\r\n\r\n",
	} {
		c := answerWith(t, text)
		_, err := c.Certificates(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), "ask popgate at "+c.socket+": ") || len(err.Error()) > 500 {
			t.Errorf("%s: %v", name, err)
		}
		var refused *Error
		if errors.As(err, &refused) || errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: taken for popgate's: %v", name, err)
		}
		if name == "redirection" {
			wantError(t, err, errAnswer, "status 302") // and not followed
		}
	}
}

// TestHugeAnswer: an answer is not read for ever.
func TestHugeAnswer(t *testing.T) {
	read := 0
	err := decode(http.StatusOK, readerFunc(func(p []byte) (int, error) {
		read += len(p)
		return len(p), nil
	}), new(certificateList))
	wantError(t, err, errAnswer, "octets")
	if read > 2*maxAnswer {
		t.Errorf("%d octets were read", read)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestNoAnswer: a popgate that hangs is not waited for without end.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			ask   func(*Client) error
			limit time.Duration
		}{
			{func(c *Client) error { _, err := c.Certificates(t.Context()); return err }, quickLimit},
			{func(c *Client) error { _, err := c.Explain(t.Context(), Question{}); return err }, quickLimit},
			{func(c *Client) error { _, err := c.Blocks(t.Context()); return err }, quickLimit},
			{func(c *Client) error { _, err := c.Unblock(t.Context(), Blocked{}); return err }, quickLimit},
			{func(c *Client) error { _, err := c.Probe(t.Context(), "x"); return err }, quickLimit},
			{func(c *Client) error { _, err := c.Renew(t.Context(), "x"); return err }, renewLimit},
		} {
			c := NewClient("/run/popgate/admin.sock")
			near, far := net.Pipe()
			go io.Copy(io.Discard, far)
			c.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) { return near, nil }
			began := time.Now()
			wantError(t, tt.ask(c), context.DeadlineExceeded, "ask popgate at /run/popgate/admin.sock: ")
			if took := time.Since(began); took != tt.limit {
				t.Errorf("it took %v, want %v", took, tt.limit)
			}
		}
	})
	if quickTime >= quickLimit || renewTime >= renewLimit {
		t.Error("the client gives up before the server can say why")
	}
}

func TestErrorText(t *testing.T) {
	if text := (&Error{Code: "new_code"}).Error(); text != "new_code" {
		t.Errorf("%q", text)
	}
	if text := (&OrderError{}).Error(); text != "the order failed" {
		t.Errorf("%q", text)
	}
	cause := errors.New("x")
	if err := (&OrderError{Type: "urn:t", Err: cause}); !errors.Is(err, cause) || err.Error() != "the order failed: urn:t" {
		t.Errorf("%v", err)
	}
}
