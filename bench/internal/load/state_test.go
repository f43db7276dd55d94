package load

import (
	"testing"
	"time"
)

// TestStatesAreHeld: sessions can be held before login, and while a message that
// was asked for isn't taken; dropping them leaves nothing behind.
func TestStatesAreHeld(t *testing.T) {
	target := serveBackend(t)
	greeted, err := Greet(t.Context(), target, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer greeted.Drop()
	stalled, err := Stall(t.Context(), target, 5, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer stalled.Drop()
	for _, c := range greeted.clients {
		if err := c.login(target); err != nil {
			t.Errorf("a session held before login can't log in: %v", err)
		}
	}
	for _, c := range stalled.clients {
		_ = c.conn.SetDeadline(time.Now().Add(opLimit))
		if err := c.ok("RETR"); err != nil {
			t.Errorf("a message that was asked for can't be taken: %v", err)
		}
	}
}

// TestResuming: with the target that Resuming returns every session is resumed,
// and with another one none.
func TestResuming(t *testing.T) {
	target := serveBackend(t)
	resuming, err := Resuming(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []Target{resuming, target} {
		if _, err := Sessions(t.Context(), of, 4, 40); err != nil {
			t.Error(err)
		}
	}
	target.Resume = true
	if _, err := Sessions(t.Context(), target, 1, 1); err == nil {
		t.Error("a session that was not resumed passes for one that was")
	}
}
