package relay

import (
	"slices"
	"strings"
	"testing"
)

// witness keeps what an observer is told, each as "origin: text".
type witness struct{ told []string }

func (w *witness) tell(by Origin, text string) bool {
	w.told = append(w.told, string(by)+": "+text)
	return true
}

// observe lets an observer follow what is said, each as "C: " or "B: " and the
// octets, in pieces of the given size, and returns what it tells.
func observe(readOnly bool, said []string, size int) []string {
	var w witness
	o := newObserver(w.tell, readOnly)
	for _, step := range said {
		take := o.client
		if step[0] == 'B' {
			take = o.backend
		}
		for piece := range slices.Chunk([]byte(step[3:]), size) {
			take(piece)
		}
	}
	return w.told
}

const (
	cantFollow = "note: can't follow any more: "
	noCommandC = "note: can't follow any more: a command line doesn't end in CRLF, or has control characters in it"
)

// What an observer tells of a dialogue, however it is cut into pieces.
var observations = []struct {
	name     string
	readOnly bool
	said     []string
	told     []string
}{
	{
		"a whole session", false,
		[]string{"C: STAT\r\n", "B: +OK 2 320\r\n", "C: uidl\r\n", "B: +OK\r\n1 secret\r\n2 hidden\r\n.\r\n", "C: RETR 1\r\n",
			"B: +OK 12 octets\r\nSubject: secret\r\n\r\nhidden\r\n.\r\n", "C: DELE 1\r\n", "B: +OK gone\r\n", "C: QUIT\r\n", "B: +OK bye\r\n"},
		[]string{"client: STAT", "backend: +OK 2 320", "client: UIDL", "backend: +OK", "note: 20 octets, 2 lines", "client: RETR 1",
			"backend: +OK 12 octets", "note: 27 octets, 3 lines", "client: DELE 1", "backend: +OK gone", "client: QUIT", "backend: +OK bye"},
	},
	{
		"mail that looks like answers", false,
		[]string{"C: RETR 1\r\nSTAT\r\n", "B: +OK\r\n+OK secret\r\n-ERR secret\r\n..\r\n..secret\r\n.secret\r\n+OK\r\n.\r\n+OK 1 2\r\n"},
		[]string{"client: RETR 1", "client: STAT", "backend: +OK", "note: 53 octets, 6 lines", "backend: +OK ***"},
	},
	{
		"bare LFs further down in mail", false,
		[]string{"C: RETR 1\r\nSTAT\r\n", "B: +OK\r\na\r\nb\r\n\n.\n+OK secret\n.\r\n+OK secret\r\n.\r\n+OK 1 2\r\n"},
		[]string{"client: RETR 1", "client: STAT", "backend: +OK", "note: 35 octets, 7 lines", "backend: +OK ***"},
	},
	{
		"commands at once", false,
		[]string{"C: LIST\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nTOP 2 0\r\n", "B: +OK\r\n1 120\r\n.\r\n+OK\r\n.\r\n-ERR none\r\n+OK\r\n\r\n.\r\n-ERR [SYS/TEMP] busy\r\n"},
		[]string{"client: LIST", "client: UIDL", "client: RETR 1", "client: RETR 2", "client: TOP 2 0",
			"backend: +OK", "note: 7 octets, 1 lines", "backend: +OK", "note: 0 octets, 0 lines", "backend: -ERR ***",
			"backend: +OK", "note: 2 octets, 1 lines", "backend: -ERR ***"},
	},
	{
		"a dot in mail that isn't doubled", false,
		[]string{"C: RETR 1\r\nNOOP\r\nNOOP\r\n", "B: +OK\r\nhi\r\n.\r\n+OK secret one\r\n-ERR secret two\r\n+OK\r\n"},
		[]string{"client: RETR 1", "client: NOOP", "client: NOOP", "backend: +OK", "note: 4 octets, 1 lines", "backend: +OK ***", "backend: -ERR ***",
			cantFollow + "the backend says what it wasn't asked"},
	},
	{
		"two answers to one command", false,
		[]string{"C: STAT\r\nTOP 1 0\r\n", "B: +OK 1 2\r\n", "C: NOOP\r\n", "B: -ERR sorry\r\n+OK secret\r\n+OK secret\r\n"},
		[]string{"client: STAT", "client: TOP 1 0", "backend: +OK ***", "client: NOOP", "backend: -ERR ***", "backend: +OK ***",
			cantFollow + "the backend says what it wasn't asked"},
	},
	{
		"mail in a status line", false,
		[]string{"C: RETR 1\r\n", "B: +OK Subject: secret\r\n.\r\n", "C: RETR 1\r\n", "B: +OK 12 octets of secret\r\n.\r\n", "C: TOP 1 0\r\n", "B: -ERR 12 octets\r\n"},
		[]string{"client: RETR 1", "backend: +OK ***", "note: 0 octets, 0 lines", "client: RETR 1", "backend: +OK ***", "note: 0 octets, 0 lines",
			"client: TOP 1 0", "backend: -ERR ***"},
	},
	{
		"clear again once nothing is owed", false,
		[]string{"C: RETR 1\r\nSTAT\r\n", "B: +OK 0 octets\r\n.\r\n", "C: STAT\r\n", "B: +OK 1 2\r\n+OK 3 4\r\n", "C: STAT\r\nNOOP\r\n", "B: +OK 5 6\r\n+OK fine\r\n"},
		[]string{"client: RETR 1", "client: STAT", "backend: +OK ***", "note: 0 octets, 0 lines", "client: STAT", "backend: +OK ***", "backend: +OK ***",
			"client: STAT", "client: NOOP", "backend: +OK 5 6", "backend: +OK fine"},
	},
	{
		"one line for one message", false,
		[]string{"C: LIST 1\r\nUIDL 1\r\nCAPA\r\n", "B: +OK 1 120\r\n+OK 1 abc\r\n+OK\r\nTOP\r\n.\r\n"},
		[]string{"client: LIST 1", "client: UIDL 1", "client: CAPA", "backend: +OK 1 120", "backend: +OK 1 abc", "backend: +OK", "note: 5 octets, 1 lines"},
	},
	{
		"a listing that wasn't asked for", false,
		[]string{"C: LIST 1\r\n", "B: +OK\r\n+OK secret\r\n.\r\n"},
		[]string{"client: LIST 1", "backend: +OK", cantFollow + "the backend says what it wasn't asked"},
	},
	{
		"a body behind -ERR", false,
		[]string{"C: RETR 1\r\nSTAT\r\n", "B: -ERR no\r\nsecret\r\n.\r\n", "C: STAT\r\n", "B: +OK 1 2\r\n"},
		[]string{"client: RETR 1", "client: STAT", "backend: -ERR ***", cantFollow + "the backend's line is no answer"},
	},
	{
		"words that nobody asked for", false,
		[]string{"C: NOOP\r\n", "B: +OK\r\n-ERR autologout, secret\r\n", "C: STAT\r\n"},
		[]string{"client: NOOP", "backend: +OK", cantFollow + "the backend says what it wasn't asked"},
	},
	{
		"no status line", false,
		[]string{"C: NOOP\r\n", "B: secret\r\n+OK\r\n"},
		[]string{"client: NOOP", cantFollow + "the backend's line is no answer"},
	},
	{
		"an unknown command that is refused", false,
		[]string{"C: secret phrase\r\n", "B: -ERR secret what?\r\n", "C: STAT\r\n", "B: +OK 1 2\r\n"},
		[]string{"client: (unknown command)", "backend: -ERR ***", "client: STAT", "backend: +OK 1 2"},
	},
	{
		"an unknown command that isn't", false,
		[]string{"C: XTND XLST\r\n", "B: +OK list follows\r\nsecret\r\n", "C: STAT\r\n"},
		[]string{"client: (unknown command)", "backend: +OK ***", cantFollow + "the answer to a command that popgate doesn't know"},
	},
	{
		"a continuation", false,
		[]string{"C: AUTH PLAIN\r\n", "B: + \r\n", "C: c2VjcmV0\r\n"},
		[]string{"client: (unknown command)", cantFollow + "the backend's line is no answer"},
	},
	{
		"more behind an unknown command", false,
		[]string{"C: STAT\r\nXTND XMIT\r\n", "B: +OK 1 2\r\n", "C: DELE 1\r\n", "B: -ERR secret\r\n"},
		[]string{"client: STAT", "client: (unknown command)", "backend: +OK 1 2", cantFollow + "more follows a command that popgate doesn't know"},
	},
	{
		"secrets for numbers", false,
		[]string{"C: RETR secret\r\nDELE 12345678901\r\nTOP 1 x\r\nTOP 1 2 3\r\nSTAT 1\r\nLIST \r\nRETR 1 \r\nPASS secret\r\n"},
		[]string{"client: RETR ***", "client: DELE ***", "client: TOP ***", "client: TOP ***", "client: STAT ***", "client: LIST ***", "client: RETR ***", "client: (unknown command)"},
	},
	{
		"words that are repeated", false,
		[]string{"C: RETR secret\r\nDELE 1\r\nsecret\r\n", "B: -ERR [SYS/TEMP] no message secret\r\n+OK 1 gone\r\n-ERR\r\n", "C: TOP 1 x\r\n", "B: +OK secret\r\n.\r\n"},
		[]string{"client: RETR ***", "client: DELE 1", "client: (unknown command)", "backend: -ERR ***", "backend: +OK ***", "backend: -ERR",
			"client: TOP ***", "backend: +OK ***", "note: 0 octets, 0 lines"},
	},
	{"a bare LF behind a command", false, []string{"C: NOOP\nSTAT\r\n"}, []string{noCommandC}},
	{"a bare CR in a command", false, []string{"C: NOOP\rRETR 1\r\n"}, []string{noCommandC}},
	{
		"a long command", false,
		[]string{"C: STAT\r\n", "C: RETR " + strings.Repeat("1", gateSize) + "\r\n", "B: +OK secret\r\n"},
		[]string{"client: STAT", cantFollow + "a command line is too long"},
	},
	{
		"a long status line", false,
		[]string{"C: STAT\r\nSTAT\r\n", "B: +OK " + strings.Repeat("x", maxStatus-6) + "\r\n", "B: +OK " + strings.Repeat("x", maxStatus-5) + "\r\n+OK\r\n"},
		[]string{"client: STAT", "client: STAT", "backend: +OK " + strings.Repeat("x", shownStatus-4), cantFollow + "the backend's line is too long"},
	},
	{
		"many commands at once", false,
		[]string{"C: " + strings.Repeat("NOOP\r\n", gateSize+2)},
		slices.Concat(slices.Repeat([]string{"client: NOOP"}, gateSize), []string{cantFollow + "too many commands at once"}),
	},
	{
		"mail as it lies in a file", false,
		[]string{"C: RETR 1\r\nNOOP\r\n", "B: +OK\r\nsecret\n.\n+OK secret\n.\n"},
		[]string{"client: RETR 1", "client: NOOP", "backend: +OK", cantFollow + "lines of an answer don't end in CRLF"},
	},
	{
		"a status line and a listing in bare LFs", false,
		[]string{"C: STAT\r\nLIST\r\nNOOP\r\n", "B: +OK 1 2\n+OK\n.\n+OK secret\n"},
		[]string{"client: STAT", "client: LIST", "client: NOOP", "backend: +OK 1 2", "backend: +OK", cantFollow + "lines of an answer don't end in CRLF"},
	},
	{
		"read-only", true,
		[]string{"C: DELE 1\r\nRETR 1\r\nDELE 2\r\nPASS secret\r\nSTAT\n", "B: +OK\r\nhi\r\n.\r\n", "C: QUIT\r\n", "B: +OK bye\r\n"},
		[]string{"client: DELE 1", "popgate: -ERR this mailbox is read-only", "client: RETR 1", "client: DELE 2", "client: (unknown command)", "client: STAT",
			"backend: +OK", "note: 4 octets, 1 lines", "popgate: -ERR this mailbox is read-only", "popgate: -ERR no such command, this mailbox is read-only",
			"popgate: -ERR a line must end in CRLF", "client: QUIT", "backend: +OK bye"},
	},
}

