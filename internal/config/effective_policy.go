package config

import "crypto/tls"

func (c *Config) policyParts(policies []Policy) []part {
	parts := make([]part, len(policies))
	for i, policy := range policies {
		p := part{is: policyBlock, label: policy.Name, words: map[string]any{
			"when":      expression(c.expressions[policy.When]),
			"deny":      policy.Deny,
			"allow":     policy.Allow,
			"delay":     policy.Delay,
			"read_only": policy.ReadOnly,
			"log_only":  policy.LogOnly,
		}}
		if policy.RequireTLS != 0 || policy.RequireMechanisms != nil {
			p.add(part{is: requireBlock, words: map[string]any{
				"tls":        either(policy.RequireTLS == tls.VersionTLS13, "1.3", ""),
				"mechanisms": policy.RequireMechanisms,
			}})
		}
		parts[i] = p
	}
	return parts
}
