package logs

import (
	"bytes"

	"github.com/hashicorp/go-hclog"
)

// Notice returns a WriterOptions.Notice that looks like the other lines of a
// logger with this name, as text or as JSON: `log lines dropped`, and how many
// under the key `lines`. Only one goroutine may call it at a time, and what it
// returns is good until the next call.
func Notice(name string, json bool) func(lines int) []byte {
	var out bytes.Buffer
	log := hclog.New(&hclog.LoggerOptions{Name: name, JSONFormat: json, Output: &out})
	return func(lines int) []byte {
		out.Reset()
		log.Warn("log lines dropped", "lines", lines)
		return out.Bytes()
	}
}
