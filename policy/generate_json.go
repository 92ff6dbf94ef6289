package policy

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// maxResults is the size of the results of one query, as weigh counts it. Values that share parts
// can stand for far more terms than there is memory, and their conversion heeds no deadline.
const maxResults = 4 << 20

// generateJSON converts results of a limited size.
func generateJSON(term *ast.Term, _ *rego.EvalContext) (any, error) {
	left := maxResults
	if err := weigh(term.Value, &left); err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	if left < 0 {
		return nil, fmt.Errorf("reading results: they are larger than %d KiB", maxResults>>10)
	}
	value, err := ast.JSONWithOpt(term.Value, ast.JSONOpt{})
	if err != nil {
		return nil, fmt.Errorf("reading results: %w", err)
	}
	return value, nil
}
