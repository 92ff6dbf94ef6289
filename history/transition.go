package history

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// The functions of this file are the only ones that write a status's conditions, phase, failure and
// rollback. Each takes a status from one state to the next, and leaves a phase that sums the
// conditions up.

// MarkProgressing notes that the rollout of a revision is under way.
func MarkProgressing(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
	setHealthy(s, metav1.ConditionUnknown, v1alpha1.ReasonProgressing, "", now)
}

// MarkAdopted notes that the deployment of a revision was not watched, and why; it is not assessed
// then.
func MarkAdopted(s *v1alpha1.WorkloadRevisionStatus, reason, message string, now time.Time) {
	setTrue(s, v1alpha1.ConditionAdopted, reason, message, now)
	setHealthy(s, metav1.ConditionUnknown, v1alpha1.ReasonNotAssessed, "", now)
}

// MarkHealthy notes that a revision is healthy, whatever it was before: why it failed, why its
// rollback was held and a rollback that was not done are void.
func MarkHealthy(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
	s.Failure = nil
	meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionRollbackHeld)
	if s.Rollback != nil && s.Rollback.State != v1alpha1.RollbackDone {
		s.Rollback = nil
	}
	setHealthy(s, metav1.ConditionTrue, v1alpha1.ReasonRolloutComplete, "", now)
}

// NoteImages notes what the pods of a revision ran. That none is known changes nothing.
func NoteImages(s *v1alpha1.WorkloadRevisionStatus, images []v1alpha1.ContainerImage) {
	if len(images) > 0 {
		s.Images = images
	}
}

// MarkFailed notes that a revision failed, and why. Its time is set to now.
func MarkFailed(s *v1alpha1.WorkloadRevisionStatus, f v1alpha1.Failure, now time.Time) {
	f.Time = metav1.NewTime(now)
	s.Failure = &f
	meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionRollbackHeld)
	setHealthy(s, metav1.ConditionFalse, string(f.Reason), f.Message, now)
}

// MarkReplaced notes that another revision replaced one. A revision without a verdict is
// superseded. A rollback on hold is not due any more; only Overtaken stays, since it is about the
// deploy that replaced the revision.
func MarkReplaced(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
	r := v1alpha1.WorkloadRevision{Status: *s}
	if r.AwaitsVerdict() {
		setHealthy(s, metav1.ConditionUnknown, v1alpha1.ReasonSuperseded, "", now)
	}
	if hasEndingHold(&r) {
		meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionRollbackHeld)
	}
}

// IsReplaced reports whether MarkReplaced changes nothing of a revision.
func IsReplaced(r *v1alpha1.WorkloadRevision) bool { return !r.AwaitsVerdict() && !hasEndingHold(r) }

func hasEndingHold(r *v1alpha1.WorkloadRevision) bool {
	held := r.RollbackHold()
	return held != nil && held.Reason != string(v1alpha1.HoldOvertaken)
}

// StartRollback stores the plan of a rollback, whose state and time it sets. It ends a hold.
func StartRollback(s *v1alpha1.WorkloadRevisionStatus, plan v1alpha1.Rollback, now time.Time) {
	plan.State, plan.StartTime, plan.CompletionTime = v1alpha1.RollbackExecuting, metav1.NewTime(now), nil
	s.Rollback = &plan
	meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionRollbackHeld)
}

// CompleteRollback notes that the rollback of a status is done. note says what could not be
// restored, empty if everything was.
func CompleteRollback(s *v1alpha1.WorkloadRevisionStatus, note string, now time.Time) {
	s.Rollback.State, s.Rollback.CompletionTime = v1alpha1.RollbackDone, &metav1.Time{Time: now}
	reason, message := v1alpha1.ReasonRevisionFailed, fmt.Sprintf("#%d was restored", s.Rollback.ToRevision)
	if s.Rollback.Request != "" {
		reason = v1alpha1.ReasonRequested
		AnswerRequest(s, s.Rollback.Request, v1alpha1.RequestAccepted, message, now)
	}
	if note != "" {
		message += noteSeparator + note
	}
	setTrue(s, v1alpha1.ConditionRolledBack, reason, message, now)
	summarize(s, now)
}

