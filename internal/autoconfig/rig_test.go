package autoconfig_test

import (
	"crypto/tls"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"popgate/internal/autoconfig"
)

// served are the domains of most tests.
var served = autoconfig.Domains{
	"example.com":   {Server: "pop.example.com", Port: 995},
	"local.example": {Server: "pop.local.example", Port: 1110, StartTLS: true, LocalPart: true},
	"sends.example": {Server: "pop.sends.example", Port: 995, LocalPart: true,
		Outgoing: autoconfig.Outgoing{Server: "smtp.sends.example", Port: 587, StartTLS: true}},
	"sends-tls.example": {Server: "pop.sends.example", Port: 110, StartTLS: true,
		Outgoing: autoconfig.Outgoing{Server: "smtp.sends.example", Port: 465}},
	"xn--bcher-kva.example": {Server: "pop.example.com", Port: 995},
}

const (
	thunderbirdPath  = "/mail/config-v1.1.xml"
	autodiscoverPath = "/autodiscover/autodiscover.xml"
)

// clientConfig is Thunderbird's file as a client reads it.
type clientConfig struct {
	XMLName  xml.Name `xml:"clientConfig"`
	Version  string   `xml:"version,attr"`
	Provider struct {
		ID     string         `xml:"id,attr"`
		Domain []string       `xml:"domain"`
		Name   string         `xml:"displayName"`
		Server []clientServer `xml:"incomingServer"`
		Sends  []clientServer `xml:"outgoingServer"`
	} `xml:"emailProvider"`
}

type clientServer struct {
	Type           string `xml:"type,attr"`
	Hostname       string `xml:"hostname"`
	Port           int    `xml:"port"`
	SocketType     string `xml:"socketType"`
	Authentication string `xml:"authentication"`
	Username       string `xml:"username"`
}

// knownProtocol is a part of that.
type knownProtocol struct {
	Type, Server, LoginName                                        string
	Port                                                           int
	DomainRequired, SPA, SSL, Encryption, AuthRequired, UsePOPAuth string
}

// discovered is Autodiscover's answer as a client reads it, name spaces included.
type discovered struct {
	XMLName xml.Name `xml:"http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006 Autodiscover"`
	Answer  struct {
		Type     string          `xml:"Account>AccountType"`
		Action   string          `xml:"Account>Action"`
		Protocol []knownProtocol `xml:"Account>Protocol"`
	} `xml:"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a Response"`
}

// request is what Outlook sends about an address, which must need no escapes.
func request(address string) string {
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>%s</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>`, address)
}

// asks is a request's answer, over TLS if secure.
func asks(handler http.Handler, secure bool, method, url, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.TLS = nil
	if secure {
		r.TLS = new(tls.ConnectionState)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

// serving is a server for the served domains.
func serving(opts autoconfig.Options) *autoconfig.Server {
	s := autoconfig.New(opts)
	s.Use(served)
	return s
}

// decode reads the whole of text into v, which is one element.
func decode(tb testing.TB, text string, v any) {
	tb.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	if err := d.Decode(v); err != nil {
		tb.Fatalf("%v in %q", err, text)
	}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if space, is := token.(xml.CharData); err != nil || !is || strings.TrimSpace(string(space)) != "" {
			tb.Fatalf("more than one element: %v, %v in %q", token, err, text)
		}
	}
}
