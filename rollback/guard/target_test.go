package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

// losses are the ways in which the target of a rollback cannot be read any more.
var losses = map[string]struct {
	reason string
	lose   func(*bench)
	// says is in the message of the hold, or in the note of a rollback that is done.
	says string
}{
	"Undecodable": {"its snapshot is no snapshot", func(b *bench) {
		fakeapi.Change(b, b.api, b.revision(1), "etcd", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = "damaged" })
	}, "its snapshot cannot be read"},
	"OtherIntent": {"its snapshot holds another intent than its hash says", func(b *bench) {
		other := b.revision(2).Spec.Snapshot
		fakeapi.Change(b, b.api, b.revision(1), "etcd", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot = other })
	}, "its intent's hash is"},
	"Gone": {"it was deleted", func(b *bench) {
		if err := b.api.Direct().Delete(b.Context(), b.revision(1)); err != nil {
			b.Fatal(err)
		}
	}, "deploy a fix"},
}

// TestReconcile_EndsARollbackWhoseTargetCannotBeRead loses the target after each write of a
// rollback. The rollback always ends, and leaves no field to Reprise: it is done if the target's
// intent was stored by then, and held otherwise.
func TestReconcile_EndsARollbackWhoseTargetCannotBeRead(t *testing.T) {
	total := writesOf(t)
	held, noted := 0, 0
	for name, loss := range losses {
		for n := range total {
			t.Run(fmt.Sprintf("%s after write %d", name, n), func(t *testing.T) {
				b := newFailure(t)
				b.api.KillAfter(n)
				for range 6 {
					_, _ = b.reconcile() // Its errors are those of a process that dies.
				}
				b.restart()
				restored, done := strings.HasPrefix(b.runs(), "1 "), b.revision(2).IsRollbackDone()
				loss.lose(b)
				b.settle()
				failed := b.revision(2)
				if failed.IsRollbackOpen() {
					t.Fatalf("%s: the rollback stays open", loss.reason)
				}
				if slices.Contains(b.owners(), "reprise Update") {
					t.Errorf("%s: Reprise owns fields: %q", loss.reason, b.owners())
				}
				switch {
				case done:
				case restored:
					noted++
					if note := history.RollbackNote(failed); !failed.IsRollbackDone() || !strings.Contains(note, loss.says) {
						t.Errorf("%s: done is %t, with the note %q", loss.reason, failed.IsRollbackDone(), note)
					}
					if !slices.ContainsFunc(b.told(), func(e string) bool {
						return strings.HasPrefix(e, "RolledBack: ") && strings.Contains(e, "the ownership of its fields is lost")
					}) {
						t.Errorf("%s: no Event tells it: %q", loss.reason, b.told())
					}
				default:
					held++
					if failed.RollbackHold() == nil || !strings.Contains(failed.HoldMessage(), loss.says) {
						t.Errorf("%s: held for %q", loss.reason, failed.HoldMessage())
					}
				}
				if err := b.apply("kubectl", "3"); err != nil {
					t.Errorf("%s: the next deploy: %v", loss.reason, err)
				}
			})
		}
	}
	if held == 0 || noted == 0 {
		t.Errorf("%d rollbacks were held and %d done with a note", held, noted)
	}
}

func TestReconcile_HoldsARollbackWhoseFileIsLost(t *testing.T) {
	tests := map[string]struct {
		reason string
		lose   func(*bench)
		held   bool
		runs   string
	}{
		"Kept":    {"it is as it was", func(*bench) {}, false, "1 a=1 b=1"},
		"Changed": {"its content was not kept and is another now", func(b *bench) { _ = b.applyFile("kubectl", fileA, "3") }, true, "2 a=3 b=2"},
		"Gone":    {"its content was not kept and there is no such file", func(b *bench) { b.deleteFile(fileA) }, true, "2 a=gone b=2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFailure(t)
			fakeapi.Change(b, b.api, b.revision(1), "recorder", func(r *v1alpha1.WorkloadRevision) {
				r.Spec.Files[0].State = v1alpha1.FileTooLarge // What the recorder notes of a file of 300 kB.
			})
			if err := b.applyFile("kubectl", fileA, "1"); err != nil {
				t.Fatal(err)
			}
			tt.lose(b)
			b.settle()
			hold := b.revision(2).RollbackHold()
			if (hold != nil) != tt.held {
				t.Fatalf("%s: held is %+v", tt.reason, hold)
			}
			if got := b.runs(); got != tt.runs {
				t.Errorf("%s: runs %s, want %s", tt.reason, got, tt.runs)
			}
			if tt.held && (hold.Reason != string(v1alpha1.HoldCannotRun) || !strings.Contains(hold.Message, fileA)) {
				t.Errorf("%s: held for %s: %s", tt.reason, hold.Reason, hold.Message)
			}
		})
	}
}

