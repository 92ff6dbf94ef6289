package guard

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/internal/mask"
)

// Observer counts what is assessed, rolled back and held, each after it is stored.
type Observer interface {
	// Assessed is told of each verdict on a revision: healthy or failed.
	Assessed(verdict string)
	// Detected is told how long it took from the first signal of a failure to its verdict.
	Detected(after time.Duration)
	// Recovered is told how long it took from a failure to the health of the restored revision.
	Recovered(after time.Duration)
	// RolledBack is told what became of a rollback, and what triggered it: a failure or a request.
	RolledBack(result, trigger string)
	// Held is told why a rollback that is due is not done.
	Held(reason v1alpha1.HoldReason)
}

// What becomes of a rollback.
const (
	resultCompleted = "completed"
	resultOvertaken = "overtaken"
	resultHeld      = "held"
	// resultFailed is not the end: it is counted once, and the rollback is tried further.
	resultFailed = "failed"
)

// unobserved is the Observer of who wants none.
type unobserved struct{}

func (unobserved) Assessed(string)           {}
func (unobserved) Detected(time.Duration)    {}
func (unobserved) Recovered(time.Duration)   {}
func (unobserved) RolledBack(string, string) {}
func (unobserved) Held(v1alpha1.HoldReason)  {}

// say writes one step into the log.
func logStep(ctx context.Context, step string, about *v1alpha1.WorkloadRevision, values ...any) {
	log.FromContext(ctx).Info(step, append([]any{"workload", about.Spec.WorkloadRef.Name, "revision", about.Name}, values...)...)
}

// observeFailure counts a verdict of failure and how long it took since its first signal: zero
// where none is known, and the deploy counts.
func (r *Reconciler) observeFailure(ctx context.Context, failed *v1alpha1.WorkloadRevision, signal time.Time) {
	since := failed.Spec.AcceptedTime.Time
	if signal.After(since) {
		since = signal
	}
	took := failed.Status.Failure.Time.Sub(since)
	r.Observer.Assessed("failed")
	r.Observer.Detected(took)
	logStep(ctx, "Assessed", failed, "verdict", v1alpha1.PhaseFailed, "cause", mask.Line(failed.FailureMessage()), "seconds", took.Seconds())
}

// observeHealth counts a verdict of health. That of a restored revision ends the failure.
func (r *Reconciler) observeHealth(ctx context.Context, h history.History) {
	healthy := h.Newest()
	r.Observer.Assessed("healthy")
	logStep(ctx, "Assessed", healthy, "verdict", v1alpha1.PhaseHealthy)
	failed := h.Number(healthy.Spec.RollbackOf)
	if failed == nil || failed.Status.Failure == nil {
		return // It is no rollback, or one that was asked for.
	}
	took := healthy.Status.PhaseTransitionTime.Sub(failed.Status.Failure.Time.Time)
	r.Observer.Recovered(took)
	logStep(ctx, "Recovered", healthy, "from", failed.Name, "seconds", took.Seconds())
}

// observeRollback counts what became of a rollback.
func (r *Reconciler) observeRollback(ctx context.Context, from *v1alpha1.WorkloadRevision, result string) {
	plan := from.Status.Rollback
	trigger := "failure"
	if plan.Request != "" {
		trigger = "request"
	}
	r.Observer.RolledBack(result, trigger)
	logStep(ctx, "Rollback "+result, from, "to", history.Name(from.Spec.WorkloadRef.Name, plan.ToRevision), "trigger", trigger, "attempt", plan.Attempt,
		"seconds", r.Clock.Now().Sub(plan.StartTime.Time).Seconds())
}
