package observability

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"

	"reprise.dev/reprise/test/harness/monitoring"
)

// TestPrometheusCountsWhatWasPlayed: by the sums over both replicas that the dashboard and the
// alerts use.
func TestPrometheusCountsWhatWasPlayed(t *testing.T) {
	i := run(t)
	over := func(selector string) string { return "round(sum(increase(" + selector + "[1h])))" }
	type value struct {
		expr string
		want float64
	}
	wanted := []value{
		{over(`reprise_admissions_total{decision="denied",operation="update",dry_run="false"}`), 1},
		{over(`reprise_admissions_total{decision="quarantined"}`), 1},
		{over(`reprise_admissions_total{decision="unchecked",operation="create"}`), 1},
		{over(`reprise_admissions_total{decision=~"allowed|warned"}`), 3},
		{over(`reprise_policy_violations_total{policy="requests-within-limits",enforcement="deny"}`), 1},
		{over(`reprise_policy_evaluation_errors_total{policy="puzzle",reason="broken"}`), 1},
		{over(`reprise_revision_verdicts_total{verdict="failed"}`), 2},
		{over(`reprise_revision_verdicts_total{verdict="healthy"}`), 4},
		{over(`reprise_rollbacks_total{result="completed",trigger="failure"}`), 1},
		{over(`reprise_rollbacks_total{result!="completed"}`), 0},
		{over(`reprise_rollback_holds_total{reason="NoHealthyRevision"}`), 1},
		{over(`reprise_time_to_detect_seconds_count`), 2},
		{over(`reprise_time_to_recover_seconds_count`), 1},
		{over(`reprise_revisions_recorded_total`), 6},
		{over(`reprise_revision_record_failures_total`), 0},
		{`max(reprise_revisions{phase="RolledBack"})`, 1},
		{`sum(max by (phase) (reprise_workloads))`, 4},
		{`max(reprise_workloads{phase="Failed"})`, 1},
		{`max(reprise_rollbacks_held)`, 1},
		{`max(max_over_time(reprise_quarantined_templates[1h]))`, 2},
		{`max(reprise_rollbacks_in_progress)`, 0},
		{`max(reprise_recorder_queue_length)`, 0},
		{`max(reprise_policy_invalid_sources)`, 1},
		{`count(count by (hash) (last_over_time(reprise_policy_set_info[1h])))`, 1},
		{`sum(apiserver_admission_webhook_fail_open_count{name="validate.reprise.dev"})`, 1},
		{`sum(increase(controller_runtime_webhook_requests_total{code!="200",webhook=~"/admission/.*"}[1h]))`, 0},
	}
	if err := eventually(t.Context(), func() error {
		var missing []error
		for _, test := range wanted {
			missing = append(missing, i.is(t.Context(), test.expr, test.want))
		}
		return errors.Join(missing...)
	}); err != nil {
		t.Error(err)
	}
}

// TestTheTimesAreThoseOfThePlay: a failure is found and put back within seconds, and the median is
// one of them.
func TestTheTimesAreThoseOfThePlay(t *testing.T) {
	i := run(t)
	for _, name := range []string{"reprise_time_to_detect_seconds", "reprise_time_to_recover_seconds"} {
		vector, err := i.prometheus.Ask(t.Context(), fmt.Sprintf("sum(%s_sum) / sum(%s_count)", name, name))
		if err != nil || len(vector) != 1 || vector[0].Value <= 0 || vector[0].Value > 180 {
			t.Errorf("%s: %v, want a time within the play: %v", name, vector, err)
		}
	}
}

// empty are the queries that have no data, for a reason.
var empty = map[string]string{
	"reprise_certificate_expiry":                 "certificates are mounted by the test",
	"apiserver_admission_webhook_rejection_coun": "the failure policy is Ignore",
	"reprise_audit_violations":                   "it is shown only where it is not zero, and nothing that runs violates a policy",
	"reprise_audit_evaluation_errors":            "it is there once the audit has met it",
	"reprise_rollbacks_total[1m]":                "it is shown only where it is not zero",
	"reprise_rollback_holds_total[1m]":           "it is shown only where it is not zero",
	"fail_open_count":                            "a rate of what is counted once",
	"controller_runtime_reconcile_errors_total":  "its series is there only where something failed",
}

func TestEveryPanelOfTheDashboardHasItsData(t *testing.T) {
	i := run(t)
	rendered, err := monitoring.Render()
	if err != nil {
		t.Fatal(err)
	}
	for _, panel := range rendered.Dashboard.Panels {
		for _, target := range panel.Targets {
			query := strings.ReplaceAll(target.Query(), "[1m]", "[10m]") // The replica that admits has ended meanwhile.
			vector, err := i.prometheus.Ask(t.Context(), query)
			if err != nil {
				t.Errorf("%s: %v", panel.Title, err)
				continue
			}
			mayBeEmpty := false
			for part := range empty {
				mayBeEmpty = mayBeEmpty || strings.Contains(target.Query(), part)
			}
			if len(vector) == 0 && !mayBeEmpty {
				t.Errorf("%s has no data: %s", panel.Title, query)
			}
			for _, sample := range vector {
				if math.IsNaN(float64(sample.Value)) || math.IsInf(float64(sample.Value), 0) || sample.Value < 0 {
					t.Errorf("%s shows %v: %s", panel.Title, sample, query)
				}
			}
		}
	}
}

func TestTheAlertsAreEvaluatedAndThoseOfThePlayFire(t *testing.T) {
	i := run(t)
	want := []string{"RepriseAdmissionFailedOpen", "RepriseAdmissionUnchecked", "ReprisePolicyLoadErrors"}
	var active []string
	err := eventually(t.Context(), func() error {
		answer, err := i.prometheus.Rules(t.Context(), nil)
		if err != nil {
			return err
		}
		active = nil
		for _, group := range answer.Groups {
			for _, rule := range group.Rules {
				alert, ok := rule.(prometheus.AlertingRule)
				if !ok || alert.Health != prometheus.RuleHealthGood || alert.LastError != "" {
					return fmt.Errorf("%+v is not evaluated well", rule)
				}
				if len(alert.Alerts) > 0 { // Firing, or not for long enough.
					active = append(active, alert.Name)
				}
			}
		}
		if slices.Sort(active); !slices.Equal(active, want) {
			return fmt.Errorf("alerts %q, want %q", active, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
