package guard

import (
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
)

func TestReconcile_HoldsARollbackWhoseTargetIsGone(t *testing.T) {
	b := newFailure(t)
	b.api.KillAfter(2) // The failure and the plan are stored.
	_, _ = b.reconcile()
	b.restart()
	if err := b.api.Direct().Delete(t.Context(), b.revision(1)); err != nil {
		t.Fatal(err)
	}
	b.settle()
	held := b.history().Newest().RollbackHold()
	if held == nil || held.Reason != string(v1alpha1.HoldTargetGone) && held.Reason != string(v1alpha1.HoldNoHealthyRevision) {
		t.Errorf("held is %+v", held)
	}
	if got := b.runs(); got != "2 a=2 b=2" {
		t.Errorf("runs %s", got)
	}
}

// update deploys version 2, which becomes healthy.
func (b *bench) update() {
	b.Helper()
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(well)
	b.settle()
}

func TestReconcile_RollsBackOnRequestOnce(t *testing.T) {
	b := newBench(t)
	b.update()
	b.annotate(v1alpha1.RollbackToAnnotation, "1@2")
	b.atRest()
	if got, want := b.runs(), "1 a=1 b=1"; got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
	if requests := b.revision(2).Status.Requests; len(requests) != 1 || requests[0].Result != v1alpha1.RequestAccepted {
		t.Errorf("answers are %+v", requests)
	}
}

// TestReconcile_AnswersNoRequestForAHalfWrittenRevision leaves the newest revision without a phase:
// the recorder completes it first, and may still change it.
func TestReconcile_AnswersNoRequestForAHalfWrittenRevision(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record("")
	b.annotate(v1alpha1.RetryAnnotation, "1")
	b.annotate(v1alpha1.RollbackToAnnotation, "nonsense")
	if _, err := b.reconcile(); err != nil {
		t.Fatal(err)
	}
	if requests := b.revision(2).Status.Requests; len(requests) > 0 || slices.Contains(b.reasons(), "RequestRejected") {
		t.Errorf("answered %+v and told %q", requests, b.told())
	}
	b.status(b.revision(2), func(s *v1alpha1.WorkloadRevisionStatus) { history.MarkProgressing(s, b.clock.Now()) })
	if _, err := b.reconcile(); err != nil {
		t.Fatal(err)
	}
	if requests := b.revision(2).Status.Requests; len(requests) != 1 || requests[0].Result != v1alpha1.RequestRejected {
		t.Errorf("answered %+v, once the revision is complete", requests)
	}
}

// TestReconcile_JudgesWhatIsRequested has the active policies deny version 1, which ran before: a
// request for it is rejected, and a rollback after a failure is not.
func TestReconcile_JudgesWhatIsRequested(t *testing.T) {
	tests := map[string]struct {
		reason string
		answer func() ([]string, error)
		says   string
		runs   string
	}{
		"Denied":  {"the policies hold for a person too", func() ([]string, error) { return []string{"image: too old"}, nil }, "#1 violates the active policies: image: too old", "2 a=2 b=2"},
		"Unknown": {"unknown is no consent", func() ([]string, error) { return nil, errors.New("out of time") }, "the policies cannot be evaluated for #1: out of time", "2 a=2 b=2"},
		"Allowed": {"nothing is violated", func() ([]string, error) { return nil, nil }, "", "1 a=1 b=1"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.policies = func(d *appsv1.Deployment) ([]string, error) {
				if !strings.HasSuffix(d.Spec.Template.Spec.Containers[0].Image, ":1") {
					return nil, nil
				}
				return tt.answer()
			}
			b.update()
			b.annotate(v1alpha1.RollbackToAnnotation, "1@2")
			b.atRest()
			if got := b.runs(); got != tt.runs {
				t.Errorf("%s: runs %s, want %s", tt.reason, got, tt.runs)
			}
			answers := b.revision(2).Status.Requests
			if len(answers) != 1 || (answers[0].Result == v1alpha1.RequestRejected) != (tt.says != "") || !strings.Contains(answers[0].Message, tt.says) {
				t.Errorf("%s: answered %+v", tt.reason, answers)
			}
			told := strings.Join(b.told(), "\n")
			if tt.says != "" && !strings.Contains(told, "RequestRejected: reprise.dev/rollback-to=1@2: "+tt.says) {
				t.Errorf("%s: told %q", tt.reason, told)
			}
			if change := "containers.main.image 2 → 1"; tt.says == "" && !strings.Contains(told, change) {
				t.Errorf("%s: told %q, want what the request changes: %s", tt.reason, told, change)
			}
		})
	}
}

