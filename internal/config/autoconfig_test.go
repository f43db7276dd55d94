package config

import (
	"fmt"
	"testing"
)

// The port that clients are told, and whether they start in clear there, follow from
// the listeners unless the port is written.
func TestAutoconfigPort(t *testing.T) {
	implicit := "listener \"i\" {\n address = \":1995\"\n}\n"
	starttls := "listener \"s\" {\n address = \"127.0.0.1:1110\"\n tls = \"starttls\"\n}\n"
	for _, test := range []struct {
		listeners, port string
		want            int
		startTLS        bool
	}{
		{"", "", 995, false},
		{implicit, "", 1995, false},
		{starttls, "", 1110, true},
		{starttls + implicit, "", 1995, false},
		{starttls + implicit, "port = 1110", 1110, true},
		{starttls + implicit, "port = 995", 995, false},
		{starttls, "port = 110", 110, true},
		{"listener \"any\" {\n address = \":0\"\n}\n", "port = 995", 995, false},
	} {
		got := parse(t, fmt.Sprintf("%stls {\n acme { hosts = [\"pop.example.com\"] }\n}\nbackend \"b\" {\n address = \"10.0.0.5\"\n}\nautoconfig {\n domains = [\"example.com\"]\n%s\n}\n",
			test.listeners, test.port)).Autoconfig
		if got.Port != test.want || got.StartTLS != test.startTLS {
			t.Errorf("%s%s: %+v", test.listeners, test.port, got)
		}
	}
}

// The port of submission follows from how TLS begins there.
func TestAutoconfigSMTP(t *testing.T) {
	for words, want := range map[string]SMTP{
		"":                                  {"smtp.example.com", 465, false},
		"tls = \"starttls\"\n":              {"smtp.example.com", 587, true},
		"port = 25\n":                       {"smtp.example.com", 25, false},
		"port = 465\n tls = \"starttls\"\n": {"smtp.example.com", 465, true},
	} {
		got := parse(t, fmt.Sprintf("tls {\n acme { hosts = [\"pop.example.com\"] }\n}\nbackend \"b\" {\n address = \"10.0.0.5\"\n}\n"+
			"autoconfig {\n domains = [\"example.com\"]\n smtp {\n server = \"SMTP.example.com\"\n%s}\n}\n", words)).Autoconfig
		if got.SMTP == nil || *got.SMTP != want {
			t.Errorf("%s: %+v", words, got.SMTP)
		}
	}
}

// Nothing is told unless the block is there.
func TestAutoconfigIsOff(t *testing.T) {
	if got := parse(t, "tls {\n self_signed = true\n}\nbackend \"b\" {\n address = \"10.0.0.5\"\n}\n").Autoconfig; got != nil {
		t.Errorf("%+v", got)
	}
}
