package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// maxExponent bounds the binary exponent of a number: a short one such as 1e999999999
// would become a text of a gigabyte.
const maxExponent = 64

// literal checks a number, true, false, null, or a piece of text.
func (c *checker) literal(e *hclsyntax.LiteralValueExpr) (node, bool) {
	if !e.Val.IsKnown() {
		return c.syntax(e.SrcRange) // what the parser leaves for a number that it can't read
	}
	if e.Val.IsNull() {
		return c.fail(e.SrcRange, "Null not allowed", "Absent text is \"\", never null; write \"\" instead.")
	}
	if e.Val.Type() == cty.Number {
		f := e.Val.AsBigFloat()
		if exp := f.MantExp(nil); f.IsInf() || exp > maxExponent || exp < -maxExponent {
			return c.fail(e.SrcRange, "Number too extreme", "Use a number of at most 19 digits.")
		}
	}
	return node{e, e.Val}, true
}

// variable checks a name such as user.domain and replaces it by one look-up.
func (c *checker) variable(e *hclsyntax.ScopeTraversalExpr) (node, bool) {
	root := e.Traversal.RootName()
	name, rest := root, e.Traversal[1:]
	if attrs := attributes(root); len(attrs) > 0 {
		if len(rest) == 0 || stepName(rest[0]) == "" {
			return c.fail(e.SrcRange, "Attribute is missing", "Write which part of %s is meant, such as %s.%s. %s",
				root, root, attrs[0], among("", attrs))
		}
		attr := stepName(rest[0])
		if !slices.Contains(attrs, attr) {
			return c.fail(rest[0].SourceRange(), "Unknown attribute name", "%s has no attribute named %q. %s",
				root, attr, among(attr, attrs))
		}
		name, rest = root+"."+attr, rest[1:]
	}
	v, ok := variables[name]
	if !ok {
		roots := rootNames()
		return c.fail(e.Traversal[0].SourceRange(), "Unknown variable name", "There is no variable named %q. %s",
			root, among(root, roots))
	}
	if len(rest) > 0 && v.list != nil {
		return c.part(rest[0].SourceRange(), name)
	}
	if len(rest) > 0 {
		return c.fail(rest[0].SourceRange(), "Unknown attribute name",
			"%s is %s and has no parts; write just %s.", name, a(v.unknown().Type()), name)
	}
	if name == clientNetworks {
		c.lists++
	}
	if !c.seen[name] {
		c.seen[name] = true
		c.uses = append(c.uses, name)
	}
	code := &hclsyntax.ScopeTraversalExpr{
		Traversal: hcl.Traversal{hcl.TraverseRoot{Name: name, SrcRange: e.SrcRange}},
		SrcRange:  e.SrcRange,
	}
	return node{code, v.unknown()}, true
}

// variableName returns the full name of the variable that e is, or "".
func variableName(e hclsyntax.Expression) string {
	if v, ok := e.(*hclsyntax.ScopeTraversalExpr); ok {
		return v.Traversal.RootName()
	}
	return ""
}

// stepName returns the name that one step of a traversal asks for.
func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// rootNames returns the first parts of all variables' names.
func rootNames() []string {
	roots := map[string]bool{}
	for name := range variables {
		root, _, _ := strings.Cut(name, ".")
		roots[root] = true
	}
	return slices.Sorted(maps.Keys(roots))
}

// attributes returns what can follow root and a dot, sorted.
func attributes(root string) []string {
	var attrs []string
	for name := range variables {
		if attr, ok := strings.CutPrefix(name, root+"."); ok {
			attrs = append(attrs, attr)
		}
	}
	slices.Sort(attrs)
	return attrs
}

// part refuses to take an element of a variable that is a list: which one comes
// first, and whether there is one, depends on the login.
func (c *checker) part(at hcl.Range, name string) (node, bool) {
	return c.fail(at, "Element not constant", "The elements of %s have no certain order; look for one, as in contains(%s, \"office\").", name, name)
}

// isListVariable reports whether e is nothing but a variable that is a list.
func isListVariable(e hclsyntax.Expression) bool { return variables[variableName(e)].list != nil }

// traversal checks .name or [0] behind a part that isn't a variable.
func (c *checker) traversal(e *hclsyntax.RelativeTraversalExpr) (node, bool) {
	n, ok := c.check(e.Source)
	if !ok {
		return node{}, false
	}
	if isListVariable(n.code) {
		return c.part(e.SrcRange, variableName(n.code))
	}
	return c.combine([]node{n}, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.RelativeTraversalExpr{Source: p[0], Traversal: e.Traversal, SrcRange: e.SrcRange}
	})
}

