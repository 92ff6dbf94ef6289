package regotest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const rule = `package team

deny contains "too much" if k8s.quantity.compare(input.parameters.memory, "1Gi") > 0
`

func TestRun_Outcomes(t *testing.T) {
	got, err := Run(t.Context(), map[string]string{"team.rego": rule, "team_test.rego": `package team_test

import data.team

test_more_is_told if {
	"too much" in team.deny with input.parameters.memory as "1025Mi"
}

test_as_much_is_fine if {
	count(team.deny) == 0 with input.parameters.memory as "1024Mi"
}

test_fails if {
	memory := "1025Mi"
	count(team.deny) == 0 with input.parameters.memory as memory
}

test_is_broken if {
	count(team.deny) == 0 with input.parameters.memory as "much"
}

todo_test_later if false
`}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Result{
		{File: "team_test.rego", Line: 5, Name: "team_test.test_more_is_told", Outcome: Pass},
		{File: "team_test.rego", Line: 9, Name: "team_test.test_as_much_is_fine", Outcome: Pass},
		{
			File: "team_test.rego", Line: 13, Name: "team_test.test_fails", Outcome: Fail,
			Detail: "line 15 is not true: count(team.deny) == 0 with input.parameters.memory as memory",
		},
		{
			File: "team_test.rego", Line: 18, Name: "team_test.test_is_broken", Outcome: Error,
			Detail: `team.rego:3: k8s.quantity.compare: reading quantity "much": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`,
		},
		{File: "team_test.rego", Line: 22, Name: "team_test.todo_test_later", Outcome: Skipped},
	}
	if diff := cmp.Diff(want, got.Results); diff != "" {
		t.Errorf("results differ (-want +got):\n%s", diff)
	}
}

func TestRun_RegoV0(t *testing.T) {
	got, err := Run(t.Context(), map[string]string{"old.rego": "package old\ndeny[msg] { msg := input.x }\ntest_old { deny[\"a\"] with input as {\"x\": \"a\"} }"}, Options{})
	if err != nil || len(got.Results) != 1 || got.Results[0].Outcome != Pass {
		t.Errorf("results %+v, %v; want one that passes", got, err)
	}
}

func TestRun_Errors(t *testing.T) {
	for reason, test := range map[string]struct{ rego, want string }{
		"no test":             {rule, "no tests found"},
		"no Rego":             {"package team\n\ndeny contains", "team.rego:3: "},
		"an unknown function": {"package team\ntest_a if unknown(1)", "team.rego:2: "},
		"what reaches out":    {"package team\ntest_a if http.send({}).x", "http.send"},
	} {
		_, err := Run(t.Context(), map[string]string{"team.rego": test.rego}, Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", reason, err, test.want)
		}
	}
}

func TestRun_Options(t *testing.T) {
	got, err := Run(t.Context(), map[string]string{
		"a.rego":      "package a\n\ndeny contains \"x\" if {\n\tinput.x\n\tprint(\"x is\", input.x)\n}\n\ndeny contains \"y\" if {\n\tinput.y\n\tinput.z\n}\n",
		"a_test.rego": "package a_test\n\nimport data.a\n\ntest_x if \"x\" in a.deny with input as {\"x\": 1}\n\ntest_other if false\n",
	}, Options{Match: "test_x$", Coverage: true})
	if err != nil {
		t.Fatal(err)
	}
	want := Report{
		Results:  []Result{{File: "a_test.rego", Line: 5, Name: "a_test.test_x", Outcome: Pass, Printed: "x is 1"}},
		Coverage: &Coverage{Percent: 400.0 / 7, Missed: map[string][]int{"a.rego": {8, 9, 10}}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Coverage{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
