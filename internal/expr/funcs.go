package expr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// functions are all functions by name. They behave as Terraform's and
// OpenTofu's of the same names, but fail if a text gets longer than maxText.
var functions = map[string]function.Function{
	"can":          tryfunc.CanFunc,
	"cidrcontains": cidrcontains,
	"contains":     stdlib.ContainsFunc,
	"endswith":     affix("suffix", strings.HasSuffix),
	"format":       format,
	"join":         join,
	"lower":        stdlib.LowerFunc,
	"regex":        regex,
	"regexall":     regexall,
	"replace":      replace,
	"split":        stdlib.SplitFunc,
	"startswith":   affix("prefix", strings.HasPrefix),
	"trimprefix":   stdlib.TrimPrefixFunc,
	"trimsuffix":   stdlib.TrimSuffixFunc,
	"try":          tryfunc.TryFunc,
	"upper":        stdlib.UpperFunc,
}

// errLong is what a function says that would make a text longer than maxText.
var errLong = fmt.Errorf("the text would be longer than %d bytes", maxText)

// text describes a parameter that takes a string.
func text(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

// notNull tells cty that a function never gives null.
func notNull(b *cty.RefinementBuilder) *cty.RefinementBuilder { return b.NotNull() }

// affix makes startswith or endswith.
func affix(name string, has func(s, affix string) bool) function.Function {
	return function.New(&function.Spec{
		Params:       []function.Parameter{text("str"), text(name)},
		Type:         function.StaticReturnType(cty.Bool),
		RefineResult: notNull,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(has(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

// cidrcontains tells whether a prefix contains an address or another prefix. As
// in OpenTofu, an IPv4 and an IPv6 one can't be compared: that is an error.
var cidrcontains = function.New(&function.Spec{
	Params:       []function.Parameter{text("containing_prefix"), text("contained_ip_or_prefix")},
	Type:         function.StaticReturnType(cty.Bool),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		outer, err := netip.ParsePrefix(args[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		inner, err := prefixOrAddress(args[1].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgError(1, err)
		}
		if outer.Addr().BitLen() != inner.Addr().BitLen() {
			return cty.NilVal, errors.New("an IPv4 and an IPv6 address can't be compared; " +
				"try(cidrcontains(…), false) takes that for false")
		}
		return cty.BoolVal(outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())), nil
	},
})

// prefixOrAddress reads an address as the prefix that holds nothing else.
func prefixOrAddress(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// join puts the elements of lists together with a separator between them.
var join = function.New(&function.Spec{
	Params:       []function.Parameter{text("separator"), {Name: "list", Type: cty.List(cty.String)}},
	VarParam:     &function.Parameter{Name: "lists", Type: cty.List(cty.String)},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		size := 0
		for _, list := range args[1:] {
			for it := list.ElementIterator(); it.Next(); {
				_, v := it.Element()
				if !v.IsKnown() {
					return cty.UnknownVal(cty.String), nil
				}
				if v.IsNull() {
					return cty.NilVal, errors.New("an element of the list is null")
				}
				size += len(args[0].AsString()) + len(v.AsString())
				if size > 2*maxText {
					return cty.NilVal, errLong
				}
			}
		}
		return limited(stdlib.JoinFunc.Call(args))
	},
})

// format makes a text after a printf-like pattern.
var format = function.New(&function.Spec{
	Params:       []function.Parameter{text("format")},
	VarParam:     stdlib.FormatFunc.VarParam(),
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		// A width of four digits would let a short pattern fill the memory.
		if wide.MatchString(args[0].AsString()) {
			return cty.NilVal, function.NewArgErrorf(0, "a width or precision is at most 999")
		}
		return limited(stdlib.FormatFunc.Call(args))
	},
})

// limited passes on a function's result unless it is too long a text.
func limited(v cty.Value, err error) (cty.Value, error) {
	if err == nil && v.IsKnown() && len(v.AsString()) > maxText {
		return cty.NilVal, errLong
	}
	return v, err
}
