// Package policy evaluates workloads with Rego policies. It is pure: an engine is compiled from
// sources and never changes, and Evaluate returns a verdict for an input.
package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits are the time limits of an evaluation, within the caller's own deadline.
type Limits struct {
	// Together is how long all built-in rules may take in one query, and how long all others.
	Together time.Duration
	// Alone is how long one rule may take by itself. That happens only if a rule failed or the time
	// for all was exceeded.
	Alone time.Duration
}

// sourceShare is for how many rules a source has time, if they are evaluated by themselves.
const sourceShare = 3

// DefaultLimits returns limits within which a webhook with a timeout of 2 s can answer.
func DefaultLimits() Limits {
	return Limits{Together: 500 * time.Millisecond, Alone: 100 * time.Millisecond}
}

// Engine is a compiled set of policies. It is immutable and safe for concurrent use.
type Engine struct {
	limits    Limits
	overrides Overrides
	digest    string
	// ruleNames lists the names of all rules, including those that are off, sorted.
	ruleNames []string
	// inputs are those of the sources that see the input in their own way.
	inputs map[string]sourceInput
	early  program
	final  program
	// warnings are those about the sources.
	warnings []Warning
}

// program holds the prepared rules of one phase.
type program struct {
	rules []Rule
	// heads are the results of each rule.
	heads [][]head
	// objects reports whether a rule may read the request's objects.
	objects bool
	// builtin reports of each rule whether it is built in.
	builtin []bool
	alone   []*query
	// groups are the built-in rules and then all others, which cannot keep those from being evaluated.
	groups []group
}

// group is the rules of one query.
type group struct {
	together *query
	// sources are the numbers of the rules, those of one source together.
	sources [][]int
}

// Rules returns the rules that an engine enforces in a phase, sorted by name.
func (e *Engine) Rules(phase Phase) []Rule {
	return slices.Clone(e.program(phase).rules)
}

// Hash identifies the policies and overrides of an engine. Engines with the same hash give the same
// verdicts.
func (e *Engine) Hash() string { return e.digest }

// Warnings returns what the sources hold without an effect, sorted by source, file and line.
func (e *Engine) Warnings() []Warning { return slices.Clone(e.warnings) }

// Unknown returns an error that names the policies in overrides that do not exist, and those that
// do; nil if all exist.
func (e *Engine) Unknown() error {
	var missing []string
	for _, name := range e.overrides.names() {
		if !slices.Contains(e.ruleNames, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("overrides and exemptions name policies that do not exist: %s; there are %s",
		strings.Join(missing, ", "), strings.Join(e.ruleNames, ", "))
}

func (e *Engine) program(phase Phase) *program {
	if phase == Early {
		return &e.early
	}
	return &e.final
}

// Evaluate returns the verdict for one input. A rule that fails or times out is an error of that
// rule only.
func (e *Engine) Evaluate(ctx context.Context, in Input) Verdict {
	p := e.program(in.Phase)
	var err error
	if p.objects {
		in, err = in.withObjects()
	}
	var document ast.Value
	if err == nil {
		document, err = in.document(e.inputs)
	}
	c := newCollector(p, e.overrides, in)
	c.Policies = e.digest
	if err != nil {
		for _, rule := range p.rules {
			c.fail(rule, Broken, err.Error())
		}
		return c.verdict()
	}
	for _, g := range p.groups {
		before := *c
		results, err := g.together.run(ctx, document, e.limits.Together)
		if err == nil {
			err = c.collect(results)
		}
		if err != nil {
			*c = before
			document = e.unshared(err, in, document)
			e.oneByOne(ctx, p, g, in, document, c)
			document = e.unshared(errStuck, in, document)
		}
	}
	return c.verdict()
}

// oneByOne evaluates each rule of a group by itself, which isolates the failing one. The violations
// that a rule found before it failed count. The rules of one source share the time of a few.
func (e *Engine) oneByOne(ctx context.Context, p *program, g group, in Input, document ast.Value, c *collector) {
	for _, source := range g.sources {
		document = e.rulesOf(ctx, p, source, in, document, c)
	}
}

// rulesOf evaluates the rules of one source. It returns the document for the next one.
func (e *Engine) rulesOf(ctx context.Context, p *program, numbers []int, in Input, document ast.Value, c *collector) ast.Value {
	if !p.builtin[numbers[0]] {
		limited, cancel := context.WithTimeout(ctx, sourceShare*e.limits.Alone)
		defer cancel()
		ctx = limited
	}
	for _, number := range numbers {
		rule := p.rules[number]
		results, err := p.alone[number].run(ctx, document, e.limits.Alone)
		if collected := c.collect(results); collected != nil {
			err = errors.Join(err, collected)
		}
		switch {
		case err == nil:
		case topdown.IsCancel(err) || errors.Is(err, errStuck) || ctx.Err() != nil:
			c.fail(rule, TimedOut, "it did not finish before its deadline")
		default:
			c.fail(rule, Broken, WithLocation(err).Error())
		}
		document = e.unshared(err, in, document)
	}
	return document
}

// unshared returns a document that an evaluation which was given up does not use. A document
// converts its parts when they are read, so it serves one evaluation at a time.
func (e *Engine) unshared(err error, in Input, document ast.Value) ast.Value {
	if !errors.Is(err, errStuck) {
		return document
	}
	other, err := in.document(e.inputs)
	if err != nil {
		return document // It was converted before, so there is no error.
	}
	return other
}
