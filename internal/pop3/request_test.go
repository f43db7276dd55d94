package pop3_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

func secret(s string) pop3.Password { return pop3.NewPassword([]byte(s)) }

func TestSend(t *testing.T) {
	tests := []struct {
		name     string
		requests []pop3.Request
		want     string
	}{
		{"USER", []pop3.Request{pop3.User("joe@example.com")}, "USER joe@example.com\r\n"},
		{"PASS", []pop3.Request{pop3.Pass(secret(" a b  "))}, "PASS  a b  \r\n"},
		{"PASS of any bytes", []pop3.Request{pop3.Pass(secret("\x80\xff\u0085\u00a0"))}, "PASS \x80\xff\u0085\u00a0\r\n"},
		{"AUTH PLAIN", []pop3.Request{pop3.AuthPlain()}, "AUTH PLAIN\r\n"},
		{"PLAIN response", []pop3.Request{pop3.PlainResponse("joe", secret("secret"))}, "AGpvZQBzZWNyZXQ=\r\n"},
		{"several", []pop3.Request{pop3.User("joe"), pop3.Pass(secret("x"))}, "USER joe\r\nPASS x\r\n"},
		{"as many as three", []pop3.Request{pop3.AuthPlain(), pop3.PlainResponse("j", secret("p")), pop3.User("a b")},
			"AUTH PLAIN\r\nAGoAcA==\r\nUSER a b\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, r := range tt.requests {
				if err := r.Fit(); err != nil {
					t.Errorf("request %d: Fit() = %v", i, err)
				}
			}
			var w recorder
			if err := pop3.Send(&w, tt.requests...); err != nil {
				t.Fatal(err)
			}
			if len(w.writes) != 1 || w.writes[0] != tt.want {
				t.Errorf("written: %q, want %q in one write", w.writes, tt.want)
			}
		})
	}
}

// unfit are requests that no backend may ever see, each with the cause.
func unfit() map[string]struct {
	request pop3.Request
	cause   error
} {
	type row = struct {
		request pop3.Request
		cause   error
	}
	rows := map[string]row{
		"zero request":           {pop3.Request{}, pop3.ErrEmpty},
		"empty name":             {pop3.User(""), pop3.ErrEmpty},
		"name after a space":     {pop3.User(" joe"), pop3.ErrSpaces},
		"name before a space":    {pop3.User("joe "), pop3.ErrSpaces},
		"name not UTF-8":         {pop3.User("joe\xff"), pop3.ErrUTF8},
		"name with U+0080":       {pop3.User("jo\u0080e"), pop3.ErrControl},
		"name with U+0085":       {pop3.User("joe\u0085"), pop3.ErrControl},
		"name with U+009F":       {pop3.User("\u009fjoe"), pop3.ErrControl},
		"PLAIN name with U+0085": {pop3.PlainResponse("joe\u0085", secret("x")), pop3.ErrControl},
		"PLAIN empty name":       {pop3.PlainResponse("", secret("x")), pop3.ErrEmpty},
		"PLAIN name with space":  {pop3.PlainResponse("joe ", secret("x")), pop3.ErrSpaces},
		"PLAIN name not UTF-8":   {pop3.PlainResponse("\xff", secret("x")), pop3.ErrUTF8},
		"no password":            {pop3.Pass(pop3.Password{}), pop3.ErrEmpty},
		"empty password":         {pop3.Pass(secret("")), pop3.ErrEmpty},
		"PLAIN no password":      {pop3.PlainResponse("joe", pop3.Password{}), pop3.ErrEmpty},
		"injected line in USER":  {pop3.User("joe\r\nDELE 1"), pop3.ErrControl},
		"injected line in PASS":  {pop3.Pass(secret("x\r\nDELE 1")), pop3.ErrControl},
	}
	for b := range 0x80 {
		if b >= 0x20 && b != 0x7f {
			continue
		}
		for place, form := range map[string]string{"first": "%cab", "inside": "a%cb", "last": "ab%c"} {
			arg := fmt.Sprintf(form, b)
			where := fmt.Sprintf("with %#02x %s", b, place)
			rows["USER "+where] = row{pop3.User(arg), pop3.ErrControl}
			rows["PASS "+where] = row{pop3.Pass(secret(arg)), pop3.ErrControl}
			rows["PLAIN name "+where] = row{pop3.PlainResponse(arg, secret("x")), pop3.ErrControl}
			rows["PLAIN password "+where] = row{pop3.PlainResponse("joe", secret(arg)), pop3.ErrControl}
		}
	}
	return rows
}

