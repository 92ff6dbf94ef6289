package policy

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsObjects(t *testing.T) {
	tests := []struct {
		reason string
		rego   string
		want   bool
	}{
		{"the effective pod is no object of the request", `deny contains "x" if input.effective.pod.spec.hostNetwork`, false},
		{"nor are parameters and the rest of the request", `deny contains input.parameters.x if { input.request.namespace == "a"; input.review.userInfo.username }`, false},
		{"nothing is read", `deny contains "x"`, false},
		{"the request's object", `deny contains "x" if input.request.object.spec`, true},
		{"the old one, in Gatekeeper's words", `deny contains "x" if input.review.oldObject`, true},
		{"the bare object", `deny contains "x" if input.spec`, true},
		{"a key that is not known beforehand", `deny contains "x" if { some key in ["object"]; input.request[key] }`, true},
		{"or any", `deny contains "x" if { some key; input[key] }`, true},
		{"the request as a whole", `deny contains "x" if { r := input.request; r.object }`, true},
		{"the input as a whole", `deny contains "x" if { walk(input, [_, value]); value == "a" }`, true},
		{"within a reference", `deny contains "x" if { input.effective.pod.spec[input.metadata.name] }`, true},
		{"within a comprehension", `deny contains "x" if count([y | some y in input.request.object.spec]) > 0`, true},
		{"within a function", "f(x) if input.metadata.name == x\ndeny contains \"x\" if f(1)", true},
		{"in an else", "f(x) := 1 if x == 2 else := 3 if input.spec.x == x\ndeny contains \"x\" if f(1)", true},
		{"within every", `deny contains "x" if every x in [1] { input.spec.replicas == x }`, true},
		{"by another name", "import input.request as r\ndeny contains \"x\" if r.object", true},
		{"by another name that leads elsewhere", "import input.effective as e\ndeny contains \"x\" if e.pod", false},
		{"through a library", "import data.lib\ndeny contains \"x\" if lib.named", true},
		{"through a library that is not known beforehand", `deny contains "x" if { some name in ["lib"]; data[name].named }`, true},
		{"a library that is not asked", "import data.other\ndeny contains \"x\" if other.pod", false},
	}
	libraries := []Module{
		{File: "lib.rego", Rego: "package lib\nnamed if input.metadata.name"},
		{File: "other.rego", Rego: "package other\npod := input.effective.pod"},
		{File: "off.rego", Rego: "# METADATA\n# custom:\n#   enforcement: \"off\"\npackage off\ndeny contains \"x\" if input.spec"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			engine := engineOf(t, append(libraries, Module{File: "p.rego", Rego: "package team\n" + test.rego})...)
			if got := engine.final.objects; got != test.want {
				t.Errorf("objects are decoded: %t, want %t", got, test.want)
			}
		})
	}
}

// TestEngine_Evaluate_ObjectsOnDemand: in both phases, whatever rules there are.
func TestEngine_Evaluate_ObjectsOnDemand(t *testing.T) {
	fromPod := Module{File: "pod.rego", Rego: `package pod
deny contains {"msg": "x", "field": "spec.template.spec.containers[0].image"} if input.effective.pod`}
	request := broken(t)
	for _, engine := range []*Engine{shippedEngine(t), engineOf(t, fromPod)} {
		for _, phase := range []Phase{Early, Final} {
			want := engine.Evaluate(t.Context(), Input{Phase: phase, Request: request})
			asked := 0
			apart := Input{Phase: phase, Request: map[string]any{"operation": request["operation"]}, Objects: func() (any, any, error) {
				asked++
				return request["object"], request["oldObject"], nil
			}}
			got := engine.Evaluate(t.Context(), apart)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdict differs (-whole +on demand):\n%s", diff)
			}
			if asked > 1 {
				t.Errorf("they were decoded %d times", asked)
			}
		}
	}
	undecoded := Input{Phase: Final, Request: map[string]any{}, Objects: func() (any, any, error) { return nil, nil, errors.New("no JSON") }}
	if verdict := shippedEngine(t).Evaluate(t.Context(), undecoded); verdict.Decision != Unknown {
		t.Errorf("verdict %+v, want that nothing could be evaluated", verdict)
	}
}
