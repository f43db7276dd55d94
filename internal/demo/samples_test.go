package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"image/png"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSamplesAreMails(t *testing.T) {
	all := Samples()
	if len(all) != 3 {
		t.Fatalf("%d samples", len(all))
	}
	bare := regexp.MustCompile(`\r[^\n]|[^\r]\n`)
	for i, text := range all {
		if bare.Match(text) || !bytes.HasSuffix(text, []byte("\r\n")) {
			t.Errorf("sample %d has line ends other than CRLF", i+1)
		}
		m, err := mail.ReadMessage(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("sample %d: %v", i+1, err)
		}
		if _, err := m.Header.Date(); err != nil {
			t.Errorf("sample %d: %v", i+1, err)
		}
		for _, field := range []string{"From", "To"} {
			if _, err := m.Header.AddressList(field); err != nil {
				t.Errorf("sample %d: %s: %v", i+1, field, err)
			}
		}
		for line := range strings.Lines(string(text)) {
			if len(line) > 80 && i != 1 || len(line) > 998 {
				t.Errorf("sample %d has a line of %d octets", i+1, len(line))
			}
		}
	}
	// Every call gives mails of its own.
	all[0][0] = '!'
	if Samples()[0][0] == '!' {
		t.Error("a caller's change shows in the next caller's sample")
	}
}

func TestSampleWithDots(t *testing.T) {
	text := string(Samples()[0])
	for _, want := range []string{"\r\n.\r\n", "\r\n..\r\n", "\r\n.profile\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q", want)
		}
	}
}

func TestSampleWith8Bit(t *testing.T) {
	text := Samples()[1]
	if !utf8.Valid(text) || !bytes.ContainsFunc(text, func(r rune) bool { return r > 0xffff }) {
		t.Error("no UTF-8 with characters of one to four bytes")
	}
}

func TestSampleWithAttachments(t *testing.T) {
	m, err := mail.ReadMessage(bytes.NewReader(Samples()[2]))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.FileName() != "" {
			data, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
			if err != nil {
				t.Fatal(err)
			}
			files[part.FileName()] = data
		}
	}
	table := csv.NewReader(bytes.NewReader(files["week.csv"]))
	table.Comma = ';'
	if rows, err := table.ReadAll(); err != nil || len(rows) != 4 {
		t.Errorf("table: %v, %v", rows, err)
	}
	if picture, err := png.Decode(bytes.NewReader(files["envelope.png"])); err != nil || picture.Bounds().Dx() != 16 {
		t.Errorf("picture: %v", err)
	}
}
