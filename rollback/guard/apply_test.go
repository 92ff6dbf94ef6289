package guard

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

// failing returns a bench where version 2 was deployed after version 1 and has failed, with the
// revisions of both.
func failing(t *testing.T) (b *bench, failed, target *v1alpha1.WorkloadRevision, a applier) {
	t.Helper()
	b = newBench(t)
	b.deploy("kubectl", "2")
	failed = b.record(v1alpha1.PhaseFailed)
	b.api.Forget()
	return b, failed, b.revision(1), applier{client: b.api.Cached(), live: b.api.Client()}
}

func (b *bench) written() []string {
	var all []string
	for _, w := range b.api.Writes() {
		all = append(all, w.String())
	}
	return all
}

func TestApplier_RestoreWritesFilesThenIntentThenOwners(t *testing.T) {
	b, failed, target, a := failing(t)
	if err := a.restore(t.Context(), failed, target); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"update ConfigMap shop/" + fileA + " as reprise", "patch ConfigMap shop/" + fileA + " as reprise",
		"update ConfigMap shop/" + fileB + " as reprise", "patch ConfigMap shop/" + fileB + " as reprise",
		"update Deployment shop/web as reprise", "patch Deployment shop/web as reprise",
	}
	if diff := cmp.Diff(want, b.written()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	b.api.Forget()
	if err := a.restore(t.Context(), failed, target); err != nil {
		t.Fatal(err)
	}
	if again := b.written(); len(again) > 0 {
		t.Errorf("a second run writes %q", again)
	}
	b.restored()
}

// restored checks that version 1 runs, owned by who deployed it, and that the next server-side
// apply meets no conflict.
func (b *bench) restored() {
	b.Helper()
	if got, want := b.runs(), "1 a=1 b=1"; got != want {
		b.Errorf("runs %s, want %s", got, want)
	}
	if got, want := b.owners(), []string{"kubectl Apply"}; !slices.Equal(got, want) {
		b.Errorf("owners are %q, want %q", got, want)
	}
	if err := b.apply("kubectl", "3"); err != nil {
		b.Errorf("the next deploy: %v", err)
	}
	if env := b.deployment().Spec.Template.Spec.Containers[0].Env; len(env) != 1 || env[0].Name != "V3" {
		b.Errorf("the next deploy leaves over: %v", env)
	}
}

func TestApplier_RestoreGoesOnFromEveryWrite(t *testing.T) {
	const writes = 6
	for killed := range writes + 1 {
		t.Run(fmt.Sprintf("KilledAfter%d", killed), func(t *testing.T) {
			b, failed, target, a := failing(t)
			b.api.KillAfter(killed)
			if err := a.restore(t.Context(), failed, target); killed < writes && !errors.Is(err, fakeapi.ErrKilled) {
				t.Fatalf("killed after %d writes: %v", killed, err)
			}
			b.api.Revive()
			if err := a.restore(t.Context(), failed, target); err != nil {
				t.Fatal(err)
			}
			b.restored()
		})
		t.Run(fmt.Sprintf("AnswerLost%d", killed), func(t *testing.T) {
			b, failed, target, a := failing(t)
			b.api.Lose(fakeapi.Nth(killed+1, errors.New("timeout")))
			if err := a.restore(t.Context(), failed, target); killed < writes && err == nil {
				t.Fatal("the lost answer goes unnoticed")
			}
			b.api.Revive()
			if err := a.restore(t.Context(), failed, target); err != nil {
				t.Fatal(err)
			}
			b.restored()
		})
	}
}

func TestApplier_RestoreReportsEveryRejection(t *testing.T) {
	steps := []string{"update ConfigMap", "patch ConfigMap", "update Deployment", "patch Deployment"}
	refusals := fakeapi.Errors()
	refusals["409"] = fakeapi.Conflict()
	for _, step := range steps {
		for code, refusal := range refusals {
			t.Run(step+" "+code, func(t *testing.T) {
				b, failed, target, a := failing(t)
				b.api.Refuse(fakeapi.All(step, refusal))
				if err := a.restore(t.Context(), failed, target); !errors.Is(err, refusal) {
					t.Errorf("got %v, want %v", err, refusal)
				}
				b.api.Revive()
				if err := a.restore(t.Context(), failed, target); err != nil {
					t.Fatal(err)
				}
				b.restored()
			})
		}
	}
}