// index checks collection[key].
func (c *checker) index(e *hclsyntax.IndexExpr) (node, bool) {
	parts, ok := c.all([]hclsyntax.Expression{e.Collection, e.Key})
	if !ok {
		return node{}, false
	}
	if isListVariable(parts[0].code) {
		return c.part(e.SrcRange, variableName(parts[0].code))
	}
	t, want := parts[0].val.Type(), cty.Number
	if t.IsObjectType() {
		want = cty.String
	}
	got := parts[1].val.Type()
	if t == cty.DynamicPseudoType || got == cty.DynamicPseudoType {
		return c.unknownType(e.SrcRange)
	}
	if got != want {
		return c.fail(parts[1].code.Range(), "Wrong index type", "%s is indexed by %s, but this is %s.",
			capital(a(t)), a(want), a(got))
	}
	n, ok := c.combine(parts, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.IndexExpr{Collection: p[0], Key: p[1],
			SrcRange: e.SrcRange, OpenRange: e.OpenRange, BracketRange: e.BracketRange}
	})
	if ok && n.val.Type() == cty.DynamicPseudoType {
		// Which element it is isn't known, but all of them may be alike.
		n.val = cty.UnknownVal(elementType(t))
	}
	return n, ok
}

// elementType returns the one type of all elements of t, or the dynamic type.
func elementType(t cty.Type) cty.Type {
	var types []cty.Type
	switch {
	case t.IsTupleType():
		types = t.TupleElementTypes()
	case t.IsObjectType():
		types = slices.Collect(maps.Values(t.AttributeTypes()))
	case t.IsCollectionType():
		return t.ElementType()
	}
	return oneType(types)
}

// oneType returns the type that all types are, or the dynamic type.
func oneType(types []cty.Type) cty.Type {
	for _, t := range types {
		if !t.Equals(types[0]) {
			return cty.DynamicPseudoType
		}
	}
	if len(types) == 0 {
		return cty.DynamicPseudoType
	}
	return types[0]
}

// template checks "text ${value} text".
func (c *checker) template(e *hclsyntax.TemplateExpr) (node, bool) {
	parts, ok := c.all(e.Parts)
	if !ok {
		return node{}, false
	}
	for _, p := range parts {
		t := p.val.Type()
		if t == cty.DynamicPseudoType {
			return c.unknownType(p.code.Range())
		}
		if !t.IsPrimitiveType() {
			return c.fail(p.code.Range(), "Wrong template part",
				"A text can hold strings, numbers and bools, but this is %s; use join or format.", a(t))
		}
	}
	return c.combine(parts, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.TemplateExpr{Parts: p, SrcRange: e.SrcRange}
	})
}

// tuple checks [a, b].
func (c *checker) tuple(e *hclsyntax.TupleConsExpr) (node, bool) {
	parts, ok := c.all(e.Exprs)
	if !ok {
		return node{}, false
	}
	return c.combine(parts, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.TupleConsExpr{Exprs: p, SrcRange: e.SrcRange, OpenRange: e.OpenRange}
	})
}

// object checks { a = b }, a table to look up in with an index.
func (c *checker) object(e *hclsyntax.ObjectConsExpr) (node, bool) {
	exprs := make([]hclsyntax.Expression, 0, 2*len(e.Items))
	for _, item := range e.Items {
		exprs = append(exprs, item.KeyExpr, item.ValueExpr)
	}
	parts, ok := c.all(exprs)
	if !ok {
		return node{}, false
	}
	return c.combine(parts, func(p []hclsyntax.Expression) hclsyntax.Expression {
		items := make([]hclsyntax.ObjectConsItem, len(e.Items))
		for i := range items {
			items[i] = hclsyntax.ObjectConsItem{KeyExpr: p[2*i], ValueExpr: p[2*i+1]}
		}
		return &hclsyntax.ObjectConsExpr{Items: items, SrcRange: e.SrcRange, OpenRange: e.OpenRange}
	})
}

// key checks the key of an object's item: a bare word is itself, not a variable.
func (c *checker) key(e *hclsyntax.ObjectConsKeyExpr) (node, bool) {
	if !e.ForceNonLiteral {
		if word := hcl.ExprAsKeyword(e.Wrapped); word != "" {
			v := cty.StringVal(word)
			return node{&hclsyntax.LiteralValueExpr{Val: v, SrcRange: e.Range()}, v}, true
		}
		if _, dotted := e.Wrapped.(*hclsyntax.ScopeTraversalExpr); dotted {
			return c.fail(e.Range(), "Ambiguous object key", "Put a key that holds dots in quotes.")
		}
	}
	n, ok := c.check(e.Wrapped)
	if ok && !n.val.IsKnown() {
		// The names of its attributes are a part of an object's type.
		return c.fail(e.Range(), "Key not constant", "Write the keys of an object without variables.")
	}
	return n, ok
}
