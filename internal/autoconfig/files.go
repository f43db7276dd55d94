package autoconfig

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// clientConfig is Thunderbird's file, as far as POP3 needs it. Thunderbird throws one
// away that has no outgoing server.
type clientConfig struct {
	XMLName  xml.Name      `xml:"clientConfig"`
	Version  string        `xml:"version,attr"`
	Provider emailProvider `xml:"emailProvider"`
}

type emailProvider struct {
	ID        string        `xml:"id,attr"`
	Domain    string        `xml:"domain"`
	Name      string        `xml:"displayName"`
	ShortName string        `xml:"displayShortName"`
	Incoming  clientServer  `xml:"incomingServer"`
	Outgoing  *clientServer `xml:"outgoingServer,omitempty"`
}

type clientServer struct {
	Type           string `xml:"type,attr"`
	Hostname       string `xml:"hostname"`
	Port           int    `xml:"port"`
	SocketType     string `xml:"socketType"`
	Authentication string `xml:"authentication"`
	Username       string `xml:"username"`
}

// thunderbirdFile is the answer about a domain. Clients replace the words between
// percent signs.
func thunderbirdFile(domain string, s Settings) []byte {
	user := "%EMAILADDRESS%"
	if s.LocalPart {
		user = "%EMAILLOCALPART%"
	}
	provider := emailProvider{ID: domain, Domain: domain, Name: domain, ShortName: domain,
		Incoming: serverOf("pop3", s.Server, s.Port, s.StartTLS, user)}
	if out := s.Outgoing; out.Server != "" {
		server := serverOf("smtp", out.Server, out.Port, out.StartTLS, user)
		provider.Outgoing = &server
	}
	return file(clientConfig{Version: "1.1", Provider: provider})
}

func serverOf(kind, host string, port int, startTLS bool, user string) clientServer {
	server := clientServer{
		Type: kind, Hostname: host, Port: port, SocketType: "SSL",
		Authentication: "password-cleartext", // as it is under TLS
		Username:       user,
	}
	if startTLS {
		server.SocketType = "STARTTLS"
	}
	return server
}

// The name spaces of Autodiscover.
const (
	autodiscoverSpace = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
	outlookSpace      = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
)

// discovered is Autodiscover's answer (MS-OXDSCLI §2.2.4).
type discovered struct {
	XMLName  xml.Name         `xml:"Autodiscover"`
	Space    string           `xml:"xmlns,attr"`
	Response discoveredAnswer `xml:"Response"`
}

type discoveredAnswer struct {
	Space   string  `xml:"xmlns,attr"`
	Account account `xml:"Account"`
}

type account struct {
	Type      string     `xml:"AccountType"`
	Action    string     `xml:"Action"`
	Protocols []protocol `xml:"Protocol"`
}

// protocol is one way to the mail. Encryption is what later versions of Outlook
// read, SSL what all do.
type protocol struct {
	Type           string `xml:"Type"`
	Server         string `xml:"Server"`
	Port           int    `xml:"Port"`
	LoginName      string `xml:"LoginName"`
	DomainRequired string `xml:"DomainRequired"`
	SPA            string `xml:"SPA"`
	SSL            string `xml:"SSL"`
	Encryption     string `xml:"Encryption"`
	AuthRequired   string `xml:"AuthRequired"`
	// UsePOPAuth: the password is that of POP3. For SMTP only.
	UsePOPAuth string `xml:"UsePOPAuth,omitempty"`
}

// autodiscoverFile is the answer for a user who logs in as login.
func autodiscoverFile(login string, s Settings) []byte {
	protocols := []protocol{protocolOf("POP3", s.Server, s.Port, s.StartTLS, login)}
	if out := s.Outgoing; out.Server != "" {
		smtp := protocolOf("SMTP", out.Server, out.Port, out.StartTLS, login)
		smtp.UsePOPAuth = "on"
		protocols = append(protocols, smtp)
	}
	return file(discovered{
		Space: autodiscoverSpace,
		Response: discoveredAnswer{
			Space:   outlookSpace,
			Account: account{Type: "email", Action: "settings", Protocols: protocols},
		},
	})
}

func protocolOf(kind, server string, port int, startTLS bool, login string) protocol {
	p := protocol{
		Type: kind, Server: server, Port: port, LoginName: login,
		DomainRequired: "off", SPA: "off", SSL: "on", Encryption: "SSL", AuthRequired: "on",
	}
	if startTLS {
		// SSL would mean TLS from the first byte.
		p.SSL, p.Encryption = "off", "TLS"
	}
	return p
}

// file is a whole answer. What was put in comes out escaped.
func file(v any) []byte {
	body, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("autoconfig: %v", err)) // can't be: all fields are texts and numbers
	}
	return append(append([]byte(xml.Header), body...), '\n')
}

// discovery is an Autodiscover request (MS-OXDSCLI §2.2.3). Of its name spaces
// nothing is asked: clients differ there.
type discovery struct {
	XMLName xml.Name `xml:"Autodiscover"`
	Address string   `xml:"Request>EMailAddress"`
	Schema  string   `xml:"Request>AcceptableResponseSchema"`
}

// errOtherSchema is a request for what isn't known here, such as settings of
// Exchange ActiveSync.
var errOtherSchema = errors.New("another response schema is asked for")

// requestedAddress reads the address that an Autodiscover request is about, "" if it
// is about none. Entities but those of XML itself are an error, and so are other
// encodings than UTF-8.
func requestedAddress(r io.Reader) (string, error) {
	var d discovery
	if err := xml.NewDecoder(r).Decode(&d); err != nil {
		return "", err
	}
	if schema := strings.TrimSpace(d.Schema); schema != "" && !strings.EqualFold(schema, outlookSpace) {
		return "", errOtherSchema
	}
	return strings.TrimSpace(d.Address), nil
}