func TestApplier_RestoreFindsObjectsChanged(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*bench)
		// overtaken says that a newer deploy wins; runs is what is deployed in the end.
		overtaken bool
		runs      string
	}{
		"FileGone": {"it is made again", func(b *bench) { b.deleteFile(fileA) }, false, "1 a=1 b=1"},
		"FileAsTarget": {
			"somebody restored it already", func(b *bench) { _ = b.applyFile("kubectl", fileA, "1") }, false, "1 a=1 b=1",
		},
		"FileOther": {
			"a newer deploy begins with its files", func(b *bench) { _ = b.applyFile("kubectl", fileB, "3") }, true, "2 a=2 b=3",
		},
		"IntentOther":  {"a newer deploy came", func(b *bench) { b.deploy("kubectl", "3") }, true, "3 a=3 b=3"},
		"IntentTarget": {"somebody deployed the old one", func(b *bench) { b.deploy("kubectl", "1") }, false, "1 a=1 b=1"},
		"Remade": {
			"it is another Deployment", func(b *bench) {
				if err := b.api.Direct().Delete(b.Context(), b.deployment()); err != nil {
					b.Fatal(err)
				}
				b.deploy("kubectl", "2")
			}, true, "2 a=2 b=2",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, failed, target, a := failing(t)
			tt.change(b)
			if err := a.restore(t.Context(), failed, target); errors.Is(err, errOvertaken) != tt.overtaken || err != nil && !tt.overtaken {
				t.Errorf("%s: %v", tt.reason, err)
			}
			if got := b.runs(); got != tt.runs {
				t.Errorf("%s: runs %s, want %s", tt.reason, got, tt.runs)
			}
			if slices.Contains(b.owners(), "reprise Update") {
				t.Errorf("%s: Reprise owns fields: %q", tt.reason, b.owners())
			}
		})
	}
}

func TestApplier_RestoreOfADeploymentThatIsGone(t *testing.T) {
	b, failed, target, a := failing(t)
	if err := b.api.Direct().Delete(t.Context(), b.deployment()); err != nil {
		t.Fatal(err)
	}
	if err := a.restore(t.Context(), failed, target); !apierrors.IsNotFound(err) {
		t.Errorf("got %v, want NotFound", err)
	}
}

func TestApplier_RestoreLosesToADeployBetweenAnyTwoWrites(t *testing.T) {
	for n := range 6 {
		t.Run(fmt.Sprintf("BeforeWrite%d", n+1), func(t *testing.T) {
			b, failed, target, a := failing(t)
			count := 0
			b.api.Refuse(func(fakeapi.Write) error {
				if count++; count == n+1 {
					newer(b)
				}
				return nil
			})
			err := a.restore(t.Context(), failed, target)
			b.api.Revive()
			if apierrors.IsConflict(err) {
				err = a.restore(t.Context(), failed, target)
			}
			if !errors.Is(err, errOvertaken) {
				t.Fatalf("got %v, want that a newer deploy wins", err)
			}
			if err := a.releaseOwnership(t.Context(), failed, target); err != nil {
				t.Fatal(err)
			}
			if image := b.deployment().Spec.Template.Spec.Containers[0].Image; image != "registry.example/web:3" {
				t.Errorf("runs %s, want what was deployed last", image)
			}
			if slices.Contains(b.owners(), "reprise Update") {
				t.Errorf("Reprise owns fields: %q", b.owners())
			}
		})
	}
}

// newer writes version 3 of the Deployment alone, as somebody who edits it.
func newer(b *bench) {
	b.Helper()
	fakeapi.Change(b, b.api, deployment(""), "kubectl-edit", func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "registry.example/web:3"
	})
}

