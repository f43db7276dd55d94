package config

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"popgate/internal/expr"
)

// value is what a word was given. Of the fields for values the one of the word's
// kind is set.
type value struct {
	name  hcl.Range   // the word
	at    hcl.Range   // its value
	items []hcl.Range // each of texts

	text    string
	texts   []string
	number  int
	flag    bool
	period  time.Duration
	rate    Rate
	program *expr.Program // nil where the word isn't written
}

// item is where element i of a list stands.
func (v *value) item(i int) hcl.Range {
	if i < len(v.items) {
		return v.items[i]
	}
	return v.at
}

// standard is the value of a word that isn't written.
func (w *word) standard(at hcl.Range) *value {
	v := &value{name: at, at: at}
	switch def := w.def.(type) {
	case string:
		switch w.kind {
		case kindPeriod:
			v.period, _ = time.ParseDuration(def)
		case kindRate:
			v.rate, _ = parseRate(def)
		}
		v.text = def
	case []string:
		v.texts = def
	case int:
		v.number = def
	case bool:
		v.flag = def
	}
	return v
}

// value evaluates attr, checks it as w demands and reports what is wrong; then it
// returns nil.
func (l *loader) value(w *word, attr *hclsyntax.Attribute) *value {
	told := len(l.diags)
	v := l.evaluate(w, attr)
	if !w.secret {
		// Where a quote or bracket is missing, a secret behind it is taken for a part of
		// this value.
		concealed(l.diags[told:], l.secrets[attr.SrcRange.Filename])
	}
	return v
}

func (l *loader) evaluate(w *word, attr *hclsyntax.Attribute) *value {
	v := &value{name: attr.NameRange, at: attr.Expr.Range()}
	var diags hcl.Diagnostics
	switch w.kind {
	case kindCondition:
		v.program, diags = l.compile(attr.Expr, expr.Bool)
	case kindUserName:
		v.program, diags = l.compile(attr.Expr, expr.Text)
	default:
		if !l.constant(w, attr.Expr) {
			return nil
		}
		var given cty.Value
		given, diags = attr.Expr.Value(l.functions(v.at.Filename))
		if w.secret {
			diags = discreet(diags)
		}
		if !diags.HasErrors() && !l.take(w, v, given, attr.Expr) {
			return nil
		}
	}
	l.diags = append(l.diags, diags...)
	if diags.HasErrors() {
		return nil
	}
	return v
}

// constant reports what may stand in e only if it is evaluated at each login:
// variables, most of which are texts that lost their quotes, and functions other
// than env and file.
func (l *loader) constant(w *word, e hclsyntax.Expression) bool {
	good := true
	if w.kind == kindRate && len(e.Variables()) > 0 {
		l.fail(e.Range(), "Missing quotes here", "A rate is written in quotes: write it like %s = %s, or %q for no limit.", w.name, w.like, off)
		return false
	}
	for _, variable := range e.Variables() {
		if w.secret {
			l.fail(e.Range(), unreadable.summary, "%s", unreadable.detail) // the name is a part of the secret
			return false
		}
		l.fail(variable.SourceRange(), "Missing quotes here",
			"A value may not depend on anything but env and file: if %s is meant as a text, write %q.", variable.RootName(), variable.RootName())
		good = false
	}
	hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics {
		call, ok := n.(*hclsyntax.FunctionCallExpr)
		if ok && w.secret && call.Name != "env" && call.Name != "file" {
			l.fail(e.Range(), unreadable.summary, "%s", unreadable.detail)
			good = false
		} else if ok && call.Name != "env" && call.Name != "file" {
			l.fail(call.NameRange, "Unknown function here", "There is no %q for values: use env(\"NAME\") for a variable of the environment and file(\"path\") for what a file holds.", call.Name)
			good = false
		}
		return nil
	})
	return good
}

// take puts given into v if it has the kind that w demands and is allowed.
func (l *loader) take(w *word, v *value, given cty.Value, e hclsyntax.Expression) bool {
	switch t := given.Type(); {
	case given.IsNull() || !given.IsWhollyKnown():
		return l.wrongKind(w, v)
	case w.kind == kindText && t == cty.String:
		v.text = given.AsString()
		return l.text(w, v.at, &v.text)
	case w.kind == kindTexts && t.IsTupleType() || w.kind == kindTexts && t.IsListType():
		return l.texts(w, v, given, e)
	case w.kind == kindNumber && t == cty.Number:
		return l.number(w, v, given.AsBigFloat())
	case w.kind == kindFlag && t == cty.Bool:
		v.flag = given.True()
		return true
	case w.kind == kindPeriod && t == cty.String:
		return l.period(w, v, given.AsString())
	case w.kind == kindPeriod && t == cty.Number:
		return l.period(w, v, given.AsBigFloat().Text('g', 10))
	case w.kind == kindRate && t == cty.String:
		return l.rate(w, v, given.AsString())
	case w.kind == kindRate && t == cty.Number:
		return l.rate(w, v, given.AsBigFloat().Text('g', 10))
	}
	return l.wrongKind(w, v)
}

