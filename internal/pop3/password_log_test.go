package pop3_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	htmltemplate "html/template"
	"io"
	"log"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/hashicorp/go-hclog"
)

// loggers are the ways in which a value may get into a log line.
var loggers = map[string]func(w io.Writer, v any){
	"hclog text": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w}).Info("login", "value", v)
	},
	"hclog JSON": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w, JSONFormat: true}).Info("login", "value", v)
	},
	"hclog text With": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w}).With("value", v).Info("login")
	},
	"hclog JSON With": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w, JSONFormat: true}).With("value", v).Info("login")
	},
	"hclog Fmt": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w}).Info("login", "value", hclog.Fmt("%+v", v))
	},
	"hclog without a key": func(w io.Writer, v any) {
		hclog.New(&hclog.LoggerOptions{Output: w}).Info("login", v)
	},
	"slog text": func(w io.Writer, v any) {
		slog.New(slog.NewTextHandler(w, nil)).Info("login", "value", v)
	},
	"slog JSON": func(w io.Writer, v any) {
		slog.New(slog.NewJSONHandler(w, nil)).Info("login", "value", v)
	},
	"slog text group": func(w io.Writer, v any) {
		slog.New(slog.NewTextHandler(w, nil)).With("value", v).Info("login", slog.Group("g", "value", v))
	},
	"slog JSON group": func(w io.Writer, v any) {
		slog.New(slog.NewJSONHandler(w, nil)).With("value", v).Info("login", slog.Group("g", "value", v))
	},
	"log":   func(w io.Writer, v any) { log.New(w, "", 0).Print(v) },
	"Logln": func(w io.Writer, v any) { log.New(w, "", 0).Println("login", v) },
}

func TestPasswordLog(t *testing.T) {
	reachable, unreachable := carriers(secret(hidden))
	for how, write := range loggers {
		for _, carriers := range []map[string]any{reachable, unreachable} {
			for name, v := range carriers {
				var out bytes.Buffer
				write(&out, v)
				if r := leaks(out.String(), hidden); r != "" {
					t.Errorf("%s of %s leaks %q: %s", how, name, r, out.String())
				}
			}
		}
		for _, name := range []string{"value", "pointer", "credentials", "to credentials"} {
			var out bytes.Buffer
			write(&out, reachable[name])
			if !strings.Contains(out.String(), word) {
				t.Errorf("%s of %s: %s, want %s", how, name, out.String(), word)
			}
		}
	}
}

// hclog formats a key with %s.
func TestPasswordAsLogKey(t *testing.T) {
	reachable, _ := carriers(secret(hidden))
	for name, v := range reachable {
		var out bytes.Buffer
		hclog.New(&hclog.LoggerOptions{Output: &out}).Info("login", v, "value")
		if r := leaks(out.String(), hidden); r != "" || !strings.Contains(out.String(), word) {
			t.Errorf("%s: %s, want %s and no %q", name, out.String(), word, r)
		}
	}
}

func TestPasswordJSON(t *testing.T) {
	reachable, unreachable := carriers(secret(hidden))
	delete(reachable, "reflect.Value") // its fields are unexported
	for name, v := range reachable {
		out, err := json.MarshalIndent(v, "", " ")
		if err != nil || !bytes.Contains(out, []byte(word)) || leaks(string(out), hidden) != "" {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
	for name, v := range unreachable {
		if out, err := json.Marshal(v); leaks(string(out), hidden) != "" {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}

func TestPasswordEncoders(t *testing.T) {
	p := secret(hidden)
	if text, err := p.MarshalText(); string(text) != word || err != nil {
		t.Errorf("MarshalText() = %s, %v", text, err)
	}
	if out, err := xml.Marshal(p); !bytes.Contains(out, []byte(word)) || err != nil || leaks(string(out), hidden) != "" {
		t.Errorf("xml: %s, %v", out, err)
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(p); err == nil || leaks(out.String(), hidden) != "" {
		t.Errorf("gob: %q, %v, want a refusal", out.Bytes(), err)
	}
}

func TestPasswordTemplates(t *testing.T) {
	reachable, _ := carriers(secret(hidden))
	text := template.Must(template.New("").Parse(`{{.}} {{printf "%s" .}}`))
	html := htmltemplate.Must(htmltemplate.New("").Parse(`<a title="{{.}}">{{.}}</a><script>x = {{.}}</script>`))
	for _, name := range []string{"value", "pointer", "credentials", "exported fields"} {
		for how, tmpl := range map[string]interface{ Execute(io.Writer, any) error }{"text": text, "html": html} {
			var out bytes.Buffer
			if err := tmpl.Execute(&out, reachable[name]); err != nil {
				t.Errorf("%s of %s: %v", how, name, err)
			}
			if !strings.Contains(out.String(), word) || leaks(out.String(), hidden) != "" {
				t.Errorf("%s of %s: %s", how, name, out.String())
			}
		}
	}
}
