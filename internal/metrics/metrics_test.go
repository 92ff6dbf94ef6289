package metrics

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// complete registers all metrics, with some of each, as a leader of an install serves them.
func complete(t *testing.T, leads bool) (*Metrics, *prometheus.Registry) {
	t.Helper()
	now := time.Unix(1000, 0)
	m, registry := New(), prometheus.NewPedanticRegistry()
	if err := m.Register(registry,
		State{Leads: func() bool { return leads }, Stats: func() history.Stats {
			return history.Stats{Workloads: map[v1alpha1.Phase]int{v1alpha1.PhaseHealthy: 3}, Held: 1, Quarantines: 2}
		}},
		Recorder{Leads: func() bool { return leads }, Backlog: func() (int, time.Time) { return 4, now.Add(-time.Minute) }, Now: func() time.Time { return now }},
		PolicySet{Hash: func() string { return "abc" }},
		Build("1.2.3", "f00"),
	); err != nil {
		t.Fatal(err)
	}
	return m, registry
}

func TestMetrics_FollowThePrometheusConventions(t *testing.T) {
	m, registry := complete(t, true)
	m.Admission.Violated("limits-missing", "deny")
	m.Admission.EvaluationFailed("limits-missing", "timeout")
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "reprise_") {
			t.Errorf("%s does not begin with reprise_", family.GetName())
		}
	}
}

func TestNew_CreatesEverySeries(t *testing.T) {
	_, registry := complete(t, false)
	for name, want := range map[string]int{
		"reprise_admissions_total":                   5 * 2 * 2,
		"reprise_rollbacks_total":                    4 * 2,
		"reprise_revision_verdicts_total":            2,
		"reprise_rollback_holds_total":               len(v1alpha1.HoldReasons()),
		"reprise_admission_duration_seconds":         2,
		"reprise_policy_evaluation_duration_seconds": 2,
	} {
		if got, err := testutil.GatherAndCount(registry, name); err != nil || got != want {
			t.Errorf("%s has %d series, want %d: %v", name, got, want, err)
		}
	}
	if reasons := v1alpha1.HoldReasons(); len(slices.Compact(slices.Sorted(slices.Values(reasons)))) != len(reasons) {
		t.Errorf("a reason is listed twice: %q", reasons)
	}
}

func TestAdmission_SetActive(t *testing.T) {
	m, registry := complete(t, false)
	check := func(violations, evaluationErrors int) {
		t.Helper()
		for name, want := range map[string]int{"reprise_policy_violations_total": violations, "reprise_policy_evaluation_errors_total": evaluationErrors} {
			if got, err := testutil.GatherAndCount(registry, name); err != nil || got != want {
				t.Errorf("%s has %d series, want %d: %v", name, got, want, err)
			}
		}
	}
	check(0, 0)
	m.Admission.SetActive(map[string]string{"a": "deny", "b": "warn"})
	m.Admission.Violated("a", "exempt")
	check(3, 6)
	m.Admission.SetActive(map[string]string{"b": "deny"})
	check(2, 3) // That b only warned before is still told.
}

func TestState_IsExportedByTheLeaderOnly(t *testing.T) {
	names := []string{
		"reprise_workloads", "reprise_rollbacks_held", "reprise_rollbacks_in_progress", "reprise_quarantined_templates",
		"reprise_recorder_queue_length", "reprise_recorder_lag_seconds",
	}
	_, follower := complete(t, false)
	if got, err := testutil.GatherAndCount(follower, append(names, "reprise_revisions")...); err != nil || got != 0 {
		t.Errorf("a follower serves %d series: %v", got, err)
	}
	_, leader := complete(t, true)
	want := `
# HELP reprise_rollbacks_held Workloads whose due rollback is on hold; exported by the leader only.
# TYPE reprise_rollbacks_held gauge
reprise_rollbacks_held 1
# HELP reprise_rollbacks_in_progress Rollbacks that have started and not ended; exported by the leader only.
# TYPE reprise_rollbacks_in_progress gauge
reprise_rollbacks_in_progress 0
# HELP reprise_quarantined_templates Failed pod templates that admission denies; exported by the leader only.
# TYPE reprise_quarantined_templates gauge
reprise_quarantined_templates 2
# HELP reprise_recorder_lag_seconds Time that the oldest deploy has waited to be recorded; exported by the leader only.
# TYPE reprise_recorder_lag_seconds gauge
reprise_recorder_lag_seconds 60
# HELP reprise_recorder_queue_length Deploys that wait to be recorded; exported by the leader only.
# TYPE reprise_recorder_queue_length gauge
reprise_recorder_queue_length 4
# HELP reprise_workloads Guarded workloads, by the phase of their newest revision; exported by the leader only.
# TYPE reprise_workloads gauge
reprise_workloads{phase="Failed"} 0
reprise_workloads{phase="Healthy"} 3
reprise_workloads{phase="Progressing"} 0
reprise_workloads{phase="RolledBack"} 0
reprise_workloads{phase="Superseded"} 0
reprise_workloads{phase="Unknown"} 0
`
	if err := testutil.GatherAndCompare(leader, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestPolicies_CountFailedLoads(t *testing.T) {
	m, registry := complete(t, false)
	m.Policies.Loaded(0, 0)
	m.Policies.Loaded(2, 1)
	m.Policies.Failed()
	want := `
# HELP reprise_policy_invalid_sources Invalid policy ConfigMaps, whose last valid policies stay active.
# TYPE reprise_policy_invalid_sources gauge
reprise_policy_invalid_sources 2
# HELP reprise_policy_load_errors_total Loads of policies with at least one error.
# TYPE reprise_policy_load_errors_total counter
reprise_policy_load_errors_total 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "reprise_policy_invalid_sources", "reprise_policy_load_errors_total"); err != nil {
		t.Error(err)
	}
}