// TestReconcile_WritesNoFileThatIsNotTheWorkloadsOwn has another owner take a file over before the
// failed version is deployed.
func TestReconcile_WritesNoFileThatIsNotTheWorkloadsOwn(t *testing.T) {
	b := newFailure(t)
	fakeapi.Change(b, b.api, b.revision(2), "recorder", func(r *v1alpha1.WorkloadRevision) { r.Spec.Files[0].State = v1alpha1.FileForeign })
	b.settle()
	if hold := b.revision(2).RollbackHold(); hold == nil || hold.Reason != string(v1alpha1.HoldCannotRun) || !strings.Contains(hold.Message, fileA) {
		t.Errorf("held is %+v", hold)
	}
	if got, want := b.runs(), "2 a=2 b=2"; got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
	if err := b.applyFile("operator", fileA, "1"); err == nil {
		t.Fatal("the file has no owner")
	}
	fakeapi.Change(b, b.api, b.file(fileA), "operator", func(c *corev1.ConfigMap) { c.Data[workload.FileKey] = "1" })
	b.settle()
	if got, want := b.runs(), "1 a=1 b=1"; got != want {
		t.Errorf("the file holds what the target had, and %s runs, want %s", got, want)
	}
}

// TestReconcile_RestoresFilesThatAreGone deletes the files after the deploy failed: the pods of the
// target could not start without them.
func TestReconcile_RestoresFilesThatAreGone(t *testing.T) {
	b := newFailure(t)
	b.deleteFile(fileA)
	b.deleteFile(fileB)
	b.namespace.ConfigMaps.Delete(fileA, fileB)
	b.atRest()
	if got, want := b.runs(), rolledBack.Runs; got != want {
		t.Errorf("runs %s, want %s", got, want)
	}
	if got, want := b.owners(), rolledBack.Owners; !slices.Equal(got, want) {
		t.Errorf("owners are %q, want %q", got, want)
	}
}

// newFilesFailure returns a bench where the files of version 1 were replaced alone, and failed.
func newFilesFailure(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.roll(well)
	b.writeFiles("2")
	b.record(v1alpha1.PhaseFailed)
	b.roll(crashing)
	return b
}

func (b *bench) writeFiles(version string) {
	b.Helper()
	for _, name := range []string{fileA, fileB} {
		if err := b.applyFile("kubectl", name, version); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReconcile_HoldsARollbackOfFilesThatIsUndone has somebody write the failing files again before
// the rollback is recorded.
func TestReconcile_HoldsARollbackOfFilesThatIsUndone(t *testing.T) {
	tests := map[string]struct {
		reason string
		after  func(*bench)
		held   bool
		again  bool
	}{
		"Restored": {"its own revision comes yet", func(*bench) {}, false, true},
		"Undone":   {"no revision will tell of it", func(b *bench) { b.writeFiles("2") }, true, false},
		"Half":     {"the other file will be recorded", func(b *bench) { _ = b.applyFile("kubectl", fileA, "2") }, false, true},
		"Recorded": {"its own revision is there", func(b *bench) { b.record(v1alpha1.PhaseProgressing) }, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFilesFailure(t)
			for range 3 {
				if _, err := b.reconcile(); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := b.phases()+", runs "+b.runs(), "1 Healthy, 2 RolledBack, runs 1 a=1 b=1"; got != want {
				t.Fatalf("the history is %s, want %s", got, want)
			}
			tt.after(b)
			result, err := b.reconcile()
			if err != nil {
				t.Fatal(err)
			}
			hold := b.revision(2).RollbackHold()
			if (hold != nil) != tt.held || hold != nil && hold.Reason != string(v1alpha1.HoldFilesWrittenAgain) {
				t.Errorf("%s: held is %+v", tt.reason, hold)
			}
			if again := result.RequeueAfter == turn; again != tt.again {
				t.Errorf("%s: looks again in %s", tt.reason, result.RequeueAfter)
			}
			if told := slices.Contains(b.reasons(), string(v1alpha1.EventRollbackHeld)); told != tt.held {
				t.Errorf("%s: told %q", tt.reason, b.reasons())
			}
		})
	}
}

func TestReconcile_TellsOfARollbackThatDoesNotComeToItsEnd(t *testing.T) {
	b := newFailure(t)
	b.api.Refuse(fakeapi.All("update Deployment", fakeapi.Errors()["500"]))
	failures := func() int {
		_, _ = b.reconcile() // It fails, of course.
		return strings.Count(strings.Join(b.reasons(), " "), string(v1alpha1.EventRollbackFailed))
	}
	if failures() != 0 || !b.revision(2).IsRollbackOpen() {
		t.Fatalf("told %q at once", b.told())
	}
	b.clock.Step(trouble - 1)
	if failures() != 0 {
		t.Errorf("told %q before %s", b.told(), trouble)
	}
	b.clock.Step(1)
	b.api.Refuse(fakeapi.All("create Event", fakeapi.Errors()["500"]))
	if failures() != 0 {
		t.Fatalf("told %q although Events cannot be written", b.told())
	}
	b.api.Revive()
	b.api.Refuse(fakeapi.All("update Deployment", fakeapi.Errors()["500"]))
	for range 3 {
		if n := failures(); n != 1 {
			t.Errorf("told %d times: %q", n, b.told())
		}
	}
	if n := strings.Count(strings.Join(b.counted.lines, "\n"), "rollback failed"); n != 1 {
		t.Errorf("counted %q", b.counted.lines)
	}
	b.api.Revive()
	b.atRest()
	if got, want := b.phases(), rolledBack.Phases; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
}
