// Package rollback acts on a failed revision: it decides whether the last healthy one is put back, saves the
// evidence, writes the plan ahead, puts the revision back and follows it.
//
// decide.go, brakes.go, known.go and request.go decide over values, by the bounds of limits.go; the other files read
// and write.
package rollback

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// Action is what is to be done about a failed revision.
type Action string

const (
	// None means nothing: there is nothing to do, or the user wants nothing done.
	None Action = ""
	// Wait means that a rollback is due, later.
	Wait Action = "Wait"
	// Hold means that a rollback is due and is deliberately not done.
	Hold Action = "Hold"
	// To means that a revision is put back.
	To Action = "To"
)

// Cause is why a rollback that is due is not done, or waits: the closed list of what Reason says in words.
type Cause string

// The causes, as docs/rollback.md lists them.
const (
	CauseManual            Cause = "manual"
	CauseRestoredFails     Cause = "restored-fails"
	CauseControlled        Cause = "controlled"
	CausePaused            Cause = "paused"
	CauseNoHealthyRevision Cause = "no-healthy-revision"
	CauseSameTemplate      Cause = "same-template"
	CauseFilesWrittenAgain Cause = "files-written-again"
	CauseTooMany           Cause = "too-many"
	CauseOvertaken         Cause = "overtaken"
	CauseCannotRun         Cause = "cannot-run"
	CauseTargetGone        Cause = "target-gone"
	CauseNotItsFault       Cause = "not-its-fault"
)

// Causes are all of them.
func Causes() []string {
	return []string{
		string(CauseManual), string(CauseRestoredFails), string(CauseControlled), string(CausePaused),
		string(CauseNoHealthyRevision), string(CauseSameTemplate), string(CauseFilesWrittenAgain), string(CauseTooMany),
		string(CauseOvertaken), string(CauseCannotRun), string(CauseTargetGone), string(CauseNotItsFault),
	}
}

// Decision is what is to be done, and why.
type Decision struct {
	Action Action
	// Target is the revision to put back, for To.
	Target *v1alpha1.Revision
	// Cause and Reason say why a rollback is held or waits, the latter in one line.
	Cause  Cause
	Reason string
	// After is how long to wait, for Wait.
	After time.Duration
	// Attempt is which rollback of the workload within an hour it is, for To; zero where it was asked for.
	Attempt int
	// Request is the annotation that asks for it; empty where a failure does.
	Request string
}

// Decide decides about the newest revision of a history once it has failed. All that it goes by lies in the
// history, so that a restart or another leader decides the same.
func Decide(h history.History, d *appsv1.Deployment, settings workload.Settings, now time.Time) Decision {
	failed := h.Newest()
	if failed == nil || failed.Status.Phase != v1alpha1.PhaseFailed || settings.Rollback == workload.ModeOff ||
		history.Adopted(failed) || open(failed) {
		return Decision{}
	}
	if cause, reason := forbidden(failed, d, settings); cause != "" {
		return Decision{Action: Hold, Cause: cause, Reason: reason}
	}
	target := h.LastHealthy()
	switch {
	case target == nil:
		return Decision{Action: Hold, Cause: CauseNoHealthyRevision, Reason: "no healthy revision is known to go back to; deploy a fix"}
	case target.Spec.TemplateHash == failed.Spec.TemplateHash && target.Spec.FilesDigest == failed.Spec.FilesDigest:
		return Decision{Action: Hold, Cause: CauseSameTemplate, Reason: fmt.Sprintf(
			"the last healthy revision, #%d, runs the same pod template: the cause lies outside the Deployment", target.Spec.Number)}
	case failed.Spec.FilesOnly && putBackBefore(h, failed):
		return Decision{Action: Hold, Cause: CauseFilesWrittenAgain, Reason: writtenAgain}
	}
	wait, attempt := brake(h, now)
	if wait > 0 {
		return Decision{Action: Wait, After: wait, Cause: CauseTooMany, Reason: fmt.Sprintf("%d rollbacks within the last hour: the next one waits until %s; or deploy a fix",
			attempt-1, now.Add(wait).UTC().Format(time.TimeOnly+" MST"))}
	}
	return Decision{Action: To, Target: target, Attempt: attempt}
}

// writtenAgain is why files are put back once and not twice.
const writtenAgain = "the same files failed and were put back before, and were written again; stop what writes them, or fix them"

// open says whether a rollback was written ahead and has neither ended nor been held.
func open(r *v1alpha1.Revision) bool {
	plan := r.Status.Rollback
	return plan != nil && plan.DoneAt == nil && r.Status.Hold == ""
}

// putBackBefore says whether the same files were rolled back earlier: somebody writes them again and again, and
// admission cannot stop it.
func putBackBefore(h history.History, failed *v1alpha1.Revision) bool {
	for i := range h {
		r := &h[i]
		if r.Spec.Number < failed.Spec.Number && r.Status.Phase == v1alpha1.PhaseRolledBack &&
			r.Spec.TemplateHash == failed.Spec.TemplateHash && r.Spec.FilesDigest == failed.Spec.FilesDigest {
			return true
		}
	}
	return false
}

// forbidden says why this rollback must not be done by Reprise by itself, or nothing.
func forbidden(failed *v1alpha1.Revision, d *appsv1.Deployment, settings workload.Settings) (Cause, string) {
	switch {
	case settings.Rollback == workload.ModeManual:
		return CauseManual, workload.RollbackAnnotation + " is manual; deploy a fix, or go back by applying an older manifest"
	case failed.Spec.RollbackOf != 0:
		return CauseRestoredFails, fmt.Sprintf("#%d was itself a rollback, and a rollback is never rolled back; deploy a fix", failed.Spec.Number)
	default:
		return untouchable(d)
	}
}

// untouchable says why a workload must not be written, whoever asks, or nothing.
func untouchable(d *appsv1.Deployment) (Cause, string) {
	switch owner := metav1.GetControllerOf(d); {
	case owner != nil:
		return CauseControlled, fmt.Sprintf("%s %s controls this Deployment and would write it again; change it there", owner.Kind, owner.Name)
	case d.Spec.Paused:
		return CausePaused, "the rollout is paused; resume it, or deploy a fix"
	default:
		return "", ""
	}
}
