package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
)

// answers are what a Client decodes.
var answers = []any{
	new(certificateList), new(Certificate), new(Probe), new(Explanation), new(BlockList), new(clearedBlocks),
	new(SessionList), new(Session), new(kicked), new(backendList), new(Backend), new(Status), new(readyAnswer), new(health),
	new(done), new(LogLevel), new(TraceEvent),
}

// TestCleanable: clean knows every kind of value that can hold a text.
func TestCleanable(t *testing.T) {
	for _, answer := range answers {
		cleanable(t, reflect.TypeOf(answer))
	}
}

func cleanable(t *testing.T, is reflect.Type) {
	t.Helper()
	switch is.Kind() {
	case reflect.Pointer, reflect.Slice:
		cleanable(t, is.Elem())
	case reflect.Struct:
		if reflect.PointerTo(is).Implements(reflect.TypeFor[json.Unmarshaler]()) || is.PkgPath() == "net/netip" {
			return // it takes nothing that it can't parse
		}
		for i := range is.NumField() {
			cleanable(t, is.Field(i).Type)
		}
	case reflect.Map, reflect.Interface, reflect.Array, reflect.Chan, reflect.Func:
		t.Errorf("%v may hold texts that stay as they came", is)
	}
}

// TestHostileAnswers: whoever answers on the socket, nothing that moves a cursor
// comes out of a Client.
func TestHostileAnswers(t *testing.T) {
	const evil = "\x1b]0;x\x07\u009b2J\u202e\r\nx"
	for _, answer := range answers {
		fill(reflect.ValueOf(answer).Elem(), evil)
		sent, err := json.Marshal(answer)
		must(t, err)
		got := reflect.New(reflect.TypeOf(answer).Elem()).Interface()
		must(t, decode(http.StatusOK, strings.NewReader(string(sent)), got))
		text := fmt.Sprintf("%+v", deref(got))
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) && r != ' ' }) {
			t.Errorf("%T has %q", answer, text)
		}
	}
	var config configAnswer
	must(t, decode(http.StatusOK, strings.NewReader(`{"hcl":"a\u001b[2J\nb`+strings.Repeat("x", 2*maxText)+`\n"}`), &config))
	if want := "a\uFFFD[2J\nb" + strings.Repeat("x", 2*maxText) + "\n"; config.HCL != want {
		t.Errorf("%q", config.HCL)
	}
}

// deref is a value as JSON has it, so that pointers are shown as what they point
// to.
func deref(v any) any {
	body, _ := json.Marshal(v)
	var all any
	_ = json.Unmarshal(body, &all)
	return all
}

// fill puts text wherever text can be.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() || v.Type().PkgPath() == "net/netip" {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.String:
		v.SetString(text)
	}
}
