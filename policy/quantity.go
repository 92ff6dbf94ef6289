package policy

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"

	"reprise.dev/reprise/internal/quantity"
)

// QuantityCompare declares k8s.quantity.compare(a, b): -1, 0 or 1 as a is less
// than, equal to or greater than b. Both are Kubernetes quantities, as strings
// or as the bare numbers that YAML makes of them. It is exact for every
// quantity, which units.parse and units.parse_bytes are not: they know no n or
// u, and read a final m in bytes as mega.
var QuantityCompare = &ast.Builtin{
	Name:        "k8s.quantity.compare",
	Description: "Compares two Kubernetes quantities exactly.",
	Decl: types.NewFunction(
		types.Args(
			types.Named("a", types.NewAny(types.S, types.N)),
			types.Named("b", types.NewAny(types.S, types.N)),
		),
		types.Named("result", types.N),
	),
}

// QuantityBuiltin gives a query the implementation of k8s.quantity.compare.
func QuantityBuiltin() func(*rego.Rego) {
	declaration := &rego.Function{Name: QuantityCompare.Name, Decl: QuantityCompare.Decl}
	return rego.Function2(declaration, func(_ rego.BuiltinContext, a, b *ast.Term) (*ast.Term, error) {
		left, err := quantityOf(a)
		if err != nil {
			return nil, err
		}
		right, err := quantityOf(b)
		if err != nil {
			return nil, err
		}
		order, err := quantity.CompareText(left, right)
		if err != nil {
			return nil, err
		}
		return ast.InternedTerm(order), nil
	})
}

// quantityOf returns the text of a quantity. The error is a builtin error of the calling rule.
func quantityOf(term *ast.Term) (string, error) {
	switch value := term.Value.(type) {
	case ast.String:
		return string(value), nil
	case ast.Number:
		return value.String(), nil
	default:
		return "", fmt.Errorf("a quantity is a string or a number, not %s", ast.ValueName(term.Value))
	}
}
