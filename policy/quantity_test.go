package policy

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestQuantityBuiltin_CompareIsExact(t *testing.T) {
	tests := []struct {
		reason string
		a, b   string
		want   string
	}{
		{"decimal and binary units differ", `"1Gi"`, `"1G"`, "1"},
		{"the same amount spelt differently", `"0.5Gi"`, `"512Mi"`, "0"},
		{"milli-bytes are not mega", `"128974848000m"`, `"128974848"`, "0"},
		{"nano and micro", `"1000n"`, `"1u"`, "0"},
		{"one nano apart at full precision", `"9223372036854775807"`, `"9223372036854775806999999999n"`, "1"},
		{"beyond what a float holds", `"9007199254740993"`, `"9007199254740992"`, "1"},
		{"binary units end at 2^63-1, as the API server reads them", `"9Ei"`, `"8Ei"`, "0"},
		{"bare numbers", `1`, `"1000m"`, "0"},
		{"a fraction as a number", `0.24`, `"240m"`, "0"},
		{"exponents", `"1e3"`, `"1k"`, "0"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			results, err := rego.New(
				rego.Query("x := k8s.quantity.compare("+test.a+", "+test.b+")"),
				rego.Compiler(NewCompiler(true)), QuantityBuiltin(), rego.StrictBuiltinErrors(true),
			).Eval(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := ast.MustInterfaceToValue(results[0].Bindings["x"]).String(); got != test.want {
				t.Errorf("compare(%s, %s) = %s, want %s", test.a, test.b, got, test.want)
			}
		})
	}
}

func quantities(name corev1.ResourceName, value string) corev1.ResourceList {
	return corev1.ResourceList{name: resource.MustParse(value)}
}
