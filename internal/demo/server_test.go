package demo

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"popgate/internal/pop3"
	"popgate/internal/poptest"
)

// alice has two mails: one of two header and three body lines, with dots, and
// one without a body.
func alice() User {
	return User{Name: "alice", Password: " se cret ", Mails: [][]byte{
		[]byte("Subject: one\r\nTo: alice\r\n\r\n.\r\n..two\r\nlast"),
		[]byte("Subject: two\r\n"),
	}}
}

// play plays a transcript against a server that is made in a bubble, and
// gives what is left of alice's mails to check.
func play(t *testing.T, opts Options, text string, check func(t *testing.T, left [][]byte)) {
	t.Helper()
	scripts, err := poptest.Parse("session.txt", []byte("# a session\n"+text))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		ln := poptest.NewListener(netip.MustParseAddrPort("10.0.0.5:110"))
		served := make(chan error)
		go func() { served <- s.Serve(ln) }()
		poptest.Play(t, scripts[0], poptest.Stage{Connect: func() net.Conn {
			c, err := ln.Dial(netip.MustParseAddrPort("10.0.0.1:4000"))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}})
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		check(t, s.Maildrop("alice"))
	})
}

const greeted = "S: +OK localhost POP3 demo server ready\n"

const loggedIn = greeted + "C: USER alice\nS: +OK now the password\nC: PASS  se cret \nS: +OK 2 messages\n"

