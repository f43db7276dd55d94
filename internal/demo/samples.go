package demo

import (
	"bytes"
	"embed"
	"io/fs"
)

// mails are the sample mails, with bare LF as line ends so that they can be
// edited.
//
//go:embed mails/*.eml
var mails embed.FS

// Samples returns mails to put into a demonstration's maildrop, each of which
// shows something that a proxy could break: lines that start with dots, 8-bit
// text, an attachment. They are copies, with CRLF as line ends.
func Samples() [][]byte {
	names, err := fs.Glob(mails, "mails/*.eml")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	var all [][]byte
	for _, name := range names {
		text, err := mails.ReadFile(name)
		if err != nil {
			panic(err) // Glob has just found it
		}
		// Some checkouts turn LF into CRLF by themselves.
		text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
		all = append(all, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")))
	}
	return all
}
