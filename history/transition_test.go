package history

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// transition is one of the functions that write a status.
type transition struct {
	name  string
	write func(*v1alpha1.WorkloadRevisionStatus, time.Time)
}

var (
	progressing = transition{"MarkProgressing", MarkProgressing}
	healthy     = transition{"MarkHealthy", MarkHealthy}
	replaced    = transition{"MarkReplaced", MarkReplaced}
	adopted     = transition{"MarkAdopted", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		MarkAdopted(s, v1alpha1.ReasonWatchGap, "a gap", now)
	}}
	failed = transition{"MarkFailed", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		MarkFailed(s, v1alpha1.Failure{Reason: v1alpha1.FailureExternalCause, Message: "boom"}, now)
	}}
	started = transition{"StartRollback", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		StartRollback(s, v1alpha1.Rollback{ToRevision: 1, ToIntentHash: "h"}, now)
	}}
	asked = transition{"StartRollback on request", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		StartRollback(s, v1alpha1.Rollback{ToRevision: 1, ToIntentHash: "h", Request: "reprise.dev/rollback-to=1@2"}, now)
	}}
	completed = transition{"CompleteRollback", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		if s.Rollback != nil {
			CompleteRollback(s, "", now)
		}
	}}
	held = transition{"HoldRollback", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		HoldRollback(s, v1alpha1.HoldCannotRun, "no quota", now)
	}}
	overtaken = transition{"HoldRollback as overtaken", func(s *v1alpha1.WorkloadRevisionStatus, now time.Time) {
		HoldRollback(s, v1alpha1.HoldOvertaken, "a newer deploy", now)
	}}
)

func TestSummarize_AfterEachTransition(t *testing.T) {
	type summary struct {
		Phase                     v1alpha1.Phase
		Healthy, RolledBack, Held string // status and reason; empty where there is no condition
		Rollback                  v1alpha1.RollbackState
		Failed                    bool
		Requests                  int
	}
	tests := map[string]struct {
		reason string
		steps  []transition
		want   summary
	}{
		"Begun":     {"a rollout is under way", []transition{progressing}, summary{Phase: "Progressing", Healthy: "Unknown Progressing"}},
		"Healthy":   {"it stayed healthy", []transition{progressing, healthy}, summary{Phase: "Healthy", Healthy: "True RolloutComplete"}},
		"Adopted":   {"it was not watched", []transition{adopted}, summary{Phase: "Unknown", Healthy: "Unknown NotAssessed"}},
		"AdoptedOK": {"it is healthy all the same", []transition{adopted, healthy}, summary{Phase: "Healthy", Healthy: "True RolloutComplete"}},
		"Replaced":  {"there was no verdict", []transition{progressing, replaced}, summary{Phase: "Superseded", Healthy: "Unknown Superseded"}},
		"Unwritten": {"its recording was not finished", []transition{replaced}, summary{Phase: "Superseded", Healthy: "Unknown Superseded"}},
		"Failed":    {"it failed", []transition{progressing, failed}, summary{Phase: "Failed", Healthy: "False ExternalCause", Failed: true}},
		"Planned": {
			"the plan is stored first", []transition{progressing, failed, started},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Failed: true, Rollback: v1alpha1.RollbackExecuting},
		},
		"RolledBack": {
			"the failure stays", []transition{progressing, failed, started, completed},
			summary{Phase: "RolledBack", Healthy: "False ExternalCause", RolledBack: "True RevisionFailed", Failed: true, Rollback: v1alpha1.RollbackDone},
		},
		"Asked": {
			"what is healthy stays so", []transition{progressing, healthy, asked, completed},
			summary{Phase: "Healthy", Healthy: "True RolloutComplete", RolledBack: "True Requested", Rollback: v1alpha1.RollbackDone, Requests: 1},
		},
		"Held": {
			"it is due and not performed", []transition{progressing, failed, held},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Held: "True CannotRun", Failed: true},
		},
		"Stopped": {
			"it was started and cannot be done", []transition{progressing, failed, started, held},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Held: "True CannotRun", Failed: true, Rollback: v1alpha1.RollbackHeld},
		},
		"Again": {
			"another attempt ends the hold", []transition{progressing, failed, started, held, started},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Failed: true, Rollback: v1alpha1.RollbackExecuting},
		},
		"Recovered": {
			"its cause was fixed outside: nothing of the failure stays", []transition{progressing, failed, started, held, healthy},
			summary{Phase: "Healthy", Healthy: "True RolloutComplete"},
		},
		"HeldReplaced": {
			"the rollback is not due any more", []transition{progressing, failed, started, held, replaced},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Failed: true, Rollback: v1alpha1.RollbackHeld},
		},
		"Overtaken": {
			"it tells about the deploy that replaced the revision", []transition{progressing, failed, started, overtaken, replaced},
			summary{Phase: "Failed", Healthy: "False ExternalCause", Held: "True Overtaken", Failed: true, Rollback: v1alpha1.RollbackHeld},
		},
		"HeldAfter": {
			"a rollback of files alone that was undone stays done", []transition{progressing, failed, started, completed, held},
			summary{Phase: "RolledBack", Healthy: "False ExternalCause", RolledBack: "True RevisionFailed", Held: "True CannotRun", Failed: true, Rollback: v1alpha1.RollbackDone},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.WorkloadRevision{}
			for i, step := range tt.steps {
				step.write(&r.Status, now.Add(time.Duration(i)*time.Second))
				if step.name == replaced.name && !IsReplaced(r) {
					t.Errorf("%s: a second MarkReplaced would change something", tt.reason)
				}
			}
			condition := func(kind string) string {
				c := r.Condition(kind)
				if c == nil {
					return ""
				}
				return string(c.Status) + " " + c.Reason
			}
			got := summary{
				Phase: r.Status.Phase, Healthy: condition(v1alpha1.ConditionHealthy), RolledBack: condition(v1alpha1.ConditionRolledBack),
				Held: condition(v1alpha1.ConditionRollbackHeld), Failed: r.Status.Failure != nil, Requests: len(r.Status.Requests),
			}
			if r.Status.Rollback != nil {
				got.Rollback = r.Status.Rollback.State
			}
			if difference := cmp.Diff(tt.want, got); difference != "" {
				t.Errorf("%s (-want +got):\n%s", tt.reason, difference)
			}
		})
	}
}

