package config

import "crypto/tls"

func decodeNetworks(s *section) []Network {
	var networks []Network
	for _, n := range s.all(networksBlock) {
		networks = append(networks, Network{
			Name:      n.label,
			Addresses: prefixes(n.get("addresses").texts),
			File:      n.get("file").text,
		})
	}
	return networks
}

// decodePolicies returns the policy blocks of s: the top of the document or a
// tenant.
func decodePolicies(s *section) []Policy {
	var policies []Policy
	for _, p := range s.all(policyBlock) {
		policy := Policy{
			Name:     p.label,
			When:     p.get("when").program,
			Deny:     p.get("deny").text,
			Allow:    p.get("allow").flag,
			Delay:    p.get("delay").period,
			ReadOnly: p.get("read_only").flag,
			LogOnly:  p.get("log_only").flag,
		}
		for _, r := range p.all(requireBlock) {
			if r.get("tls").text == "1.3" {
				policy.RequireTLS = tls.VersionTLS13
			}
			policy.RequireMechanisms = r.get("mechanisms").texts
		}
		policies = append(policies, policy)
	}
	return policies
}
