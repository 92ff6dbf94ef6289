package rollback

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// past makes a history of revisions in the given phases, each with a pod template of its own.
func past(phases ...v1alpha1.Phase) history.History {
	var h history.History
	for i, phase := range phases {
		h = append(h, v1alpha1.WorkloadRevision{
			Spec:   v1alpha1.WorkloadRevisionSpec{Number: int64(i + 1), TemplateHash: string(rune('a' + i)), IntentHash: string(rune('A' + i))},
			Status: v1alpha1.WorkloadRevisionStatus{Phase: phase},
		})
	}
	return h
}

// rolledBack gives the revisions after the first a rollback each, so long before now.
func rolledBack(before ...time.Duration) func(history.History, *appsv1.Deployment, *workload.Settings) {
	return func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
		for i, b := range before {
			h[i+1].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, StartTime: metav1.NewTime(now.Add(-b))}
		}
	}
}

func TestDecide(t *testing.T) {
	healthy, failed, gone := v1alpha1.PhaseHealthy, v1alpha1.PhaseFailed, v1alpha1.PhaseRolledBack
	tests := map[string]struct {
		reason  string
		history history.History
		change  func(history.History, *appsv1.Deployment, *workload.Settings)
		want    Action
		hold    v1alpha1.HoldReason
		to      int64
		attempt int
		says    string
		waitFor time.Duration
	}{
		"Empty":       {reason: "no history, nothing to do"},
		"Healthy":     {reason: "a healthy revision stays", history: past(healthy, healthy)},
		"Progressing": {reason: "no verdict yet", history: past(healthy, v1alpha1.PhaseProgressing)},
		"Unknown":     {reason: "unknown means do nothing", history: past(healthy, v1alpha1.PhaseUnknown)},
		"Failed":      {reason: "the last healthy revision goes back", history: past(healthy, healthy, failed), want: RollBack, to: 2},
		"SkipsFailed": {reason: "failed ones are no target", history: past(healthy, gone, v1alpha1.PhaseSuperseded, failed), want: RollBack, to: 1},
		"NoHealthy":   {reason: "nothing to roll back to", history: past(failed), want: Hold, hold: v1alpha1.HoldNoHealthyRevision, says: "no healthy revision"},
		"Recreated": {
			reason: "what ran under a name that was deleted may be somebody else's", history: past(healthy, failed), want: Hold, hold: v1alpha1.HoldNoHealthyRevision,
			says:   "request it with reprise.dev/rollback-to: \"1@2\"",
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) { h[1].Spec.WorkloadRef.UID = "new" },
		},
		"Off": {
			reason: "off leaves it alone", history: past(healthy, failed),
			change: func(_ history.History, _ *appsv1.Deployment, s *workload.Settings) { s.Rollback = workload.ModeOff },
		},
		"Manual": {
			reason: "manual only reports", history: past(healthy, failed), want: Hold, hold: v1alpha1.HoldManual, says: "manual",
			change: func(_ history.History, _ *appsv1.Deployment, s *workload.Settings) { s.Rollback = workload.ModeManual },
		},
		"OfARollback": {
			reason: "a rollback is never rolled back, or it loops", history: past(healthy, gone, failed), want: Hold, hold: v1alpha1.HoldRestoredRevisionFailed, says: "itself a rollback",
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) { h[2].Spec.RollbackOf = 2 },
		},
		"OfARequest": {
			reason: "what a person requested is a deploy like any other", history: past(healthy, healthy, failed), want: RollBack, to: 2,
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				h[2].Spec.RollbackOf, h[2].Spec.RestoredFrom = 2, 1
				history.StartRollback(&h[1].Status, v1alpha1.Rollback{ToRevision: 1, Request: "reprise.dev/rollback-to=1@2"}, now.Add(-time.Minute))
				history.CompleteRollback(&h[1].Status, "", now)
				h[1].Status.Phase = healthy
			},
		},
		"OfARequestThatIsPruned": {
			reason: "what is not known leads to nothing", history: past(healthy, healthy, failed), want: Hold, hold: v1alpha1.HoldRestoredRevisionFailed, says: "itself a rollback",
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) { h[2].Spec.RollbackOf = 9 },
		},
		"Owned": {
			reason: "its controller would overwrite the rollback", history: past(healthy, failed), want: Hold, hold: v1alpha1.HoldOwnedByController, says: "Database orders controls this Deployment",
			change: func(_ history.History, d *appsv1.Deployment, _ *workload.Settings) {
				d.OwnerReferences = []metav1.OwnerReference{{Kind: "Database", Name: "orders", Controller: new(true)}}
			},
		},
		"Paused": {
			reason: "somebody is at work on it", history: past(healthy, failed), want: Hold, hold: v1alpha1.HoldPaused, says: "paused",
			change: func(_ history.History, d *appsv1.Deployment, _ *workload.Settings) { d.Spec.Paused = true },
		},
		"Adopted": {
			reason: "what was not watched triggers nothing", history: past(healthy, failed),
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				h[1].Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionAdopted, Status: metav1.ConditionTrue}}
			},
		},
		"SameTemplate": {
			reason: "the same pods would fail again", history: past(healthy, failed), want: Hold, hold: v1alpha1.HoldSameTemplate, says: "the cause is outside",
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				h[1].Spec.TemplateHash = h[0].Spec.TemplateHash
			},
		},
		"OtherFiles": {
			reason: "the same pods with other files may run again", history: past(healthy, failed), want: RollBack, to: 1,
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				h[1].Spec.TemplateHash, h[1].Spec.FilesDigest, h[1].Spec.ChangeScope = h[0].Spec.TemplateHash, "bad", v1alpha1.ChangeFilesOnly
			},
		},
		"SameFilesAgain": {
			reason: "somebody writes the bad files again and again, and admission cannot stop it", want: Hold, hold: v1alpha1.HoldFilesWrittenAgain, says: "were written again",
			history: past(healthy, gone, healthy, failed),
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				for i := range h {
					h[i].Spec.TemplateHash, h[i].Spec.FilesDigest, h[i].Spec.ChangeScope = "same", []string{"good", "bad"}[i%2], v1alpha1.ChangeFilesOnly
				}
			},
		},
		"Planned": {
			reason: "a rollback that was written ahead is not decided again", history: past(healthy, failed),
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				history.StartRollback(&h[1].Status, v1alpha1.Rollback{ToRevision: 1}, now)
			},
		},
		"Cap": {
			reason: "a machine that deploys the same failure again and again is braked", want: Wait, hold: v1alpha1.HoldTooManyRollbacks, waitFor: 35 * time.Minute,
			history: past(healthy, gone, gone, gone, gone, gone, failed), says: "5 rollbacks within the last hour; wait until 12:35:00 UTC",
			change: rolledBack(25*time.Minute, 20*time.Minute, 15*time.Minute, 10*time.Minute, 5*time.Minute),
		},
		"SecondAtOnce": {
			reason: "a person whose first fix fails is rolled back as fast", want: RollBack, to: 1, attempt: 2,
			history: past(healthy, gone, failed), change: rolledBack(10 * time.Second),
		},
		"PausesGrow": {
			reason: "the more rollbacks, the slower", want: Wait, hold: v1alpha1.HoldTooManyRollbacks, waitFor: 3 * time.Minute,
			history: past(healthy, gone, gone, gone, gone, failed),
			change:  rolledBack(20*time.Minute, 10*time.Minute, 5*time.Minute, time.Minute),
		},
		"RequestsDoNotCount": {
			reason: "what people ask for brakes nothing", want: RollBack, to: 1, attempt: 1,
			history: past(healthy, gone, gone, gone, gone, gone, failed),
			change: func(h history.History, d *appsv1.Deployment, s *workload.Settings) {
				rolledBack(5*time.Minute, 4*time.Minute, 3*time.Minute, 2*time.Minute, time.Minute)(h, d, s)
				for i := 1; i <= 5; i++ {
					h[i].Status.Rollback.Request = "asked"
				}
			},
		},
		"HeldIsDecidedAgain": {
			reason: "what held it may have gone", want: RollBack, to: 1, attempt: 2, history: past(healthy, failed),
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				history.StartRollback(&h[1].Status, v1alpha1.Rollback{ToRevision: 1}, now.Add(-time.Minute))
				history.HoldRollback(&h[1].Status, v1alpha1.HoldCannotRun, "cannot run here any more", now)
			},
		},
		"OldRollbacks": {
			reason: "rollbacks of yesterday do not count", want: RollBack, to: 1,
			history: past(healthy, gone, gone, gone, gone, gone, failed),
			change: func(h history.History, _ *appsv1.Deployment, _ *workload.Settings) {
				for i := 1; i <= 5; i++ {
					h[i].Status.Rollback = &v1alpha1.Rollback{State: v1alpha1.RollbackDone, ToRevision: 1, StartTime: metav1.NewTime(now.Add(-24 * time.Hour))}
				}
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d, settings := &appsv1.Deployment{}, workload.DefaultSettings()
			if tt.change != nil {
				tt.change(tt.history, d, &settings)
			}
			got := Decide(tt.history, d, settings, now)
			if got.Action != tt.want || !strings.Contains(got.Message, tt.says) || got.After != tt.waitFor || got.Reason != tt.hold {
				t.Errorf("%s: got %q for %q after %s, saying %q", tt.reason, got.Action, got.Reason, got.After, got.Message)
			}
			if tt.attempt != 0 && got.Attempt != tt.attempt {
				t.Errorf("%s: attempt %d, want %d", tt.reason, got.Attempt, tt.attempt)
			}
			if tt.want == RollBack && got.Target.Spec.Number != tt.to {
				t.Errorf("%s: to %d, want %d", tt.reason, got.Target.Spec.Number, tt.to)
			}
		})
	}
}

