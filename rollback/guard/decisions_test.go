package guard

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"reprise.dev/reprise/api/v1alpha1"
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

func TestReconcile_RollsBackOnRequestOnce(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(well)
	b.settle()
	b.annotate(v1alpha1.RollbackToAnnotation, "1@2")
	b.atRest()
	if got, want := b.runs(), "1 a=1 b=1"; got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
	if requests := b.revision(2).Status.Requests; len(requests) != 1 || requests[0].Result != v1alpha1.RequestAccepted {
		t.Errorf("answers are %+v", requests)
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