func TestObserver(t *testing.T) {
	for _, test := range observations {
		t.Run(test.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 3, 7, 1 << 20} {
				if told := observe(test.readOnly, test.said, size); !slices.Equal(told, test.told) {
					t.Fatalf("in pieces of %d it told\n%s\nwant\n%s", size, strings.Join(told, "\n"), strings.Join(test.told, "\n"))
				}
			}
		})
	}
}

// The same with one cut, wherever it is.
func TestObserverCutAnywhere(t *testing.T) {
	for _, test := range observations {
		t.Run(test.name, func(t *testing.T) {
			for i, step := range test.said {
				for at := 4; at < min(len(step), 700); at++ {
					said := slices.Concat(test.said[:i], []string{step[:at], step[:3] + step[at:]}, test.said[i+1:])
					if told := observe(test.readOnly, said, 1<<20); !slices.Equal(told, test.told) {
						t.Fatalf("cut at %d of %.80q it told\n%s", at, step, strings.Join(told, "\n"))
					}
				}
			}
		})
	}
}

// Who wants to hear no more hears nothing more, and whose ear is broken neither.
func TestObserverIsLeftAlone(t *testing.T) {
	for name, test := range map[string]struct {
		tell  func(n int) bool // the n-th call, from 1
		calls int
	}{
		"enough":      {func(n int) bool { return n < 2 }, 2},
		"panic":       {func(n int) bool { return n != 2 || panics() }, 3},
		"panic twice": {func(n int) bool { return n < 2 || panics() }, 3},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			var last string
			o := newObserver(func(_ Origin, text string) bool {
				calls++
				last = text
				return test.tell(calls)
			}, false)
			o.client([]byte("STAT\r\nXYZZY\r\nNOOP\r\n"))
			o.backend([]byte("+OK\r\n"))
			if calls != test.calls || calls == 3 && last != "can't follow any more: a bug of popgate" {
				t.Errorf("told %d times, last %q", calls, last)
			}
		})
	}
}

func panics() bool { panic("broken") }
