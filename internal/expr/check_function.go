package expr

import (
	"net/netip"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// checks are what functions demand beyond the types of their parameters. A
// check may replace arguments by others that are cheaper at a login.
var checks = map[string]func(c *checker, e *hclsyntax.FunctionCallExpr, args []node) bool{
	"cidrcontains": (*checker).prefix,
	"contains":     (*checker).members,
	"endswith":     (*checker).affix,
	"format":       (*checker).format,
	"regex":        (*checker).search,
	"regexall":     (*checker).search,
	"replace":      (*checker).replacement,
	"startswith":   (*checker).affix,
}

// affix checks that a text can start or end with a constant.
func (c *checker) affix(_ *hclsyntax.FunctionCallExpr, args []node) bool {
	return c.matchable(args[0], args[1])
}

// constant returns the text of an argument that must be the same at each login.
func (c *checker) constant(e *hclsyntax.FunctionCallExpr, arg node, what string) (string, bool) {
	if !arg.val.IsKnown() || arg.val.IsNull() {
		// Deliberate, and narrower than Terraform: what a client sends must
		// never be read as a pattern, and a constant one is compiled once.
		c.fail(arg.code.Range(), what+" not constant",
			"Write the %s of %s as a text without variables.", strings.ToLower(what), e.Name)
		return "", false
	}
	return arg.val.AsString(), true
}

// search compiles the first argument of regex and regexall.
func (c *checker) search(e *hclsyntax.FunctionCallExpr, args []node) bool {
	s, ok := c.constant(e, args[0], "Pattern")
	if !ok {
		return false
	}
	return c.reachable(s, args[0], args[1]) && c.pattern(args, 0, func() (*pattern, error) { return newRegexp(s) })
}

// reachable is matchable for a regular expression: a capital letter in it that
// must match as it is can't be found in a text in lower case.
func (c *checker) reachable(s string, constant, n node) bool {
	re, err := syntax.Parse(s, syntax.Perl)
	if err != nil || !c.lower(n.code) || !hasCapital(re) {
		return true // what can't be parsed is reported when it is compiled
	}
	c.fail(constant.code.Range(), "Letters never match",
		"The text searched here is always in lower case; write the pattern in lower case, or start it with (?i).")
	return false
}

// hasCapital reports whether re holds a literal capital letter.
func hasCapital(re *syntax.Regexp) bool {
	if re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 && slices.ContainsFunc(re.Rune, isUpper) {
		return true
	}
	return slices.ContainsFunc(re.Sub, hasCapital)
}

// replacement compiles the second argument of replace.
func (c *checker) replacement(e *hclsyntax.FunctionCallExpr, args []node) bool {
	s, ok := c.constant(e, args[1], "Pattern")
	if !ok {
		return false
	}
	return c.pattern(args, 1, func() (*pattern, error) { return newReplaced(s) })
}

// pattern puts what compile makes in the place of argument i.
func (c *checker) pattern(args []node, i int, compile func() (*pattern, error)) bool {
	at := args[i].code.Range()
	p, err := compile()
	if err != nil {
		c.fail(at, "Pattern is invalid", "Mend the regular expression (RE2 syntax): %s.", printable(err.Error()))
		return false
	}
	v := cty.CapsuleVal(patternType, p)
	args[i] = node{&hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}, v}
	return true
}

// format tries the format with an example of each argument's type.
func (c *checker) format(e *hclsyntax.FunctionCallExpr, args []node) bool {
	if _, ok := c.constant(e, args[0], "Format"); !ok {
		return false
	}
	examples := make([]cty.Value, len(args))
	for i, arg := range args {
		examples[i] = example(arg.val)
	}
	if _, err := functions["format"].Call(examples); err != nil {
		c.fail(e.Range(), "Format doesn't fit", "Mend the format or its arguments: %s.", printable(err.Error()))
		return false
	}
	return true
}

// example returns v, or a value of its type if it is an unknown primitive one.
func example(v cty.Value) cty.Value {
	switch {
	case v.IsKnown():
		return v
	case v.Type() == cty.String:
		return cty.StringVal("a")
	case v.Type() == cty.Number:
		return cty.NumberIntVal(1)
	case v.Type() == cty.Bool:
		return cty.True
	default:
		return v
	}
}

// members checks that contains looks for a value of the type that the list
// holds: the value is compared with each of its elements.
func (c *checker) members(e *hclsyntax.FunctionCallExpr, args []node) bool {
	list, value := args[0].val, args[1]
	t, at := list.Type(), args[0].code.Range()
	switch {
	case isListVariable(value.code):
		name := variableName(value.code)
		c.fail(e.Range(), "Wrong argument order", "%s is a list: write contains(%s, \"office\"), and || between several of these.", name, name)
		return false
	case !t.IsTupleType() && !t.IsListType():
		c.fail(at, "Wrong argument type", "contains looks into a list, but this is %s; "+
			"write a list in brackets, or use can(regex(…)) to look into a text.", a(t))
		return false
	case t.IsTupleType() && t.Length() == 0:
		return true
	case !elementType(t).Equals(value.val.Type()):
		c.fail(e.Range(), "Different types compared", "All elements of the list must be of the type of the value, which is %s.",
			a(value.val.Type()))
		return false
	case !list.IsKnown() || list.IsNull():
		c.mention(args[0], value)
		return true
	}
	ok := true
	for it := list.ElementIterator(); it.Next(); {
		_, v := it.Element()
		element := node{&hclsyntax.LiteralValueExpr{Val: v, SrcRange: at}, v}
		ok = c.matchable(value, element) && c.possible(value, element) && ok
	}
	return ok
}

// mention notes a constant name that is looked for in client.networks.
func (c *checker) mention(list, name node) {
	if v := name.val; variableName(list.code) == clientNetworks && v.IsKnown() && !v.IsNull() {
		c.networks = append(c.networks, Mention{Name: v.AsString(), At: name.code.Range()})
	}
}

// prefix checks a constant first argument of cidrcontains.
func (c *checker) prefix(_ *hclsyntax.FunctionCallExpr, args []node) bool {
	v := args[0].val
	if !v.IsKnown() || v.IsNull() {
		return true
	}
	if _, err := netip.ParsePrefix(v.AsString()); err != nil {
		c.fail(args[0].code.Range(), "Prefix is invalid",
			"Write a network address and its length, such as \"192.0.2.0/24\" or \"2001:db8::/32\".")
		return false
	}
	return true
}