// TestSummarize_KeepsPhaseAndConditionsTogether walks at random through all transitions: after
// each one the phase is what the conditions amount to, and its time is that of its last change.
func TestSummarize_KeepsPhaseAndConditionsTogether(t *testing.T) {
	all := []transition{progressing, healthy, replaced, adopted, failed, started, asked, completed, held}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		r, path, at := &v1alpha1.WorkloadRevision{}, []string{}, now
		for range 8 {
			step, before := all[random.IntN(len(all))], r.Status.DeepCopy()
			at = at.Add(time.Second)
			step.write(&r.Status, at)
			path = append(path, step.name)
			s := r.Status
			if want := phaseOf(s.Conditions); s.Phase != want {
				t.Fatalf("%v: phase %q, and the conditions amount to %q", path, s.Phase, want)
			}
			if changed := s.Phase != before.Phase; changed != (s.PhaseTransitionTime != nil && s.PhaseTransitionTime.Time.Equal(at)) {
				t.Fatalf("%v: the phase changed from %q to %q, and its time is %v", path, before.Phase, s.Phase, s.PhaseTransitionTime)
			}
			unhealthy := meta.IsStatusConditionFalse(s.Conditions, v1alpha1.ConditionHealthy)
			if r.HasFailed() != unhealthy {
				t.Fatalf("%v: phase %q, and Healthy is False: %t", path, s.Phase, unhealthy)
			}
			if unhealthy {
				c := r.Condition(v1alpha1.ConditionHealthy)
				if s.Failure == nil || c.Reason != string(s.Failure.Reason) || c.Message != s.Failure.Message {
					t.Fatalf("%v: the condition says %s %q, and the failure is %+v", path, c.Reason, c.Message, s.Failure)
				}
			}
			if r.IsRollbackOpen() && r.RollbackHold() != nil {
				t.Fatalf("%v: a rollback is executed and held at once", path)
			}
			if (s.Rollback != nil && s.Rollback.State == v1alpha1.RollbackDone) != (s.Rollback != nil && s.Rollback.CompletionTime != nil) {
				t.Fatalf("%v: the rollback is %+v", path, s.Rollback)
			}
		}
	}
}

func TestHoldRollback_SaysWhetherTheReasonChanged(t *testing.T) {
	r := &v1alpha1.WorkloadRevision{}
	steps := []struct {
		why     string
		reason  v1alpha1.HoldReason
		message string
		changed bool
	}{
		{"the first", v1alpha1.HoldPaused, "paused", true},
		{"the same", v1alpha1.HoldPaused, "paused", false},
		{"another message of the same reason is no news", v1alpha1.HoldPaused, "still paused", false},
		{"another reason", v1alpha1.HoldCannotRun, "no quota", true},
	}
	for i, step := range steps {
		at := now.Add(time.Duration(i) * time.Minute)
		if IsHeldFor(r, step.reason, step.message) != (i == 1) {
			t.Errorf("%s: held for it already: %t", step.why, i != 1)
		}
		if got := HoldRollback(&r.Status, step.reason, step.message, at); got != step.changed {
			t.Errorf("%s: changed %t, want %t", step.why, got, step.changed)
		}
		if c := r.RollbackHold(); c.Message != step.message || step.changed != c.LastTransitionTime.Equal(&metav1.Time{Time: at}) {
			t.Errorf("%s: the condition is %+v", step.why, c)
		}
	}
}

func TestNoteEmitted(t *testing.T) {
	r := &v1alpha1.WorkloadRevision{}
	for _, reason := range []v1alpha1.HoldReason{v1alpha1.HoldPaused, v1alpha1.HoldCannotRun} {
		HoldRollback(&r.Status, reason, "why", now)
		if Emitted(r, "RollbackHeld") {
			t.Errorf("the hold for %s is told already", reason)
		}
		NoteEmitted(r, "RevisionFailed", "RollbackHeld")
		if !Emitted(r, "RollbackHeld") || !Emitted(r, "RevisionFailed") || Emitted(r, "RolledBack") {
			t.Errorf("told is %q", r.Annotations)
		}
	}
	if got, want := r.Annotations[v1alpha1.EmittedEventsAnnotation], "RevisionFailed,RollbackHeld:CannotRun@2026-11-22T12:00:00Z"; got != want {
		t.Errorf("the annotation is %q, want %q", got, want)
	}
}
