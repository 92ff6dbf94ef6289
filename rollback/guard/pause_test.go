package guard

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

// pause pauses or resumes the rollout, as kubectl does.
func (b *bench) pause(paused bool) {
	b.Helper()
	fakeapi.Change(b, b.api, deployment(""), "kubectl-rollout", func(d *appsv1.Deployment) { d.Spec.Paused = paused })
	fakeapi.ChangeStatus(b, b.api, b.deployment(), func(d *appsv1.Deployment) { d.Status.ObservedGeneration = d.Generation })
}

// held returns the reason for which the rollback of the newest revision is held, empty if none.
func (b *bench) held() string {
	b.Helper()
	if hold := b.history().Newest().RollbackHold(); hold != nil {
		return hold.Reason
	}
	return ""
}

// countTold returns how many Events of a reason are stored that say so.
func (b *bench) countTold(reason, says string) int {
	b.Helper()
	n := 0
	for _, e := range b.told() {
		if strings.HasPrefix(e, reason+":") && strings.Contains(e, says) {
			n++
		}
	}
	return n
}

func TestReconciler_PauseIsNoDeploy(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.pause(true)
	b.settle()
	b.pause(false)
	b.settle()
	if got, want := b.phases(), "1 Healthy"; got != want {
		t.Errorf("the history is %q, want %q", got, want)
	}
}

func TestReconciler_PauseWhileFailingIsToldOnceAndRespected(t *testing.T) {
	b := newFailure(t)
	b.pause(true)
	b.settle()
	b.settle()
	if got, want := b.phases()+" "+b.runs(), "1 Healthy, 2 Failed 2 a=2 b=2"; got != want {
		t.Errorf("while it is paused: %q, want %q", got, want)
	}
	if got := b.held(); got != string(v1alpha1.HoldPaused) {
		t.Errorf("the rollback is held for %q", got)
	}
	if n := b.countTold("RollbackHeld", "the rollout is paused"); n != 1 {
		t.Errorf("the pause is told %d times in %q", n, b.told())
	}
	b.pause(false)
	b.atRest()
	if got, want := b.phases()+" "+b.runs(), "1 Healthy, 2 RolledBack, 3 Healthy 1 a=1 b=1"; got != want {
		t.Errorf("after it went on: %q, want %q", got, want)
	}
}

// TestReconciler_PausedWhileWell has the pods of a paused rollout be ready: some of them only, for
// all that is known, so nothing is said of the revision.
func TestReconciler_PausedWhileWell(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(well)
	b.pause(true)
	b.settle()
	if got, want := b.phases(), "1 Healthy, 2 Progressing"; got != want {
		t.Errorf("the history is %q, want %q", got, want)
	}
	b.pause(false)
	b.settle()
	if got, want := b.phases(), "1 Healthy, 2 Healthy"; got != want {
		t.Errorf("after it went on: %q, want %q", got, want)
	}
}

// TestReconciler_KeepsThePauseOfNoRevision has the last healthy revision be recorded while it was
// paused, as its manifest says.
func TestReconciler_KeepsThePauseOfNoRevision(t *testing.T) {
	b := newBench(t)
	b.roll(well)
	b.pause(true)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseHealthy)
	b.pause(false)
	b.deploy("kubectl", "3")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(crashing)
	b.atRest()
	if got, want := b.phases()+" "+b.runs(), "1 Healthy, 2 Healthy, 3 RolledBack, 4 Healthy 2 a=2 b=2"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
	if b.deployment().Spec.Paused {
		t.Error("the rollback paused the rollout")
	}
}

// TestReconciler_PausedBetweenTwoWrites pauses the rollout after any write of a rollback. Before
// the intent is restored, the rollback is held until the rollout goes on.
func TestReconciler_PausedBetweenTwoWrites(t *testing.T) {
	for n := range 12 {
		b := newFailure(t)
		b.api.KillAfter(n)
		for range 6 {
			_, _ = b.reconcile() // Its errors are those of a process that dies.
		}
		b.restart()
		b.pause(true)
		b.settle()
		restored := strings.HasPrefix(b.runs(), "1 ")
		if held := b.held() == string(v1alpha1.HoldPaused); held == restored {
			t.Errorf("after %d writes: held %v, and it runs %s", n, held, b.runs())
		}
		b.pause(false)
		b.atRest()
		if got := b.runs(); got != "1 a=1 b=1" || b.history().OpenRollback() != nil || slices.ContainsFunc(b.owners(), func(o string) bool { return strings.HasPrefix(o, "reprise ") }) {
			t.Errorf("after %d writes, and after it went on: it runs %s, %q of %q", n, got, b.phases(), b.owners())
		}
	}
}
