package poptest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// unescape turns a transcript's text into the bytes that it stands for.
func unescape(text string) ([]byte, error) {
	var out []byte
	for text != "" {
		plain, rest, found := strings.Cut(text, `\`)
		out = append(out, plain...)
		if !found {
			break
		}
		bytes, rest, err := escape(rest)
		if err != nil {
			return nil, err
		}
		out, text = append(out, bytes...), rest
	}
	return out, nil
}

// simple are the escapes of one letter.
var simple = map[byte]byte{'r': '\r', 'n': '\n', 't': '\t', '0': 0, '\\': '\\'}

// escape decodes the escape whose backslash is already cut off text.
func escape(text string) (out []byte, rest string, err error) {
	if text == "" {
		return nil, "", errors.New(`a \ with nothing behind it`)
	}
	if b, ok := simple[text[0]]; ok {
		return []byte{b}, text[1:], nil
	}
	switch text[0] {
	case 'x':
		if len(text) < 3 {
			return nil, "", errors.New(`\x needs two hex digits`)
		}
		b, err := strconv.ParseUint(text[1:3], 16, 8)
		if err != nil {
			return nil, "", fmt.Errorf(`\x%s: not two hex digits`, text[1:3])
		}
		return []byte{byte(b)}, text[3:], nil
	case '{':
		return repetition(text[1:])
	}
	return nil, "", fmt.Errorf(`unknown escape \%c`, text[0])
}

// repetition decodes N:text} of \{N:text}. The text holds no brace but as \x7d.
func repetition(text string) (out []byte, rest string, err error) {
	inside, rest, closed := strings.Cut(text, "}")
	count, once, counted := strings.Cut(inside, ":")
	n, err := strconv.ParseUint(count, 10, 21)
	if !closed || !counted || err != nil {
		return nil, "", errors.New(`\{ must read \{300:text}`)
	}
	unit, err := unescape(once)
	if err != nil {
		return nil, "", err
	}
	return []byte(strings.Repeat(string(unit), int(n))), rest, nil
}