func TestApplier_RestoreOwnershipRepeatsAfterTheControllersStatus(t *testing.T) {
	b, failed, target, a := failing(t)
	var once bool
	b.api.Refuse(func(w fakeapi.Write) error {
		if w.Is("patch Deployment") && !once {
			once = true
			fakeapi.ChangeStatus(b, b.api, deployment(""), func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 9 })
		}
		return nil
	})
	if err := a.restore(t.Context(), failed, target); err != nil {
		t.Fatal(err)
	}
	if !once || b.deployment().Status.ObservedGeneration != 9 {
		t.Fatal("the status was not written in between")
	}
	if slices.Contains(b.owners(), "reprise Update") {
		t.Errorf("Reprise owns fields: %q", b.owners())
	}
}

func TestApplier_ReleaseOwnershipSkipsWhatIsGone(t *testing.T) {
	tests := map[string]struct {
		reason string
		change func(*bench)
		gone   []string
	}{
		"Nothing":    {"all objects are released", func(*bench) {}, nil},
		"FirstFile":  {"the second is released", func(b *bench) { b.deleteFile(fileA) }, []string{fileA}},
		"SecondFile": {"the first is released", func(b *bench) { b.deleteFile(fileB) }, []string{fileB}},
		"BothFiles":  {"the Deployment is released", func(b *bench) { b.deleteFile(fileA); b.deleteFile(fileB) }, []string{fileA, fileB}},
		"Remade": {"the files are released", func(b *bench) {
			if err := b.api.Direct().Delete(b.Context(), b.deployment()); err != nil {
				b.Fatal(err)
			}
			if err := b.applyObject("kubectl", deployment("3")); err != nil {
				b.Fatal(err)
			}
		}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b, failed, target, a := failing(t)
			reown(b)
			tt.change(b)
			if err := a.releaseOwnership(t.Context(), failed, target); err != nil {
				t.Fatalf("%s: %v", tt.reason, err)
			}
			if slices.Contains(b.owners(), "reprise Update") {
				t.Errorf("%s: Reprise owns fields: %q", tt.reason, b.owners())
			}
			if err := b.apply("kubectl", "4"); err != nil {
				t.Errorf("%s: the next deploy: %v", tt.reason, err)
			}
		})
	}
}

// reown has Reprise own what it owns in the middle of a rollback to version 1.
func reown(b *bench) {
	b.Helper()
	for _, name := range []string{fileA, fileB} {
		fakeapi.Change(b, b.api, b.file(name), "reprise", func(c *corev1.ConfigMap) { c.Data[workload.FileKey] = "1" })
	}
	fakeapi.Change(b, b.api, deployment(""), "reprise", func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Image = "registry.example/web:1"
	})
}

func TestApplier_WriteOwnershipOfWhatNobodyElseOwns(t *testing.T) {
	b, _, _, a := failing(t)
	c := fakeapi.Change(b, b.api, b.file(fileA), "reprise", func(c *corev1.ConfigMap) { c.Data[workload.FileKey] = "1" })
	if got, want := fakeapi.Managers(c), []string{"reprise Update"}; !slices.Equal(got, want) {
		t.Fatalf("owners are %q, want %q", got, want)
	}
	if err := a.writeOwnership(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	if got := fakeapi.Managers(b.file(fileA)); len(got) > 0 {
		t.Errorf("owners are %q, want none: the API server ignores an empty list", got)
	}
}

func TestApplier_ReleaseOwnershipGoesOnAfterAnError(t *testing.T) {
	broken := errors.New("broken")
	for n := range 3 {
		t.Run(fmt.Sprintf("Write%d", n+1), func(t *testing.T) {
			b, failed, target, a := failing(t)
			reown(b)
			b.api.Refuse(fakeapi.Nth(n+1, broken))
			if err := a.releaseOwnership(t.Context(), failed, target); !errors.Is(err, broken) {
				t.Fatalf("got %v, want %v", err, broken)
			}
			if written := b.written(); len(written) != 2 {
				t.Errorf("wrote %q, want the two others", written)
			}
			b.api.Revive()
			if err := a.releaseOwnership(t.Context(), failed, target); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(b.owners(), "reprise Update") {
				t.Errorf("Reprise owns fields: %q", b.owners())
			}
		})
	}
}
