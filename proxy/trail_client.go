package proxy

import (
	"bytes"
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"popgate/internal/pop3"
	"popgate/internal/relay"
	"popgate/internal/route"
)

const (
	// hidden stands for what isn't shown, whatever its length.
	hidden  = "***"
	tooLong = "(a line that is too long)"
)

// secured tells of a handshake.
func (t *trail) secured(state tls.ConnectionState) {
	if t == nil {
		return
	}
	resumed, name := "", "no server name"
	if state.DidResume {
		resumed = ", resumed"
	}
	if state.ServerName != "" {
		name = "server name " + foreign(state.ServerName)
	}
	t.note("%s, %s%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), resumed, name)
}

// command tells of a command line before login, which was read with err.
func (t *trail) command(line []byte, err error) {
	if t == nil {
		return
	}
	defer t.rescue()
	switch {
	case errors.Is(err, pop3.ErrTooLong):
		t.add("client", tooLong)
		return
	case err != nil && !errors.Is(err, pop3.ErrLineEnding):
		return // there is no line
	}
	cmd, parseErr := pop3.ParseCommand(line)
	if cmd.Keyword == "USER" && err == nil && parseErr == nil && pop3.CheckName(cmd.Arg) == nil {
		t.user(string(cmd.Arg))
		return
	}
	t.add("client", masked(line, cmd))
}

// user tells of a USER. People type passwords there.
func (t *trail) user(name string) {
	t.named(t.namesOf(name))
	t.addFor("client", "USER "+foreign(name), "USER "+hidden)
}

// namesOf is what a typed name means over this connection.
func (t *trail) namesOf(typed string) names {
	who := names{typed: route.Fold(typed)}
	if name, err := t.routes.Resolve(typed, t.rec.ServerName); err == nil {
		who.canonical = name.Canonical
	}
	return who
}

// response tells of a line of a SASL exchange, which was read with err.
func (t *trail) response(err error) {
	switch {
	case t == nil:
	case errors.Is(err, pop3.ErrTooLong):
		t.add("client", tooLong)
	case err == nil, errors.Is(err, pop3.ErrLineEnding):
		t.add("client", hidden)
	}
}

// answer tells of one of popgate's own answers, with the lines of a long one.
func (t *trail) answer(text string) {
	if t == nil {
		return
	}
	defer t.rescue()
	first, rest, _ := strings.Cut(strings.TrimSuffix(text, "\r\n"), "\r\n")
	if rest = strings.TrimSuffix(rest, "."); rest != "" {
		first += ": " + strings.ReplaceAll(strings.TrimSuffix(rest, "\r\n"), "\r\n", ", ")
	}
	t.add("popgate", first)
}

// shownMechanisms are those whose names may be shown behind AUTH. Any other word
// there may be a secret.
var shownMechanisms = []string{
	"PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "APOP", "NTLM", "GSSAPI", "EXTERNAL", "ANONYMOUS", "XOAUTH2", "OAUTHBEARER",
	"SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
}

// masked is what may be shown of a client's line, of which cmd was parsed: the
// keyword, if it is one of POP3's, and numbers where they belong. A password may be
// typed as a command, and be one by chance.
func masked(line []byte, cmd pop3.Command) string {
	text, known := relay.Masked(line)
	switch {
	case known || !cmd.Known():
		return text
	case !cmd.HasArg:
		return cmd.Keyword
	case cmd.Keyword == "AUTH":
		mechanism, _, more := bytes.Cut(cmd.Arg, []byte{' '})
		i := slices.IndexFunc(shownMechanisms, func(m string) bool { return pop3.EqualFold(mechanism, m) })
		switch {
		case i >= 0 && more:
			return "AUTH " + shownMechanisms[i] + " " + hidden
		case i >= 0:
			return "AUTH " + shownMechanisms[i]
		}
	}
	return cmd.Keyword + " " + hidden
}
