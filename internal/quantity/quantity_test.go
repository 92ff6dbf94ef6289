package quantity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
)

// expensive are quantities with which resource.Quantity computes for long, and what Parse makes of
// them.
var expensive = map[string]string{
	"1e3000000":                                 "9223372036854775807",
	"-1e3000000":                                "-9223372036854775807",
	"1e1000000000":                              "9223372036854775807",
	"1e99999999999999999999":                    "9223372036854775807",
	"1e-1000000000":                             "1n",
	"-1e-1000000000":                            "-1n",
	"0.1e-300000":                               "1n",
	"0e1000000000":                              "0",
	"-0.0E-1000000000":                          "0",
	"1234567890123456789012e1000000000":         "9223372036854775807",
	"1" + strings.Repeat("0", 1<<20):            "9223372036854775807",
	strings.Repeat("9", 1<<20) + "Ki":           "9223372036854775807",
	"0." + strings.Repeat("0", 1<<20) + "1":     "1n",
	"0." + strings.Repeat("0", 1<<20) + "1Ei":   "1n",
	strings.Repeat("0", 1<<20) + "1.5Gi":        "1610612736",
	strings.Repeat("0", 50) + "0.9999999999":    "1",
	strings.Repeat("0", 50) + "1.0000000001":    "1000000001n",
	strings.Repeat("0", 50) + "1e0000000000000": "1",
}

// atOnce is far more than any operation here takes, and far less than what it guards against.
const atOnce = 2 * time.Second

func TestParse_ExpensiveQuantities(t *testing.T) {
	for text, want := range expensive {
		begun := time.Now()
		got, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%.40s): %v", text, err)
			continue
		}
		if Compare(got, resource.MustParse(want)) != 0 {
			t.Errorf("Parse(%.40s) = %s, want %s", text, got.String(), want)
		}
		if took := time.Since(begun); took > atOnce {
			t.Errorf("Parse(%.40s) took %s", text, took)
		}
	}
}

func TestParse_RejectsOtherTexts(t *testing.T) {
	for _, text := range []string{"", "many", "1e", "1e1000x", "1e+-1000", "1KiB", "1" + strings.Repeat("0", 50) + "x", strings.Repeat(".", 50)} {
		if got, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", text, got.String())
		}
	}
}

func TestLimit(t *testing.T) {
	tests := []struct {
		quantity, want string
		inRange        bool
		reason         string
	}{
		{"512Mi", "512Mi", true, "an integer"},
		{"250m", "250m", true, "a fraction"},
		{"1n", "1n", true, "the smallest fraction"},
		{"8Ei", "9223372036854775807", true, "the API server takes the largest amount for it"},
		{"9223372036854775807", "9223372036854775807", true, "the largest amount"},
		{"9223372036854775808", "9223372036854775807", false, "one more"},
		{"-9223372036854775809", "-9223372036854775807", false, "less than the smallest"},
		{"9E", "9E", true, "a decimal suffix"},
		{"10E", "9223372036854775807", false, "a decimal suffix that is too large"},
		{"1e3000000", "9223372036854775807", false, "an exponent"},
		{"0e3000000", "0", true, "no exponent makes more of nothing"},
		{"9223372036854775806.999999999", "9223372036854775806999999999n", true, "many digits"},
	}
	for _, tt := range tests {
		got, inRange := Limit(resource.MustParse(tt.quantity))
		if got.String() != tt.want || inRange != tt.inRange {
			t.Errorf("Limit(%s) = %s, %t, want %s, %t: %s", tt.quantity, got.String(), inRange, tt.want, tt.inRange, tt.reason)
		}
	}
}