func TestSessions(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opts Options
		left int
	}{
		"quit before login": {greeted + "C: QUIT\nS: +OK bye\nS: <eof>\n", Options{}, 2},
		"listings": {loggedIn + "C: STAT\nS: +OK 2 57\nC: LIST\nS: +OK 2 messages (57 octets)\nS: 1 43\nS: 2 14\nS: .\n" +
			"C: LIST 2\nS: +OK 2 14\nC: UIDL 1\nS: +OK 1 …\nC: UIDL\nS: +OK 2 messages (57 octets)\nS: 1 …\nS: 2 …\nS: .\n", Options{}, 2},
		"retr":        {loggedIn + "C: RETR 1\nS: +OK 43 octets\nS: Subject: one\nS: To: alice\nS:\nS: ..\nS: ...two\nS: last\nS: .\n", Options{}, 2},
		"top":         {loggedIn + "C: TOP 1 1\nS: +OK…\nS: Subject: one\nS: To: alice\nS:\nS: ..\nS: .\n", Options{}, 2},
		"top 0":       {loggedIn + "C: TOP 1 0\nS: +OK…\nS: Subject: one\nS: To: alice\nS:\nS: .\n", Options{}, 2},
		"top of all":  {loggedIn + "C: TOP 1 99\nS: +OK…\nS* 2: …\nS:\nS: ..\nS: ...two\nS: last\nS: .\n", Options{}, 2},
		"top no body": {loggedIn + "C: TOP 2 5\nS: +OK…\nS: Subject: two\nS: .\n", Options{}, 2},
		"dele": {loggedIn + "C: DELE 1\nS: +OK marked as deleted\nC: STAT\nS: +OK 1 14\nC: LIST\nS: +OK…\nS: 2 14\nS: .\n" +
			"C: RETR 1\nS: -ERR no such message\nC: DELE 1\nS: -ERR no such message\nC: NOOP\nS: +OK nothing done\nC: QUIT\nS: +OK bye, 1 messages removed\nS: <eof>\n", Options{}, 1},
		"rset": {loggedIn + "C: DELE 1\nS: +OK…\nC: DELE 2\nS: +OK…\nC: RSET\nS: +OK 2 messages (57 octets)\nC: QUIT\nS: +OK bye, 0 messages removed\nS: <eof>\n", Options{}, 2},
		"capa": {greeted + "C: CAPA\nS: +OK…\nS: TOP\nS: UIDL\nS: USER\nS: RESP-CODES\nS: AUTH-RESP-CODE\nS: PIPELINING\nS: .\n", Options{}, 2},
		"capa after login": {loggedIn + "C: CAPA\nS: +OK…\nS: TOP\nS: UIDL\nS: USER\nS: RESP-CODES\nS: AUTH-RESP-CODE\nS: PIPELINING\n" +
			"S: SASL PLAIN\nS: IMPLEMENTATION popgate-demo\nS: .\n", Options{AuthPlain: true}, 2},
		"pipelined": {"C!: USER alice\nC| PASS  se cret \nC| DELE 2\nC| QUIT\nC| NOOP\n" + greeted +
			"S: +OK now the password\nS: +OK 2 messages\nS: +OK marked as deleted\nS: +OK bye, 1 messages removed\nS: <eof>\n", Options{}, 1},
		"keywords fold":   {greeted + "C: uSeR alice\nS: +OK…\nC: pass  se cret \nS: +OK…\nC: stat\nS: +OK…\nC: qUiT\nS: +OK…\nS: <eof>\n", Options{}, 2},
		"wrong password":  {greeted + "C: USER alice\nS: +OK…\nC: PASS se cret\nS: -ERR [AUTH] login failed\nC: PASS  se cret \nS: -ERR not in this state\n", Options{}, 2},
		"nobody":          {greeted + "C: USER bob\nS: +OK now the password\nC: PASS x\nS: -ERR [AUTH] login failed\n", Options{}, 2},
		"pass not behind": {greeted + "C: USER alice\nS: +OK…\nC: CAPA\nS: +OK…\nS* 6: …\nS: .\nC: PASS  se cret \nS: -ERR not in this state\n", Options{}, 2},
		"refusals": {greeted + "C: STAT\nS: -ERR not in this state\nC: XYZZY\nS: -ERR unknown command\nC: USER\nS: -ERR wrong argument\nC: QUIT now\nS: -ERR wrong argument\n" +
			"C: APOP alice x\nS: -ERR unknown command\nC: AUTH PLAIN\nS: -ERR unknown command\nC:\nS: -ERR lines…\nC: NOOP\\n\\\nS: -ERR lines…\nC: PASS a\\0b\nS: -ERR lines…\n", Options{}, 2},
		"numbers": {loggedIn + "C: RETR\nS: -ERR wrong argument\nC: RETR 0\nS: -ERR no such message\nC: RETR 3\nS: -ERR no such message\nC: RETR +1\nS: -ERR wrong argument\n" +
			"C: RETR 1 2\nS: -ERR wrong argument\nC: LIST \nS: -ERR wrong argument\nC: TOP 1\nS: -ERR wrong argument\nC: TOP 1 -1\nS: -ERR wrong argument\n" +
			"C: TOP 7 1\nS: -ERR no such message\nC: DELE 99999999999\nS: -ERR wrong argument\nC: STAT 1\nS: -ERR wrong argument\nC: USER alice\nS: -ERR not in this state\n", Options{}, 2},
		"plain":                {greeted + "C: AUTH PLAIN AGFsaWNlACBzZSBjcmV0IA==\nS: +OK 2 messages\nC: AUTH PLAIN AGFsaWNlACBzZSBjcmV0IA==\nS: -ERR not in this state\n", Options{AuthPlain: true}, 2},
		"plain, asked":         {greeted + "C: auth plain\nS: + \nC: AGFsaWNlACBzZSBjcmV0IA==\nS: +OK 2 messages\n", Options{AuthPlain: true}, 2},
		"plain, cancelled":     {greeted + "C: AUTH PLAIN\nS: + \nC: *\nS: -ERR login cancelled\nC: AUTH PLAIN AGFsaWNlACBzZSBjcmV0IA==\nS: +OK 2 messages\n", Options{AuthPlain: true}, 2},
		"plain, refused":       {greeted + "C: AUTH PLAIN =\nS: -ERR malformed…\nC: AUTH PLAIN !\nS: -ERR malformed…\nC: AUTH PLAIN AGFsaWNlAHg=\nS: -ERR [AUTH]…\nC: AUTH LOGIN\nS: -ERR mechanism…\n", Options{AuthPlain: true}, 2},
		"plain, then gone":     {greeted + "C: AUTH PLAIN\nS: + \nC: AGFs\\\nC: <fin>\nS: <eof>\n", Options{AuthPlain: true}, 2},
		"plain, bare LF":       {greeted + "C: AUTH PLAIN\nS: + \nC: AGFs\\n\\\nS: -ERR lines…\n", Options{AuthPlain: true}, 2},
		"plain, too long":      {greeted + "C: AUTH PLAIN\nS: + \nC: \\{13000:A}\nS: -ERR line too long\nS: <closed>\n", Options{AuthPlain: true}, 2},
		"mechanisms":           {greeted + "C: AUTH\nS: +OK mechanisms follow\nS: PLAIN\nS: .\n", Options{AuthPlain: true}, 2},
		"in use":               {loggedIn + "S2: +OK…\nC2: USER alice\nS2: +OK…\nC2: PASS  se cret \nS2: -ERR [IN-USE]…\nC: STAT\nS: +OK 2 57\nC: QUIT\nS: +OK…\nS: <eof>\nC2: USER alice\nS2: +OK…\nC2: PASS  se cret \nS2: +OK 2 messages\n", Options{}, 2},
		"free after a break":   {loggedIn + "C: <rst>\nS2: +OK…\nC2: USER alice\nS2: +OK…\nC2: PASS  se cret \nS2: +OK 2 messages\n", Options{}, 2},
		"too many sessions":    {greeted + "S2: -ERR [SYS/TEMP] too many sessions, come back later\nS2: <eof>\nC: QUIT\nS: +OK bye\nS: <eof>\nS3: +OK…\n", Options{MaxSessions: 1}, 2},
		"autologout":           {loggedIn + "C: DELE 1\nS: +OK…\nS=600s: <eof>\n", Options{}, 2},
		"own autologout":       {greeted + "S=5s: <eof>\n", Options{Idle: 5 * time.Second}, 2},
		"reads nothing":        {greeted + "S: <pause>\nC?* 20000: CAPA\nwait 11m\nS: <resume>\nS: <rest>\nS: <closed>\n", Options{}, 2},
		"long line":            {greeted + "C: PASS \\{300:x}\nS: -ERR line too long\nS: <closed>\n", Options{}, 2},
		"line of 255 octets":   {greeted + "C: USER \\{248:x}\nS: +OK now the password\n", Options{}, 2},
		"too many refusals":    {greeted + "C* 60: XYZZY\nS* 50: -ERR unknown command\nS: <closed>\n", Options{}, 2},
		"host name":            {"S: +OK pop.example.com POP3 demo server ready\n", Options{Hostname: "pop.example.com"}, 2},
		"password with spaces": {loggedIn, Options{}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Users = []User{alice()}
			play(t, c.opts, c.text, func(t *testing.T, left [][]byte) {
				if len(left) != c.left {
					t.Errorf("%d mails are left, want %d", len(left), c.left)
				}
			})
		})
	}
}

