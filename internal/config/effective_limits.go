package config

func limitsPart(l Limits) part {
	return part{is: limitsBlock, words: map[string]any{
		"connections":              l.Connections,
		"connections_per_ip":       l.ConnectionsPerIP,
		"connections_per_tenant":   l.ConnectionsPerTenant,
		"connections_per_user":     l.ConnectionsPerUser,
		"connections_before_login": l.ConnectionsBeforeLogin,
		"connection_rate":          l.ConnectionRate,
		"login_rate_per_ip":        l.LoginRatePerIP,
		"login_rate_per_user":      l.LoginRatePerUser,
		"login_rate":               l.LoginRate,
		"ipv4_prefix":              l.IPv4Prefix,
		"ipv6_prefix":              l.IPv6Prefix,
		"exempt":                   l.Exempt,
		"errors":                   l.Errors,
		"login_attempts":           l.LoginAttempts,
	}}
}

// overridePart is the limits block of a listener or a tenant, if it has one: none
// that changes something is as none at all. A tenant has fewer words, whose others
// are nil.
func overridePart(is *block, o Override) []part {
	p := part{is: is, words: map[string]any{
		"connections":              given(o.Connections),
		"connections_per_ip":       given(o.ConnectionsPerIP),
		"connections_per_user":     given(o.ConnectionsPerUser),
		"connections_before_login": given(o.ConnectionsBeforeLogin),
		"connection_rate":          given(o.ConnectionRate),
		"login_rate_per_ip":        given(o.LoginRatePerIP),
		"login_rate_per_user":      given(o.LoginRatePerUser),
		"login_rate":               given(o.LoginRate),
		"exempt":                   o.Exempt,
		"errors":                   given(o.Errors),
		"login_attempts":           given(o.LoginAttempts),
	}}
	for i := range is.words {
		w := &is.words[i]
		if literal(w, p.words[w.name], "") != "" {
			return []part{p}
		}
	}
	return nil
}

// given returns what p points to, or nil.
func given[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

func blockingPart(b Blocking) part {
	return part{is: blockingBlock, words: map[string]any{
		"failures_per_user": b.FailuresPerUser,
		"failures_per_ip":   b.FailuresPerIP,
		"window":            b.Window,
		"first":             b.First,
		"longest":           b.Longest,
		"remember":          b.Remember,
		"entries":           b.Entries,
	}}
}

func timeoutsPart(t Timeouts) part {
	return part{is: timeoutsBlock, words: map[string]any{
		"handshake":     t.Handshake,
		"login":         t.Login,
		"failure_delay": t.FailureDelay,
		"connect":       t.Connect,
		"greeting":      t.Greeting,
		"backend_login": t.BackendLogin,
		"idle":          t.Idle,
		"quit":          t.Quit,
		"half_closed":   t.HalfClosed,
		"drain":         t.Drain,
	}}
}
