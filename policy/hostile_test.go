package policy

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// doublings are rules x1, x2 and so on, each made of the one before it.
func doublings(first, next string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "x0 := %s\n", first)
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&b, "x%d := %s\n", i, strings.ReplaceAll(next, "X", fmt.Sprintf("x%d", i-1)))
	}
	return b.String()
}

// TestEngine_Evaluate_HostileRego: each rule would take very long or much memory. It ends before
// the deadline, and the rules of others are evaluated.
func TestEngine_Evaluate_HostileRego(t *testing.T) {
	lists := doublings(`"0123456789abcdef"`, "[X, X]")
	texts := doublings(`"0123456789abcdef"`, `concat("", [X, X])`)
	tests := []struct{ reason, rego string }{
		{"a list of lists as JSON", lists + "deny contains json.marshal(x40)"},
		{"as YAML", lists + "deny contains yaml.marshal(x40)"},
		{"in a message", lists + `deny contains sprintf("%v", [x40])`},
		{"as the result", lists + "deny contains x40"},
		{"in a result", lists + `deny contains {"msg": "no", "details": x40}`},
		{"a comparison", lists + strings.ReplaceAll(lists, "x", "y") + `deny contains "no" if count({x26, y26}) == 2`},
		{"a long text", texts + "deny contains x40"},
		{"by replacing", doublings(`"aaaaaaaaaaaaaaaa"`, `replace(X, "a", X)`) + "deny contains x40"},
		{"by replacing with a pattern", doublings(`"aaaaaaaaaaaaaaaa"`, `regex.replace(X, "a", X)`) + "deny contains x40"},
		{"by replacing several", doublings(`"aaaaaaaaaaaaaaaa"`, `strings.replace_n({"a": X}, X)`) + "deny contains x40"},
		{"by encoding", doublings(`"aaaaaaaaaaaaaaaa"`, "hex.encode(X)") + "deny contains x40"},
		{"a long list", doublings("[1, 2]", "array.concat(X, X)") + "deny contains \"no\" if count(x40) > 0"},
		{"a large number", doublings("123456789", "X * X") + "deny contains \"no\" if x40 > 0"},
		{"a shift", `deny contains "no" if bits.lsh(1, 1000000000000) > 0`},
		{"a wide verb", `deny contains sprintf("%1000000000d", [1])`},
		{"a precise verb", `deny contains sprintf("%.1000000000f", [1])`},
		{"a verb that takes its width", `deny contains sprintf("%*d", [1000000000, 1])`},
		{"many wide verbs", "deny contains sprintf(\"" + strings.Repeat("%999999d", 1000) + "\", numbers.range(1, 1000))"},
		{"a range", `deny contains "no" if count(numbers.range(1, 1000000000000)) > 0`},
		{"a range down", `deny contains "no" if count(numbers.range(1000000000000, 1)) > 0`},
		{"a range with steps", `deny contains "no" if count(numbers.range_step(1, 1000000000000, 2)) > 0`},
		{"an exponent", `deny contains "no" if to_number("1e999999999") > 0`},
		{"an exponent in JSON", `deny contains "no" if json.unmarshal("1e999999999") > 0`},
		{"an exponent in a unit", `deny contains "no" if units.parse("1e999999999") > 0`},
		{"an exponent in bytes", `deny contains "no" if units.parse_bytes("1e999999999G") > 0`},
		{"an exponent in a quantity", `deny contains "no" if k8s.quantity.compare("1e1000000000", "1e-1000000000") > 0`},
		{"a product", `deny contains "no" if product([x | some i in numbers.range(1, 90000); x := 999999999 + i]) > 0`},
		{"no end", `deny contains "no" if { some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i * j == -1 }`},
	}
	other := Module{File: "other.rego", Rego: "package other\ndeny contains \"said\""}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			engine, err := New(t.Context(), []Module{{File: "bad.rego", Rego: "package bad\n" + tt.rego}, other}, DefaultLimits(), Overrides{})
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
			took := time.Since(begun)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("took %s and %d MiB: %+v", took.Round(time.Millisecond), allocated, verdict.Errors)
			if took > 10*time.Second { // It takes less than one; a machine may be busy.
				t.Errorf("it took %s", took)
			}
			if allocated > 512 {
				t.Errorf("it allocated %d MiB", allocated)
			}
			said := false
			for _, v := range verdict.Violations {
				said = said || v.Rule == "other"
			}
			if !said {
				t.Errorf("the other rule is not evaluated: %+v", verdict)
			}
		})
	}
}

// TestNew_WithheldBuiltins are named with the reason.
func TestNew_WithheldBuiltins(t *testing.T) {
	_, err := New(t.Context(), []Module{{File: "a.rego", Rego: `package a
deny contains strings.render_template("{{.x}}", {"x": 1})`}}, DefaultLimits(), Overrides{})
	const want = "a.rego:2: strings.render_template cannot be used here: a template can write any amount of text"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// TestEngine_Evaluate_ManyDuplicateVolumes names the last of a thousand volumes like the first.
func TestEngine_Evaluate_ManyDuplicateVolumes(t *testing.T) {
	volumes := make([]any, 1000)
	for i := range volumes {
		volumes[i] = map[string]any{"name": fmt.Sprintf("v-%d", i)}
	}
	volumes[999] = volumes[0]
	object := map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"volumes": volumes, "containers": []any{}}}}}
	engine := shippedEngine(t)
	verdict := engine.Evaluate(t.Context(), Input{Phase: Early, Request: map[string]any{"operation": "CREATE", "object": object}})
	if len(verdict.Violations) != 1 || verdict.Violations[0].Path != "spec.template.spec.volumes[999].name" || len(verdict.Errors) > 0 {
		t.Errorf("verdict %+v", verdict)
	}
}
