package expr

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// binary checks an operator between two operands. Nothing is converted: a
// comparison of different types would be false whatever the values, and text
// that doesn't read as a number would fail at a login only.
func (c *checker) binary(e *hclsyntax.BinaryOpExpr) (node, bool) {
	sides, ok := c.all([]hclsyntax.Expression{e.LHS, e.RHS})
	if !ok {
		return node{}, false
	}
	if e.Op == hclsyntax.OpEqual || e.Op == hclsyntax.OpNotEqual {
		ok = c.comparable(sides[0], sides[1], e.SrcRange)
	} else {
		params := e.Op.Impl.Params()
		left := c.operand(sides[0], params[0].Type)
		ok = c.operand(sides[1], params[1].Type) && left
	}
	if !ok {
		return node{}, false
	}
	return c.combine(sides, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.BinaryOpExpr{LHS: p[0], Op: e.Op, RHS: p[1], SrcRange: e.SrcRange}
	})
}

// unary checks ! and the minus sign.
func (c *checker) unary(e *hclsyntax.UnaryOpExpr) (node, bool) {
	n, ok := c.check(e.Val)
	if !ok || !c.operand(n, e.Op.Impl.Params()[0].Type) {
		return node{}, false
	}
	return c.combine([]node{n}, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.UnaryOpExpr{Op: e.Op, Val: p[0], SrcRange: e.SrcRange, SymbolRange: e.SymbolRange}
	})
}

// operand reports whether n has the type that an operator takes.
func (c *checker) operand(n node, want cty.Type) bool {
	got := n.val.Type()
	if got == want {
		return true
	}
	if got == cty.DynamicPseudoType {
		c.unknownType(n.code.Range())
		return false
	}
	mend := "compare it first, as in listener == \"pop3s\"."
	if want == cty.Number {
		mend = "numbers are client.port, time.hour and time.minute."
	}
	c.fail(n.code.Range(), "Wrong operand type", "This operator takes %s, but this is %s; %s", a(want), a(got), mend)
	return false
}

// comparable reports whether l == r makes sense.
func (c *checker) comparable(l, r node, at hcl.Range) bool {
	ta, tb := l.val.Type(), r.val.Type()
	switch {
	case ta == cty.DynamicPseudoType || tb == cty.DynamicPseudoType:
		c.unknownType(at)
	case !ta.Equals(tb):
		c.fail(at, "Different types compared", "%s is never equal to %s; %s",
			capital(a(ta)), a(tb), compareHint(l, r))
	default:
		return c.matchable(l, r) && c.matchable(r, l) && c.possible(l, r) && c.possible(r, l)
	}
	return false
}

// compareHint tells how to mend a comparison of l and r, which have different types.
func compareHint(l, r node) string {
	a, b := l.val.Type(), r.val.Type()
	switch {
	case a == cty.Number && b == cty.String, a == cty.String && b == cty.Number:
		return "write numbers without quotes, and text within."
	case a == cty.Bool || b == cty.Bool:
		return "write true and false without quotes, or leave the comparison out."
	case isListVariable(l.code):
		return "use contains(" + variableName(l.code) + ", value) to look into the list."
	case isListVariable(r.code):
		return "use contains(" + variableName(r.code) + ", value) to look into the list."
	case a.IsPrimitiveType() != b.IsPrimitiveType():
		return "use contains(list, value) to look into a list."
	default:
		return "compare parts of the same type."
	}
}

// possible reports whether the text n, which may be one of a few words, can ever be
// the constant.
func (c *checker) possible(n, constant node) bool {
	words, v := variables[variableName(n.code)].words, constant.val
	if words == nil || v.Type() != cty.String || !v.IsKnown() || v.IsNull() || v.AsString() == "" || slices.Contains(words, v.AsString()) {
		return true
	}
	c.fail(constant.code.Range(), "Value never matches", "%s can only be one of %s: write one of these.", variableName(n.code), enumerate(words))
	return false
}

// matchable reports whether the text n can ever be, start or end with the
// constant: if its letters are in lower case, a constant with a capital letter
// would make a rule that silently never holds.
func (c *checker) matchable(n, constant node) bool {
	v := constant.val
	if v.Type() != cty.String || !v.IsKnown() || v.IsNull() || !c.lower(n.code) {
		return true
	}
	if s := v.AsString(); strings.ContainsFunc(s, isUpper) {
		c.fail(constant.code.Range(), "Letters never match",
			"The text compared here is always in lower case; write %q.", printable(strings.ToLower(s)))
		return false
	}
	return true
}

// lower reports whether the text of e is known to be in lower case.
func (c *checker) lower(e hclsyntax.Expression) bool {
	if call, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		return call.Name == "lower"
	}
	v := variables[variableName(e)]
	return v.lower != nil && v.lower(c.want)
}

// conditional checks condition ? a : b.
func (c *checker) conditional(e *hclsyntax.ConditionalExpr) (node, bool) {
	parts, ok := c.all([]hclsyntax.Expression{e.Condition, e.TrueResult, e.FalseResult})
	if !ok || !c.operand(parts[0], cty.Bool) {
		return node{}, false
	}
	yes, no := parts[1].val.Type(), parts[2].val.Type()
	both := hcl.RangeBetween(e.TrueResult.Range(), e.FalseResult.Range())
	switch {
	case yes == cty.DynamicPseudoType || no == cty.DynamicPseudoType:
		return c.unknownType(both)
	case !yes.Equals(no):
		return c.fail(both, "Different branch types", "One outcome is %s, the other %s; "+
			"make both of the same type.", a(yes), a(no))
	}
	return c.combine(parts, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.ConditionalExpr{Condition: p[0], TrueResult: p[1], FalseResult: p[2], SrcRange: e.SrcRange}
	})
}
