package authz

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestFingerprint: equal for the same password of the same user in the same
// process, and for nothing else.
func TestFingerprint(t *testing.T) {
	a, b := guardWith(roomy), guardWith(roomy)
	seen := make(map[uint64]string)
	for _, user := range []string{"", "a", "ab", "joe", "JOE", "joe\x00", strings.Repeat("x", 300)} {
		for _, password := range []string{"", "a", "b", "bc", "c", "\x00c", "joe", "correct horse", strings.Repeat("y", 300)} {
			what := fmt.Sprintf("%.10q %.20q", user, password)
			print := a.Fingerprint(user, []byte(password))
			if other, ok := seen[print]; ok {
				t.Errorf("%s and %s have one fingerprint", what, other)
			}
			seen[print] = what
			if a.Fingerprint(user, []byte(password)) != print {
				t.Errorf("%s: two fingerprints", what)
			}
			if b.Fingerprint(user, []byte(password)) == print {
				t.Errorf("%s: the same fingerprint in another process", what)
			}
		}
	}
	password := []byte("unchanged")
	a.Fingerprint("joe", password)
	if string(password) != "unchanged" {
		t.Error("the password was changed")
	}
}

// TestNoPasswordIsKept: whatever becomes of logins, no byte of a password can be
// found in a Guard afterwards, nor printed with it, nor its fingerprint.
func TestNoPasswordIsKept(t *testing.T) {
	const canary = "canary-5ecret"
	g, clock := timed(Rules{
		Limits:   Limits{Connections: 9, ConnectionsBeforeLogin: 9, ConnectionsPerIP: 9, ConnectionsPerTenant: 9, ConnectionsPerUser: 9, LoginRate: perMinute(99), LoginRatePerIP: perMinute(99), LoginRatePerUser: perMinute(99)},
		Tenants:  map[string]Tenant{"t": {LoginDelay: time.Minute}},
		Blocking: usual,
	})
	var told []any // all that a caller learns
	s := &Subject{Addr: addr("192.0.2.1"), User: "user-in-sight", Tenant: "t"}
	for i := range 8 {
		denied, blocks := attempt(g, s, fmt.Sprint(canary, i), false)
		told = append(told, denied, blocks)
	}
	clock.pass(time.Hour)
	denied, blocks := attempt(g, s, canary, true)
	lease := admit(t, g, Login, s)
	defer lease.Release()
	lease.LoggedIn()
	guess(t, g, s, canary)
	told = append(told, denied, blocks, g.Blocks(t.Context()), g.Look(t.Context(), s), lease)

	if !holds(g, "user-in-sight") {
		t.Fatal("the search finds nothing at all")
	}
	if holds(g, canary) || holds(lease, canary) {
		t.Error("a password is in memory")
	}
	print := g.Fingerprint(s.User, []byte(canary+"1"))
	for _, format := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(format, g) + fmt.Sprintf(format, g.store) + fmt.Sprintf(format, told)
		for _, secret := range []string{canary, fmt.Sprint([]byte(canary)), fmt.Sprint(print), fmt.Sprintf("%#x", print)} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", format, secret)
			}
		}
	}
}

// holds tells whether text is in the memory that can be reached from v, as a
// string or as bytes.
func holds(v any, text string) bool {
	seen := make(map[any]bool)
	var find func(v reflect.Value) bool
	find = func(v reflect.Value) bool {
		switch v.Kind() {
		case reflect.String:
			return strings.Contains(v.String(), text)
		case reflect.Pointer, reflect.Interface:
			if v.IsNil() {
				return false
			}
			if v.Kind() == reflect.Pointer {
				place := [2]any{v.Type(), v.Pointer()}
				if seen[place] {
					return false
				}
				seen[place] = true
			}
			return find(v.Elem())
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				content := make([]byte, v.Len())
				for i := range content {
					content[i] = byte(v.Index(i).Uint())
				}
				return bytes.Contains(content, []byte(text))
			}
			for i := range v.Len() {
				if find(v.Index(i)) {
					return true
				}
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if find(v.Field(i)) {
					return true
				}
			}
		case reflect.Map:
			for entries := v.MapRange(); entries.Next(); {
				if find(entries.Key()) || find(entries.Value()) {
					return true
				}
			}
		}
		return false
	}
	return find(reflect.ValueOf(v))
}