// TestOnlyAWholeQuitRemoves ends a session that has marked a message in every
// way there is.
func TestOnlyAWholeQuitRemoves(t *testing.T) {
	for end, left := range map[string]int{
		"C: QUIT\nS: +OK…\nS: <eof>\n":                        1,
		"C: QUIT\nC: <fin>\nS: +OK…\nS: <eof>\n":              1,
		"C: QUIT\nS: +OK…\nC: <rst>\n":                        1,
		"C: QUIT\nC!: <fin>\nS: +OK…\nS: <eof>\n":             1,
		"C: <fin>\nS: <eof>\n":                                2,
		"C: <rst>\n":                                          2,
		"C: <close>\n":                                        2,
		"C: QUIT\\\nC: <fin>\nS: <eof>\n":                     2,
		"C: QUIT\\r\\\nC: <fin>\nS: <eof>\n":                  2,
		"C: QUIT\\n\\\nC: <fin>\nS: -ERR…\nS: <eof>\n":        2,
		"C: QUIT\\r\\r\\n\\\nC: <fin>\nS: -ERR…\nS: <eof>\n":  2,
		"C: QUIT now\nC: <fin>\nS: -ERR…\nS: <eof>\n":         2,
		"C: DELE 2\\\nC: <fin>\nS: <eof>\n":                   2,
		"C: RSET\nC: QUIT\nS: +OK…\nS: +OK…\nS: <eof>\n":      2,
		"wait 600s\nS: <eof>\n":                               2,
		"C: PASS \\{300:x}\nC| QUIT\nS: -ERR…\nS: <closed>\n": 2,
		"C* 50: XYZZY\nC| QUIT\nS* 50: -ERR…\nS: <closed>\n":  2,
	} {
		t.Run(strings.ReplaceAll(end, "\n", ";"), func(t *testing.T) {
			play(t, Options{Users: []User{alice()}}, loggedIn+"C: DELE 1\nS: +OK marked as deleted\n"+end, func(t *testing.T, mails [][]byte) {
				if len(mails) != left {
					t.Errorf("%d mails are left, want %d", len(mails), left)
				}
			})
		})
	}
}

