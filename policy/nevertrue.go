package policy

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxSteps bounds the search for rules that are never true: functions are followed with their
// arguments, which can take exponential time.
const maxSteps = 20_000

// reason is why something is never true, and what to do.
type reason struct{ text, fix string }

// truth is what is certain of an expression for every input.
type truth int

const (
	sometimes truth = iota
	always
	neverHolds
)

// outcome is what is certain of an expression, a body or a rule.
type outcome struct {
	truth truth
	// because is the reason of neverHolds.
	because reason
}

// never finds rules that are true for no input. Whatever it does not understand may be true.
type never struct {
	*analysis

	known map[*ast.Rule]outcome
	steps int
}

// scope is what is known within a body.
type scope struct {
	in sourceInput
	// vars are the variables that have a value already.
	vars map[ast.Var]term
	// equal are the constants to which terms were compared, by the text of the term.
	equal map[string]comparison
}

type comparison struct {
	value ast.Value
	text  string
}

// rule returns whether a rule without arguments is never true.
func (n *never) rule(rule *ast.Rule) (reason, bool) {
	o := n.ruleWith(rule, nil)
	return o.because, o.truth == neverHolds
}

// ruleWith returns what is certain of a rule for some arguments.
func (n *never) ruleWith(rule *ast.Rule, arguments []term) outcome {
	if o, found := n.known[rule]; found && len(arguments) == 0 {
		return o
	}
	s := scope{vars: map[ast.Var]term{}, equal: map[string]comparison{}}
	if m, own := n.modules[rule.Location.File]; own {
		s.in = n.set.inputs[m.inputKey()]
	}
	for i, argument := range arguments {
		if i >= len(rule.Head.Args) {
			break
		}
		switch value := rule.Head.Args[i].Value.(type) {
		case ast.Var:
			s.vars[value] = argument
		default:
			if constant := (term{values: []ast.Value{value}}); ast.IsConstant(value) && disjoint(argument.values, constant.values) {
				return outcome{truth: neverHolds, because: s.other("the argument "+value.String(), argument, constant)}
			}
		}
		s.see(rule.Head.Args[i])
	}
	o := n.body(rule.Body, s)
	if o.truth == neverHolds && rule.Else != nil {
		o = n.ruleWith(rule.Else, arguments)
	}
	if len(arguments) == 0 {
		n.known[rule] = o
	}
	return o
}

func (n *never) body(body ast.Body, s scope) outcome {
	all := outcome{truth: always}
	for _, expression := range body {
		if n.steps++; n.steps > maxSteps {
			return outcome{}
		}
		o := n.expression(expression, s)
		s.see(expression)
		if o.truth == neverHolds {
			return o
		}
		if o.truth == sometimes {
			all.truth = sometimes
		}
	}
	return all
}

func (n *never) expression(e *ast.Expr, s scope) outcome {
	if len(e.With) > 0 {
		return outcome{}
	}
	if e.Negated {
		s.see(e) // It gives no variable a value.
		positive := n.positive(e, scope{in: s.in, vars: s.vars, equal: map[string]comparison{}})
		switch positive.truth {
		case always:
			return outcome{truth: neverHolds, because: alwaysSame(quoted(e.Location.Text))}
		case neverHolds:
			return outcome{truth: always}
		}
		return outcome{}
	}
	return n.positive(e, s)
}

func (n *never) positive(e *ast.Expr, s scope) outcome {
	switch terms := e.Terms.(type) {
	case *ast.Term:
		return n.holds(n.term(terms, s), e)
	case []*ast.Term:
		return n.call(e, terms[1:], s)
	}
	return outcome{}
}

// holds returns what is certain of a term as an expression.
func (n *never) holds(t term, e *ast.Expr) outcome {
	isFalse := func(v ast.Value) bool { return v.Compare(ast.Boolean(false)) == 0 }
	switch {
	case t.undefined != nil:
		return outcome{truth: neverHolds, because: *t.undefined}
	case t.values == nil:
		return outcome{}
	case !slices.ContainsFunc(t.values, func(v ast.Value) bool { return !isFalse(v) }):
		return outcome{truth: neverHolds, because: alwaysSame(quoted(e.Location.Text))}
	case t.certain && !slices.ContainsFunc(t.values, isFalse):
		return outcome{truth: always}
	}
	return outcome{}
}

