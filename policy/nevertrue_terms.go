package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// term is what is known of a term.
type term struct {
	// values are the only ones that it may have; nil if they are not known.
	values []ast.Value
	// path is where in the input it is.
	path   []string
	isPath bool
	// certain reports whether it is defined in every input.
	certain bool
	// undefined is why it is never defined.
	undefined *reason
}

// term returns what is known of a term.
func (n *never) term(t *ast.Term, s scope) term {
	switch value := t.Value.(type) {
	case ast.Var:
		if value.Equal(ast.InputRootDocument.Value) {
			return term{isPath: true, certain: true}
		}
		return s.vars[value]
	case ast.Ref:
		return n.ref(value, s)
	case ast.Call, *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
		return term{}
	}
	if ast.IsConstant(t.Value) {
		return term{values: []ast.Value{t.Value}, certain: true}
	}
	return term{}
}

func (n *never) ref(ref ast.Ref, s scope) term {
	root, isVar := ref[0].Value.(ast.Var)
	switch {
	case !isVar:
		return term{}
	case ref[0].Equal(ast.DefaultRootDocument):
		return n.data(ref, s)
	case ref[0].Equal(ast.InputRootDocument):
		rest := ref[1:]
		if len(rest) >= 2 && rest[0].Equal(ast.StringTerm(sourceInputs)) {
			rest = rest[2:]
		}
		if len(rest) > 0 && rest[0].Equal(ast.StringTerm(sourceData)) {
			return term{}
		}
		return s.path(nil, rest)
	}
	base := s.vars[root]
	switch {
	case base.undefined != nil:
		return base
	case base.isPath:
		return s.path(base.path, ref[1:])
	}
	return term{}
}

// path returns what is known of a path in the input.
func (s scope) path(base []string, rest ast.Ref) term {
	path := slices.Clone(base)
	for _, part := range rest {
		step := anyStep
		if text, isText := part.Value.(ast.String); isText {
			step = string(text)
		}
		if name, isVar := part.Value.(ast.Var); isVar && len(s.vars[name].values) == 1 {
			if text, isText := s.vars[name].values[0].(ast.String); isText {
				step = string(text)
			}
		}
		path = append(path, step)
	}
	if because, isNever := s.in.noPath(path); isNever {
		return term{path: path, isPath: true, undefined: &because}
	}
	values := s.in.constant(path)
	return term{path: path, isPath: true, values: values, certain: values != nil}
}

// data returns what is known of a reference to rules.
func (n *never) data(ref ast.Ref, s scope) term {
	for length := len(ref.ConstantPrefix()); length > 1; length-- {
		if rules := n.compiler.GetRulesExact(ref[:length]); len(rules) > 0 {
			return n.value(rules, ref[length:], s)
		}
	}
	return term{}
}

// value returns what is known of a part of the value of rules.
func (n *never) value(rules []*ast.Rule, rest ast.Ref, s scope) term {
	var values []ast.Value
	var because reason
	isKnown, certain, alive := true, false, false
	for _, rule := range rules {
		head := rule.Head
		if len(head.Args) > 0 {
			return term{}
		}
		o := outcome{truth: always}
		if !rule.Default {
			o = n.ruleWith(rule, nil)
		}
		if o.truth == neverHolds {
			because = o.because
			continue
		}
		alive, certain = true, certain || o.truth == always
		if isCollection(rule) || head.Value == nil || !ast.IsConstant(head.Value.Value) || rule.Else != nil {
			isKnown = false
			continue
		}
		values = append(values, head.Value.Value)
	}
	switch {
	case !alive && (!isCollection(rules[0]) || len(rest) > 0):
		return term{undefined: &because}
	case !alive || !isKnown:
		return term{}
	case len(rest) == 0:
		return term{values: values, certain: certain}
	case len(rest) == 1 && len(values) == 1:
		return s.lookUp(values[0], rest[0])
	}
	return term{}
}

// isCollection reports whether a rule adds items to a set or an object, which exists without any.
func isCollection(rule *ast.Rule) bool {
	return rule.Head.RuleKind() == ast.MultiValue || len(rule.Ref().GroundPrefix()) < len(rule.Ref())
}

// lookUp returns what is known of an item of a constant.
func (s scope) lookUp(of ast.Value, key *ast.Term) term {
	var index term
	switch value := key.Value.(type) {
	case ast.Var:
		index = s.vars[value]
	default:
		if ast.IsConstant(value) {
			index.values = []ast.Value{value}
		}
	}
	switch of.(type) {
	case *ast.Array, ast.Set, ast.Object:
	default:
		return term{}
	}
	if index.values == nil {
		return term{}
	}
	for _, value := range index.values {
		if found, err := of.Find(ast.Ref{ast.NewTerm(value)}); err == nil && found != nil {
			return term{}
		}
	}
	because := alwaysSame("an item of " + quoted([]byte(of.String())))
	if index.isPath {
		because = alwaysOther("an item of "+quoted([]byte(of.String())), inputPath(index.path), texts(index.values))
	}
	return term{undefined: &because}
}

// contains reports whether a value is in a collection.
func contains(items, value ast.Value) bool {
	found := false
	equal := func(item *ast.Term) bool {
		found = found || item.Value.Compare(value) == 0
		return found
	}
	switch items := items.(type) {
	case *ast.Array:
		items.Until(equal)
	case ast.Set:
		items.Until(equal)
	case ast.Object:
		items.Until(func(_, item *ast.Term) bool { return equal(item) })
	}
	return found
}

// disjoint reports whether two terms, whose values are known, are never equal.
func disjoint(a, b []ast.Value) bool {
	if a == nil || b == nil {
		return false
	}
	return !slices.ContainsFunc(a, func(x ast.Value) bool {
		return slices.ContainsFunc(b, func(y ast.Value) bool { return x.Compare(y) == 0 })
	})
}

func texts(values []ast.Value) []string {
	var all []string
	for _, value := range values {
		all = append(all, value.String())
	}
	return all
}
