// Package quantity reads and compares Kubernetes quantities in bounded time.
//
// The methods of resource.Quantity compute with all digits of a number: comparing 1e3000000 with
// anything takes a third of a second, and reading 1e-1000000000 takes minutes. The author of a
// manifest chooses these numbers, and no deadline ends such a computation. So the rest of Reprise
// reads and compares quantities here, and gives resource.Quantity only amounts that Limit returned.
package quantity

import (
	"fmt"
	"math"
	"math/big"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Max is the largest amount of a quantity, and -Max the smallest (k8s.io/apimachinery,
// pkg/api/resource: "no quantity may represent a number greater than 2^63-1 in magnitude").
const Max = math.MaxInt64

// Parse reads a quantity. An amount beyond Max becomes Max, with the same sign. Like the API
// server, Parse rounds to billionths, away from zero. The error is about the syntax.
func Parse(text string) (resource.Quantity, error) {
	if !isExpensive(text) {
		amount, err := parseQuick(text)
		if err != nil {
			return resource.Quantity{}, err
		}
		amount, _ = Limit(amount)
		return amount, nil
	}
	d, err := parseDecimal(text)
	if err != nil {
		return resource.Quantity{}, err
	}
	amount, _ := d.quantity()
	return amount, nil
}

// Limit returns an amount as it is and true, or false and Max with the amount's sign. Sums and
// comparisons of the results are quick. Two amounts beyond Max thus become equal.
func Limit(q resource.Quantity) (limited resource.Quantity, inRange bool) {
	if IsQuick(q) {
		return q, true
	}
	return decimalOf(q).quantity()
}

var zero = resource.MustParse("0")

// IsQuick reports whether Limit returns an amount as it is.
func IsQuick(q resource.Quantity) bool {
	// Most amounts are far from every bound. An approximation is as quick for 1e1000000, and 0 may
	// have an exponent too.
	if f := math.Abs(q.AsApproximateFloat64()); f > 1e-10 && f < 1e18 || q == zero || q == (resource.Quantity{Format: q.Format}) {
		return true
	}
	scaled := q.DeepCopy() // AsDec changes it.
	number := scaled.AsDec()
	bits, exponent := number.UnscaledBig().BitLen(), -int64(number.Scale())
	switch {
	case bits == 0:
		return exponent == 0
	case bits > maxBits || exponent < -maxDigits:
		return false
	case int64(bits/3+1)+exponent <= 18: // An integer of n bits has at most n/3+1 digits.
		return true
	}
	return decimalOf(q).magnitude(maximum) <= 0
}

// Compare returns -1, 0 or 1 if a is less than, equal to or greater than b. It is exact.
func Compare(a, b resource.Quantity) int {
	if IsQuick(a) && IsQuick(b) {
		return a.Cmp(b)
	}
	return decimalOf(a).compare(decimalOf(b))
}

// CompareText compares two quantities as written. Amounts beyond Max are compared exactly too. The
// error is about the syntax.
func CompareText(a, b string) (int, error) {
	if !isExpensive(a) && !isExpensive(b) {
		left, err := parseQuick(a)
		if err != nil {
			return 0, err
		}
		right, err := parseQuick(b)
		if err != nil {
			return 0, err
		}
		return Compare(left, right), nil
	}
	left, err := readDecimal(a)
	if err != nil {
		return 0, err
	}
	right, err := readDecimal(b)
	if err != nil {
		return 0, err
	}
	return left.compare(right), nil
}

// readDecimal reads a quantity, of a text that is not expensive with the syntax of
// resource.ParseQuantity, which is more lenient.
func readDecimal(text string) (decimal, error) {
	if isExpensive(text) {
		return parseDecimal(text)
	}
	amount, err := parseQuick(text)
	return decimalOf(amount), err
}

// parseQuick reads a text that is not expensive.
func parseQuick(text string) (resource.Quantity, error) {
	amount, err := resource.ParseQuantity(text)
	if err != nil {
		return resource.Quantity{}, fmt.Errorf("reading quantity %q: %w", text, err)
	}
	return amount, nil
}

// Equal reports whether two decoded values, strings or numbers, are quantities of the same amount,
// such as 0.5Gi and 512Mi. A value that is no quantity equals none.
func Equal(a, b any) bool {
	result, err := CompareText(fmt.Sprint(a), fmt.Sprint(b))
	return err == nil && result == 0
}

// Text returns an amount as the API server writes it. It shortens a number of very many digits.
func Text(q resource.Quantity) string {
	scaled := q.DeepCopy() // AsDec changes it.
	number := scaled.AsDec()
	if number.UnscaledBig().BitLen() > maxBits || number.Scale() > maxDigits {
		return decimalOf(q).text(maxDigits)
	}
	return q.String()
}

// decimalOf returns the decimal of a quantity that was parsed before.
func decimalOf(q resource.Quantity) decimal {
	scaled := q.DeepCopy() // AsDec changes it.
	number := scaled.AsDec()
	unscaled := new(big.Int).Abs(number.UnscaledBig())
	return newDecimal(number.Sign() < 0, unscaled.String(), -int64(number.Scale()))
}