// noteSeparator separates the note of a rollback from what is said of every rollback.
const noteSeparator = "; "

// RollbackNote returns what could not be restored by a rollback that is done, empty if everything
// was.
func RollbackNote(r *v1alpha1.WorkloadRevision) string {
	done := r.Condition(v1alpha1.ConditionRolledBack)
	if done == nil {
		return ""
	}
	_, note, _ := strings.Cut(done.Message, noteSeparator)
	return note
}

// HoldRollback notes why a rollback that is due is not performed, and stops one that was started.
// It reports whether the reason is another one than before; the message may change with the same
// reason.
func HoldRollback(s *v1alpha1.WorkloadRevisionStatus, reason v1alpha1.HoldReason, message string, now time.Time) (changed bool) {
	if s.Rollback != nil && s.Rollback.State == v1alpha1.RollbackExecuting {
		s.Rollback.State = v1alpha1.RollbackHeld
	}
	held := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionRollbackHeld)
	changed = held == nil || held.Reason != string(reason)
	if changed {
		meta.RemoveStatusCondition(&s.Conditions, v1alpha1.ConditionRollbackHeld) // Its time is that of the reason.
	}
	setTrue(s, v1alpha1.ConditionRollbackHeld, string(reason), message, now)
	return changed
}

// IsHeldFor reports whether a rollback is held already for a reason, with the same message.
func IsHeldFor(r *v1alpha1.WorkloadRevision, reason v1alpha1.HoldReason, message string) bool {
	held := r.RollbackHold()
	return held != nil && held.Reason == string(reason) && held.Message == plain(message, maxText)
}

// MarkFieldsLeftBehind notes that a revision still has fields that were removed, as the message
// says.
func MarkFieldsLeftBehind(s *v1alpha1.WorkloadRevisionStatus, message string, now time.Time) {
	setTrue(s, v1alpha1.ConditionFieldsLeftBehind, v1alpha1.ReasonClientStateNotUpdated, message, now)
}

// AnswerRequest notes the answer to a request.
func AnswerRequest(s *v1alpha1.WorkloadRevisionStatus, request string, result v1alpha1.RequestResult, message string, now time.Time) {
	s.Requests = append(s.Requests, v1alpha1.Request{Request: request, Time: metav1.NewTime(now), Result: result, Message: message})
}

// setHealthy writes the condition Healthy, and the phase that follows from it.
func setHealthy(s *v1alpha1.WorkloadRevisionStatus, status metav1.ConditionStatus, reason, message string, now time.Time) {
	meta.SetStatusCondition(&s.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionHealthy, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now),
	})
	summarize(s, now)
}

func setTrue(s *v1alpha1.WorkloadRevisionStatus, kind, reason, message string, now time.Time) {
	meta.SetStatusCondition(&s.Conditions, metav1.Condition{
		Type: kind, Status: metav1.ConditionTrue, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now),
	})
}

// summarize writes the phase that the conditions amount to, and when it was reached.
func summarize(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
	if phase := phaseOf(s.Conditions); phase != s.Phase {
		s.Phase, s.PhaseTransitionTime = phase, &metav1.Time{Time: now}
	}
}

// phaseOf returns the phase that sums conditions up. There is none before the condition Healthy is
// written.
func phaseOf(conditions []metav1.Condition) v1alpha1.Phase {
	healthy := meta.FindStatusCondition(conditions, v1alpha1.ConditionHealthy)
	switch {
	case healthy == nil:
		return ""
	case healthy.Status == metav1.ConditionTrue:
		return v1alpha1.PhaseHealthy
	case healthy.Status == metav1.ConditionFalse && meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionRolledBack):
		return v1alpha1.PhaseRolledBack
	case healthy.Status == metav1.ConditionFalse:
		return v1alpha1.PhaseFailed
	case healthy.Reason == v1alpha1.ReasonProgressing:
		return v1alpha1.PhaseProgressing
	case healthy.Reason == v1alpha1.ReasonSuperseded:
		return v1alpha1.PhaseSuperseded
	default:
		return v1alpha1.PhaseUnknown
	}
}
