package config

import (
	"fmt"
	"strings"
)

// reserved says why a capability can't be set: popgate announces it by itself, or
// promises in it what it doesn't know.
var reserved = map[string]string{
	"AUTH-RESP-CODE": "popgate announces it by itself",
	"EXPIRE":         "it may differ between users and is shown after login by the backend itself",
	"IMPLEMENTATION": "it tells strangers what runs here; the backend shows its own after login",
	"LANG":           "popgate doesn't pass LANG on",
	"RESP-CODES":     "popgate announces it by itself",
	"SASL":           "popgate announces the mechanisms that it takes by itself",
	"STLS":           "popgate announces it by itself where it can be used",
	"USER":           "popgate announces it by itself where it can be used",
	"UTF8":           "popgate doesn't pass UTF8 on, and clients such as Outlook break if the backend lacks it",
}

// maxCapability is the longest line of a capability, in octets.
//
// RFC 2449 §3: a capability is at most 512 octets long with its CRLF.
const maxCapability = 510

// capability checks a line of CAPA and returns it in upper case.
func capability(s string) (string, *fault) {
	upper := strings.ToUpper(s)
	tag, _, _ := strings.Cut(upper, " ")
	if why := reserved[tag]; why != "" {
		return "", &fault{"Capability not allowed", fmt.Sprintf("%s can't be set: %s. Take it away.", tag, why)}
	}
	good := s != "" && len(s) <= maxCapability && !strings.Contains(tag, ".")
	for _, param := range strings.Split(s, " ") {
		good = good && param != ""
	}
	for i := range len(s) {
		// RFC 2449 §3: a tag and its parameters are printable ASCII.
		good = good && s[i] >= ' ' && s[i] < 0x7f
	}
	if !good {
		return "", &fault{"Invalid capability token",
			fmt.Sprintf("%q is not a capability: write one in ASCII letters, as in \"TOP\" or \"LOGIN-DELAY 60\", with single spaces.", s)}
	}
	return upper, nil
}
