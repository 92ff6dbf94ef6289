// Package rollback acts on a failed revision: it decides whether the last healthy one is put back, saves the
// evidence, writes the plan ahead, puts the revision back and follows it.
//
// decide.go and brakes.go decide over values; the other files read and write.
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

// Decision is what is to be done, and why.
type Decision struct {
	Action Action
	// Target is the revision to put back, for To.
	Target *v1alpha1.Revision
	// Reason says in one line why a rollback is held or waits.
	Reason string
	// After is how long to wait, for Wait.
	After time.Duration
}

// Decide decides about the newest revision of a history once it has failed. All that it goes by lies in the
// history, so that a restart or another leader decides the same.
func Decide(h history.History, d *appsv1.Deployment, settings workload.Settings, now time.Time) Decision {
	failed := h.Newest()
	if failed == nil || failed.Status.Phase != v1alpha1.PhaseFailed || settings.Rollback == workload.ModeOff ||
		history.Adopted(failed) || failed.Status.Rollback != nil {
		return Decision{}
	}
	if reason := forbidden(failed, d, settings); reason != "" {
		return Decision{Action: Hold, Reason: reason}
	}
	target := h.LastHealthy()
	switch {
	case target == nil:
		return Decision{Action: Hold, Reason: "no healthy revision is known to go back to; deploy a fix"}
	case target.Spec.TemplateHash == failed.Spec.TemplateHash && target.Spec.FilesDigest == failed.Spec.FilesDigest:
		return Decision{Action: Hold, Reason: fmt.Sprintf(
			"the last healthy revision, #%d, runs the same pod template: the cause lies outside the Deployment", target.Spec.Number)}
	case failed.Spec.FilesOnly && putBackBefore(h, failed):
		return Decision{Action: Hold, Reason: "the same files failed and were put back before, and were written again; stop what writes them, or fix them"}
	}
	if wait := brake(h, now); wait > 0 {
		return Decision{Action: Wait, After: wait, Reason: fmt.Sprintf(
			"%d rollbacks within %s: the next one waits", maxRollbacks, history.RollbackWindow)}
	}
	return Decision{Action: To, Target: target}
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

// forbidden says why this rollback must not be done by Reprise at all, or nothing.
func forbidden(failed *v1alpha1.Revision, d *appsv1.Deployment, settings workload.Settings) string {
	switch {
	case settings.Rollback == workload.ModeManual:
		return workload.RollbackAnnotation + " is manual; deploy a fix, or go back by applying an older manifest"
	case failed.Spec.RollbackOf != 0:
		return fmt.Sprintf("#%d was itself a rollback, and a rollback is never rolled back; deploy a fix", failed.Spec.Number)
	case metav1.GetControllerOf(d) != nil:
		owner := metav1.GetControllerOf(d)
		return fmt.Sprintf("%s %s controls this Deployment and would write it again; change it there", owner.Kind, owner.Name)
	case d.Spec.Paused:
		return "the rollout is paused; resume it, or deploy a fix"
	default:
		return ""
	}
}