func TestReconcile_RollsBackToWhatPoliciesDeny(t *testing.T) {
	b := newFailure(t)
	b.policies = func(*appsv1.Deployment) ([]string, error) { return []string{"image: too old"}, nil }
	b.atRest()
	if got, want := b.phases(), rolledBack.Phases; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
}

func TestReconcile_TakesNoRequestsWhereTheyAreSwitchedOff(t *testing.T) {
	b := newBench(t)
	b.guard.Requests = false
	b.update()
	b.annotate(v1alpha1.RollbackToAnnotation, "1@2")
	b.settle()
	if answers := b.revision(2).Status.Requests; len(answers) != 1 || answers[0].Result != v1alpha1.RequestRejected || b.runs() != "2 a=2 b=2" {
		t.Errorf("answered %+v, and %s runs", answers, b.runs())
	}
}

func TestReconcile_FailsAtOnceWhatFailedBefore(t *testing.T) {
	b := newFailure(t)
	b.settle() // The quarantine of version 2 has just begun.
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.settle()
	if failure := b.revision(4).Status.Failure; failure == nil || failure.Reason != v1alpha1.FailureRepeated {
		t.Errorf("the failure is %+v", failure)
	}
	if got, want := b.runs(), "1 a=1 b=1"; got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
}

func TestReconciler_MapsObjectsToTheirWorkload(t *testing.T) {
	b := newFailure(t)
	want := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "shop", Name: "web"}}
	var pods corev1.PodList
	if err := b.api.Direct().List(t.Context(), &pods, client.InNamespace("shop")); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]reconcile.Request{
		"revision": workloadOfRevision(t.Context(), b.revision(2)),
		"pod":      b.guard.workloadOfPod(t.Context(), &pods.Items[0]),
		"settings": b.guard.guarded(t.Context(), nil),
	} {
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s maps to %v", name, got)
		}
	}
	orphan := pods.Items[0].DeepCopy()
	orphan.OwnerReferences = nil
	if got := b.guard.workloadOfPod(t.Context(), orphan); len(got) > 0 {
		t.Errorf("a pod of nobody maps to %v", got)
	}
	if !strings.Contains(b.phases(), "2 Progressing") {
		t.Errorf("the history is %s", b.phases())
	}
}

func TestLastEvents_KeepsTheNewestOfThePod(t *testing.T) {
	var all []*corev1.Event
	for i := range maxPodEvents + 2 {
		e := &corev1.Event{Reason: "Pulling", Message: "line one\nline two", InvolvedObject: corev1.ObjectReference{Name: "web-1"}}
		e.Name = string(rune('a' + i))
		all = append(all, e)
	}
	all = append(all, &corev1.Event{Reason: "Other", InvolvedObject: corev1.ObjectReference{Name: "web-2"}})
	got := lastEvents(all, "web-1")
	if len(got) != maxPodEvents || got[0] != "Pulling: line one line two" {
		t.Errorf("got %q", got)
	}
}

func TestReconcile_NotesNodesAndLogsOfAFailure(t *testing.T) {
	b := newFailure(t)
	node := &corev1.Node{}
	node.Name = "node-1"
	b.api.Create(t, node)
	b.roll(func(b *bench, p *corev1.Pod) {
		crashing(b, p)
		p.Spec.NodeName = "node-1"
	})
	b.settle()
	failure := b.revision(2).Status.Failure
	if failure == nil || len(failure.Evidence) != 1 || !strings.Contains(failure.Message, "exits 7") {
		t.Errorf("the failure is %+v", failure)
	}
}
