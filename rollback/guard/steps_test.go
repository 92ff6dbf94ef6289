package guard

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

// newFailure returns a bench where version 2 was deployed after version 1 and its pods crash.
func newFailure(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.roll(well)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(crashing)
	b.api.Forget()
	return b
}

// ended is the state in which a rollback of version 2 to version 1 has to end, however it came
// there.
type ended struct {
	Phases, Runs string
	Owners, Told []string
	Open         bool
}

func (b *bench) end() ended {
	b.Helper()
	return ended{Phases: b.phases(), Runs: b.runs(), Owners: b.owners(), Told: b.reasons(), Open: b.history().OpenRollback() != nil}
}

// reasons are those of the Events that are stored.
func (b *bench) reasons() []string {
	var all []string
	for _, e := range b.told() {
		reason, _, _ := strings.Cut(e, ":")
		all = append(all, reason)
	}
	return all
}

// atRest goes on until the rollback is at rest and what it restored is healthy.
func (b *bench) atRest() {
	b.Helper()
	b.settle()
	b.roll(well)
	b.settle()
}

var rolledBack = ended{
	Phases: "1 Healthy, 2 RolledBack, 3 Healthy", Runs: "1 a=1 b=1",
	Owners: []string{"kubectl Apply"},
	Told:   []string{"RevisionFailed", "RevisionHealthy", "RevisionHealthy", "RolledBack"},
}

func TestReconcile_RollsAFailureBack(t *testing.T) {
	b := newFailure(t)
	b.atRest()
	if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
	failed := b.revision(2)
	if plan := failed.Status.Rollback; plan == nil || plan.CompletionTime == nil || plan.Attempt != 1 {
		t.Errorf("the plan is %+v", plan)
	}
	want := []string{"assessed healthy", "assessed failed", "rollback completed by failure", "assessed healthy"}
	got := slices.DeleteFunc(slices.Clone(b.counted.lines), func(l string) bool {
		return strings.HasPrefix(l, "detected") || strings.HasPrefix(l, "recovered")
	})
	if want = want[1:]; !slices.Equal(got, want) {
		t.Errorf("counted %q, want %q", got, want)
	}
	if err := b.apply("kubectl", "3"); err != nil {
		t.Errorf("the next deploy: %v", err)
	}
}

// writesOf returns how many writes the guard does for a rollback from its failure on.
func writesOf(t *testing.T) int {
	t.Helper()
	b := newFailure(t)
	total := 0
	b.api.Lose(func(w fakeapi.Write) error {
		if !w.DryRun {
			total++
		}
		return nil
	})
	b.atRest()
	if total < 12 {
		t.Fatalf("a rollback does %d writes only", total)
	}
	return total
}

