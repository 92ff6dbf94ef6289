// Package rollback decides about a failed revision: whether the last healthy one is restored, when,
// and why not.
//
// It is pure. rollback/guard assesses rollouts, and carries out what is decided here.
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
	// RollBack means that a revision is restored.
	RollBack Action = "RollBack"
)

// Decision is what is to be done, and why.
type Decision struct {
	Action Action
	// Target is the revision to restore, for RollBack.
	Target *v1alpha1.WorkloadRevision
	// Pins are the images of the target that are written with their digests, since their tags moved.
	Pins []v1alpha1.PinnedImage
	// Reason and Message say why a rollback is held or waits.
	Reason  v1alpha1.HoldReason
	Message string
	// After is how long to wait, for Wait.
	After time.Duration
	// Attempt is which rollback of the workload within an hour it is, for RollBack; zero where it was
	// asked for.
	Attempt int
	// Request is the annotation that asks for it; empty where a failure does.
	Request string
}

// Decide decides about the newest revision of a history once it has failed. It uses only the
// history, so a restarted process and the next leader decide the same.
func Decide(h history.History, d *appsv1.Deployment, settings workload.Settings, now time.Time) Decision {
	failed := h.Newest()
	if failed == nil || failed.Status.Phase != v1alpha1.PhaseFailed || settings.Rollback == workload.ModeOff ||
		failed.IsAdopted() || failed.IsRollbackOpen() {
		return Decision{}
	}
	target := h.LastHealthy()
	var pins []v1alpha1.PinnedImage
	if target != nil {
		pins = pinsOf(failed, target, settings)
	}
	if reason, message := automaticRollbackForbidden(h, d, settings, pins); reason != "" {
		return Decision{Action: Hold, Reason: reason, Message: message}
	}
	switch {
	case target == nil:
		return Decision{Action: Hold, Reason: v1alpha1.HoldNoHealthyRevision, Message: noHealthyRevision(h)}
	case target.PodsSame(failed) && len(pins) == 0:
		return Decision{Action: Hold, Reason: v1alpha1.HoldSameTemplate, Message: fmt.Sprintf(
			"the last healthy revision, #%d, runs the same pod template, so the cause is outside of the Deployment; check its dependencies", target.Spec.Number)}
	case failed.FilesOnly() && restoredBefore(h, failed):
		return Decision{Action: Hold, Reason: v1alpha1.HoldFilesWrittenAgain, Message: FilesWrittenAgain}
	}
	wait, attempt := Backoff(h, now)
	if wait > 0 {
		return Decision{Action: Wait, After: wait, Reason: v1alpha1.HoldTooManyRollbacks, Message: fmt.Sprintf("%d rollbacks within the last hour; wait until %s for the next one, or deploy a fix",
			attempt-1, now.Add(wait).UTC().Format(time.TimeOnly+" MST"))}
	}
	return Decision{Action: RollBack, Target: target, Pins: pins, Attempt: attempt}
}

// pinsOf returns the images that a rollback writes with their digests.
func pinsOf(failed, target *v1alpha1.WorkloadRevision, settings workload.Settings) []v1alpha1.PinnedImage {
	if settings.PinImages == workload.PinNever {
		return nil
	}
	return history.Pins(failed, target)
}

// noHealthyRevision returns the message that there is nothing to roll back to. A healthy revision
// of a Deployment that was deleted may be somebody else's.
func noHealthyRevision(h history.History) string {
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].Status.Phase == v1alpha1.PhaseHealthy && !h[i].SameWorkload(h.Newest()) && !h[i].IsRedacted() {
			return fmt.Sprintf("this Deployment has no healthy revision; deploy a fix. #%d was healthy before the Deployment was deleted and created again: "+
				"to restore it, request it with %s: \"%d@%d\"", h[i].Spec.Number, v1alpha1.RollbackToAnnotation, h[i].Spec.Number, h.Newest().Spec.Number)
		}
	}
	return "there is no healthy revision to roll back to; deploy a fix"
}

// FilesWrittenAgain is why Reprise restores the same files only once.
const FilesWrittenAgain = "the same files failed and were restored before, and were written again; find and stop the writer, or fix the files"

// restoredBefore reports whether the same files were rolled back earlier. Then a user or a program
// writes them repeatedly, and admission cannot prevent it.
func restoredBefore(h history.History, failed *v1alpha1.WorkloadRevision) bool {
	for i := range h {
		r := &h[i]
		if r.Spec.Number < failed.Spec.Number && r.SameWorkload(failed) && r.Status.Phase == v1alpha1.PhaseRolledBack && r.PodsSame(failed) {
			return true
		}
	}
	return false
}

// automaticRollbackForbidden returns why Reprise must not do this rollback without a request; empty
// if it may. A rollback that failed is rolled back only to other bytes: those that ran under a tag
// that has moved since.
func automaticRollbackForbidden(h history.History, d *appsv1.Deployment, settings workload.Settings, pins []v1alpha1.PinnedImage) (v1alpha1.HoldReason, string) {
	failed := h.Newest()
	switch {
	case settings.Rollback == workload.ModeManual:
		return v1alpha1.HoldManual, v1alpha1.RollbackAnnotation + " is manual; deploy a fix, or apply an older manifest"
	case failed.Spec.RollbackOf != 0 && !isRequested(h, failed) && len(pins) == 0:
		return v1alpha1.HoldRestoredRevisionFailed, fmt.Sprintf("#%d is itself a rollback after a failure, and Reprise never rolls back such a rollback; deploy a fix", failed.Spec.Number)
	default:
		return untouchable(d)
	}
}

// isRequested reports whether a person requested the rollback that a revision is. Such a rollback
// is a deploy like any other. Without the revision that it replaced, that is not known.
func isRequested(h history.History, r *v1alpha1.WorkloadRevision) bool {
	replaced := h.Number(r.Spec.RollbackOf)
	return replaced != nil && replaced.Status.Rollback != nil && replaced.Status.Rollback.Request != ""
}

// RolloutPaused is why Reprise does not write a Deployment whose rollout is paused: its pods would
// stay as they are.
const RolloutPaused = "the rollout is paused; resume it, or deploy a fix"

// untouchable returns why Reprise must not write a workload, even on request; empty if it may.
func untouchable(d *appsv1.Deployment) (v1alpha1.HoldReason, string) {
	switch owner := metav1.GetControllerOf(d); {
	case owner != nil:
		return v1alpha1.HoldOwnedByController, fmt.Sprintf("%s %s controls this Deployment and would overwrite a rollback; make the change there", owner.Kind, owner.Name)
	case d.Spec.Paused:
		return v1alpha1.HoldPaused, RolloutPaused
	default:
		return "", ""
	}
}

// RestorableFiles returns the files that can be restored. The target's pods ran without one that
// was missing; of one that was left out for its size there is nothing to write, and lostFile holds
// the rollback where it has changed.
func RestorableFiles(files []v1alpha1.RevisionFile) []v1alpha1.RevisionFile {
	var all []v1alpha1.RevisionFile
	for _, f := range files {
		if f.State == v1alpha1.FileKept || f.State == v1alpha1.FileKeptLate {
			all = append(all, f)
		}
	}
	return all
}
