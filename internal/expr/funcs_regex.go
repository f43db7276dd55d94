package expr

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// pattern is what regex, regexall and replace look for, compiled at load.
type pattern struct {
	re     *regexp.Regexp // nil: look for plain
	plain  string
	result cty.Type // of one match; replace doesn't use it
}

// patternType is the type of patterns as values; no config can make one.
var patternType = cty.Capsule("pattern", reflect.TypeFor[pattern]())

// wide finds a width or precision of more than three digits in a format.
var wide = regexp.MustCompile(`%[^%A-Za-z]*[0-9]{4}`)

// newRegexp compiles the pattern of regex and regexall. The type of a match is
// as in Terraform: the whole text without groups, else a tuple of unnamed or an
// object of named ones.
func newRegexp(s string) (*pattern, error) {
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	p := &pattern{re: re, result: cty.String}
	names := re.SubexpNames()[1:]
	if len(names) == 0 {
		return p, nil
	}
	named := make(map[string]cty.Type)
	unnamed := make([]cty.Type, 0, len(names))
	for _, name := range names {
		if name == "" {
			unnamed = append(unnamed, cty.String)
		} else {
			named[name] = cty.String
		}
	}
	switch {
	case len(named) == 0:
		p.result = cty.Tuple(unnamed)
	case len(unnamed) == 0:
		p.result = cty.Object(named)
	default:
		return nil, errors.New("named and unnamed groups can't be mixed")
	}
	return p, nil
}

// newReplaced compiles what replace looks for: a regular expression if it is
// between slashes, otherwise the text itself.
func newReplaced(s string) (*pattern, error) {
	if len(s) < 2 || s[0] != '/' || s[len(s)-1] != '/' {
		return &pattern{plain: s}, nil
	}
	re, err := regexp.Compile(s[1 : len(s)-1])
	return &pattern{re: re}, err
}

// match makes the value of one match, given as the borders of its groups in s.
func (p *pattern) match(s string, at []int) cty.Value {
	if p.result == cty.String {
		return cty.StringVal(s[at[0]:at[1]])
	}
	groups := make([]cty.Value, 0, len(at)/2-1)
	for i := 2; i < len(at); i += 2 {
		v := cty.NullVal(cty.String) // a group that took no part in the match
		if at[i] >= 0 {
			v = cty.StringVal(s[at[i]:at[i+1]])
		}
		groups = append(groups, v)
	}
	if p.result.IsTupleType() {
		return cty.TupleVal(groups)
	}
	named := make(map[string]cty.Value, len(groups))
	for i, name := range p.re.SubexpNames()[1:] {
		named[name] = groups[i]
	}
	return cty.ObjectVal(named)
}

// patternParam describes a parameter that takes a pattern.
func patternParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: patternType}
}

// patternOf returns the pattern that v holds.
func patternOf(v cty.Value) *pattern { return v.EncapsulatedValue().(*pattern) }

// regex gives the first match in a text, and fails if there is none.
var regex = function.New(&function.Spec{
	Params:       []function.Parameter{patternParam("pattern"), text("string")},
	Type:         func(args []cty.Value) (cty.Type, error) { return patternOf(args[0]).result, nil },
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, s := patternOf(args[0]), args[1].AsString()
		at := p.re.FindStringSubmatchIndex(s)
		if at == nil {
			return cty.NilVal, errors.New("the pattern doesn't match")
		}
		return p.match(s, at), nil
	},
})

// regexall gives a list of all matches in a text.
var regexall = function.New(&function.Spec{
	Params:       []function.Parameter{patternParam("pattern"), text("string")},
	Type:         func(args []cty.Value) (cty.Type, error) { return cty.List(patternOf(args[0]).result), nil },
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		p, s := patternOf(args[0]), args[1].AsString()
		all := p.re.FindAllStringSubmatchIndex(s, -1)
		if len(all) == 0 {
			return cty.ListValEmpty(p.result), nil
		}
		matches := make([]cty.Value, len(all))
		for i, at := range all {
			matches[i] = p.match(s, at)
		}
		return cty.ListVal(matches), nil
	},
})

// replace puts another text in the place of each match.
var replace = function.New(&function.Spec{
	Params:       []function.Parameter{text("str"), patternParam("substr"), text("replace")},
	Type:         function.StaticReturnType(cty.String),
	RefineResult: notNull,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		s, p, by := args[0].AsString(), patternOf(args[1]), args[2].AsString()
		if p.re == nil {
			if n := strings.Count(s, p.plain); len(s)+n*(len(by)-len(p.plain)) > maxText {
				return cty.NilVal, errLong
			}
			return cty.StringVal(strings.ReplaceAll(s, p.plain, by)), nil
		}
		// Not ReplaceAllString, because its result can be a thousand times as
		// long as its arguments.
		var out []byte
		end := 0
		for _, at := range p.re.FindAllStringSubmatchIndex(s, -1) {
			out = p.re.ExpandString(append(out, s[end:at[0]]...), by, s, at)
			end = at[1]
			if len(out) > maxText {
				return cty.NilVal, errLong
			}
		}
		return cty.StringVal(string(append(out, s[end:]...))), nil
	},
})
