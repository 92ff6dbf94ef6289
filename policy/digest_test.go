package policy

import (
	"slices"
	"testing"
	"time"
)

func TestDigest(t *testing.T) {
	a := Module{File: "a/a.rego", Source: "a", Rego: "package a\ndeny contains \"no\" if true", Parameters: map[string]any{"max": 1}}
	b := Module{File: "b/b.rego", Source: "b", Rego: "package b\ndeny contains \"no\" if true"}
	of := func(overrides Overrides, modules ...Module) string {
		t.Helper()
		engine, err := New(t.Context(), modules, DefaultLimits(), overrides)
		if err != nil {
			t.Fatal(err)
		}
		verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
		if verdict.Policies != engine.Hash() {
			t.Errorf("the verdict names %q, the engine is %q", verdict.Policies, engine.Hash())
		}
		return engine.Hash()
	}
	base := of(Overrides{}, a, b)
	if base != of(Overrides{}, b, a) {
		t.Error("the order of modules changes the digest")
	}
	otherText, otherParameters := a, a
	otherText.Rego += "\n"
	otherParameters.Parameters = map[string]any{"max": 2}
	exempt := Overrides{Exemptions: []Exemption{{Policy: "a", Namespace: "shop", Reason: "x", Expires: time.Unix(0, 0)}}}
	all := []string{base, of(Overrides{}, a), of(Overrides{}, otherText, b), of(Overrides{}, otherParameters, b), of(exempt, a, b)}
	if distinct := slices.Compact(slices.Sorted(slices.Values(all))); len(distinct) != len(all) {
		t.Errorf("sets that judge otherwise have the same digest: %q", all)
	}
}
