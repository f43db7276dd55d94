package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// maxReason is the longest reason of a denial, in octets: it stands in a log line
// with much else.
const maxReason = 200

// reason checks why a policy refuses.
func reason(s string) (string, *fault) {
	if strings.TrimSpace(s) == "" || len(s) > maxReason || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", &fault{"Invalid denial reason", fmt.Sprintf("deny tells the log why a login is refused: write one line of 1 to %d octets, as in \"office network only\".", maxReason)}
	}
	return s, nil
}

// policies checks all policy blocks. A tenant's are asked after those at the top,
// one of which may leave nothing to them.
func (k *checker) policies() {
	last := k.policiesIn(k.top, nil)
	for _, s := range k.top.all(tenantBlock) {
		k.policiesIn(s, last)
	}
}

// policiesIn checks the policies of s, the top of the document or a tenant. last is
// a policy before them that decides about every login, if there is one; it returns
// the one after which no further policy is asked.
func (k *checker) policiesIn(s, last *section) *section {
	for _, p := range s.all(policyBlock) {
		k.action(p)
		k.mentions(p, "when")
		when := p.get("when").program
		switch {
		case last != nil:
			k.fail(p.at, "Policy never reached", "Policy %q (%s) decides about every login before this one is asked: move this one up, or give that one a when.", last.label, place(last.at))
		case is(when, cty.False):
			k.fail(p.get("when").at, "Policy never matches", "This condition is false for every login: mend it, or take the policy away.")
		case p.get("log_only").flag || p.wrong("log_only") || p.wrong("when"):
		case when == nil || is(when, cty.True):
			last = p
		}
	}
	return last
}

// action demands that p does one thing, but for those things that go together.
func (k *checker) action(p *section) {
	var found []string
	for _, name := range []string{"deny", "allow", "delay", "read_only"} {
		if p.wrong(name) {
			return // it may be what was meant
		}
		if v := p.values[name]; v != nil && (p.is.word(name).kind != kindFlag || v.flag) {
			found = append(found, name)
		}
	}
	for _, r := range p.all(requireBlock) {
		found = append(found, requireBlock.name)
		k.requirement(r)
	}
	alone := slices.Contains(found, "deny") || slices.Contains(found, "allow")
	switch {
	case len(found) == 0:
		k.fail(p.at, "Policy without action", "Policy %q does nothing: add deny = \"office network only\" with your own reason, or allow = true, or some of delay = \"10s\", read_only = true and require { … }.", p.label)
	case alone && len(found) > 1:
		k.fail(p.at, "Policy actions clash", "Policy %q has all of %s: beside deny or allow a policy has nothing else, so write several policies. Only delay, read_only and require can stand together.", p.label, strings.Join(found, ", "))
	}
}

// requirement demands that a require block requires something.
func (k *checker) requirement(r *section) {
	if len(r.values) == 0 {
		k.fail(r.at, "Requirement is empty", "This block requires nothing: add tls = \"1.3\", or mechanisms = [\"PLAIN\", \"LOGIN\"].")
	}
}

// networkBlocks checks that each networks block has some, and gathers their names.
func (k *checker) networkBlocks() {
	for _, s := range k.top.all(networksBlock) {
		if s.label != "" {
			k.networks[s.label] = true
		}
		if len(s.values) == 0 {
			k.fail(s.at, "Networks without addresses", "networks %q holds nobody: add addresses = [\"192.0.2.0/24\"] with your own, or file = \"office.txt\" for a file that has one a line.", s.label)
		}
	}
}

// networksUsed doubts networks that no expression asks for. One that was refused, or
// that computes the names, may ask for any.
func (k *checker) networksUsed() {
	if k.computed {
		return
	}
	for _, s := range k.top.all(networksBlock) {
		if s.label != "" && !k.asked[s.label] {
			k.warn(s.at, "Networks never used", "No condition asks for networks %q: add contains(client.networks, %[1]q) to one, or take the block away.", s.label)
		}
	}
}

// mentions checks that there is each network that an expression of s asks for, and
// notes it as used.
func (k *checker) mentions(s *section, word string) {
	p := s.get(word).program
	if p == nil {
		k.computed = k.computed || s.wrong(word)
		return
	}
	k.computed = k.computed || p.ComputesNetworks()
	for _, m := range p.Networks() {
		k.asked[m.Name] = true
		if !k.networks[m.Name] {
			k.unknownNetwork(m.Name, m.At)
		}
	}
}

func (k *checker) unknownNetwork(name string, at hcl.Range) {
	names := make([]string, 0, len(k.networks))
	for known := range k.networks {
		names = append(names, known)
	}
	slices.Sort(names) // of equally near ones the first is proposed
	mend := "Write one: networks \"office\" { addresses = [\"192.0.2.0/24\"] }."
	if len(names) > 0 {
		mend = listed("networks", names)
	}
	k.fail(at, "Unknown network name", "There is no networks block %q.%s %s", name, didYouMean(name, names), mend)
}
