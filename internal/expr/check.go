package expr

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxNodes is how many parts an expression can have; a condition of a thousand
// names stays far below.
const maxNodes = 4096

// loadContext is what expressions see at load: functions, but no variables,
// because the checker puts typed unknown values in their places.
var loadContext = &hcl.EvalContext{Functions: functions}

// node is a part of an expression that was found right: code that evaluates it,
// and what it is at load, an unknown value of its type unless it is constant.
type node struct {
	code hclsyntax.Expression
	val  cty.Value
}

// checker walks an expression once, from the leaves up. Each part is evaluated
// with the values of its children at load. HCL's own evaluation at load is not
// enough: it drops the errors of operands and branches that it doesn't need.
type checker struct {
	want     Type
	diags    hcl.Diagnostics
	uses     []string
	seen     map[string]bool
	networks []Mention // names that are looked for in client.networks
	lists    int       // how often client.networks stands there
	nodes    int
}

// fail notes a problem and returns what check returns for a wrong part.
func (c *checker) fail(at hcl.Range, summary, format string, args ...any) (node, bool) {
	c.diags = append(c.diags, problem(at, summary, format, args...))
	return node{}, false
}

// check checks e with all its parts. It returns false if anything is wrong with
// it, and has noted it then.
func (c *checker) check(e hclsyntax.Expression) (node, bool) {
	if c.nodes++; c.nodes > maxNodes && e != nil {
		if c.nodes == maxNodes+1 {
			return c.fail(e.Range(), "Expression too long",
				"An expression has at most %d parts; split it into several routes or policies.", maxNodes)
		}
		return node{}, false
	}
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return c.check(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return c.check(e.Wrapped)
	case *hclsyntax.LiteralValueExpr:
		return c.literal(e)
	case *hclsyntax.ScopeTraversalExpr:
		return c.variable(e)
	case *hclsyntax.RelativeTraversalExpr:
		return c.traversal(e)
	case *hclsyntax.IndexExpr:
		return c.index(e)
	case *hclsyntax.FunctionCallExpr:
		return c.call(e)
	case *hclsyntax.ConditionalExpr:
		return c.conditional(e)
	case *hclsyntax.BinaryOpExpr:
		return c.binary(e)
	case *hclsyntax.UnaryOpExpr:
		return c.unary(e)
	case *hclsyntax.TemplateExpr:
		return c.template(e)
	case *hclsyntax.TupleConsExpr:
		return c.tuple(e)
	case *hclsyntax.ObjectConsExpr:
		return c.object(e)
	case *hclsyntax.ObjectConsKeyExpr:
		return c.key(e)
	case *hclsyntax.ForExpr, *hclsyntax.SplatExpr, *hclsyntax.TemplateJoinExpr:
		return c.fail(e.Range(), "Loop not allowed",
			"Expressions run at each login and have no loops; use contains, join, replace or regexall instead.")
	case *hclsyntax.ExprSyntaxError:
		return c.syntax(e.SrcRange)
	case nil:
		return c.syntax(hcl.Range{})
	default:
		return c.fail(e.Range(), "Expression not supported",
			"Use variables, functions, operators, texts, numbers and lists.")
	}
}

// syntax notes a part that the parser couldn't read. The parser has reported it
// already, but a config with such an error is still checked for others.
func (c *checker) syntax(at hcl.Range) (node, bool) {
	return c.fail(at, "Syntax is invalid", "Mend the syntax error that was reported for this place.")
}

// all checks several parts, so that the problems of all of them are found.
func (c *checker) all(parts []hclsyntax.Expression) ([]node, bool) {
	nodes := make([]node, len(parts))
	right := true
	for i, part := range parts {
		n, ok := c.check(part)
		nodes[i], right = n, right && ok
	}
	return nodes, right
}

// combine makes the node of an expression whose parts are checked already:
// build puts parts into a copy of it. A constant one becomes a literal, so that
// it costs nothing at a login.
func (c *checker) combine(parts []node, build func([]hclsyntax.Expression) hclsyntax.Expression) (node, bool) {
	codes := make([]hclsyntax.Expression, len(parts))
	values := make([]hclsyntax.Expression, len(parts))
	for i, p := range parts {
		codes[i] = p.code
		values[i] = &hclsyntax.LiteralValueExpr{Val: p.val, SrcRange: p.code.Range()}
	}
	e := build(codes)
	v, diags := build(values).Value(loadContext)
	if diags.HasErrors() {
		for _, d := range diags {
			at := e.Range()
			if d.Subject != nil {
				at = *d.Subject
			}
			c.fail(at, "Expression always fails", "This can't succeed at any login: %s", printable(d.Detail))
		}
		return node{}, false
	}
	if v.IsWhollyKnown() {
		return node{&hclsyntax.LiteralValueExpr{Val: v, SrcRange: e.Range()}, v}, true
	}
	return node{e, v}, true
}

// result checks that the whole expression has the wanted type.
func (c *checker) result(root node, at hcl.Range) {
	t := root.val.Type()
	switch {
	case t == cty.DynamicPseudoType:
		c.unknownType(at)
	case t != c.want.cty() && c.want == Bool:
		c.fail(at, "Result not bool", "A condition must be true or false, but this is %s; "+
			"compare it with something, as in user.domain == \"example.com\".", a(t))
	case t != c.want.cty() && !t.IsPrimitiveType():
		c.fail(at, "Result not text", "This must be a string, but it is %s; "+
			"make one, for example with join(\",\", …).", a(t))
	case t != c.want.cty():
		c.fail(at, "Result not text", "This must be a string, but it is %s; "+
			"make one, for example with format(\"%%v\", …).", a(t))
	case t == cty.String && root.val.IsKnown() && !root.val.IsNull() && len(root.val.AsString()) > maxText:
		c.fail(at, "Text too long", "A text has at most %d bytes; shorten it.", maxText)
	case root.val.IsKnown() && root.val.IsNull():
		c.fail(at, "Expression always fails", "The result is always null; name a value instead.")
	}
}

// unknownType notes that a part's type isn't known before a login.
func (c *checker) unknownType(at hcl.Range) (node, bool) {
	return c.fail(at, "Type not known", "This can be of different types, depending on the login; "+
		"rewrite it so that all its outcomes have the same type.")
}
