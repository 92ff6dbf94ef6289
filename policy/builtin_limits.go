package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// OPA ends an evaluation between two builtins, and not in one. So no builtin may take long or make
// much of its operands: these limits are far above what a policy for a Deployment needs.
const (
	// maxOperands is the size of all operands of a call: the bytes of texts, and termSize for each
	// term.
	maxOperands = 4 << 20
	termSize    = 16
	// maxSplit is the size of operands of which a builtin may make a list with an item for each byte.
	maxSplit = 256 << 10
	// maxPattern is the size of operands that a builtin compiles, or with which it does cryptography.
	maxPattern = 16 << 10
	// maxDigits is the length of a number in arithmetic.
	maxDigits = 1000
	// maxRange is the number of items of a range.
	maxRange = 100_000
	// maxWidth is the width and the precision of a verb of sprintf.
	maxWidth = 1000
)

// withheld are builtins that no limit of their operands makes quick, with the reason.
var withheld = map[string]string{
	ast.RenderTemplate.Name:        "a template can write any amount of text",
	ast.ReachablePathsBuiltin.Name: "the number of paths grows exponentially with the graph",
	ast.GlobsMatch.Name:            "its time grows exponentially with the patterns",
	ast.JWTEncodeSign.Name:         "its time depends on the size of a key",
	ast.JWTEncodeSignRaw.Name:      "its time depends on the size of a key",
	ast.GraphQLIsValid.Name:        "its time grows exponentially with the fragments of a query",
	ast.GraphQLParse.Name:          "its time grows exponentially with the fragments of a query",
	ast.GraphQLParseAndVerify.Name: "its time grows exponentially with the fragments of a query",
	ast.GraphQLParseQuery.Name:     "its time grows exponentially with the fragments of a query",
	ast.GraphQLParseSchema.Name:    "its time grows exponentially with the fragments of a query",
	ast.GraphQLSchemaIsValid.Name:  "its time grows exponentially with the fragments of a query",
}

// limits are those of single builtins, beside maxOperands.
var limits = map[string]func([]*ast.Term) error{
	ast.Sprintf.Name:          limitWidths,
	ast.NumbersRange.Name:     limitRange,
	ast.NumbersRangeStep.Name: limitRange,
	ast.BitsShiftLeft.Name:    limitShift,
	ast.Product.Name:          limitProduct,
	ast.Replace.Name:          limitReplaced(0, 2),
	ast.RegexReplace.Name:     limitReplaced(0, 2),
	ast.ReplaceN.Name:         limitReplaced(1, 0),
	ast.Split.Name:            limitSize(maxSplit),
	ast.IndexOfN.Name:         limitSize(maxSplit),
	ast.YAMLUnmarshal.Name:    limitSize(maxSplit),
	ast.GlobMatch.Name:        limitSize(maxPattern),
}

// unlimited are builtins that take the same time for operands of any size, and are called often.
var unlimited = map[string]bool{
	ast.Equality.Name: true, ast.Assign.Name: true, ast.Member.Name: true, ast.MemberWithKey.Name: true, ast.Count.Name: true,
	ast.ObjectGet.Name: true, ast.WalkBuiltin.Name: true, ast.TypeNameBuiltin.Name: true, ast.StartsWith.Name: true, ast.EndsWith.Name: true,
	ast.Equal.Name: true, ast.NotEqual.Name: true, ast.LessThan.Name: true, ast.LessThanEq.Name: true, ast.GreaterThan.Name: true,
	ast.GreaterThanEq.Name: true,
}

// limitBuiltins makes OPA call every builtin within the limits. OPA has one table of builtins in
// a process, so it is changed once, before any policy is compiled.
var limitBuiltins = sync.OnceFunc(func() {
	for _, builtin := range ast.Builtins {
		call := topdown.GetBuiltin(builtin.Name)
		if call == nil || unlimited[builtin.Name] || strings.HasPrefix(builtin.Name, "is_") || strings.HasPrefix(builtin.Name, "internal.") {
			continue
		}
		limit := limits[builtin.Name]
		switch {
		case limit != nil:
		case strings.HasPrefix(builtin.Name, "regex."):
			limit = limitSize(maxSplit)
		case strings.HasPrefix(builtin.Name, "io.jwt."), strings.HasPrefix(builtin.Name, "crypto.x509."):
			limit = limitSize(maxPattern)
		}
		topdown.RegisterBuiltinFunc(builtin.Name, func(b topdown.BuiltinContext, operands []*ast.Term, next func(*ast.Term) error) error {
			stated := operands[:min(len(operands), builtin.Decl.Arity())] // The result may follow.
			err := limitSize(maxOperands)(stated)
			if err == nil && limit != nil {
				err = limit(stated)
			}
			if err != nil {
				return err
			}
			return call(b, operands, next)
		})
	}
})

