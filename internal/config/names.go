package config

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// maxName is the longest DNS name in its written form, in octets.
//
// RFC 1035 §2.3.4: names are limited to 255 octets as they are sent, which leaves
// 253 for the written form; labels to 63.
const maxName, maxLabelOctets = 253, 63

// hostName checks a DNS host name and returns it in lower case.
func hostName(s string) (string, *fault) {
	if why := notHost(lower(s)); why != "" {
		return "", &fault{"Invalid host name", fmt.Sprintf("%q is not a host name: %s.", s, why)}
	}
	return lower(s), nil
}

// domainName checks the part of user names behind the @ and returns it with ASCII
// letters in lower case. It may be written in another alphabet: clients send it as
// their users type it, and nothing is converted. But it must be the usual form of
// the name, in lower case, or no name would ever match it.
func domainName(s string) (string, *fault) {
	ascii, why := lower(s), ""
	if a, err := idna.Lookup.ToASCII(s); err == nil && !isASCII(s) {
		ascii = a
		if usual, err := idna.Lookup.ToUnicode(a); err == nil && usual != lower(s) {
			why = fmt.Sprintf("write it as %q", usual)
		}
	}
	if not := notHost(ascii); not != "" {
		why = not
	}
	if strings.HasPrefix(s, "@") {
		why = "leave the @ out"
	}
	if why != "" {
		return "", &fault{"Invalid domain name", fmt.Sprintf("%q is not a domain: %s.", s, why)}
	}
	return lower(s), nil
}

// notHost says why s, in lower case, is no DNS host name, and how to mend it; ""
// if it is one.
func notHost(s string) string {
	if !isASCII(s) {
		if a, err := idna.Lookup.ToASCII(s); err == nil && notHost(a) == "" {
			return fmt.Sprintf("write its ASCII form, %q", a)
		}
		return "write ASCII letters, digits, hyphens and dots"
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return "it is an address; write a name"
	}
	switch {
	case s == "":
		return "write a name, or leave the word out"
	case strings.Contains(s, "*"):
		return "a wildcard is not possible here; write each name"
	case strings.HasSuffix(s, "."):
		return "leave the dot at its end out"
	case strings.Contains(s, ":"):
		return "leave the port out"
	case len(s) > maxName:
		return fmt.Sprintf("it is longer than %d octets; write a shorter one", maxName)
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		switch {
		case label == "":
			return "there is nothing between two of its dots; write a name like pop.example.com"
		case len(label) > maxLabelOctets:
			return fmt.Sprintf("one of its parts is longer than %d octets; write a shorter one", maxLabelOctets)
		// RFC 1123 §2.1: letters, digits and hyphens, the hyphens inside.
		case label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
			return "write only letters, digits, dots, and hyphens between them"
		}
	}
	// RFC 1123 §2.1: the last part of a name is not all digits, so that a name
	// can't be taken for an address.
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "it looks like an address, but isn't one; write a name or a whole address"
	}
	return ""
}

// machineName is the default of hostname: what the system calls this machine, or
// "localhost" where that is no name to greet a client with.
func machineName(system func() (string, error)) string {
	name, err := system()
	if err != nil {
		return "localhost"
	}
	name, wrong := hostName(strings.TrimSuffix(name, "."))
	if wrong != nil {
		return "localhost"
	}
	return name
}

// maxUserName is the longest name of a user, in octets.
//
// RFC 4616 §2: names of up to 255 octets must be accepted; no backend needs more.
const maxUserName = 255

// userName reports whether a backend can be given s as the name of a user.
func userName(s string) bool {
	return s != "" && len(s) <= maxUserName && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) &&
		strings.TrimSpace(s) == s && !strings.HasSuffix(s, ".")
}

// filePath checks the path of a file; whether it is there shows when it is used.
func filePath(s string) (string, *fault) {
	if s == "" || strings.ContainsFunc(s, unicode.IsControl) || strings.HasSuffix(s, string(os.PathSeparator)) {
		return "", &fault{"Invalid file path", fmt.Sprintf("%q can't be the path of a file: write one such as \"tls/main.crt\".", s)}
	}
	return s, nil
}

// folderPath checks the path of a folder; whether it is there shows when it is used.
func folderPath(s string) (string, *fault) {
	if s == "" || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &fault{"Invalid folder path", fmt.Sprintf("%q can't be the path of a folder: write one such as \"/var/lib/popgate/acme\".", s)}
	}
	return filepath.Clean(s), nil
}

// socketPath checks the path of a unix socket to make; how long the whole of it is
// shows once it is known where it begins.
func socketPath(s string) (string, *fault) {
	if s == "" || strings.ContainsFunc(s, unicode.IsControl) || isFolder(s) {
		return "", &fault{"Invalid socket path", fmt.Sprintf("%q can't be the path of a socket: write one such as \"/run/popgate/admin.sock\".", s)}
	}
	return filepath.Clean(s), nil
}

// isFolder reports whether a path can only be that of a folder.
func isFolder(path string) bool {
	last := filepath.Base(path)
	return strings.HasSuffix(path, string(os.PathSeparator)) || last == "." || last == ".."
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
