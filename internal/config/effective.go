package config

import "crypto/tls"

// Effective returns the configuration in force, which is one that [Load] or [Parse]
// made, as a config.hcl: each word with its value, defaults included, in the order of
// the table of words. A word that has neither is left out. Where values came from
// isn't kept: names, paths, and what env and file gave, stand there as they are.
//
// Parsed as a file of popgate's working folder it gives cfg again, but for secrets,
// the fields Written, and paths that aren't UTF-8 in Unicode's normal form C, which
// can't be written. Deliberate: what stands in the place of a secret is refused by
// Load. A good value there would be a secret that everybody knows, as soon as
// somebody takes the text for a configuration.
//
// It holds names and addresses, which are not for strangers. A heredoc in an
// expression may hold control characters, which are not for a terminal.
func Effective(cfg *Config) string {
	var w writer
	w.body(document, cfg.whole(), "")
	return w.text.String()
}

// part is a block to show, with a value for each of its words; literal tells what
// they can be.
type part struct {
	is     *block
	label  string
	words  map[string]any
	blocks []part // in the order of each kind
}

// whole is the part that holds all others.
func (c *Config) whole() part {
	p := part{is: document, words: map[string]any{"hostname": c.Hostname}}
	for _, l := range c.Listeners {
		p.add(listenerPart(l))
	}
	p.add(tlsPart(c.TLS))
	for _, b := range c.Backends {
		p.add(backendPart(b))
	}
	for _, t := range c.Tenants {
		p.add(c.tenantPart(t))
	}
	p.add(c.routeParts(c.Routes)...)
	for _, n := range c.Networks {
		p.add(part{is: networksBlock, label: n.Name, words: map[string]any{"addresses": n.Addresses, "file": n.File}})
	}
	p.add(c.policyParts(c.Policies)...)
	p.add(limitsPart(c.Limits), blockingPart(c.Blocking), timeoutsPart(c.Timeouts))
	if c.Autoconfig != nil {
		p.add(autoconfigPart(c.Autoconfig))
	}
	p.add(adminPart(c.Admin))
	p.add(part{is: logBlock, words: map[string]any{
		"level": c.Log.Level, "format": c.Log.Format, "failed_users": c.Log.FailedUsers,
	}})
	return p
}

// add puts blocks into p.
func (p *part) add(blocks ...part) { p.blocks = append(p.blocks, blocks...) }

func listenerPart(l Listener) part {
	p := part{is: listenerBlock, label: l.Name, words: map[string]any{
		"address": l.Address, "tls": either(l.StartTLS, "starttls", "implicit"),
	}}
	if l.ProxyFrom != nil {
		p.add(part{is: proxyProtocolBlock, words: map[string]any{"from": l.ProxyFrom}})
	}
	p.add(overridePart(listenerLimitsBlock, l.Limits)...)
	return p
}

func tlsPart(t TLS) part {
	p := part{is: tlsBlock, words: map[string]any{
		"min_version":   either(t.MinVersion == tls.VersionTLS13, "1.3", "1.2"),
		"default_host":  t.DefaultHost,
		"unknown_host":  either(t.UnknownHostDefault, "default", "refuse"),
		"ticket_secret": t.TicketSecret,
		"self_signed":   t.SelfSigned,
	}}
	if t.ACME != nil {
		p.add(acmePart(t.ACME))
	}
	for _, c := range t.Certificates {
		p.add(part{is: certificateBlock, label: c.Name, words: map[string]any{"cert_file": c.CertFile, "key_file": c.KeyFile}})
	}
	return p
}

func acmePart(a *ACME) part {
	p := part{is: acmeBlock, words: map[string]any{
		"hosts":         a.Hosts,
		"email":         a.Email,
		"directory":     directoryWord(a.Directory),
		"ca_file":       a.CAFile,
		"cache":         a.Cache,
		"http_address":  a.HTTP.Address,
		"https_address": a.HTTPS.Address,
	}}
	if a.EAB != nil {
		p.add(part{is: eabBlock, words: map[string]any{"key_id": a.EAB.KeyID, "hmac_key": a.EAB.HMACKey}})
	}
	return p
}

func backendPart(b Backend) part {
	p := part{is: backendBlock, label: b.Name, words: map[string]any{
		"address":         "",
		"addresses":       b.Addresses,
		"auth":            either(b.AuthPlain, "plain", "user"),
		"capabilities":    b.Capabilities,
		"connections":     b.Connections,
		"in_use_words":    b.InUseWords,
		"temporary_words": b.TemporaryWords,
	}}
	if len(b.Addresses) == 1 {
		p.words["address"], p.words["addresses"] = b.Addresses[0], nil
	}
	return p
}

func (c *Config) tenantPart(t Tenant) part {
	p := part{is: tenantBlock, label: t.Name, words: map[string]any{
		"hosts":       t.Hosts,
		"domains":     t.Domains,
		"backend":     t.Backend,
		"any_host":    t.AnyHost,
		"login_delay": t.LoginDelay,
	}}
	p.add(c.routeParts(t.Routes)...)
	p.add(c.policyParts(t.Policies)...)
	p.add(overridePart(tenantLimitsBlock, t.Limits)...)
	return p
}

func (c *Config) routeParts(routes []Route) []part {
	parts := make([]part, len(routes))
	for i, r := range routes {
		parts[i] = part{is: routeBlock, label: r.Name, words: map[string]any{
			"when": expression(c.expressions[r.When]), "backend": r.Backend, "login": expression(c.expressions[r.Login]),
		}}
	}
	return parts
}

func autoconfigPart(a *Autoconfig) part {
	p := part{is: autoconfigBlock, words: map[string]any{
		"server":   a.Server,
		"port":     a.Port,
		"username": either(a.LocalPart, "local", "address"),
		"domains":  a.Domains,
	}}
	if out := a.SMTP; out != nil {
		p.add(part{is: smtpBlock, words: map[string]any{
			"server": out.Server, "port": out.Port, "tls": either(out.StartTLS, "starttls", "implicit"),
		}})
	}
	return p
}

func adminPart(a Admin) part {
	return part{is: adminBlock, words: map[string]any{
		"socket":     a.Socket,
		"address":    a.Address,
		"token_file": a.TokenFile,
		"hosts":      a.Hosts,
		"pprof":      a.Pprof,
	}}
}

// either returns yes if is, else no.
func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}