func TestCompareText(t *testing.T) {
	long := strings.Repeat("1", 1<<20)
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"1e3000000", "1", 1}, {"-1e3000000", "1", -1}, {"1e3000000", "1e3000001", -1}, {"10e3000000", "1e3000001", 0},
		{"-1e3000000", "-1e3000001", 1}, {"1.5e3000000", "15e2999999", 0}, {"1e3000000", "8Ei", 1},
		{"0e3000000", "0", 0}, {"0e3000000", "1n", -1}, {"-0e3000000", "-1n", 1},
		{"1e-1000000000", "1n", 0}, {long, long + "0", -1}, {long + "e5", long + "00000", 0}, {long + "2", long + "1", 1},
		{"9223372036854775807", "9223372036854775808", -1}, {"1Ei", "1e1000000000", -1},
	} {
		begun := time.Now()
		got, err := CompareText(tt.a, tt.b)
		if err != nil || got != tt.want {
			t.Errorf("CompareText(%.40s, %.40s) = %d, %v, want %d", tt.a, tt.b, got, err, tt.want)
		}
		if took := time.Since(begun); took > atOnce {
			t.Errorf("CompareText(%.40s, %.40s) took %s", tt.a, tt.b, took)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, tt := range []struct {
		a, b any
		want bool
	}{
		{"0.5Gi", "512Mi", true}, {"1", int64(1), true}, {"1000m", 1.0, true}, {"1Mi", "1M", false},
		{"many", "many", false}, {"1", "many", false}, {nil, nil, false},
		{"1e3000000", "10e2999999", true}, {"1e3000000", "1e1000000000", false},
	} {
		if got := Equal(tt.a, tt.b); got != tt.want {
			t.Errorf("Equal(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestText(t *testing.T) {
	manyDigits := resource.MustParse(strings.Repeat("7", 1000))
	for _, tt := range []struct {
		quantity resource.Quantity
		want     string
	}{
		{resource.MustParse("1.5Gi"), "1536Mi"},
		{resource.MustParse("1e3000000"), "1e3000000"},
		{manyDigits, strings.Repeat("7", 40) + "e960"},
	} {
		if got := Text(tt.quantity); got != tt.want {
			t.Errorf("Text() = %s, want %s", got, tt.want)
		}
	}
}

func TestNormalize(t *testing.T) {
	resources := func(amount any) map[string]any {
		return map[string]any{
			"containers":  []any{map[string]any{"resources": map[string]any{"limits": map[string]any{"memory": amount}}}},
			"annotations": map[string]any{"limits": "1e-1000000000", "divisor": "1e-1000000000"},
		}
	}
	for _, tt := range []struct{ amount, want any }{
		{"512Mi", "512Mi"}, {int64(3), int64(3)}, {"1e-1000000000", "1n"}, {"0e1000000000", "0"},
		{strings.Repeat("0", 50) + "1.5Gi", "1610612736"},
		{"-1234567890123456789012e1000000000", "-123456789012345e1000000007"}, {"1e1000x", "1e1000x"},
	} {
		object := resources(tt.amount)
		if diff := cmp.Diff(resources(tt.want), Normalize(object)); diff != "" {
			t.Errorf("Normalize(%v): want (-), got (+):\n%s", tt.amount, diff)
		}
		if diff := cmp.Diff(resources(tt.amount), object); diff != "" {
			t.Errorf("Normalize(%v) changed its argument:\n%s", tt.amount, diff)
		}
	}
}

func TestMayNeedNormalize(t *testing.T) {
	for text, want := range map[string]bool{
		`{"memory":"512Mi"}`: false, `{"memory":"1e3"}`: false, `{"memory":"1e1000"}`: true, `{"memory":1e-1000}`: true,
		`{"memory":"1e1000 "}`: true, `{"image":"app@sha256:4e123f"}`: false, `{"memory":"` + strings.Repeat("1", 50) + `"}`: true,
		`{"memory":"1\u0065999999999"}`: true, `{"memory":"1e9\u003999"}`: true, `{"value":"a\u0026b"}`: false, ``: false, `\u00`: false,
	} {
		if got := MayNeedNormalize([]byte(text)); got != want {
			t.Errorf("MayNeedNormalize(%s) = %t, want %t", text, got, want)
		}
	}
}

// FuzzParse compares with resource.Quantity where that is quick, and demands an end everywhere.
func FuzzParse(f *testing.F) {
	for text := range expensive {
		f.Add(text[:min(len(text), 1<<10)], "1Gi")
	}
	for _, text := range []string{"", ".", "+.5", "1.5Gi", "-3Ei", "100Ei", "1e18", "10E", "1E", "0.1n", "2.000000001Ki", "1e-9"} {
		f.Add(text, "9223372036854775807")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		begun := time.Now()
		left, leftErr := Parse(a)
		right, rightErr := Parse(b)
		order, err := CompareText(a, b)
		if took := time.Since(begun); took > atOnce {
			t.Fatalf("%.60q and %.60q took %s", a, b, took)
		}
		if (err != nil) != (leftErr != nil || rightErr != nil) {
			t.Fatalf("CompareText(%q, %q) failed with %v, but Parse with %v and %v", a, b, err, leftErr, rightErr)
		}
		if err != nil {
			return
		}
		if limited := left.Cmp(right); limited != 0 && limited != order {
			t.Fatalf("CompareText(%q, %q) = %d, but what Parse returns compares as %d", a, b, order, limited)
		}
		if isExpensive(a) || isExpensive(b) {
			return
		}
		x, y := resource.MustParse(a), resource.MustParse(b)
		if want := x.Cmp(y); order != want {
			t.Fatalf("CompareText(%q, %q) = %d, want %d", a, b, order, want)
		}
		d, err := parseDecimal(a)
		if err == nil && d.compare(decimalOf(x)) != 0 {
			t.Fatalf("parseDecimal(%q) = %+v, want %s", a, d, x.String())
		}
	})
}

func BenchmarkCompareText(b *testing.B) {
	for _, pair := range [][2]string{{"250Mi", "200Mi"}, {"250m", "1"}, {"1e1000000000", "1"}, {strings.Repeat("9", 1000), "1"}} {
		b.Run(shortened(pair[0]), func(b *testing.B) {
			for b.Loop() {
				if _, err := CompareText(pair[0], pair[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLimit(b *testing.B) {
	for _, text := range []string{"250Mi", "250m", "1e1000000000"} {
		amount := resource.MustParse(text)
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				Limit(amount)
			}
		})
	}
}