func TestSendWritesNothingUnfit(t *testing.T) {
	for name, tt := range unfit() {
		for what, err := range map[string]error{"ErrRequest": pop3.ErrRequest, "the cause": tt.cause} {
			if got := tt.request.Fit(); !errors.Is(got, err) {
				t.Errorf("%s: Fit() = %v, want %s: %v", name, got, what, err)
			}
		}
		// At every place among fit ones; the first Send takes its line.
		for at := range 3 {
			requests := []pop3.Request{pop3.User("joe"), pop3.Pass(secret("x")), pop3.AuthPlain()}
			requests[at] = tt.request
			var w recorder
			err := pop3.Send(&w, requests...)
			if !errors.Is(err, pop3.ErrRequest) || (at == 0 && !errors.Is(err, tt.cause)) || len(w.writes) > 0 {
				t.Errorf("%s, at place %d: error %v, written %q", name, at, err, w.writes)
			}
		}
	}
}

func TestSendLimits(t *testing.T) {
	// A PLAIN message is the name, the password and two NULs in base64.
	plain := base64.StdEncoding.DecodedLen(pop3.MaxSASL-2) - len("joe") - 2
	tests := []struct {
		name string
		make func(arg string) pop3.Request
		most int // octets of the longest argument that fits
	}{
		{"USER", pop3.User, pop3.MaxRequest - len("USER \r\n")},
		{"PASS", func(p string) pop3.Request { return pop3.Pass(secret(p)) }, pop3.MaxRequest - len("PASS \r\n")},
		{"PLAIN password", func(p string) pop3.Request { return pop3.PlainResponse("joe", secret(p)) }, plain},
		{"PLAIN name", func(n string) pop3.Request { return pop3.PlainResponse(n, secret("joe")) }, plain},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w recorder
			if err := pop3.Send(&w, tt.make(strings.Repeat("a", tt.most))); err != nil || len(w.writes) != 1 {
				t.Errorf("%d octets: %v after %d writes", tt.most, err, len(w.writes))
			}
			w = recorder{}
			err := pop3.Send(&w, pop3.User("joe"), tt.make(strings.Repeat("a", tt.most+1)))
			if !errors.Is(err, pop3.ErrRequest) || !errors.Is(err, pop3.ErrTooLong) || len(w.writes) > 0 {
				t.Errorf("%d octets: %v after %d writes", tt.most+1, err, len(w.writes))
			}
		})
	}
}

// The longest lines of both kinds can be read at the other end.
func TestSendFitsReader(t *testing.T) {
	var w recorder
	if err := pop3.Send(&w, pop3.PlainResponse("joe", secret(strings.Repeat("a", 9000)))); err != nil {
		t.Fatal(err)
	}
	line, err := pop3.NewReader(strings.NewReader(w.writes[0])).ReadSASL()
	if err != nil || string(line) != without(w.writes[0]) {
		t.Errorf("%d octets came back, %v", len(line), err)
	}
}

func TestSendServesOnce(t *testing.T) {
	password := secret("hunter2")
	requests := []pop3.Request{pop3.User("joe"), pop3.Pass(password), pop3.AuthPlain(), pop3.PlainResponse("joe", password)}
	for _, r := range requests {
		var w recorder
		if err := pop3.Send(&w, r); err != nil {
			t.Fatal(err)
		}
		if err := pop3.Send(&w, r); !errors.Is(err, pop3.ErrRequest) || len(w.writes) != 1 {
			t.Errorf("sent again: %v, written %q", err, w.writes)
		}
	}
	if string(password.Reveal()) != "hunter2" {
		t.Errorf("sending changed the password to %q", password.Reveal())
	}
}

// A password that was wiped meanwhile is not sent, in no form.
func TestSendAfterWipe(t *testing.T) {
	password := secret("hunter2")
	requests := []pop3.Request{pop3.Pass(password), pop3.PlainResponse("joe", password)}
	password.Wipe()
	for _, r := range requests {
		var w recorder
		if err := pop3.Send(&w, r); !errors.Is(err, pop3.ErrRequest) || len(w.writes) > 0 {
			t.Errorf("got %v, written %q", err, w.writes)
		}
	}
}

func TestSendReturnsWriteError(t *testing.T) {
	broken := errors.New("broken pipe")
	w := recorder{err: broken}
	err := pop3.Send(&w, pop3.User("joe"), pop3.Pass(secret("x")))
	if !errors.Is(err, broken) || errors.Is(err, pop3.ErrRequest) || len(w.writes) != 1 {
		t.Errorf("got %v after %d writes", err, len(w.writes))
	}
}

// keeper is a writer that breaks io.Writer's rule and keeps what it was given.
type keeper struct{ kept []byte }

func (k *keeper) Write(p []byte) (int, error) {
	k.kept = p
	return len(p), nil
}

func TestSendLeavesNoCopy(t *testing.T) {
	var w keeper
	if err := pop3.Send(&w, pop3.Pass(secret("hunter2"))); err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(w.kept), "\x00") != "" {
		t.Errorf("left after the write: %q", w.kept)
	}
}
