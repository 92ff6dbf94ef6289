package guard

import (
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

// counts keeps what is counted, a line each.
type counts struct{ lines []string }

func (c *counts) note(parts ...any) { c.lines = append(c.lines, fmt.Sprint(parts...)) }

func (c *counts) Assessed(verdict string)           { c.note("assessed ", verdict) }
func (c *counts) Detected(after time.Duration)      { c.note("detected after ", after) }
func (c *counts) Recovered(after time.Duration)     { c.note("recovered after ", after) }
func (c *counts) RolledBack(result, trigger string) { c.note("rollback ", result, " by ", trigger) }
func (c *counts) Held(reason v1alpha1.HoldReason)   { c.note("held for ", reason) }

func TestReconciler_observeTimes(t *testing.T) {
	at := func(after time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(after)} }
	failed := v1alpha1.WorkloadRevision{
		Spec:   v1alpha1.WorkloadRevisionSpec{Number: 2, AcceptedTime: *at(0)},
		Status: v1alpha1.WorkloadRevisionStatus{Phase: v1alpha1.PhaseRolledBack, Failure: &v1alpha1.Failure{Time: *at(10 * time.Second)}, PhaseTransitionTime: at(12 * time.Second)},
	}
	healthy := func(number, rollbackOf int64) v1alpha1.WorkloadRevision {
		r := v1alpha1.WorkloadRevision{Spec: v1alpha1.WorkloadRevisionSpec{Number: number, RollbackOf: rollbackOf}}
		r.Status.PhaseTransitionTime = at(50 * time.Second)
		return r
	}
	asked := failed
	asked.Status.Failure = nil
	tests := []struct {
		reason  string
		observe func(*Reconciler)
		want    []string
	}{
		{"a signal after the deploy", func(r *Reconciler) { r.observeFailure(t.Context(), &failed, now.Add(4*time.Second)) }, []string{"assessed failed", "detected after 6s"}},
		{"a pod from before, of a change of files", func(r *Reconciler) { r.observeFailure(t.Context(), &failed, now.Add(-time.Hour)) }, []string{"assessed failed", "detected after 10s"}},
		{"a deadline, with no signal", func(r *Reconciler) { r.observeFailure(t.Context(), &failed, time.Time{}) }, []string{"assessed failed", "detected after 10s"}},
		{"the restored revision is healthy", func(r *Reconciler) { r.observeHealth(t.Context(), history.History{failed, healthy(3, 2)}) }, []string{"assessed healthy", "recovered after 40s"}},
		{"a deploy of its own", func(r *Reconciler) { r.observeHealth(t.Context(), history.History{failed, healthy(3, 0)}) }, []string{"assessed healthy"}},
		{"a rollback that was asked for", func(r *Reconciler) { r.observeHealth(t.Context(), history.History{asked, healthy(3, 2)}) }, []string{"assessed healthy"}},
		{"the failed one is pruned", func(r *Reconciler) { r.observeHealth(t.Context(), history.History{healthy(3, 2)}) }, []string{"assessed healthy"}},
		{"by a failure", func(r *Reconciler) {
			from := failed
			from.Status.Rollback = &v1alpha1.Rollback{ToRevision: 1, StartTime: *at(0)}
			r.observeRollback(t.Context(), &from, resultOvertaken)
		}, []string{"rollback overtaken by failure"}},
		{"by a request", func(r *Reconciler) {
			from := failed
			from.Status.Rollback = &v1alpha1.Rollback{ToRevision: 1, StartTime: *at(0), Request: "reprise.dev/rollback-to=1@2"}
			r.observeRollback(t.Context(), &from, resultCompleted)
		}, []string{"rollback completed by request"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			counted := &counts{}
			test.observe(&Reconciler{Observer: counted, Clock: clocktesting.NewFakeClock(now)})
			if !slices.Equal(counted.lines, test.want) {
				t.Errorf("counted %q, want %q", counted.lines, test.want)
			}
		})
	}
}

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
