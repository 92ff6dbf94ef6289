package policy

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/open-policy-agent/opa/v1/ast"
)

// serverExcess is the API server's own wording of a request over its limit
// (pkg/apis/core/validation/validation.go, ValidateContainerResourceRequirements).
var serverExcess = regexp.MustCompile(`spec\.template\.(spec\.containers\[\d+\]\.resources\.requests): Invalid value: "([^"]+)": must be less than or equal to (\w+) limit of (\S+)`)

// TestEngine_Evaluate_RequestsWithinLimitsAgreesWithTheAPIServer compares the early phase's
// verdicts over Score's output with what a real API server said to it: the same
// containers, resources and values, no more and no fewer.
func TestEngine_Evaluate_RequestsWithinLimitsAgreesWithTheAPIServer(t *testing.T) {
	engine := shippedEngine(t)
	for _, f := range ownFixtures(t) {
		t.Run(f.Name, func(t *testing.T) {
			var want, got []string
			for _, message := range f.Server.Errors {
				for _, m := range serverExcess.FindAllStringSubmatch(message, -1) {
					want = append(want, fmt.Sprintf("spec.template.%s[%s] %s > %s", m[1], m[3], m[2], m[4]))
				}
			}
			for _, deployment := range f.deployments(t) {
				verdict := engine.Evaluate(t.Context(), Input{Phase: Early, Request: requestFor(t, deployment)})
				for _, v := range verdict.Violations {
					if v.Rule != "requests-within-limits" {
						continue
					}
					m := regexp.MustCompile(`^request (\S+) exceeds the limit (\S+)$`).FindStringSubmatch(v.Message)
					if m == nil {
						t.Fatalf("unexpected message %q", v.Message)
					}
					got = append(got, fmt.Sprintf("%s %s > %s", v.Path, m[1], m[2]))
				}
				if len(verdict.Errors)+len(verdict.Warnings) > 0 {
					t.Errorf("unexpected errors or warnings: %+v", verdict)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("API server (-) and policy (+) differ:\n%s", diff)
			}
		})
	}
}

// TestEngine_Evaluate_PhasesAgreeWithoutNamespaceDefaults: an empty
// namespace adds nothing, so both phases must word the same violations.
func TestEngine_Evaluate_PhasesAgreeWithoutNamespaceDefaults(t *testing.T) {
	engine := shippedEngine(t)
	for _, f := range ownFixtures(t) {
		for _, deployment := range f.deployments(t) {
			in := finalInput(t, deployment)
			final := engine.Evaluate(t.Context(), in)
			in.Phase = Early
			early := engine.Evaluate(t.Context(), in)
			others := func(v Violation) bool { return v.Rule != "requests-within-limits" }
			finals := slices.DeleteFunc(final.Violations, others)
			if diff := cmp.Diff(slices.DeleteFunc(early.Violations, others), finals, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s: early (-) and final (+) differ:\n%s", f.Name, diff)
			}
		}
	}
}

// TestEngine_Evaluate_LazyInputEqualsConverted guards the use of OPA's lazy objects as input.
func TestEngine_Evaluate_LazyInputEqualsConverted(t *testing.T) {
	everything := Module{File: "walk.rego", Rego: `package walk
deny contains msg if {
	walk(input, [path, value])
	not is_object(value)
	not is_array(value)
	msg := sprintf("%v=%v", [path, value])
}`}
	engine := shippedEngine(t, everything)
	for _, f := range ownFixtures(t) {
		for _, deployment := range f.deployments(t) {
			in := finalInput(t, deployment)
			document, err := in.document(nil)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := ast.JSON(document)
			if err != nil {
				t.Fatal(err)
			}
			converted := newCollector(&engine.final, Overrides{}, in)
			for _, g := range engine.final.groups {
				results, err := g.together.run(t.Context(), ast.MustInterfaceToValue(plain), DefaultLimits().Together)
				if err != nil {
					t.Fatal(err)
				}
				if err := converted.collect(results); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(converted.verdict(), engine.Evaluate(t.Context(), in), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
				t.Errorf("%s: converted (-) and lazy (+) differ:\n%s", f.Name, diff)
			}
		}
	}
}