func TestRestorableFiles(t *testing.T) {
	got := RestorableFiles([]v1alpha1.RevisionFile{
		{ConfigMapName: "kept", State: v1alpha1.FileKept}, {ConfigMapName: "late", State: v1alpha1.FileKeptLate},
		{ConfigMapName: "too-large", State: v1alpha1.FileTooLarge}, {ConfigMapName: "missing", State: v1alpha1.FileMissing}, {ConfigMapName: "foreign", State: v1alpha1.FileForeign},
	})
	if len(got) != 2 || got[0].ConfigMapName != "kept" || got[1].ConfigMapName != "late" {
		t.Errorf("would write %+v", got)
	}
}

func TestRestoredOwnership_LeavesNothingToReprise(t *testing.T) {
	saved := []metav1.ManagedFieldsEntry{
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply},
		{Manager: "kube-controller-manager", Subresource: "status", APIVersion: "old"},
		{Manager: "reprise"},
	}
	live := []metav1.ManagedFieldsEntry{
		{Manager: "reprise"},
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply, APIVersion: "bad"},
		{Manager: "kube-controller-manager", Subresource: "status", APIVersion: "new"},
		{Manager: "autoscaler", Subresource: "scale"},
	}
	got := RestoredOwnership(saved, live)
	want := []string{"kubectl//", "kube-controller-manager/status/new", "autoscaler/scale/"}
	var names []string
	for _, entry := range got {
		names = append(names, entry.Manager+"/"+entry.Subresource+"/"+entry.APIVersion)
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", names, want)
	}
}