func (l *loader) wrongKind(w *word, v *value) bool {
	l.fail(v.at, "Wrong value type", "%s is %s: write it like %s = %s.", w.name, w.kind.noun(), w.name, w.like)
	return false
}

// off is what is written for something that isn't wanted.
const off = "off"

// orOff is the sentence to add to a message about a value of w, or "".
func (w *word) orOff() string {
	if !w.off {
		return ""
	}
	return fmt.Sprintf(" Or write %q, if it isn't wanted.", off)
}

// text checks one text and gives it its canonical form.
func (l *loader) text(w *word, at hcl.Range, s *string) bool {
	if w.off && lower(*s) == off {
		if *s != off {
			l.fail(at, "Unknown value here", "%s can't be %q. Did you mean %q?", w.name, *s, off)
		}
		return *s == off
	}
	if w.oneOf != nil {
		for _, choice := range w.oneOf {
			if *s == choice {
				return true
			}
		}
		l.fail(at, "Unknown value here", "%s can't be %q.%s Write %s.", w.name, *s, didYouMean(*s, w.oneOf), oneOf(w.oneOf))
		return false
	}
	if w.clean != nil {
		clean, wrong := w.clean(*s)
		if wrong != nil {
			l.fail(at, wrong.summary, "%s%s", wrong.detail, w.orOff())
			return false
		}
		*s = clean
	}
	if w.doubt != nil {
		if unwise := w.doubt(*s); unwise != nil {
			l.warn(at, unwise.summary, "%s", unwise.detail)
		}
	}
	if w.path {
		*s = within(*s, at.Filename)
	}
	return true
}

// texts checks each of a list of texts; none may stand there twice.
func (l *loader) texts(w *word, v *value, given cty.Value, e hclsyntax.Expression) bool {
	var places []hclsyntax.Expression
	if tuple, ok := e.(*hclsyntax.TupleConsExpr); ok {
		places = tuple.Exprs
	}
	good, seen := true, make(map[string]bool)
	for i, item := range given.AsValueSlice() {
		at := v.at
		if i < len(places) {
			at = places[i].Range()
		}
		if item.IsNull() || item.Type() != cty.String {
			l.fail(at, "Wrong value type", "%s is %s: write it like %s = %s.", w.name, w.kind.noun(), w.name, w.like)
			good = false
			continue
		}
		s := item.AsString()
		if !l.text(w, at, &s) {
			good = false
			continue
		}
		if seen[s] {
			l.fail(at, "Value listed twice", "%q stands in this list already: take it away.", s)
			good = false
		}
		seen[s] = true
		v.texts = append(v.texts, s)
		v.items = append(v.items, at)
	}
	if good && (w.required || w.filled) && len(v.texts) == 0 {
		l.fail(v.at, "Empty list here", "%s needs at least one text: write it like %s = %s.", w.name, w.name, w.like)
		good = false
	}
	return good
}

// number checks a whole number and its bounds.
func (l *loader) number(w *word, v *value, given *big.Float) bool {
	n, exact := given.Int64()
	if exact != big.Exact || n < int64(w.least) || n > int64(w.most) {
		l.fail(v.at, "Unreasonable number here", "%s is a whole %s: write one between %d and %d.", w.name, w.count(), w.least, w.most)
		return false
	}
	v.number = int(n)
	return true
}

// period checks a time: its unit, its bounds and what is advised.
func (l *loader) period(w *word, v *value, given string) bool {
	const units = `the units are "ms", "s", "m" and "h", as in "90s" or "1h30m"`
	if _, err := strconv.ParseFloat(given, 64); err == nil {
		l.fail(v.at, "Missing time unit", "%s needs a unit: write %q for seconds or %q for minutes, in quotes.", w.name, given+"s", given+"m")
		return false
	}
	d, err := time.ParseDuration(given)
	if err != nil {
		l.fail(v.at, "Invalid time value", "%q is not a time: %s.", given, units)
		return false
	}
	if d < w.from || d > w.to {
		l.fail(v.at, "Unreasonable time here", "%s is a time that makes sense: write one between %q and %q.", w.name, short(w.from), short(w.to))
		return false
	}
	if d < w.advised {
		l.warn(v.at, "Risky short time", "%s is better left at %q or more: %s.", w.name, short(w.advised), w.why)
	}
	v.period = d
	return true
}

// short writes d as people do: "10m", not "10m0s".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
