package story

import (
	"fmt"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/workload"
)

// State is how far an awaited revision is.
type State string

// The states. The zero value is still to come.
const (
	Pending    State = ""
	Healthy    State = "Healthy"
	Failed     State = "Failed"
	Superseded State = "Superseded"
)

// Progress is where an awaited revision stands, in one line.
type Progress struct {
	State   State
	Message string
}

// rollbackTime is how long a failure is not final: WaitStatus waits for its rollback, or for the
// reason of a hold.
const rollbackTime = 30 * time.Second

// Recorded reports whether the history holds all that was deployed until now, and if not, what is
// missing. changedFiles are the Score files whose contents differ from the newest revision's.
func (w Workload) Recorded(changedFiles []string) (bool, string) {
	switch {
	case w.Deployment == nil:
		return false, fmt.Sprintf("deployment/%s does not exist", w.Name)
	case !workload.IsGuarded(w.Deployment):
		return false, fmt.Sprintf("deployment/%s is not guarded by Reprise any more: it lost Score's annotation %s, or has the label %s: %s",
			w.Name, workload.NameAnnotation, v1alpha1.GuardLabel, workload.GuardDisabled)
	case w.Live() == nil:
		return false, "the live Deployment is not recorded yet"
	case len(changedFiles) > 0:
		return false, fmt.Sprintf("Score file %s has changed: Reprise records a revision after ten seconds without a change", changedFiles[0])
	default:
		return true, ""
	}
}

// WaitStatus returns how far a revision is. A failure is final once its rollback is complete, or
// there is none to come.
func (w Workload) WaitStatus(n int64, now time.Time) Progress {
	r := w.History.Number(n)
	if r == nil {
		return Progress{State: Superseded, Message: fmt.Sprintf("#%d is not stored any more", n)}
	}
	pending := fmt.Sprintf("#%d is %s", n, phase(r))
	switch r.Status.Phase {
	case v1alpha1.PhaseHealthy:
		return Progress{State: Healthy, Message: w.healthy(r)}
	case v1alpha1.PhaseRolledBack:
		return Progress{State: Failed, Message: pending}
	case v1alpha1.PhaseFailed:
		undecided := r.IsRollbackOpen() || r.RollbackHold() == nil && r == w.History.Newest()
		if w.Settings.Rollback != workload.ModeOff && undecided && now.Sub(since(r)) < rollbackTime {
			return Progress{Message: pending + "; Reprise decides whether to roll it back"}
		}
		return Progress{State: Failed, Message: pending}
	case v1alpha1.PhaseSuperseded:
		return Progress{State: Superseded, Message: w.superseded(r)}
	}
	if newest := w.History.Newest(); newest.Spec.Number != n {
		return Progress{State: Superseded, Message: w.superseded(r)}
	}
	ready, wanted := pods(w.Deployment)
	pending += fmt.Sprintf(", %d of %d pods ready", ready, wanted)
	if r.FilesOnly() {
		pending += fmt.Sprintf("; only files changed, and pods read them when they start: kubectl rollout restart deployment/%s -n %s%s", w.Name, w.Namespace, w.inContext())
	}
	if held := r.RollbackHold(); held != nil {
		pending += "; " + mask.Line(held.Message)
	}
	return Progress{Message: pending}
}

// healthy returns the message that a revision is healthy, and which revision runs now.
func (w Workload) healthy(r *v1alpha1.WorkloadRevision) string {
	text := fmt.Sprintf("%s #%d is Healthy: %s", w.Name, r.Spec.Number, mask.Line(r.Spec.Images))
	if live := w.Live(); live != nil && live.Spec.Number != r.Spec.Number {
		text += fmt.Sprintf("; now #%d runs", live.Spec.Number)
	}
	return text
}

// superseded returns what came before there was a verdict.
func (w Workload) superseded(r *v1alpha1.WorkloadRevision) string {
	text := fmt.Sprintf("%s #%d was replaced before there was a verdict", w.Name, r.Spec.Number)
	if plan := r.Status.Rollback; plan != nil && plan.Request != "" {
		return text + fmt.Sprintf(": rolled back to #%d, requested by %s", plan.ToRevision, mask.Line(plan.Request))
	}
	if next := w.History.Number(r.Spec.Number + 1); next != nil {
		text += fmt.Sprintf(": #%d was deployed by %s", next.Spec.Number, mask.Line(next.Spec.FieldManager))
	}
	return text
}
