package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// directories are the CAs that have a word of their own.
var directories = map[string]string{
	"letsencrypt":         "https://acme-v02.api.letsencrypt.org/directory",
	"letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}

// directoryURL returns the URL of a directory that passed acmeDirectory.
func directoryURL(s string) string {
	if known := directories[s]; known != "" {
		return known
	}
	return s
}

// directoryWord returns what is written for a directory's URL.
func directoryWord(url string) string {
	for word, known := range directories {
		if url == known {
			return word
		}
	}
	return url
}

// acmeDirectory checks the directory of a CA: one of the words, or a URL, whose
// scheme and host it returns in lower case.
func acmeDirectory(s string) (string, *fault) {
	if directories[s] != "" {
		return s, nil
	}
	wrong := func(why string) (string, *fault) {
		return "", &fault{"Invalid ACME directory", fmt.Sprintf("%q is not the directory of a CA: %s.", s, why)}
	}
	u, err := url.Parse(s)
	switch {
	case !strings.Contains(s, ":"):
		words := []string{"letsencrypt", "letsencrypt-staging"}
		return "", &fault{"Invalid ACME directory", fmt.Sprintf("directory can't be %q.%s Write one of %s, or the https:// URL of the directory.", s, didYouMean(s, words), quoted(words))}
	case err != nil || strings.ContainsFunc(s, unicode.IsSpace):
		return wrong(`write a whole URL, as in "https://ca.example.com/acme/directory"`)
	case u.Scheme == "http":
		// RFC 8555 §6.1: ACME is spoken over HTTPS only.
		return wrong("ACME is spoken over https:// only")
	case u.Scheme != "https" || u.Host == "":
		return wrong(`write a whole URL, as in "https://ca.example.com/acme/directory"`)
	case u.User != nil:
		return wrong("leave the part before the @ out; an account at the CA is named in an eab block")
	case strings.Contains(s, "#"):
		return wrong("leave the # and what stands behind it out")
	}
	if why := notURLHost(u); why != "" {
		return wrong(why)
	}
	u.Host = lower(u.Host)
	return u.String(), nil
}

// notURLHost says why the host and port of u can't be connected to; "" if they can.
func notURLHost(u *url.URL) string {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if (u.Port() != "" || strings.HasSuffix(u.Host, ":")) && (err != nil || port == 0) {
		return "write the port as a number from 1 to 65535, or leave it and its colon out"
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.Zone() == "" {
		return ""
	}
	return notHost(lower(u.Hostname()))
}

// certifiedHost checks a host to obtain a certificate for, and returns it in lower
// case.
func certifiedHost(s string) (string, *fault) {
	name, wrong := hostName(s)
	if wrong == nil && !hasDomain(name) {
		return "", &fault{"Host without domain", fmt.Sprintf("CAs issue no certificate for %q: write a whole name, as in \"pop.example.com\".", s)}
	}
	return name, wrong
}

// hasDomain reports whether a host name has two labels or more.
//
// CA/Browser Forum Baseline Requirements §7.1.4.2.1: no certificate has an internal
// name, which is what a single label is.
func hasDomain(host string) bool { return strings.Contains(host, ".") }

// maxEmailLocal is the longest part before the @, in octets (RFC 5321 §4.5.3.1.1).
const maxEmailLocal = 64

// emailAddress checks the address that the CA writes to. The characters before the
// @ are those that need no quotes in it and no escape in the mailto: URL that it is
// sent in (RFC 5322 §3.2.3, RFC 6068 §2).
func emailAddress(s string) (string, *fault) {
	wrong := func(why string) (string, *fault) {
		return "", &fault{"Invalid email address", fmt.Sprintf("%q is not one plain address: %s.", s, why)}
	}
	local, host, found := strings.Cut(s, "@")
	switch {
	case strings.HasPrefix(lower(s), "mailto:"):
		return wrong("leave mailto: out")
	case !found || local == "" || strings.ContainsAny(s, ",; <>"):
		return wrong(`write just one, as in "postmaster@example.com"`)
	case len(local) > maxEmailLocal:
		return wrong(fmt.Sprintf("what stands before the @ is longer than %d octets; write a shorter one", maxEmailLocal))
	case !plainLocal(local):
		return wrong("before the @ write ASCII letters, digits, and characters like . _ - + between them")
	}
	name, notName := certifiedHost(host)
	if notName != nil {
		return wrong(`write a whole host name behind the @, as in "postmaster@example.com"`)
	}
	return local + "@" + name, nil
}

// plainLocal reports whether s is words of plain characters with single dots
// between them.
func plainLocal(s string) bool {
	for _, word := range strings.Split(s, ".") {
		if word == "" || strings.Trim(lower(word), "abcdefghijklmnopqrstuvwxyz0123456789!$'*+-_~") != "" {
			return false
		}
	}
	return true
}

// keyID checks the CA's name for the key of an external account binding.
func keyID(s string) (string, *fault) {
	if s == "" || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &fault{"Invalid key identifier", fmt.Sprintf("%q can't be the key_id of an account: copy it as the CA shows it.", s)}
	}
	return s, nil
}
