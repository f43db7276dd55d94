// Package expr compiles, checks and evaluates the expressions of config.hcl:
// the conditions (`when`) and the computed texts (`login`) of routes and
// policies.
//
// It knows HCL's expression language, the variables and functions that popgate
// offers to it, and their types. It must not know what an expression is for: no
// routes, no policies, no protocol, no I/O.
//
// Everything that can be wrong with an expression whatever the login is
// found by [Compile], at load: names that don't exist, wrong types,
// comparisons of different types. What is left to fail at a login is a value: a
// regular expression that doesn't match, an index that isn't there. Loops, null
// and patterns that aren't constant are refused, so that the cost of an
// evaluation is bounded by the length of the expression times that of its texts.
//
// A condition and a text see the name of a user differently; see [Vars].
//
// Start with [Compile] and [Program].
package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxText is the longest text, in bytes, that an expression may make on its
// way; functions that would make a longer one fail.
const maxText = 4096

// maxError is the longest text, in bytes, of an error at run time: it can hold
// what a client sent.
const maxError = 256

// Type is what a program evaluates to. The zero value is Bool.
type Type int

// The types of a program.
const (
	Bool Type = iota // a condition, such as `when`
	Text             // a text, such as `login`
)

// Program is a compiled and checked expression. It never changes and is safe
// for many goroutines; make one with [Compile].
type Program struct {
	code     hclsyntax.Expression // our own copy with constant parts folded
	want     Type
	constant cty.Value // cty.NilVal if the result depends on a variable
	uses     []string  // names in variables, each once
	networks []Mention
	computed bool   // client.networks is used for more than networks
	bare     string // the variable that is the whole text, or ""
}

// Mention is a name that an expression asks for as a constant, and where.
type Mention struct {
	Name string
	At   hcl.Range
}

// Compile checks e and makes a program that evaluates to want. All problems
// that it finds come back at once, as errors with a Subject; the program is nil
// if there is one. e must come from HCL's native syntax, and isn't changed.
func Compile(e hcl.Expression, want Type) (*Program, hcl.Diagnostics) {
	native, ok := e.(hclsyntax.Expression)
	if !ok {
		return nil, hcl.Diagnostics{problem(rangeOf(e), "Expression not supported",
			"Write an expression in HCL's native syntax, such as user.domain == \"example.com\".")}
	}
	c := checker{want: want, seen: map[string]bool{}}
	root, ok := c.check(native)
	if ok {
		c.result(root, native.Range())
	}
	if c.diags.HasErrors() {
		return nil, c.diags
	}
	p := &Program{code: root.code, want: want, uses: c.uses, networks: c.networks, computed: c.lists > len(c.networks)}
	if root.val.IsWhollyKnown() {
		p.constant = root.val
	}
	if want == Text {
		p.bare = variableName(root.code)
	}
	return p, nil
}

// Constant returns the result if it is the same whatever the login: a cty.Bool
// or cty.String, known and not null. `true || user.local == "a"` is constant.
func (p *Program) Constant() (cty.Value, bool) {
	return p.constant, p.constant != cty.NilVal
}

// Networks returns the names that the expression looks for in client.networks, as
// in contains(client.networks, "office"), in the order in which they stand there.
// Names that aren't constant aren't among them. The slice must not be changed.
func (p *Program) Networks() []Mention { return p.networks }

// ComputesNetworks reports whether the expression uses client.networks for more
// than [Program.Networks]: which further names it looks for isn't known before a
// login.
func (p *Program) ComputesNetworks() bool { return p.computed }

// Bool evaluates a program compiled as [Bool]. It fails if a part of the
// expression fails on this login's values, or if the result is null.
func (p *Program) Bool(env *Env) (bool, error) {
	if p.want != Bool {
		return false, errors.New("evaluate: not a condition")
	}
	v, err := p.value(env)
	if err != nil {
		return false, err
	}
	return v.True(), nil
}

// Text evaluates a program compiled as [Text]. It fails as [Program.Bool] does,
// and if the text is longer than 4,096 bytes. What a client sent may be in the
// text: check it before it goes anywhere.
//
// An expression that is nothing but a variable gives its bytes unchanged. Any
// other text is in Unicode's normal form C, as the language's strings are.
func (p *Program) Text(env *Env) (string, error) {
	if p.want != Text {
		return "", errors.New("evaluate: not a text")
	}
	var s string
	if p.bare != "" {
		s = variables[p.bare].text(env, Text)
	} else {
		v, err := p.value(env)
		if err != nil {
			return "", err
		}
		s = v.AsString()
	}
	if len(s) > maxText {
		return "", fmt.Errorf("evaluate: text of %d bytes: longer than %d", len(s), maxText)
	}
	return s, nil
}

// value evaluates the program to a known, non-null value of the wanted type.
func (p *Program) value(env *Env) (cty.Value, error) {
	if p.constant != cty.NilVal {
		return p.constant, nil
	}
	v, diags := p.code.Value(env.context(p))
	if diags.HasErrors() {
		return cty.NilVal, runError(diags)
	}
	// The static check promises the type, but not that a group of a regular
	// expression took part in the match: such a group is null.
	if v.Type() != p.want.cty() || !v.IsWhollyKnown() || v.IsNull() {
		return cty.NilVal, fmt.Errorf("evaluate: %s: result is null or not a %s", p.code.Range(), p.want)
	}
	return v, nil
}

// cty returns the type that a result of type t has.
func (t Type) cty() cty.Type {
	if t == Bool {
		return cty.Bool
	}
	return cty.String
}

// String returns the word for t in messages.
func (t Type) String() string { return t.cty().FriendlyName() }

// runError makes one bounded line of the first error in diags.
func runError(diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		where := ""
		if d.Subject != nil {
			where = d.Subject.String() + ": "
		}
		return errors.New("evaluate: " + where + printable(d.Detail))
	}
	return errors.New("evaluate: failed")
}

// printable cuts s to maxError bytes and takes out what could break or forge a
// log line, because details quote the values that a client sent.
func printable(s string) string {
	cut := s
	if len(cut) > maxError {
		cut = cut[:maxError]
	}
	cut = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) && r != unicode.ReplacementChar {
			return r
		}
		return ' '
	}, cut)
	if len(s) > maxError {
		cut += " …"
	}
	return cut
}
