package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"unicode/utf8"
)

// readBody decodes the body of a request, which receive has bounded.
func readBody(r *http.Request, into any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	return decodeBody(body, into)
}

// field names where in an object something is.
func field(path string) string {
	if path == "" {
		return ""
	}
	return "at " + brief(path) + " "
}

// decodeBody decodes a body that is one JSON object. A word that isn't known is
// an error: without it, something else would be done than was meant.
func decodeBody(body []byte, into any) error {
	// encoding/json would make one name of many.
	if !utf8.Valid(body) {
		return errors.New("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fmt.Errorf("the body is no JSON object for this call: %sa %s stands where it can't", field(kind.Field), kind.Value)
		}
		return fmt.Errorf("the body is no JSON object for this call: %s", brief(fieldOf(body, into)+err.Error()))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the object in the body")
	}
	return nil
}

// fieldOf names the field of a body that can't be decoded, with a colon behind it;
// "": it is none. encoding/json leaves it out where a type decodes itself.
func fieldOf(body []byte, into any) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		alone, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err == nil && json.Unmarshal(alone, reflect.New(reflect.TypeOf(into).Elem()).Interface()) != nil {
			return name + ": "
		}
	}
	return ""
}
