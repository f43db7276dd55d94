package pop3_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

const (
	word   = "[password]"
	hidden = "hunter2-Hunter2"
)

// leaks returns the rendering of the first octets of s that out holds, if any.
func leaks(out, s string) string {
	head := []byte(s[:4])
	for _, form := range []string{"%s", "%x", "%X", "% x", "% X", "% #x", "%d", "%o", "%b", "%c", "%q", "%U", "%08b", "%+d"} {
		if r := strings.Trim(fmt.Sprintf(form, head), `[]"`); strings.Contains(out, r) {
			return r
		}
	}
	for _, r := range []string{"0x68, 0x75, 0x6e", "0x68 0x75 0x6e", "aHVudGVy"} {
		if strings.Contains(out, r) {
			return r
		}
	}
	return ""
}

// open and closed hold the same secret in exported and unexported fields.
type (
	open struct {
		P  pop3.Password
		Q  *pop3.Password
		C  pop3.Credentials
		S  []pop3.Password
		M  map[string]pop3.Password
		A  any
		In struct{ C *pop3.Credentials }
	}
	closed struct {
		p  pop3.Password
		q  *pop3.Password
		c  pop3.Credentials
		s  []pop3.Password
		m  map[pop3.Password]pop3.Password
		a  any
		in struct{ c *pop3.Credentials }
		o  open
	}
	embedded struct{ pop3.Password }
	inner    struct{ pop3.Credentials }
)

// carriers are values that hold p. Those that fmt reaches by exported ways
// must print the word; of the others it's enough that they don't leak.
func carriers(p pop3.Password) (reachable, unreachable map[string]any) {
	c := pop3.Credentials{Mechanism: "USER", Name: "joe", Password: p}
	o := open{P: p, Q: &p, C: c, S: []pop3.Password{p}, M: map[string]pop3.Password{"k": p}, A: p}
	o.In.C = &c
	h := closed{p: p, q: &p, c: c, s: []pop3.Password{p}, m: map[pop3.Password]pop3.Password{p: p}, a: p, o: o}
	h.in.c = &c
	reachable = map[string]any{
		"value":             p,
		"pointer":           &p,
		"credentials":       c,
		"to credentials":    &c,
		"exported fields":   o,
		"to exported":       &o,
		"embedded":          embedded{p},
		"to embedded":       &embedded{p},
		"embedded inner":    inner{c},
		"slice":             []pop3.Password{p, p},
		"slice of pointers": []*pop3.Password{&p},
		"array":             [2]pop3.Password{p, p},
		"to array":          &[1]pop3.Password{p},
		"map value":         map[string]pop3.Password{"k": p},
		"map key":           map[pop3.Password]int{p: 1},
		"any":               []any{p, &p, c, []any{p}},
		"reflect.Value":     reflect.ValueOf(c),
	}
	unreachable = map[string]any{
		"unexported fields":          h,
		"to unexported":              &h,
		"slice of unexported":        []closed{h},
		"map of unexported":          map[string]closed{"k": h},
		"unexported in any":          []any{h, &h},
		"pointer to pointer":         func() any { q := &p; return &q }(),
		"channel":                    make(chan pop3.Password),
		"method value":               p.Reveal,
		"reflected unexported field": reflect.ValueOf(h).FieldByName("p"),
	}
	return reachable, unreachable
}

// verbs are all letters, known to fmt or not, with flags of every kind.
func verbs() []string {
	var list []string
	for _, flags := range []string{"", "+", "-", "#", " ", "0", "# ", "+#", "30", "-30", ".3", "5.1", "+030.9"} {
		for _, letter := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!" {
			list = append(list, "%"+flags+string(letter))
		}
	}
	return list
}

func TestPasswordFmt(t *testing.T) {
	reachable, _ := carriers(secret(hidden))
	for name, v := range reachable {
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs() {
				out := fmt.Sprintf(verb, v)
				if r := leaks(out, hidden); r != "" {
					t.Fatalf("%s leaks %q: %s", verb, r, out)
				}
				// fmt answers these itself: a type, an address, a complaint.
				if !strings.ContainsAny(verb, "Tpw!") && !strings.Contains(out, word) {
					t.Fatalf("%s: %s, want %s", verb, out, word)
				}
			}
		})
	}
}

func TestPasswordFmtUnexported(t *testing.T) {
	_, unreachable := carriers(secret(hidden))
	for name, v := range unreachable {
		t.Run(name, func(t *testing.T) {
			for _, verb := range verbs() {
				out := fmt.Sprintf(verb, v)
				if r := leaks(out, hidden); r != "" {
					t.Fatalf("%s leaks %q: %s", verb, r, out)
				}
			}
		})
	}
}

// The same look at types that are not careful finds the secret, so that the
// tests here can fail.
func TestPasswordFmtOfOthers(t *testing.T) {
	type masked struct{ secret []byte } // with Format and String it would be the same
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U"} {
		if out := fmt.Sprintf(verb, struct{ p masked }{masked{[]byte(hidden)}}); leaks(out, hidden) == "" {
			t.Errorf("%s: no leak seen in %s", verb, out)
		}
	}
	if out := fmt.Sprint(hidden); leaks(out, hidden) == "" {
		t.Error("no leak seen in the secret itself")
	}
}

func TestPasswordPrint(t *testing.T) {
	p := secret(hidden)
	verbless := "login" // a variable, as vet would see the mistake
	for name, out := range map[string]string{
		"Sprint":   fmt.Sprint(p),
		"Sprintln": fmt.Sprintln(p, &p),
		"String":   p.String(),
		"GoString": p.GoString(),
		//lint:ignore SA5009 the extra argument is what is printed
		"extra":      fmt.Sprintf(verbless, p),
		"Errorf":     fmt.Errorf("login %v: %w", p, errors.New("refused")).Error(),
		"Join":       errors.Join(fmt.Errorf("login %s", p), fmt.Errorf("login %+v", &p)).Error(),
		"zero value": fmt.Sprint(pop3.Password{}),
	} {
		if !strings.Contains(out, word) || leaks(out, hidden) != "" {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func TestPasswordReveal(t *testing.T) {
	typed := []byte(hidden)
	p := pop3.NewPassword(typed)
	clear(typed) // a copy was taken
	other := p
	if string(p.Reveal()) != hidden || string(other.Reveal()) != hidden {
		t.Errorf("Reveal() = %q and %q", p.Reveal(), other.Reveal())
	}
	if b := (pop3.Password{}).Reveal(); b != nil {
		t.Errorf("the zero value reveals %q", b)
	}
	if b := pop3.NewPassword(nil).Reveal(); len(b) != 0 {
		t.Errorf("a password of nothing reveals %q", b)
	}
}

func TestPasswordWipe(t *testing.T) {
	p := secret(hidden)
	other, revealed := p, p.Reveal()
	p.Wipe()
	if len(p.Reveal()) != 0 || len(other.Reveal()) != 0 {
		t.Errorf("after Wipe: %q, and the copy %q", p.Reveal(), other.Reveal())
	}
	if string(revealed) != strings.Repeat("\x00", len(hidden)) {
		t.Errorf("the secret's memory holds %q", revealed)
	}
	p.Wipe() // again, and of nothing, is harmless
	pop3.Password{}.Wipe()
	if out := fmt.Sprint(p); out != word {
		t.Errorf("after Wipe it prints as %s", out)
	}
}