func (n *never) call(e *ast.Expr, operands []*ast.Term, s scope) outcome {
	var known []term
	for _, operand := range operands {
		t := n.term(operand, s)
		if t.undefined != nil {
			return outcome{truth: neverHolds, because: *t.undefined}
		}
		known = append(known, t)
	}
	operator := e.Operator()
	switch name := operator.String(); {
	case len(operands) == 2 && (name == ast.Equality.Name || name == ast.Equal.Name || name == ast.Assign.Name):
		return n.equality(e, operands, known, s)
	case len(operands) == 2 && name == ast.NotEqual.Name:
		return s.inequality(e, known)
	case len(operands) == 2 && name == ast.Member.Name:
		return s.member(e, operands, known)
	case len(operands) == 3 && name == ast.MemberWithKey.Name:
		s.bindItem(operands[1], known[2])
		return outcome{}
	case operator.HasPrefix(ast.DefaultRootRef):
		return n.function(operator, known)
	}
	return outcome{}
}

// equality is a comparison, or gives a variable its value.
func (n *never) equality(e *ast.Expr, operands []*ast.Term, known []term, s scope) outcome {
	for i, operand := range operands {
		name, isVar := operand.Value.(ast.Var)
		if _, bound := s.vars[name]; isVar && !bound {
			s.vars[name] = known[1-i]
			if known[1-i].certain {
				return outcome{truth: always}
			}
			return outcome{}
		}
	}
	left, right := known[0], known[1]
	text := quoted(e.Location.Text)
	if disjoint(left.values, right.values) {
		return outcome{truth: neverHolds, because: s.other(text, left, right)}
	}
	if len(left.values) == 1 && len(right.values) == 1 && left.certain && right.certain {
		return outcome{truth: always}
	}
	for i, operand := range operands {
		constant := operands[1-i].Value
		if !ast.IsConstant(constant) || ast.IsConstant(operand.Value) || hasWildcard(operand) {
			continue
		}
		key := operand.String()
		if before, found := s.equal[key]; found && before.value.Compare(constant) != 0 {
			return outcome{truth: neverHolds, because: contradiction(text, before.text)}
		}
		s.equal[key] = comparison{value: constant, text: text}
	}
	return outcome{}
}

// hasWildcard reports whether a term stands for one of several values, and each time for another.
func hasWildcard(t *ast.Term) bool {
	found := false
	ast.WalkVars(t, func(name ast.Var) bool {
		found = found || name.IsWildcard()
		return found
	})
	return found
}

func (s scope) inequality(e *ast.Expr, known []term) outcome {
	left, right := known[0], known[1]
	switch {
	case len(left.values) == 1 && len(right.values) == 1 && left.values[0].Compare(right.values[0]) == 0:
		return outcome{truth: neverHolds, because: s.other(quoted(e.Location.Text), left, right)}
	case disjoint(left.values, right.values) && left.certain && right.certain:
		return outcome{truth: always}
	}
	return outcome{}
}

// other is the reason of a comparison of a term that always has other values.
func (s scope) other(text string, left, right term) reason {
	if !left.isPath && right.isPath {
		left = right
	}
	if !left.isPath {
		return alwaysSame(text)
	}
	return alwaysOther(text, inputPath(left.path), texts(left.values))
}

// see notes that all variables of an expression have values.
func (s scope) see(x any) {
	ast.WalkVars(x, func(name ast.Var) bool {
		if _, bound := s.vars[name]; !bound {
			s.vars[name] = term{}
		}
		return false
	})
}

// member is `x in xs`, which also gives a variable its value.
func (s scope) member(e *ast.Expr, operands []*ast.Term, known []term) outcome {
	item, items := known[0], known[1]
	if len(items.values) == 1 && item.values != nil {
		in := 0
		for _, value := range item.values {
			if contains(items.values[0], value) {
				in++
			}
		}
		switch {
		case in == 0:
			return outcome{truth: neverHolds, because: s.other(quoted(e.Location.Text), item, term{})}
		case in == len(item.values) && item.certain:
			return outcome{truth: always}
		}
		return outcome{}
	}
	s.bindItem(operands[0], items)
	return outcome{}
}

// bindItem gives a variable the items of a collection.
func (s scope) bindItem(variable *ast.Term, items term) {
	name, isVar := variable.Value.(ast.Var)
	if _, bound := s.vars[name]; !isVar || bound {
		return
	}
	s.vars[name] = term{}
	if items.isPath {
		s.vars[name] = term{path: append(slices.Clone(items.path), anyStep), isPath: true}
	}
}

// function returns what is certain of a call of a rule with arguments.
func (n *never) function(ref ast.Ref, known []term) outcome {
	rules := n.compiler.GetRulesExact(ref)
	var last outcome
	for _, rule := range rules {
		if rule.Default {
			return outcome{}
		}
		arguments := known[:min(len(known), len(rule.Head.Args))]
		last = n.ruleWith(rule, arguments)
		isTrue := rule.Head.Value == nil || rule.Head.Value.Value.Compare(ast.Boolean(true)) == 0
		if last.truth != neverHolds {
			if last.truth == always && isTrue && len(known) == len(rule.Head.Args) {
				return last
			}
			return outcome{}
		}
	}
	return last
}