func TestCloseEndsSessionsWithoutAnUpdate(t *testing.T) {
	s, err := New(Options{Users: []User{alice()}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "USER alice\r\nPASS  se cret \r\nDELE 1\r\n")
	in := pop3.NewReader(c)
	for range 4 {
		if line, err := in.ReadReply(); err != nil || !strings.HasPrefix(string(line), "+OK") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := in.ReadReply(); err == nil {
		t.Error("the session lives on")
	}
	if n := len(s.Maildrop("alice")); n != 2 {
		t.Errorf("%d mails are left", n)
	}
	if err := s.Serve(ln); err != nil {
		t.Errorf("serve after close: %v", err)
	}
}

func TestServeReportsItsListener(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	ln := poptest.NewListener(netip.MustParseAddrPort("10.0.0.5:110"))
	ln.FailAccept(1, syscall.EMFILE)
	if err := s.Serve(ln); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("serve: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		users []User
		want  error
	}{
		"no name":             {[]User{{Password: "x"}}, pop3.ErrEmpty},
		"no password":         {[]User{{Name: "a"}}, pop3.ErrEmpty},
		"CR in the password":  {[]User{{Name: "a", Password: "x\r"}}, pop3.ErrControl},
		"space round a name":  {[]User{{Name: "a ", Password: "x"}}, pop3.ErrSpaces},
		"the same name twice": {[]User{{Name: "a", Password: "x"}, {Name: "a", Password: "y"}}, nil},
	} {
		if s, err := New(Options{Users: c.users}); err == nil || s != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		} else if c.users[0].Password != "" && strings.Contains(err.Error(), "x") {
			t.Errorf("%s: the error shows the password: %v", name, err)
		}
	}
}

func TestMaildropIsACopy(t *testing.T) {
	mail := []byte("Subject: x\r\n")
	s, err := New(Options{Users: []User{{Name: "a", Password: "x", Mails: [][]byte{mail, mail, nil}}}})
	if err != nil {
		t.Fatal(err)
	}
	mail[0] = '!'
	s.Maildrop("a")[0][0] = '?'
	if got := s.Maildrop("a"); len(got) != 3 || string(got[0]) != "Subject: x\r\n" || len(got[2]) != 0 {
		t.Errorf("got %q", got)
	}
	if s.Maildrop("b") != nil {
		t.Error("a user that isn't there has a maildrop")
	}
	if m := s.drops["a"].messages; m[0].id == m[1].id {
		t.Error("two messages have the same unique id")
	}
}
