package config

import "net/netip"

func decodeLimits(s *section) Limits {
	return Limits{
		Connections:            s.get("connections").number,
		ConnectionsPerIP:       s.get("connections_per_ip").number,
		ConnectionsPerTenant:   s.get("connections_per_tenant").number,
		ConnectionsPerUser:     s.get("connections_per_user").number,
		ConnectionsBeforeLogin: s.get("connections_before_login").number,
		ConnectionRate:         s.get("connection_rate").rate,
		LoginRatePerIP:         s.get("login_rate_per_ip").rate,
		LoginRatePerUser:       s.get("login_rate_per_user").rate,
		LoginRate:              s.get("login_rate").rate,
		IPv4Prefix:             s.get("ipv4_prefix").number,
		IPv6Prefix:             s.get("ipv6_prefix").number,
		Exempt:                 prefixes(s.get("exempt").texts),
		Errors:                 s.get("errors").number,
		LoginAttempts:          s.get("login_attempts").number,
	}
}

// decodeOverride returns the words of a limits block in a listener or a tenant; it
// asks for more words than either has.
func decodeOverride(s *section) Override {
	number := func(name string) *int {
		if v := s.values[name]; v != nil {
			return &v.number
		}
		return nil
	}
	rate := func(name string) *Rate {
		if v := s.values[name]; v != nil {
			return &v.rate
		}
		return nil
	}
	o := Override{
		Connections:            number("connections"),
		ConnectionsPerIP:       number("connections_per_ip"),
		ConnectionsPerUser:     number("connections_per_user"),
		ConnectionsBeforeLogin: number("connections_before_login"),
		ConnectionRate:         rate("connection_rate"),
		LoginRatePerIP:         rate("login_rate_per_ip"),
		LoginRatePerUser:       rate("login_rate_per_user"),
		LoginRate:              rate("login_rate"),
		Errors:                 number("errors"),
		LoginAttempts:          number("login_attempts"),
	}
	if v := s.values["exempt"]; v != nil {
		o.Exempt = append([]netip.Prefix{}, prefixes(v.texts)...) // not nil: an empty list exempts nobody
	}
	return o
}

func decodeBlocking(s *section) Blocking {
	return Blocking{
		FailuresPerUser: s.get("failures_per_user").number,
		FailuresPerIP:   s.get("failures_per_ip").number,
		Window:          s.get("window").period,
		First:           s.get("first").period,
		Longest:         s.get("longest").period,
		Remember:        s.get("remember").period,
		Entries:         s.get("entries").number,
	}
}

// prefixes reads texts that passed network. It returns nil if there are none.
func prefixes(texts []string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		if p, err := netip.ParsePrefix(text); err == nil {
			list = append(list, p)
		}
	}
	return list
}