func limitSize(most int) func([]*ast.Term) error {
	return func(operands []*ast.Term) error {
		left := most
		for _, operand := range operands {
			if err := weigh(operand.Value, &left); err != nil {
				return err
			}
		}
		if left < 0 {
			return fmt.Errorf("its operands are larger than %d KiB", most>>10)
		}
		return nil
	}
}

// weigh subtracts a value's size from left, and stops below 0. The error is about a number that is
// too long for arithmetic.
func weigh(value ast.Value, left *int) (err error) {
	*left -= termSize
	each := func(terms ...*ast.Term) bool {
		for _, term := range terms {
			if *left < 0 || err != nil {
				return true
			}
			err = weigh(term.Value, left)
		}
		return false
	}
	switch value := value.(type) {
	case ast.String:
		*left -= len(value)
	case ast.Number:
		if len(value) > maxDigits {
			err = fmt.Errorf("a number has more than %d digits", maxDigits)
		}
	case *ast.Array:
		value.Until(func(item *ast.Term) bool { return each(item) })
	case ast.Set:
		value.Until(func(item *ast.Term) bool { return each(item) })
	case ast.Object:
		value.Until(func(key, item *ast.Term) bool { return each(key, item) })
	}
	return err
}

// limitWidths checks the format of sprintf.
func limitWidths(operands []*ast.Term) error {
	format, _ := operands[0].Value.(ast.String)
	_, rest, found := strings.Cut(string(format), "%")
	for ; found; _, rest, found = strings.Cut(rest, "%") {
		rest = strings.TrimLeft(rest, "+-# 0")
		verb := strings.TrimLeft(rest, "0123456789.*[]")
		for _, number := range strings.FieldsFunc(rest[:len(rest)-len(verb)], func(r rune) bool { return r < '0' || r > '9' }) {
			if width, err := strconv.Atoi(number); err != nil || width > maxWidth {
				return fmt.Errorf("a verb is wider than %d characters", maxWidth)
			}
		}
		if strings.Contains(rest[:len(rest)-len(verb)], "*") {
			return fmt.Errorf("a verb takes its width from an operand; state it")
		}
		rest = strings.TrimPrefix(verb, "%")
	}
	return nil
}

// limitRange checks numbers.range(from, to) and numbers.range_step(from, to, step).
func limitRange(operands []*ast.Term) error {
	bounds := make([]float64, len(operands))
	for i, operand := range operands {
		number, isNumber := operand.Value.(ast.Number)
		if !isNumber {
			return nil // OPA says so.
		}
		bounds[i], _ = number.Float64()
	}
	step := 1.0
	if len(bounds) > 2 {
		step = math.Max(1, bounds[2])
	}
	if items := math.Abs(bounds[1]-bounds[0]) / step; !(items < maxRange) {
		return fmt.Errorf("the range has more than %d items", maxRange)
	}
	return nil
}

func limitShift(operands []*ast.Term) error {
	if by, isNumber := operands[1].Value.(ast.Number); isNumber {
		if places, fits := by.Int64(); !fits || places > maxDigits {
			return fmt.Errorf("it shifts by more than %d bits", maxDigits)
		}
	}
	return nil
}

// limitProduct checks the numbers of a product: it has all their digits.
func limitProduct(operands []*ast.Term) error {
	digits := 0
	count := func(factor *ast.Term) bool {
		number, _ := factor.Value.(ast.Number)
		digits += len(number)
		return digits > maxDigits
	}
	switch factors := operands[0].Value.(type) {
	case *ast.Array:
		factors.Until(count)
	case ast.Set:
		factors.Until(count)
	}
	if digits > maxDigits {
		return fmt.Errorf("the product has more than %d digits", maxDigits)
	}
	return nil
}

// limitReplaced checks a replacement in a text: every byte of the text may be replaced, and every
// byte of the replacement may stand for the text.
func limitReplaced(text, replacement int) func([]*ast.Term) error {
	return func(operands []*ast.Term) error {
		sizes := [2]int{}
		for i, operand := range []*ast.Term{operands[text], operands[replacement]} {
			left := math.MaxInt32
			if err := weigh(operand.Value, &left); err != nil {
				return err
			}
			sizes[i] = math.MaxInt32 - left
		}
		if sizes[0]*sizes[1] > 4*maxOperands {
			return fmt.Errorf("the text and the replacements are too long")
		}
		return nil
	}
}
