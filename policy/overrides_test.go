package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestOverrides_ChangeTheVerdict(t *testing.T) {
	end := time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)
	found := Violation{Rule: "team", Message: "no"}
	denied := Verdict{Decision: Deny, Violations: []Violation{found}}
	exempted := Verdict{Decision: Warn, Exempted: []Exempted{{Violation: found, Reason: "legacy", Until: "2027-01-31"}}}
	exemption := Exemption{Policy: "team", Namespace: "shop", Workload: "cart", Reason: "legacy", Expires: end}
	vary := func(change func(*Exemption)) []Exemption {
		e := exemption
		change(&e)
		return []Exemption{e}
	}
	override := func(e Enforcement, s Scope) []Override {
		return []Override{{Policy: "team", Enforcement: e, Namespaces: s}}
	}
	tests := []struct {
		reason    string
		overrides Overrides
		now       time.Time
		want      Verdict
	}{
		{"without overrides the METADATA counts", Overrides{}, end, denied},
		{"off is not judged", Overrides{Rules: override(EnforceOff, Scope{})}, end, Verdict{Decision: Allow}},
		{"warn", Overrides{Rules: override(EnforceWarn, Scope{})}, end, Verdict{Decision: Warn, Warnings: []Violation{found}}},
		{"dryrun is never shown as a denial", Overrides{Rules: override(EnforceDryRun, Scope{})}, end, Verdict{Decision: Allow, DryRun: []Violation{found}}},
		{"inside the scope", Overrides{Rules: override("", Scope{Include: []string{"sh*"}})}, end, denied},
		{"outside of the scope", Overrides{Rules: override("", Scope{Include: []string{"team-*"}})}, end, Verdict{Decision: Allow}},
		{"taken out of the scope", Overrides{Rules: override("", Scope{Exclude: []string{"shop"}})}, end, Verdict{Decision: Allow}},
		{"an exemption is told on every use", Overrides{Exemptions: []Exemption{exemption}}, end.Add(-time.Second), exempted},
		{"of the whole namespace", Overrides{Exemptions: vary(func(e *Exemption) { e.Workload = "" })}, end.Add(-time.Second), exempted},
		{"of another workload", Overrides{Exemptions: vary(func(e *Exemption) { e.Workload = "mail" })}, end.Add(-time.Second), denied},
		{"of another namespace", Overrides{Exemptions: vary(func(e *Exemption) { e.Namespace = "mail" })}, end.Add(-time.Second), denied},
		{"of another policy", Overrides{Exemptions: vary(func(e *Exemption) { e.Policy = "mail" })}, end.Add(-time.Second), denied},
		{"dead after its date, and it says so", Overrides{Exemptions: []Exemption{exemption}}, end, Verdict{Decision: Deny, Violations: []Violation{
			{Rule: "team", Message: "no (its exemption expired after 2027-01-31)"},
		}}},
		{"the later of two counts", Overrides{Exemptions: append(vary(func(e *Exemption) { e.Expires = end.AddDate(0, 0, -20) }), exemption)}, end.Add(-time.Second), exempted},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			engine, err := New(t.Context(), []Module{{File: "p.rego", Rego: "package team\ndeny contains \"no\""}}, DefaultLimits(), test.overrides)
			if err != nil {
				t.Fatal(err)
			}
			verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Now: test.now, Request: map[string]any{
				"namespace": "shop", "object": map[string]any{"metadata": map[string]any{"name": "cart"}},
			}})
			if diff := cmp.Diff(test.want, verdict, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Verdict{}, "Policies")); diff != "" {
				t.Errorf("verdict differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOverrides_ErrorsOfRulesThatCannotDeny: the failure policy denies a request that a rule
// could not evaluate, and a rule in dryrun must not be able to deny.
func TestOverrides_ErrorsOfRulesThatCannotDeny(t *testing.T) {
	broken := Module{File: "p.rego", Rego: "package team\ndeny contains \"no\" if k8s.quantity.compare(\"x\", \"1\") > 0"}
	for enforcement, want := range map[Enforcement][3]int{
		EnforceDeny: {1, 0, 0}, EnforceWarn: {0, 1, 0}, EnforceDryRun: {0, 0, 1}, EnforceOff: {0, 0, 0},
	} {
		engine, err := New(t.Context(), []Module{broken}, DefaultLimits(), Overrides{Rules: []Override{{Policy: "team", Enforcement: enforcement}}})
		if err != nil {
			t.Fatal(err)
		}
		v := engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
		if got := [3]int{len(v.Errors), len(v.Warnings), len(v.DryRun)}; got != want {
			t.Errorf("%s: %v errors, warnings and dry-run findings, want %v", enforcement, got, want)
		}
	}
}

func TestEngine_Unknown(t *testing.T) {
	engine, err := New(t.Context(), []Module{{File: "p.rego", Rego: "package team\ndeny contains \"no\""}}, DefaultLimits(),
		Overrides{Rules: []Override{{Policy: "teem"}, {Policy: "team", Enforcement: EnforceOff}}, Exemptions: []Exemption{{Policy: "tame"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Unknown(); err == nil || !strings.Contains(err.Error(), "tame, teem; there are team") {
		t.Errorf("unknown: %v", err)
	}
}
