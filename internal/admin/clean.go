package admin

import (
	"reflect"
	"strings"
)

// cleaner is an answer that makes itself fit for a terminal, as it has texts of
// several lines.
type cleaner interface{ clean() }

// clean makes every text of an answer fit for a terminal. A [Server] has done so
// already; but a client can't know who is behind the socket.
func clean(answer any) {
	if own, ok := answer.(cleaner); ok {
		own.clean()
		return
	}
	cleanValue(reflect.ValueOf(answer))
}

// cleanValue walks through what encoding/json can have filled. TestCleanable
// insists that answers are made of what it knows.
func cleanValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			cleanValue(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			cleanValue(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			cleanValue(v.Field(i))
		}
	case reflect.String:
		if v.CanSet() { // not within a time or an address: those have been parsed
			v.SetString(printable(v.String()))
		}
	}
}

// clean leaves lines as they are, and as long as they are.
func (a *configAnswer) clean() {
	lines := strings.Split(a.HCL, "\n")
	for i, line := range lines {
		lines[i] = visible(line)
	}
	a.HCL = strings.Join(lines, "\n")
}
