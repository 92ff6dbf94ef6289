package quantity

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	// maxDigits is the number of digits up to which resource.Quantity computes quickly. An amount
	// up to Max has 19 digits before the point and, rounded to billionths, 9 after it.
	maxDigits = 40
	// maxBits is the size of an integer of maxDigits.
	maxBits = 4 * maxDigits
	// maxExponent is the largest exponent that is kept; a decimal with a larger one is as much
	// beyond Max.
	maxExponent = 2_000_000_000
	// nano is the number of decimal places that a quantity has.
	nano = 9
)

// decimal is the number ±0.digits × 10^exponent. The digits neither begin nor end with 0, so two
// decimals are compared without computing: by sign, exponent and digits.
type decimal struct {
	negative bool
	digits   string // empty for 0
	exponent int64
}

// newDecimal returns the decimal of an integer with an exponent.
func newDecimal(negative bool, integer string, exponent int64) decimal {
	integer = strings.TrimLeft(integer, "0")
	if integer == "" {
		return decimal{}
	}
	exponent += int64(len(integer))
	return decimal{
		negative: negative, digits: strings.TrimRight(integer, "0"),
		exponent: max(-maxExponent, min(exponent, maxExponent)),
	}
}

// powers are the suffixes of a quantity: powers of ten, and of two.
var (
	powersOfTen = map[string]int64{"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
	powersOfTwo = map[string]uint{"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
)

// parseDecimal reads a quantity as resource.ParseQuantity does: rounded to billionths, and with a
// binary suffix at most Max. It does not round amounts beyond Max.
func parseDecimal(text string) (decimal, error) {
	negative, integer, fraction, suffix := split(text)
	invalid := fmt.Errorf("reading quantity %q: expected a number with an optional unit, such as 250m, 1.5Gi or 1e3", shortened(text))
	if integer+fraction == "" {
		return decimal{}, invalid
	}
	if power, ok := powersOfTwo[suffix]; ok {
		return newDecimal(negative, integer+fraction, -int64(len(fraction))).times(power).rounded(), nil
	}
	power, ok := powersOfTen[suffix]
	if !ok {
		if power, ok = parseExponent(suffix); !ok {
			return decimal{}, invalid
		}
	}
	return newDecimal(negative, integer+fraction, power-int64(len(fraction))).rounded(), nil
}

// split takes a quantity apart: the sign, the digits before and after the point, and the rest.
func split(text string) (negative bool, integer, fraction, suffix string) {
	negative = strings.HasPrefix(text, "-")
	if negative || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	integer, text = leadingDigits(text)
	if rest, hasPoint := strings.CutPrefix(text, "."); hasPoint {
		fraction, text = leadingDigits(rest)
	}
	return negative, integer, fraction, text
}

func leadingDigits(text string) (digits, rest string) {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return text[:end], text[end:]
}

// parseExponent reads e3 or E-3. An exponent beyond an int64 becomes the largest one.
func parseExponent(suffix string) (int64, bool) {
	if len(suffix) < 2 || suffix[0] != 'e' && suffix[0] != 'E' {
		return 0, false
	}
	exponent, err := strconv.ParseInt(suffix[1:], 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // Beyond the range it is the largest one.
		return 0, false
	}
	return max(-maxExponent, min(exponent, maxExponent)), true
}

// times multiplies by a power of two. Like the API server, it returns at most Max.
func (d decimal) times(power uint) decimal {
	if d.digits == "" || d.exponent > 19 {
		return d.limited()
	}
	if d.exponent < -2*maxDigits {
		return d // It is less than a billionth in any case.
	}
	if len(d.digits) > 3*maxDigits {
		d.digits = d.digits[:3*maxDigits] + "1" // More digits only decide whether to round up.
	}
	integer, _ := new(big.Int).SetString(d.digits, 10) // They are digits.
	integer.Lsh(integer, power)
	product := newDecimal(d.negative, integer.String(), d.exponent-int64(len(d.digits)))
	if product.magnitude(maximum) > 0 {
		return product.limited()
	}
	return product
}

var maximum = newDecimal(false, strconv.FormatInt(Max, 10), 0)

// limited returns Max with the sign of d, or 0.
func (d decimal) limited() decimal {
	if d.digits == "" {
		return d
	}
	return decimal{negative: d.negative, digits: maximum.digits, exponent: maximum.exponent}
}

// rounded rounds to billionths, away from zero.
func (d decimal) rounded() decimal {
	kept := d.exponent + nano
	switch {
	case kept >= int64(len(d.digits)):
		return d
	case kept <= 0:
		return newDecimal(d.negative, "1", -nano)
	}
	digits := []byte(d.digits[:kept])
	at := len(digits) - 1
	for ; at >= 0 && digits[at] == '9'; at-- {
		digits[at] = '0'
	}
	if at < 0 {
		return newDecimal(d.negative, "1"+string(digits), -nano)
	}
	digits[at]++
	return newDecimal(d.negative, string(digits), -nano)
}

func (d decimal) compare(other decimal) int {
	if d.sign() != other.sign() {
		return cmp.Compare(d.sign(), other.sign())
	}
	return d.sign() * d.magnitude(other)
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// magnitude compares without signs.
func (d decimal) magnitude(other decimal) int {
	return cmp.Or(cmp.Compare(d.exponent, other.exponent), strings.Compare(d.digits, other.digits))
}

// quantity returns d and true, or false and Max with d's sign.
func (d decimal) quantity() (q resource.Quantity, inRange bool) {
	if inRange = d.digits == "" || d.magnitude(maximum) <= 0; !inRange {
		d = d.limited()
	}
	d = d.rounded()
	if d.digits == "" {
		return resource.Quantity{Format: resource.DecimalSI}, inRange
	}
	billionths := d.digits + strings.Repeat("0", int(d.exponent)+nano-len(d.digits)) + "n"
	if d.negative {
		billionths = "-" + billionths
	}
	return resource.MustParse(billionths), inRange
}

// text returns d with as many digits as asked for.
func (d decimal) text(most int) string {
	if d.digits == "" {
		return "0"
	}
	digits := d.digits[:min(len(d.digits), most)]
	exponent := d.exponent - int64(len(digits))
	if d.negative {
		digits = "-" + digits
	}
	if exponent == 0 {
		return digits
	}
	return digits + "e" + strconv.FormatInt(exponent, 10)
}

// isExpensive reports whether resource.ParseQuantity may take long: for a text that is long, or has
// an exponent of more than two digits.
func isExpensive(text string) bool {
	if len(text) > maxDigits {
		return true
	}
	at := strings.LastIndexAny(text, "eE")
	return at >= 0 && len(text)-at > 4
}

// shortened is text for an error.
func shortened(text string) string {
	if len(text) > maxDigits {
		return text[:maxDigits] + "…"
	}
	return text
}
