package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/effective"
)

// broken returns a request whose second container asks for more than its limit.
func broken(t testing.TB) map[string]any {
	return decodeRequest(t, []byte(`{"operation":"CREATE","object":{
		"metadata":{"name":"sample-app","managedFields":[{"manager":"kubectl"}]},
		"spec":{"template":{"spec":{
			"containers":[
				{"name":"backend"},
				{"name":"frontend","resources":{"requests":{"memory":"250Mi"},"limits":{"memory":"200Mi"}}}],
			"initContainers":[
				{"name":"proxy","restartPolicy":"Always","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]
		}}}}}`))
}

func TestEngine_Evaluate_ScoreTerms(t *testing.T) {
	verdict := shippedEngine(t).Evaluate(t.Context(), Input{Phase: Early, Request: broken(t)})
	want := []string{
		"containers.frontend.resources.requests.memory: request 250Mi exceeds the limit 200Mi; lower the request to 200Mi or raise the limit to 250Mi",
		"initContainers.proxy.resources.requests.cpu: request 2 exceeds the limit 1; lower the request to 1 or raise the limit to 2",
	}
	if verdict.Decision != Deny {
		t.Errorf("decision = %s, want deny", verdict.Decision)
	}
	if diff := cmp.Diff(want, lines(verdict.Violations)); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
	if got, want := verdict.Violations[0].Path, "spec.template.spec.containers[1].resources.requests[memory]"; got != want {
		t.Errorf("path = %q, want %q", got, want)
	}
}

func TestEngine_Evaluate_FinalPhaseReadsTheEffectivePod(t *testing.T) {
	request := decodeRequest(t, []byte(`{"object":{"spec":{"template":{"spec":{"containers":[
		{"name":"frontend","resources":{"requests":{"memory":"250Mi"}}}]}}}}}`))
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "frontend",
		Resources: corev1.ResourceRequirements{
			Requests: quantities(corev1.ResourceMemory, "250Mi"),
			Limits:   quantities(corev1.ResourceMemory, "200Mi"),
		},
	}}}}
	limitRange := effective.Cause{Kind: effective.KindLimitRange, Name: "mem-defaults"}
	verdict := shippedEngine(t).Evaluate(t.Context(), Input{Phase: Final, Request: request, Effective: effective.Result{
		Pod:           pod,
		DefaultedFrom: map[string]effective.Cause{"spec.containers[0].resources.limits[memory]": limitRange},
		Violations: []effective.Violation{
			{Rule: effective.RuleRequestOverLimit, Field: "spec.containers[0].resources.requests", Container: "frontend", Resource: "memory", Message: "told twice", Exact: true},
			{Rule: effective.RulePriorityClass, Field: "spec.priorityClassName", Message: "PriorityClass gold does not exist", Fix: "create it", Exact: true},
			{Rule: effective.RuleQuotaExceeded, Message: "quota team is used up", Exact: false},
		},
	}})
	want := Verdict{
		Decision: Deny,
		Violations: []Violation{{
			Rule:    "requests-within-limits",
			Field:   "containers.frontend.resources.requests.memory",
			Path:    "spec.template.spec.containers[0].resources.requests[memory]",
			Message: "request 250Mi exceeds the limit 200Mi (default limit of LimitRange mem-defaults)",
			Fix:     "lower the request to 200Mi or set a limit of 250Mi",
		}, {
			Rule:    "pod-admissible",
			Field:   "priorityClassName",
			Path:    "spec.template.spec.priorityClassName",
			Message: "PriorityClass gold does not exist",
			Fix:     "create it",
		}},
		Warnings: []Violation{{Rule: "pod-admissible", Message: "quota team is used up", Fix: "Change the field that the message names, or the object that forbids it."}, {
			Rule:    "readiness-probe-missing",
			Field:   "containers",
			Path:    "spec.template.spec.containers",
			Message: "no container has a readiness probe, so pods count as ready as soon as their processes start",
			Fix:     "add a readinessProbe to the container that serves",
		}},
	}
	if diff := cmp.Diff(want, verdict, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
}

func TestEngine_Evaluate_MissingDataIsUnknown(t *testing.T) {
	request := decodeRequest(t, []byte(`{"object":{"spec":{"template":{"spec":{"containers":[{"name":"frontend"}]}}}}}`))
	verdict := shippedEngine(t).Evaluate(t.Context(), Input{Phase: Final, Request: request, Effective: effective.Result{
		Pod:     &corev1.Pod{},
		Unknown: []effective.Unknown{{Kind: effective.KindLimitRange, Reason: "the cache is not filled yet"}},
	}})
	want := Verdict{Errors: []RuleError{
		{Rule: "pod-admissible", Kind: NoData, Reason: "LimitRange: the cache is not filled yet"},
	}}
	if diff := cmp.Diff(want, verdict, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
}

func TestEngine_Evaluate_RuleErrorAffectsNoOtherRule(t *testing.T) {
	tests := []struct {
		reason string
		rego   string
		want   []RuleError
	}{{
		reason: "a builtin's error would silently leave the rule undefined",
		rego: `package bad
deny contains "never" if k8s.quantity.compare("1 GB", "1G") > 0`,
		want: []RuleError{{Rule: "bad", Kind: Broken}},
	}, {
		reason: "a conflict ends the whole query",
		rego: `package bad
value := 1 if input.request
value := 2 if input.review
deny contains "never" if value == 3`,
		want: []RuleError{{Rule: "bad", Kind: Broken}},
	}, {
		reason: "an endless rule has only its own time",
		rego: `package bad
deny contains "never" if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b < 0
}`,
		want: []RuleError{{Rule: "bad", Kind: TimedOut}},
	}, {
		reason: "a result that is no message says nothing to anyone",
		rego: `package bad
deny contains 42`,
		want: []RuleError{{Rule: "bad", Kind: Broken}},
	}, {
		reason: "a rule may say itself that it cannot tell",
		rego: `package bad
cannot_tell contains "no data"`,
		want: []RuleError{{Rule: "bad", Kind: NoData}},
	}}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			engine := shippedEngine(t, Module{File: "bad.rego", Rego: test.rego})
			in := Input{Phase: Final, Request: broken(t), Effective: effective.Result{
				Violations: []effective.Violation{{Rule: effective.RulePriorityClass, Message: "PriorityClass gold does not exist", Exact: true}},
			}}
			verdict := engine.Evaluate(t.Context(), in)
			if diff := cmp.Diff(test.want, verdict.Errors, cmpopts.IgnoreFields(RuleError{}, "Reason")); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
			if len(verdict.Violations) != 1 {
				t.Errorf("the other rules' violations: %v, want 1", lines(verdict.Violations))
			}
		})
	}
}

