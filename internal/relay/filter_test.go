package relay

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestFilter(t *testing.T) {
	longest := "RETR 1" + strings.Repeat(" ", gateSize-8) + "\r\n"
	tooMuch := "RETR 1" + strings.Repeat(" ", gateSize-6)
	for _, test := range []struct {
		name   string
		steps  []step
		owed   []verdict
		inLine bool
	}{
		{"a line", []step{{"STAT\r\n", "STAT\r\n", false, false}}, []verdict{oneLine}, false},
		{"nothing", []step{{"", "", false, false}}, nil, false},
		{"a tail waits", []step{{"STAT\r\nRE", "STAT\r\n", false, false}}, []verdict{oneLine}, true},
		{"a tail goes on with its line", []step{{"STAT\r\nRE", "STAT\r\n", false, false}, {"TR 1\r\n", "RETR 1\r\n", false, false}}, []verdict{oneLine, manyLines}, false},
		{"a refused line", []step{{"DELE 1\r\n", "", false, false}}, []verdict{noDelete}, false},
		{"a refused line in pieces", []step{{"DE", "", false, false}, {"LE 1\r", "", false, false}, {"\nST", "", false, false}, {"AT\r\n", "STAT\r\n", false, false}}, []verdict{noDelete, oneLine}, false},
		{"what is left moves together", []step{{"DELE 1\r\nSTAT\r\nX\r\nLIST\r\n\r\nRE", "STAT\r\nLIST\r\n", false, false}, {"TR 1\r\n", "RETR 1\r\n", false, false}},
			[]verdict{noDelete, oneLine, noCommand, manyLines, noCommand, manyLines}, false},
		{"QUIT", []step{{"QUIT\r\n", "QUIT\r\n", true, true}}, []verdict{oneLine}, false},
		{"QUIT in pieces", []step{{"Q", "", false, false}, {"uIT\r", "", false, false}, {"\n", "QuIT\r\n", true, true}}, []verdict{oneLine}, false},
		{"QUIT before a line", []step{{"QUIT\r\nNOOP\r\n", "QUIT\r\nNOOP\r\n", true, false}}, []verdict{oneLine, oneLine}, false},
		{"QUIT before a refused line", []step{{"QUIT\r\nDELE 1\r\n", "QUIT\r\n", true, true}}, []verdict{oneLine, noDelete}, false},
		{"QUIT behind a refused line", []step{{"DELE 1\r\nQUIT\r\nQU", "QUIT\r\n", true, true}}, []verdict{noDelete, oneLine}, true},
		{"no QUIT", []step{{"QUIT\nQUIT\r\r\nQUITE\r\n QUIT\r\n", "", false, false}}, []verdict{noCRLF, noControl, noCommand, noCommand}, false},
		{"the longest line", []step{{longest[:gateSize-1], "", false, false}, {"\n", longest, false, false}}, []verdict{manyLines}, false},
		{"a longer one", []step{{tooMuch, "", false, false}}, nil, true},
		{"a longer one goes on", []step{{tooMuch, "", false, false}, {"b", "", false, false}, {"\r\nNO", "", false, false}, {"OP\r\n", "NOOP\r\n", false, false}}, []verdict{tooLong, oneLine}, false},
		{"much longer", []step{{tooMuch, "", false, false}, {tooMuch, "", false, false}, {"QUIT\r\n", "", false, false}}, []verdict{tooLong}, false},
		{"its LF comes alone", []step{{tooMuch, "", false, false}, {"\nQUIT\r\n", "QUIT\r\n", true, true}}, []verdict{tooLong, oneLine}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &filter{gate: &gate{}, owed: newOwed()}
			takes(t, f, test.steps)
			if inLine, sent := f.unfinished(); inLine != test.inLine || sent {
				t.Errorf("unfinished: %v, %v; want %v, false", inLine, sent, test.inLine)
			}
			if got := all(f.owed); !slices.Equal(got, test.owed) {
				t.Errorf("the client is owed %v, want %v", got, test.owed)
			}
		})
	}
}

// all returns what is owed.
func all(o *owed) (list []verdict) {
	for i := 0; ; i++ {
		v, ok := o.at(i)
		if !ok {
			return list
		}
		list = append(list, v)
	}
}

// However many lines a client asks ahead, there is room to note them all, or
// nothing is read.
func TestFilterReadsNoMoreThanItCanNote(t *testing.T) {
	virtual(t, "empty lines", func(t *testing.T) {
		f := &filter{gate: &gate{}, owed: newOwed()}
		lines := func() (n int) {
			for len(all(f.owed)) < gateSize {
				room := f.room()
				f.add(copy(room, strings.Repeat("\n", len(room))))
				n += len(room)
				f.ready()
				f.clear()
			}
			return n
		}
		if n := lines(); n != gateSize {
			t.Fatalf("read %d lines, want %d", n, gateSize)
		}
		for given := range 5 * gateSize { // all around the ring
			room := make(chan int, 1)
			go func() { room <- len(f.room()) }()
			synctest.Wait()
			if len(room) > 0 {
				t.Fatalf("room for %d octets when no line can be noted", <-room)
			}
			f.owed.given(1)
			if n := <-room; n != 1 {
				t.Fatalf("room for %d octets after %d answers, want 1", n, given)
			}
			lines()
		}
	})
}

func TestOwed(t *testing.T) {
	o := newOwed()
	check := func(want ...verdict) {
		t.Helper()
		if got := all(o); !slices.Equal(got, want) {
			t.Errorf("owed %v, want %v", got, want)
		}
	}
	o.note(oneLine)
	o.note(noDelete)
	if o.due() {
		t.Error("a refusal behind an answer under way is due")
	}
	check(oneLine, noDelete)
	o.given(1)
	check(noDelete)
	o.given(1)
	o.note(noCommand)
	o.note(manyLines)
	if !o.due() {
		t.Error("a refusal before all answers is not due")
	}
	if o.due() {
		t.Error("it is due twice")
	}
	o.note(noCRLF)
	o.stray()
	o.note(oneLine)
	o.note(noDelete)
	check(noCommand, noCRLF, noDelete)
	o.given(4) // more than there are
	check()
	o.note(tooLong)
	if !o.due() {
		t.Error("a refusal that comes first is not due")
	}
	o.stop()
	o.note(noDelete)
	check()
	if o.due() {
		t.Error("something is due after the end")
	}
}
