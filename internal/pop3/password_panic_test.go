package pop3_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"popgate/internal/pop3"
)

// panicEnv tells TestMain how to die, see die.
const panicEnv = "POPGATE_TEST_PANIC"

// panics are ways to end a program with a password in hand. Each value is what
// panic is called with.
var panics = map[string]func(p pop3.Password) any{
	"value":       func(p pop3.Password) any { return p },
	"pointer":     func(p pop3.Password) any { return &p },
	"credentials": func(p pop3.Password) any { return pop3.Credentials{Name: "joe", Password: p} },
	"error":       func(p pop3.Password) any { return fmt.Errorf("login %v: %w", p, errors.New("refused")) },
	"string":      func(p pop3.Password) any { return fmt.Sprintf("login %+v", pop3.Credentials{Password: p}) },
	"nil map": func(p pop3.Password) any {
		var m map[pop3.Password]pop3.Password
		//lint:ignore SA5000 the panic is what is wanted
		m[p] = p // a runtime error, in a frame that has p as its argument
		return nil
	},
}

// die panics with the secret on the stack.
func die(kind string) {
	p := secret(hidden)
	panic(panics[kind](p))
}

// What a dying process prints, stacks of all goroutines included, holds no secret.
func TestPasswordPanic(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for kind := range panics {
		t.Run(kind, func(t *testing.T) {
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), panicEnv+"="+kind, "GOTRACEBACK=system")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "panic: ") || !strings.Contains(string(out), "goroutine ") {
				t.Fatalf("it did not panic: %v\n%s", err, out)
			}
			if r := leaks(string(out), hidden); r != "" {
				t.Errorf("leaks %q:\n%s", r, out)
			}
		})
	}
}

// The same for a panic that a session recovers from and logs.
func TestPasswordRecover(t *testing.T) {
	for kind, value := range panics {
		out := func() (out string) {
			defer func() {
				v := recover()
				out = fmt.Sprintf("%v %+v %#v %s", v, v, v, debug.Stack())
			}()
			panic(value(secret(hidden)))
		}()
		if r := leaks(out, hidden); r != "" {
			t.Errorf("%s leaks %q: %s", kind, r, out)
		}
		if kind != "nil map" && !strings.Contains(out, word) {
			t.Errorf("%s: %s, want %s", kind, out, word)
		}
	}
}
