package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestNew_Conventions: what exists for OPA, Gatekeeper and
// Conftest, in v1 and v0, is judged as it was written for these.
func TestNew_Conventions(t *testing.T) {
	repos := map[string]any{"repos": []any{"registry.example.com/"}}
	request := decodeRequest(t, []byte(`{"operation":"CREATE","namespace":"shop","object":{
		"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cart","labels":{"app":"cart"}},
		"spec":{"template":{"spec":{"containers":[{"name":"main","image":"docker.io/cart:1"}]}}}}}`))
	tests := []struct {
		reason string
		module Module
		want   Verdict
	}{{
		reason: "plain OPA, v1",
		module: Module{Rego: `package team
deny contains msg if {
	some c in input.request.object.spec.template.spec.containers
	msg := sprintf("%s runs in %s", [c.name, input.request.namespace])
}`},
		want: Verdict{Decision: Deny, Violations: []Violation{{Rule: "team", Message: "main runs in shop"}}},
	}, {
		reason: "Gatekeeper's allowed repos, v0 with a builtin that v1 does not have, and parameters",
		module: Module{Parameters: repos, Rego: `package k8sallowedrepos
violation[{"msg": msg, "details": {"field": "spec.template.spec.containers[0].image"}}] {
	container := input.review.object.spec.template.spec.containers[_]
	satisfied := [good | repo = input.parameters.repos[_]; good = startswith(container.image, repo)]
	not any(satisfied)
	msg := sprintf("container <%v> has an invalid image repo <%v>, allowed repos are %v", [container.name, container.image, input.parameters.repos])
}`},
		want: Verdict{Decision: Deny, Violations: []Violation{{
			Rule: "k8sallowedrepos", Field: "containers.main.image", Path: "spec.template.spec.containers[0].image",
			Message: `container <main> has an invalid image repo <docker.io/cart:1>, allowed repos are ["registry.example.com/"]`,
		}}},
	}, {
		reason: "Conftest's bare object, v0, with denials and warnings",
		module: Module{Rego: `package main
name = input.metadata.name
deny[msg] {
	input.kind == "Deployment"
	not input.spec.template.spec.securityContext.runAsNonRoot
	msg := sprintf("Containers must not run as root in Deployment %s", [name])
}
warn[msg] {
	input.metadata.labels.app
	msg = "use app.kubernetes.io/name"
}`},
		want: Verdict{Decision: Deny,
			Violations: []Violation{{Rule: "own", Message: "Containers must not run as root in Deployment cart"}},
			Warnings:   []Violation{{Rule: "own", Message: "use app.kubernetes.io/name"}},
		},
	}, {
		reason: "v0 with import rego.v1 is v1",
		module: Module{Rego: `package team
import rego.v1
deny contains {"msg": "no", "fix": "do"} if input.spec`},
		want: Verdict{Decision: Deny, Violations: []Violation{{Rule: "team", Message: "no", Fix: "do"}}},
	}, {
		reason: "parameters wherever v1 may name them",
		module: Module{Parameters: repos, Rego: `package team
deny contains msg if {
	some repo in input.parameters.repos
	every other in input.parameters.repos {
		other == repo
	}
	all := {r | some r in input.parameters.repos}
	msg := sprintf("%s %d %v", [repo, count(all), input["parameters"].repos[0]])
}`},
		want: Verdict{Decision: Deny, Violations: []Violation{{Rule: "team", Message: "registry.example.com/ 1 registry.example.com/"}}},
	}, {
		reason: "parameters imported under another name",
		module: Module{Parameters: repos, Rego: `package team
import input.parameters as p
deny contains p.repos[0]`},
		want: Verdict{Decision: Deny, Violations: []Violation{{Rule: "team", Message: "registry.example.com/"}}},
	}, {
		reason: "without parameters there are none, and no error",
		module: Module{Rego: `package team
deny contains "never" if input.parameters.strict`},
		want: Verdict{Decision: Allow},
	}, {
		reason: "METADATA's fix stands in where a violation has none",
		module: Module{Rego: "# METADATA\n# scope: package\n# custom:\n#   fix: ask the platform team\npackage team\ndeny contains \"no\""},
		want:   Verdict{Decision: Deny, Violations: []Violation{{Rule: "team", Message: "no", Fix: "ask the platform team"}}},
	}}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			test.module.File, test.module.Source = "own/policy.rego", "own"
			verdict := engineOf(t, test.module).Evaluate(t.Context(), Input{Phase: Final, Request: request})
			if diff := cmp.Diff(test.want, verdict, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
				t.Errorf("verdict differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEngine_Evaluate_ParametersPerSource(t *testing.T) {
	const text = "package %\ndeny contains input.parameters.word"
	var modules []Module
	for _, name := range []string{"one", "two"} {
		modules = append(modules, Module{
			File: name + "/p.rego", Source: name, Rego: strings.Replace(text, "%", name, 1),
			Parameters: map[string]any{"word": "word of " + name},
		})
	}
	verdict := engineOf(t, modules...).Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
	if diff := cmp.Diff([]string{"word of one", "word of two"}, lines(verdict.Violations)); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
}

func TestNew_PackageInSeveralFiles(t *testing.T) {
	modules := []Module{
		{File: "own/a.rego", Source: "own", Rego: "package main\ndeny contains \"a\""},
		{File: "own/b.rego", Source: "own", Rego: "# METADATA\n# scope: package\n# custom:\n#   enforcement: warn\npackage main\ndeny contains \"b\"\nwarn contains \"c\""},
	}
	verdict := engineOf(t, modules...).Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
	if diff := cmp.Diff([]string{"a", "b", "c"}, lines(verdict.Warnings)); diff != "" || verdict.Decision != Warn {
		t.Errorf("%s: lines differ (-want +got):\n%s", verdict.Decision, diff)
	}
	modules[1].Source = "other"
	both := engineOf(t, modules...)
	if got := both.ruleNames; len(got) != 2 || got[0] != "other" || got[1] != "own" {
		t.Errorf("two sources with a package main are named %v, want them named by their sources", got)
	}
	verdict = both.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
	if got := lines(verdict.Violations); len(got) != 1 || got[0] != "a" || len(verdict.Warnings) != 2 {
		t.Errorf("violations %v, warnings %v, want each source's own enforcement", got, lines(verdict.Warnings))
	}
	for i := range modules {
		modules[i].Rego = strings.Replace(modules[i].Rego, "package main", "package team", 1)
	}
	if _, err := New(t.Context(), modules, DefaultLimits(), Overrides{}); err == nil || !strings.Contains(err.Error(), "own/b.rego:1: package team is used by own/a.rego") {
		t.Errorf("two sources with another package: %v", err)
	}
}

func TestParse_NeitherVersion(t *testing.T) {
	_, err := New(t.Context(), []Module{{File: "own/p.rego", Rego: "package team\n\ndeny contains msg {\n\tmsg := \"no\"\n}"}}, DefaultLimits(), Overrides{})
	if err == nil || !strings.Contains(err.Error(), "neither Rego v1 (own/p.rego:3: ") || !strings.Contains(err.Error(), "nor Rego v0 (own/p.rego:3: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %v", err)
	}
}

// TestEngine_Evaluate_ManyViolations: none is cut, dropped or told twice.
func TestEngine_Evaluate_ManyViolations(t *testing.T) {
	containers := make([]any, 0, 40)
	for range 40 {
		name := "c" + string(rune('a'+len(containers)/10)) + string(rune('0'+len(containers)%10))
		containers = append(containers, map[string]any{"name": name, "resources": map[string]any{
			"requests": map[string]any{"memory": "2Gi"}, "limits": map[string]any{"memory": "1Gi"},
		}})
	}
	request := map[string]any{"object": map[string]any{"spec": map[string]any{"template": map[string]any{
		"spec": map[string]any{"containers": containers},
	}}}}
	verdict := shippedEngine(t).Evaluate(t.Context(), Input{Phase: Early, Request: request})
	if len(verdict.Violations) != 40 || verdict.Violations[0].Field != "containers.ca0.resources.requests.memory" || verdict.Violations[39].Field != "containers.cd9.resources.requests.memory" {
		t.Errorf("%d violations: %v", len(verdict.Violations), lines(verdict.Violations))
	}
}