func TestReconcile_GoesOnAfterAKillAtAnyWrite(t *testing.T) {
	for n := range writesOf(t) {
		t.Run(fmt.Sprintf("KilledAfter%d", n), func(t *testing.T) {
			b := newFailure(t)
			b.api.KillAfter(n)
			for range 6 {
				_, _ = b.reconcile() // Its errors are those of a process that dies.
			}
			b.restart()
			b.atRest()
			if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReconcile_GoesOnAfterAnyWriteThatFails(t *testing.T) {
	codes := slices.Sorted(maps.Keys(fakeapi.Errors()))
	for n := range writesOf(t) {
		code := codes[n%len(codes)] // TestApplier_RestoreReportsEveryRejection has them all.
		nth := func(err error) func(fakeapi.Write) error {
			return fakeapi.NthOf(n+1, func(w fakeapi.Write) bool { return !w.DryRun }, err)
		}
		tests := map[string]func(*bench){
			"409":        func(b *bench) { b.api.Refuse(nth(fakeapi.Conflict())) },
			code:         func(b *bench) { b.api.Refuse(nth(fakeapi.Errors()[code])) },
			"AnswerLost": func(b *bench) { b.api.Lose(nth(errors.New("timeout"))) },
		}
		for name, fail := range tests {
			t.Run(fmt.Sprintf("Write%d %s", n+1, name), func(t *testing.T) {
				b := newFailure(t)
				fail(b)
				b.atRest()
				if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
					t.Errorf("end (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestReconcile_ANewerDeployBeforeAnyWriteWins(t *testing.T) {
	for n := range writesOf(t) {
		t.Run(fmt.Sprintf("BeforeWrite%d", n+1), func(t *testing.T) {
			b := newFailure(t)
			count := 0
			b.api.Refuse(func(w fakeapi.Write) error {
				if w.DryRun {
					return nil
				}
				if count++; count == n+1 {
					newer(b)
				}
				return nil
			})
			b.atRest()
			b.api.Revive()
			b.atRest()
			if image := b.deployment().Spec.Template.Spec.Containers[0].Image; image != "registry.example/web:3" {
				t.Errorf("runs %s, want what was deployed last; the history is %s", image, b.phases())
			}
			if owners := b.owners(); slices.Contains(owners, "reprise Update") {
				t.Errorf("Reprise owns fields: %q", owners)
			}
			if b.history().OpenRollback() != nil {
				t.Error("a rollback stays open")
			}
		})
	}
}

func TestReconcile_EventsThatCannotBeWrittenKeepNothingFromBeingRestored(t *testing.T) {
	for code, err := range fakeapi.Errors() {
		t.Run(code, func(t *testing.T) {
			b := newFailure(t)
			b.annotate(v1alpha1.RetryAnnotation, "9") // The answer is an Event, too.
			b.api.Refuse(fakeapi.All("create Event", err))
			for range 10 {
				_, _ = b.reconcile() // Events fail, of course.
				b.recordIfNew()
			}
			if got := b.runs(); got != "1 a=1 b=1" {
				t.Fatalf("runs %s, want version 1; the history is %s", got, b.phases())
			}
			if told := b.told(); len(told) > 0 {
				t.Fatalf("told %q", told)
			}
			b.api.Revive()
			b.atRest()
			want := rolledBack
			want.Told = append([]string{"RequestRejected"}, want.Told...)
			slices.Sort(want.Told)
			got := b.end()
			got.Owners = slices.DeleteFunc(got.Owners, func(m string) bool { return m == "kubectl-annotate Update" })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReconcile_ALaggingCacheWritesNothingTwice(t *testing.T) {
	b := newFailure(t)
	b.api.Freeze(t)
	for range 10 {
		_, _ = b.reconcile() // It conflicts with what it wrote itself.
	}
	plans := 0
	for _, w := range b.api.Writes() {
		if w.Is("update Deployment") {
			plans++
		}
	}
	if plans > 1 {
		t.Errorf("the intent was written %d times", plans)
	}
	b.api.Thaw()
	b.atRest()
	if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
}

func TestReconcile_WaitsForItsTurn(t *testing.T) {
	tests := map[string]struct {
		reason string
		kill   int
	}{
		"Begin":  {"it is not begun", -1},
		"Resume": {"a new leader does not go on with more than may be under way", 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFailure(t)
			if tt.kill >= 0 {
				b.api.KillAfter(tt.kill)
				_, _ = b.reconcile()
				b.restart()
				if b.history().OpenRollback() == nil {
					t.Fatal("no rollback is written ahead")
				}
			}
			for range b.guard.MaxConcurrent {
				if !b.guard.underway.TryAcquire("other", b.clock.Now()) {
					t.Fatal("rollbacks are under way")
				}
			}
			result, err := b.reconcile()
			if err != nil || result.RequeueAfter != turn {
				t.Errorf("%s: looks again in %s (%v), want %s", tt.reason, result.RequeueAfter, err, turn)
			}
			if got := b.runs(); got != "2 a=2 b=2" {
				t.Errorf("%s: runs %s", tt.reason, got)
			}
			for range b.guard.MaxConcurrent {
				b.guard.underway.Release("other")
			}
			b.atRest()
			if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
				t.Errorf("end (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReconcile_OneNamespaceHoldsNotAllWorkers has a namespace hold its part of the workers:
// another of its workloads is looked at later.
func TestReconcile_OneNamespaceHoldsNotAllWorkers(t *testing.T) {
	b := newFailure(t)
	held := 0
	for b.guard.looking.Enter(b.history()[0].Namespace) {
		held++
	}
	if most := b.guard.MaxConcurrent + assessors; held >= most {
		t.Fatalf("one namespace holds %d of %d workers", held, most)
	}
	if result, err := b.reconcile(); err != nil || result.RequeueAfter != turn {
		t.Errorf("looks again in %s (%v), want %s", result.RequeueAfter, err, turn)
	}
	for range held {
		b.guard.looking.Leave(b.history()[0].Namespace)
	}
	b.atRest()
	if diff := cmp.Diff(rolledBack, b.end()); diff != "" {
		t.Errorf("end (-want +got):\n%s", diff)
	}
}

func TestReconcile_HoldsAndLooksAgain(t *testing.T) {
	b := newFailure(t)
	b.annotate(v1alpha1.RollbackAnnotation, "manual")
	b.settle()
	if got := b.runs(); got != "2 a=2 b=2" {
		t.Errorf("runs %s, want what failed", got)
	}
	held := slices.IndexFunc(b.told(), func(e string) bool { return strings.HasPrefix(e, "RollbackHeld: Rollback of #2 on hold (Manual): ") })
	if held < 0 {
		t.Errorf("no Event tells of the hold: %q", b.told())
	}
	if result, err := b.reconcile(); err != nil || result.RequeueAfter == 0 {
		t.Errorf("looks again in %s (%v)", result.RequeueAfter, err)
	}
	b.annotate(v1alpha1.RollbackAnnotation, "auto")
	b.atRest()
	if got, want := b.phases(), rolledBack.Phases; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
}
