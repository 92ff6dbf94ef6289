package guard

import (
	"slices"
	"strings"
	"testing"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

// TestReconcile_HoldsWhatTheDryRunRejects has the API server reject one of the writes that a
// rollback would do: nothing is written, not even the plan.
func TestReconcile_HoldsWhatTheDryRunRejects(t *testing.T) {
	for _, write := range []string{fileA, fileB, "web"} {
		for _, code := range []string{"403", "422"} {
			t.Run(write+" "+code, func(t *testing.T) {
				b := newFailure(t)
				b.api.Refuse(func(w fakeapi.Write) error {
					if w.DryRun && w.Name == write {
						return fakeapi.Errors()[code]
					}
					return nil
				})
				b.settle()
				failed := b.revision(2)
				if hold := failed.RollbackHold(); hold == nil || hold.Reason != string(v1alpha1.HoldRejected) {
					t.Fatalf("held is %+v", hold)
				}
				if message := failed.HoldMessage(); !strings.Contains(message, fakeapi.Errors()[code].Error()) {
					t.Errorf("the message is %q", message)
				}
				if got, want := b.runs(), "2 a=2 b=2"; got != want || failed.Status.Rollback != nil {
					t.Errorf("runs %s, want %s; the plan is %+v", got, want, failed.Status.Rollback)
				}
				b.api.Revive()
				b.atRest()
				if got, want := b.phases(), rolledBack.Phases; got != want {
					t.Errorf("once it is accepted, the history is %s, want %s", got, want)
				}
			})
		}
	}
}

// TestReconcile_WaitsForAnAPIServerThatStarts has the API server answer none of the dry runs, for
// reasons of its own: nothing is held.
func TestReconcile_WaitsForAnAPIServerThatStarts(t *testing.T) {
	for _, code := range []string{"403 starting", "429", "500", "broken stream"} {
		t.Run(code, func(t *testing.T) {
			b := newFailure(t)
			b.api.Refuse(func(w fakeapi.Write) error {
				if w.DryRun {
					return fakeapi.Errors()[code]
				}
				return nil
			})
			for range 5 {
				if _, err := b.reconcile(); err == nil || !strings.Contains(err.Error(), fakeapi.Errors()[code].Error()) {
					t.Fatalf("the error is %v", err)
				}
			}
			if hold := b.revision(2).RollbackHold(); hold != nil {
				t.Fatalf("held is %+v", hold)
			}
			b.api.Revive()
			b.atRest()
			if got, want := b.phases(), rolledBack.Phases; got != want {
				t.Errorf("once it answers, the history is %s, want %s", got, want)
			}
		})
	}
}

// TestReconcile_EndsWhatOnlyTheDryRunAccepts rejects each write of a rollback, but not its dry run:
// the rollback is tried for a while, less and less often, and then ends.
func TestReconcile_EndsWhatOnlyTheDryRunAccepts(t *testing.T) {
	tests := map[string]struct {
		reason string
		write  func(fakeapi.Write) bool
		runs   string
		// done is what the hold says of what is done; empty for a rollback that is done.
		done string
	}{
		"FirstFile":  {"nothing is done", func(w fakeapi.Write) bool { return w.Is("update ConfigMap") }, "2 a=2 b=2", "the API server rejects a write"},
		"SecondFile": {"one file is done", func(w fakeapi.Write) bool { return w.Name == fileB }, "2 a=1 b=2", fileA + " had already been restored to #1, and the Deployment had not"},
		"Intent": {
			"both files are done", func(w fakeapi.Write) bool { return w.Is("update Deployment") }, "2 a=1 b=1",
			fileA + ", " + fileB + " had already been restored to #1, and the Deployment had not",
		},
		"Ownership": {"all but the ownership is done", func(w fakeapi.Write) bool { return w.Is("patch Deployment") }, "1 a=1 b=1", ""},
		"Owner of a file": {
			"the file is written, and Reprise owns it", func(w fakeapi.Write) bool { return w.Is("patch ConfigMap") }, "2 a=1 b=2",
			fileA + " had already been restored",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFailure(t)
			tries, waits := 0, []time.Duration{}
			b.api.Refuse(func(w fakeapi.Write) error {
				if !w.DryRun && tt.write(w) {
					tries++
					return fakeapi.Errors()["403"]
				}
				return nil
			})
			for range 100 {
				result, err := b.reconcile()
				if err != nil {
					t.Fatal(err)
				}
				if b.history().OpenRollback() == nil && len(waits) > 0 {
					break
				}
				waits = append(waits, result.RequeueAfter)
				b.clock.Step(result.RequeueAfter)
			}
			if tries < 3 || tries > 40 || !slices.IsSorted(waits) {
				t.Errorf("%s: tried %d times, after %s", tt.reason, tries, waits)
			}
			failed := b.revision(2)
			if hold := failed.RollbackHold(); tt.done != "" && (hold == nil || hold.Reason != string(v1alpha1.HoldRejected) ||
				!strings.Contains(hold.Message, tt.done) || !strings.Contains(hold.Message, "not allowed")) {
				t.Errorf("%s: held is %+v", tt.reason, hold)
			}
			if tt.done == "" && !failed.IsRollbackDone() {
				t.Errorf("%s: the rollback is %+v", tt.reason, failed.Status.Rollback)
			}
			if got := b.runs(); got != tt.runs {
				t.Errorf("%s: runs %s, want %s", tt.reason, got, tt.runs)
			}
		})
	}
}

func TestReconcile_TriesAnOpenRollbackLessAndLessOften(t *testing.T) {
	b := newFailure(t)
	b.api.Refuse(fakeapi.All("update Deployment", fakeapi.Errors()["500"]))
	tries := 0
	for begun := b.clock.Now(); b.clock.Now().Sub(begun) < 10*time.Minute; tries++ {
		result, err := b.reconcile()
		if err != nil || result.RequeueAfter <= 0 || result.RequeueAfter > time.Minute {
			t.Fatalf("looks again in %s (%v)", result.RequeueAfter, err)
		}
		b.clock.Step(result.RequeueAfter)
	}
	if tries > 40 {
		t.Errorf("tried %d times in ten minutes", tries)
	}
	b.api.Revive()
	b.atRest()
	if got, want := b.phases(), rolledBack.Phases; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
}
