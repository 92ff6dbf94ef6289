// Package policy judges workloads by Rego policies. It is pure: an engine is
// compiled from sources and never changes, an input goes in, a verdict comes out.
package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Limits bound an evaluation. What the caller's context leaves is the outer bound.
type Limits struct {
	// Together is how long all rules may take, judged in one query.
	Together time.Duration
	// Alone is how long one rule may take when it is judged by itself, which
	// happens only if a rule failed or the time for all was not enough.
	Alone time.Duration
}

// DefaultLimits leave a webhook with a timeout of 2 s room to answer.
func DefaultLimits() Limits {
	return Limits{Together: 500 * time.Millisecond, Alone: 100 * time.Millisecond}
}

// Engine is a compiled set of policies. It is immutable and safe for
// concurrent use; a new set of policies is a new Engine.
type Engine struct {
	limits Limits
	terms  Overrides
	digest string
	// known are the names of all rules, those that are off included, sorted.
	known []string
	early program
	final program
}

// program is the rules of one phase, ready to run.
type program struct {
	rules []Rule
	// objects says that a rule may read the request's objects.
	objects  bool
	together rego.PreparedEvalQuery
	alone    []rego.PreparedEvalQuery
}

// Rules lists the rules that an engine enforces in a phase, by name.
func (e *Engine) Rules(phase Phase) []Rule {
	return slices.Clone(e.program(phase).rules)
}

// Hash identifies the policies and the terms that an engine was made of: two with the same judge
// alike.
func (e *Engine) Hash() string { return e.digest }

// Unknown says which policies the engine's terms name that do not exist, and
// which do; nil if all exist.
func (e *Engine) Unknown() error {
	var missing []string
	for _, name := range e.terms.names() {
		if !slices.Contains(e.known, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("overrides and exemptions name policies that do not exist: %s; there are %s",
		strings.Join(missing, ", "), strings.Join(e.known, ", "))
}

func (e *Engine) program(phase Phase) *program {
	if phase == Early {
		return &e.early
	}
	return &e.final
}

// Evaluate judges one input. Whatever goes wrong is in the verdict: a rule that
// fails or is not done in time is an error of that rule and of no other.
func (e *Engine) Evaluate(ctx context.Context, in Input) Verdict {
	p := e.program(in.Phase)
	var err error
	if p.objects {
		in, err = in.whole()
	}
	var document ast.Value
	if err == nil {
		document, err = in.document()
	}
	reading := newReading(p.rules, e.terms, in)
	reading.Policies = e.digest
	if err != nil {
		for _, rule := range p.rules {
			reading.fail(rule, Broken, err.Error())
		}
		return reading.settled()
	}
	results, err := run(ctx, p.together, document, e.limits.Together)
	if err == nil {
		err = reading.collect(results)
	}
	if err != nil {
		reading = newReading(p.rules, e.terms, in)
		reading.Policies = e.digest
		e.oneByOne(ctx, p, document, reading)
	}
	return reading.settled()
}

// oneByOne judges each rule by itself, so that the one at fault is known and the
// others are judged all the same. What a rule found before it failed counts.
func (e *Engine) oneByOne(ctx context.Context, p *program, document ast.Value, reading *reading) {
	for number, rule := range p.rules {
		results, err := run(ctx, p.alone[number], document, e.limits.Alone)
		if collected := reading.collect(results); collected != nil {
			err = errors.Join(err, collected)
		}
		switch {
		case err == nil:
		case topdown.IsCancel(err) || ctx.Err() != nil:
			reading.fail(rule, TimedOut, "it was not done by its deadline")
		default:
			reading.fail(rule, Broken, WithLocation(err).Error())
		}
	}
}

// run evaluates a query. Builtin errors, which would leave a rule silently
// undefined, come back as the error, beside the results.
func run(ctx context.Context, query rego.PreparedEvalQuery, document ast.Value, limit time.Duration) (rego.ResultSet, error) {
	// OPA learns of a cancellation beside the evaluation, so a short one would be done before it does.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var builtinErrors []topdown.Error
	results, err := query.Eval(ctx, rego.EvalParsedInput(document), rego.EvalBuiltinErrorList(&builtinErrors))
	if err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	if len(builtinErrors) > 0 {
		return results, fmt.Errorf("evaluating: %w", &builtinErrors[0])
	}
	return results, nil
}
