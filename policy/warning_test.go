package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// warningsOf returns the warnings about a source, with those of its files that are no modules.
func warningsOf(t *testing.T, files map[string]string, others ...Module) []string {
	t.Helper()
	source, err := ParseSource("own", files)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range append(source.Warnings, shippedEngine(t, append(others, source.Modules...)...).Warnings()...) {
		got = append(got, w.String())
	}
	return got
}

func TestEngine_Warnings(t *testing.T) {
	library := Module{File: "lib.rego", Rego: "package lib\nowned if input.metadata.labels.owner", Source: "lib"}
	user := Module{File: "user.rego", Rego: "package user\nimport data.shared\ndeny contains \"x\" if shared.x", Source: "user"}
	const elsewhere = "policies see only Deployments and their pods: judge input.effective.pod, or remove the rule"
	for reason, test := range map[string]struct {
		rego   string
		others []Module
		want   []string
	}{
		"a misnamed result":             {"package a\ndenny contains \"x\"", nil, []string{"own/p.rego:1: package a has no results and nothing uses it, so it judges nothing; did you mean deny?"}},
		"a result of another tool":      {"package a.b\nmain := {\"response\": {\"allowed\": false}}", nil, []string{"own/p.rego:1: package a.b has no results and nothing uses it, so it judges nothing; name its results deny, violation, warn or allow"}},
		"a library that others use":     {"package shared\nx if true", []Module{user}, nil},
		"what nothing defines":          {"package a\nimport data.libs.owned\ndeny contains \"x\" if not data.lib.owned\ndeny contains \"y\" if data.inventory.cluster.v1", []Module{library}, []string{"own/p.rego:2: nothing defines data.libs.owned; ", "own/p.rego:4: nothing defines data.inventory.cluster.v1; "}},
		"what another source defines":   {"package a\nimport data.lib\ndeny contains \"x\" if not lib.owned", []Module{library}, nil},
		"a misspelt rule of a library":  {"package a\ndeny contains \"x\" if not data.lib.own", []Module{library}, []string{"own/p.rego:2: nothing defines data.lib.own; "}},
		"its own package":               {"package a\ndeny contains \"x\" if data.a.ok\nok if input.metadata.name", nil, nil},
		"a set that nothing uses":       {"package a\ndeny contains \"x\" if input.spec.replicas\nviolations contains \"y\"", nil, []string{"own/p.rego:3: nothing uses violations, and it is no result; name it deny, violation or warn, or remove it"}},
		"allow beside deny":             {"package a\ndeny contains \"x\" if input.spec.replicas\nallow if true", nil, []string{"own/p.rego:3: allow has no effect"}},
		"allow alone":                   {"package a\ndefault allow := false\nallow if input.metadata.name == \"x\"", nil, nil},
		"another kind":                  {"package a\ndeny contains \"x\" if input.kind == \"Service\"", nil, []string{`own/p.rego:2: deny is never true: it requires input.kind == "Service", and input.kind is always "Deployment"; ` + elsewhere}},
		"the other way round":           {"package a\ndeny contains \"x\" if \"Pod\" = input.kind", nil, []string{`input.kind is always "Deployment"`}},
		"kinds in a set":                {"package a\ndeny contains \"x\" if input.kind in {\"Pod\", \"Job\"}", nil, []string{`it requires input.kind in {"Pod", "Job"}, and input.kind is always "Deployment"`}},
		"kinds in a rule":               {"package a\nkinds := {\"Pod\", \"Job\"}\ndeny contains \"x\" if kinds[input.kind]", nil, []string{`and input.kind is always "Deployment"`}},
		"kinds in a rule by in":         {"package a\nkinds := [\"Pod\", \"Job\"]\ndeny contains \"x\" if input.kind in kinds", nil, []string{`and input.kind is always "Deployment"`}},
		"a kind of both":                {"package a\nkinds := {\"Pod\", \"Deployment\"}\ndeny contains \"x\" if { kinds[input.kind]; input.kind in kinds }", nil, nil},
		"any but the kind":              {"package a\ndeny contains \"x\" if input.kind != \"Deployment\"", nil, []string{`it requires input.kind != "Deployment", and input.kind is always "Deployment"`}},
		"not the kind":                  {"package a\ndeny contains \"x\" if not input.kind == \"Deployment\"", nil, []string{`it requires not input.kind == "Deployment", which is always false`}},
		"not another kind":              {"package a\ndeny contains \"x\" if { not input.kind == \"Pod\"; input.kind != \"Pod\" }", nil, nil},
		"not what a function returns":   {"package a\nf(x) := y if y := concat(\"\", [x, \"b\"])\ndeny contains \"x\" if { y := f(input.metadata.name); not y == \"b\" }", nil, nil},
		"a part of what was taken":      {"package a\ndeny contains \"x\" if { [a, b] := split(input.metadata.name, \"-\"); not a == \"b\"; b != \"c\" }", nil, nil},
		"a helper of another kind":      {"package a\nis_pod if input.kind == \"Pod\"\ndeny contains \"x\" if is_pod", nil, []string{`own/p.rego:3: deny is never true: it requires input.kind == "Pod"`}},
		"a helper with a default":       {"package a\ndefault is_pod := false\nis_pod if input.kind == \"Pod\"\ndeny contains \"x\" if is_pod", nil, []string{"own/p.rego:4: deny is never true: it requires is_pod, which is always false"}},
		"a helper that is negated":      {"package a\nis_pod if input.kind == \"Pod\"\ndeny contains \"x\" if not is_pod", nil, nil},
		"a function of another kind":    {"package a\nis(o, kind) if o.kind == kind\ndeny contains \"x\" if is(input, \"Pod\")\nwarn contains \"y\" if is(input, \"Deployment\")", nil, []string{`own/p.rego:3: deny is never true: it requires o.kind == kind, and input.kind is always "Deployment"`}},
		"an argument of another kind":   {"package a\nis(\"Pod\") if true\nis(\"Job\") if true\ndeny contains \"x\" if is(input.kind)", nil, []string{"deny is never true: "}},
		"a helper of several":           {"package a\nspec := input.spec if input.kind == \"Pod\"\nspec := input.spec.template.spec if input.kind == \"Deployment\"\ndeny contains c.name if some c in spec.containers", nil, nil},
		"one rule of two":               {"package a\ndeny contains \"x\" if input.kind == \"Service\"\ndeny contains \"y\" if input.kind == \"Deployment\"", nil, []string{"own/p.rego:2: deny is never true"}},
		"an admission of Pods":          {"package kubernetes.admission\ndeny[msg] { input.request.kind.kind == \"Pod\"; image := input.request.object.spec.containers[_].image; msg := image }", nil, []string{`and input.request.kind.kind is always "Deployment"`}},
		"the pod bridge":                {"package a\nviolation[{\"msg\": \"x\"}] { input.review.kind.kind == \"Pod\"; input.review.object.spec.containers[_].name }", nil, nil},
		"the pod bridge for others":     {"package a\nviolation[{\"msg\": \"x\"}] { input.review.kind.kind == \"Service\"; input.review.object.spec.containers[_].name }", nil, []string{`input.review.kind.kind is always "Pod"`}},
		"a deletion":                    {"package a\ndeny contains \"x\" if input.request.operation == \"DELETE\"\nwarn contains \"x\" if input.request.operation == \"UPDATE\"", nil, []string{`own/p.rego:2: deny is never true: it requires input.request.operation == "DELETE", and input.request.operation is always "CREATE" or "UPDATE"; correct`}},
		"a contradiction":               {"package a\ndeny contains \"x\" if { input.metadata.name == \"a\"; input.metadata.name == \"b\" }", nil, []string{`it requires both input.metadata.name == "a" and input.metadata.name == "b"; split it into two rules`}},
		"two items":                     {"package a\ndeny contains \"x\" if { input.spec.template.spec.containers[_].name == \"a\"; input.spec.template.spec.containers[_].name == \"b\" }", nil, nil},
		"one item":                      {"package a\ndeny contains \"x\" if { some c in input.spec.template.spec.containers; c.name == \"a\"; c.name == \"b\" }", nil, []string{"it requires both "}},
		"a constant":                    {"package a\ndeny contains \"x\" if false", nil, []string{"it requires false, which is always false"}},
		"a field of Pods":               {"package a\ndeny contains \"x\" if input.spec.containers[_].securityContext.privileged", nil, []string{"the input never has input.spec.containers; read input.effective.pod.spec.containers"}},
		"a misspelt field":              {"package a\ndeny contains \"x\" if { some c in input.effective.pod.spec.containers; c.securtyContext.privileged }", nil, []string{"the input never has input.effective.pod.spec.containers[_].securtyContext; did you mean securityContext?"}},
		"a list as an object":           {"package a\ndeny contains \"x\" if input.effective.pod.spec.containers.name == \"a\"", nil, []string{"input.effective.pod.spec.containers is a list: read input.effective.pod.spec.containers[_].name"}},
		"a field of another kind":       {"package a\ndeny contains \"x\" if input.data.password", nil, []string{"the input never has input.data; "}},
		"a field that need not be":      {"package a\ndeny contains \"x\" if not input.spec.containers\nwarn contains \"y\" if object.get(input, [\"data\"], 1) == 1", nil, nil},
		"a field within text":           {"package a\ndeny contains \"x\" if input.metadata.name.first", nil, []string{"the input never has input.metadata.name.first"}},
		"labels":                        {"package a\ndeny contains \"x\" if { input.metadata.labels.a == \"b\"; input.metadata.annotations[\"k8s.score.dev/workload-name\"] == \"x\" }", nil, nil},
		"quantities and ports":          {"package a\ndeny contains \"x\" if { some c in input.effective.pod.spec.containers; c.resources.limits.memory == \"1\"; c.readinessProbe.httpGet.port == 80; input.metadata.creationTimestamp }", nil, nil},
		"all of the effective pod":      {"package a\ndeny contains v.message if { some v in input.effective.violations; v.rule == \"x\"; input.effective.defaultedFrom[_].kind; input.effective.unknown[_].reason }", nil, nil},
		"a parameter that is not set":   {"package a\ndeny contains \"x\" if input.metadata.name == input.parameters.forbidden", nil, []string{"the input never has input.parameters.forbidden; set it in parameters.yaml"}},
		"a parameter that need not be":  {"package a\ndeny contains \"x\" if not input.parameters.relaxed\ndeny contains \"y\" if object.get(input.parameters, \"a\", true)", nil, nil},
		"another input":                 {"package a\ndeny contains \"x\" if p with input as {\"kind\": \"Pod\"}\np if input.kind == \"Pod\"", nil, nil},
		"a comprehension and every":     {"package a\ndeny contains \"x\" if { count([1 | input.kind == \"Pod\"]) == 0; every c in input.spec.template.spec.containers { c.name } }", nil, nil},
		"a variable of a comprehension": {"package a\ndeny contains \"x\" if { names := {n | n := input.effective.pod.spec.containers[_].name}; n := \"a\"; not names[n] }", nil, nil},
		"an else":                       {"package a\nkind := \"x\" if input.kind == \"Pod\"\nelse := \"y\" if input.metadata.name\ndeny contains kind if kind == \"y\"", nil, nil},
		"an object by rules":            {"package a\np[k] := true if { some k in [\"a\", \"b\"] }\ndeny contains \"x\" if p.a", nil, nil},
	} {
		t.Run(reason, func(t *testing.T) {
			got := warningsOf(t, map[string]string{"p.rego": test.rego}, test.others...)
			beginnings := cmp.Comparer(func(want, got string) bool { return strings.Contains(got, want) || strings.Contains(want, got) })
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return strings.Contains(a, "own/") && !strings.Contains(b, "own/") }), beginnings); diff != "" {
				t.Errorf("warnings (-want in +got):\n%s", diff)
			}
		})
	}
}