func TestEngine_Evaluate_PassedDeadline(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	verdict := shippedEngine(t).Evaluate(ctx, Input{Phase: Early, Request: broken(t)})
	if verdict.Decision != Unknown || len(verdict.Errors) != 4 || verdict.Errors[0].Kind != TimedOut {
		t.Errorf("verdict = %+v, want the four early rules, timed out", verdict)
	}
}

func TestEngine_Evaluate_SortsMessagesOnOneLine(t *testing.T) {
	engine := engineOf(t,
		Module{File: "b.rego", Rego: "package b\ndeny contains \"two\\nlines\"\nviolation contains {\"msg\": \"two lines\", \"details\": {}}\nwarn contains \"careful\""},
		Module{File: "a.rego", Rego: "# METADATA\n# scope: package\n# custom:\n#   enforcement: warn\npackage a\ndeny contains \"only a warning\""},
		Module{File: "c.rego", Rego: "# METADATA\n# scope: package\n# custom:\n#   enforcement: \"off\"\npackage c\ndeny contains \"off\""},
	)
	verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
	want := Verdict{
		Decision:   Deny,
		Violations: []Violation{{Rule: "b", Message: "two lines"}},
		Warnings:   []Violation{{Rule: "b", Message: "careful"}, {Rule: "a", Message: "only a warning"}},
	}
	if diff := cmp.Diff(want, verdict, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
		t.Errorf("verdict differs (-want +got):\n%s", diff)
	}
}

func TestNew_ErrorsNameThePolicy(t *testing.T) {
	tests := []struct {
		reason string
		rego   string
		want   string
	}{
		{"a syntax error names file and line", "package x\n\ndeny contains if", "bad.rego:3"},
		{"the network is off", `package x
deny contains "no" if http.send({"method": "get", "url": "http://example.com"})`, "http.send"},
		{"the environment is off", `package x
deny contains "no" if opa.runtime().env`, "opa.runtime"},
		{"the clock is off", `package x
deny contains "no" if time.now_ns() > 0`, "time.now_ns"},
		{"random numbers are off", `package x
deny contains "no" if rand.intn("x", 2) == 0`, "rand.intn"},
		{"a misspelt enforcement enforces nothing", "# METADATA\n# scope: package\n# custom:\n#   enforcement: dney\npackage x\ndeny contains \"no\"", "custom.enforcement"},
		{"unknown METADATA is a misspelling", "# METADATA\n# scope: package\n# custom:\n#   enforcment: warn\npackage x\ndeny contains \"no\"", "custom.enforcment: did you mean custom.enforcement?"},
		{"early is for the built-in pack", "# METADATA\n# scope: package\n# custom:\n#   early: true\npackage x\ndeny contains \"no\"", "early is reserved"},
		{"an exception is a set", "package x\ndeny contains \"no\"\nexception := [\"\"]", "must be a set"},
		{"two rules of one name", "package a.requests_within_limits\ndeny contains \"no\"", "defines rule requests-within-limits too"},
	}
	builtin, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			_, err := New(t.Context(), append(builtin, Module{File: "bad.rego", Rego: test.rego}), DefaultLimits(), Overrides{})
			if err == nil {
				t.Fatal("it loads")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "bad.rego") {
				t.Errorf("error %q does not name bad.rego and %q", err, test.want)
			}
		})
	}
}

func TestEngine_Rules(t *testing.T) {
	engine := shippedEngine(t)
	early := []string{"duplicate-volumes", "quantity-out-of-range", "requests-within-limits", "selector-changed"}
	if diff := cmp.Diff(early, names(engine.Rules(Early))); diff != "" {
		t.Errorf("early rules (-want +got):\n%s", diff)
	}
	final := []string{
		"config-map-missing", "duplicate-volumes", "mutable-image-tag", "pod-admissible",
		"quantity-out-of-range", "readiness-probe-missing", "requests-within-limits", "selector-changed",
	}
	if diff := cmp.Diff(final, names(engine.Rules(Final))); diff != "" {
		t.Errorf("final rules (-want +got):\n%s", diff)
	}
}

func names(rules []Rule) []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.Name)
	}
	return out
}

func lines(violations []Violation) []string {
	var out []string
	for _, v := range violations {
		out = append(out, v.Line())
	}
	return out
}
