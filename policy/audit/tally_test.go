package audit

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/policy"
)

// counted returns a tally's metrics by name and labels.
func counted(t *testing.T, tally *Tally) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(tally); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.Metric {
			name := family.GetName()
			for _, label := range metric.Label {
				name += fmt.Sprintf(" %s=%s", label.GetName(), label.GetValue())
			}
			values[name] = metric.GetGauge().GetValue()
		}
	}
	return values
}

func TestTally_CountsAWorkloadOncePerPolicy(t *testing.T) {
	tally := NewTally(func() []policy.Rule {
		return []policy.Rule{{Name: "limits", Enforcement: policy.EnforceDeny}, {Name: "probes", Enforcement: policy.EnforceWarn}}
	})
	if diff := cmp.Diff(map[string]float64{}, counted(t, tally)); diff != "" {
		t.Errorf("who does not lead counts nothing (-want +got):\n%s", diff)
	}
	cart, mail := types.NamespacedName{Namespace: "shop", Name: "cart"}, types.NamespacedName{Namespace: "shop", Name: "mail"}
	limit := func(field string) policy.Violation { return policy.Violation{Rule: "limits", Field: field} }
	tally.Note(cart, policy.Verdict{
		Violations: []policy.Violation{limit("a"), limit("b")},
		DryRun:     []policy.Violation{{Rule: "trial"}},
		Errors:     []policy.RuleError{{Rule: "broken"}, {Rule: "broken", Reason: "again"}},
	})
	tally.Note(mail, policy.Verdict{Violations: []policy.Violation{limit("a")}, Exempted: []policy.Exempted{{Violation: policy.Violation{Rule: "limits"}}}})
	want := map[string]float64{
		"reprise_audited_workloads":                                 2,
		"reprise_audit_violations enforcement=deny policy=limits":   2,
		"reprise_audit_violations enforcement=exempt policy=limits": 1,
		"reprise_audit_violations enforcement=warn policy=probes":   0,
		"reprise_audit_violations enforcement=dryrun policy=trial":  1,
		"reprise_audit_evaluation_errors policy=broken":             1,
	}
	if diff := cmp.Diff(want, counted(t, tally)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tally.Note(cart, policy.Verdict{})
	tally.Forget(mail)
	want = map[string]float64{
		"reprise_audited_workloads":                               1,
		"reprise_audit_violations enforcement=deny policy=limits": 0,
		"reprise_audit_violations enforcement=warn policy=probes": 0,
	}
	if diff := cmp.Diff(want, counted(t, tally)); diff != "" {
		t.Errorf("a new verdict takes the place of the old one (-want +got):\n%s", diff)
	}
}

func TestLines(t *testing.T) {
	tests := []struct {
		reason  string
		verdict policy.Verdict
		lines   int
		err     string
	}{
		{"nothing", policy.Verdict{Decision: policy.Allow}, 0, ""},
		{"warnings are no violations", policy.Verdict{Decision: policy.Warn, Warnings: []policy.Violation{{Message: "a"}}}, 0, ""},
		{"a violation counts beside an evaluation error", policy.Verdict{
			Decision: policy.Deny, Violations: []policy.Violation{{Message: "a"}}, Errors: []policy.RuleError{{Rule: "b"}},
		}, 1, ""},
		{"an evaluation error is no consent", policy.Verdict{Errors: []policy.RuleError{{Rule: "b", Reason: "no data"}}}, 0, "rule b could not be evaluated: no data"},
	}
	for _, test := range tests {
		lines, err := Lines(test.verdict)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if len(lines) != test.lines || said != test.err {
			t.Errorf("%s: %q, %q", test.reason, lines, said)
		}
	}
}
