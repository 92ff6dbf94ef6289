package policy

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// grace is how long an evaluation may take to observe that its time is over.
const grace = 50 * time.Millisecond

// errStuck says that an evaluation does not observe that its time is over.
var errStuck = errors.New("evaluating: it does not end at its deadline")

// query is a prepared query.
type query struct {
	prepared rego.PreparedEvalQuery
	// stuck is the number of evaluations that were given up and have not ended.
	stuck atomic.Int32
}

// evaluation is what an evaluation returned.
type evaluation struct {
	results rego.ResultSet
	err     error
}

// run evaluates a query. It returns builtin errors, which would leave a rule silently undefined,
// together with the results.
//
// OPA observes a deadline between two steps, and some steps take very long: comparing values that
// share parts takes exponential time. Such an evaluation is given up. While it has not ended, run
// does not begin another one, so that they do not add up.
func (q *query) run(ctx context.Context, document ast.Value, limit time.Duration) (rego.ResultSet, error) {
	// OPA observes a cancellation asynchronously, so a short evaluation could complete before.
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evaluating: %w", err)
	}
	if q.stuck.Load() > 0 {
		return nil, errStuck
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	patient, stop := context.WithTimeout(context.WithoutCancel(ctx), limit+grace)
	defer stop()
	ended := make(chan evaluation, 1)
	var state atomic.Int32
	go func() {
		ended <- q.evaluate(limited, document)
		if !state.CompareAndSwap(running, done) {
			q.stuck.Add(-1)
		}
	}()
	select {
	case e := <-ended:
		return e.results, e.err
	case <-patient.Done():
	}
	q.stuck.Add(1)
	if state.CompareAndSwap(running, givenUp) {
		return nil, errStuck
	}
	q.stuck.Add(-1)
	e := <-ended
	return e.results, e.err
}

// The states of an evaluation.
const (
	running int32 = iota
	givenUp
	done
)

func (q *query) evaluate(ctx context.Context, document ast.Value) (e evaluation) {
	defer func() { // A panic in a goroutine of its own would end the process.
		if cause := recover(); cause != nil {
			e = evaluation{err: fmt.Errorf("evaluating: panic: %v", cause)}
		}
	}()
	var builtinErrors []topdown.Error
	results, err := q.prepared.Eval(ctx, rego.EvalParsedInput(document), rego.EvalBuiltinErrorList(&builtinErrors))
	if err != nil {
		return evaluation{err: fmt.Errorf("evaluating: %w", err)}
	}
	if len(builtinErrors) > 0 {
		return evaluation{results: results, err: fmt.Errorf("evaluating: %w", &builtinErrors[0])}
	}
	return evaluation{results: results}
}
