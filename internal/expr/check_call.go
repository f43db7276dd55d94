package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// call checks the call of a function: its name, the number and the types of its
// arguments, and what the function itself demands of them.
func (c *checker) call(e *hclsyntax.FunctionCallExpr) (node, bool) {
	f, exists := functions[e.Name]
	if !exists {
		// Its arguments are checked all the same, for all problems in one run.
		c.all(e.Args)
		return c.fail(e.NameRange, "Unknown function name", "There is no function named %q. %s",
			e.Name, among(e.Name, slices.Collect(maps.Keys(functions))))
	}
	if e.ExpandFinal {
		return c.fail(e.Range(), "Expansion not allowed", "Write the arguments one by one, without the dots.")
	}
	args, ok := c.all(e.Args)
	if !c.count(e, f) || !ok {
		return node{}, false
	}
	for i, arg := range args {
		ok = c.argument(e, parameter(f, i), arg) && ok
	}
	if check := checks[e.Name]; ok && check != nil {
		ok = check(c, e, args)
	}
	if !ok {
		return node{}, false
	}
	n, ok := c.combine(args, func(p []hclsyntax.Expression) hclsyntax.Expression {
		return &hclsyntax.FunctionCallExpr{Name: e.Name, Args: p,
			NameRange: e.NameRange, OpenParenRange: e.OpenParenRange, CloseParenRange: e.CloseParenRange}
	})
	if ok && e.Name == "try" && n.val.Type() == cty.DynamicPseudoType {
		types := make([]cty.Type, len(args))
		for i, arg := range args {
			types[i] = arg.val.Type()
		}
		n.val = cty.UnknownVal(oneType(types))
	}
	return n, ok
}

// parameter describes the argument at index i of f.
func parameter(f function.Function, i int) function.Parameter {
	if params := f.Params(); i < len(params) {
		return params[i]
	}
	return *f.VarParam()
}

// count checks how many arguments a call has.
func (c *checker) count(e *hclsyntax.FunctionCallExpr, f function.Function) bool {
	params, more := f.Params(), f.VarParam()
	given, least := len(e.Args), len(params)
	if given == least || given > least && more != nil {
		return true
	}
	names := make([]string, 0, least+1)
	for _, p := range params {
		names = append(names, p.Name)
	}
	if more != nil {
		names = append(names, more.Name+" …")
	}
	c.fail(e.Range(), "Wrong argument count", "Write %s(%s); the number of arguments is %d now.",
		e.Name, strings.Join(names, ", "), given)
	return false
}

// argument checks the type of one argument. Nothing is converted but a list of
// strings that is written out.
func (c *checker) argument(e *hclsyntax.FunctionCallExpr, p function.Parameter, arg node) bool {
	got, at := arg.val.Type(), arg.code.Range()
	strs := cty.List(cty.String)
	switch {
	case p.Type == customdecode.ExpressionClosureType:
		return true
	case got == cty.DynamicPseudoType:
		c.unknownType(at)
		return false
	case p.Type == cty.DynamicPseudoType, got.Equals(p.Type), p.Type == patternType && got == cty.String:
		return true
	case p.Type.Equals(strs) && got.IsTupleType() && (elementType(got) == cty.String || got.Length() == 0):
		return true
	}
	want, mend := p.Type, ""
	if want == patternType {
		want = cty.String
	}
	if want == cty.String && got.IsPrimitiveType() {
		mend = `; make text of it with format("%v", …)`
	}
	c.fail(at, "Wrong argument type", "Argument %s of %s is %s, but this is %s%s.", p.Name, e.Name, a(want), a(got), mend)
	return false
}
