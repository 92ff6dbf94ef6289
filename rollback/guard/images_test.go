package guard

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

const (
	web1 = "registry.example/web:1"
	// good are the bytes that version 1 ran, and bad those that its tag names now.
	good = "sha256:aaaaaaaaaaaaaaaaaaaa"
	bad  = "sha256:bbbbbbbbbbbbbbbbbbbb"
)

// pulled has a pod be in a state with the bytes of a digest.
func pulled(state podState, digest string) podState {
	return func(b *bench, p *corev1.Pod) {
		state(b, p)
		p.Status.ContainerStatuses[0].ImageID = "registry.example/web@" + digest
	}
}

// newMoved returns a bench whose healthy version 1 ran good bytes.
func newMoved(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.status(b.revision(1), func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Images = []v1alpha1.ContainerImage{{ContainerName: "main", Image: web1, Digests: []string{good}}}
	})
	return b
}

// deployVariable deploys version 1 with another variable, so that its image is pulled anew.
func (b *bench) deployVariable(value string) {
	b.Helper()
	d := deployment("1")
	d.Spec.Template.Spec.Containers[0].Env[0].Value = value
	if err := b.applyObject("kubectl", d); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) image() string { return b.deployment().Spec.Template.Spec.Containers[0].Image }

// TestReconcile_PinsWhatMoved deploys a variable while the tag has moved to bytes that crash: the
// rollback writes the digest that ran, and the next apply writes the tag again.
func TestReconcile_PinsWhatMoved(t *testing.T) {
	b := newMoved(t)
	b.deployVariable("new")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(pulled(crashing, bad))
	b.settle()
	if got, want := b.image(), web1+"@"+good; got != want {
		t.Fatalf("the image is %s, want %s; the history is %s", got, want, b.phases())
	}
	failure := b.revision(2).Status.Failure
	if len(failure.Changes) == 0 || !strings.Contains(failure.Changes[0], "1@sha256:aaaaaaaaaaaa → 1@sha256:bbbbbbbbbbbb") {
		t.Errorf("the changes are %q", failure.Changes)
	}
	if told := strings.Join(b.told(), "\n"); !strings.Contains(told, "container main runs "+web1+"@"+good+", since the tag moved") {
		t.Errorf("told is\n%s", told)
	}
	b.roll(pulled(well, good))
	b.clock.Step(time.Hour)
	b.settle()
	if got, want := b.phases(), "1 Healthy, 2 RolledBack, 3 Healthy"; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
	if r := b.revision(3); r.Spec.RestoredFrom != 1 || len(r.Status.Images) != 1 || r.Status.Images[0].Digests[0] != good {
		t.Errorf("#3 restores %d and ran %+v", r.Spec.RestoredFrom, r.Status.Images)
	}
	if owners := b.owners(); strings.Join(owners, " ") != "kubectl Apply" {
		t.Errorf("the owners are %q", owners)
	}
	b.deploy("kubectl", "1")
	if got := b.image(); got != web1 {
		t.Errorf("after the next apply the image is %s", got)
	}
}

// TestReconcile_PinsARollbackThatPullsOtherBytes rolls back to a tag that moved since: only the
// rollback's own pods show it. It is rolled back once more, to the bytes, and never again.
func TestReconcile_PinsARollbackThatPullsOtherBytes(t *testing.T) {
	b := newMoved(t)
	b.deploy("kubectl", "2")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(crashing)
	b.settle()
	if got := b.image(); got != web1 {
		t.Fatalf("the image is %s, want %s", got, web1)
	}
	b.roll(pulled(crashing, bad))
	b.settle()
	if got, want := b.image(), web1+"@"+good; got != want {
		t.Fatalf("the image is %s, want %s; the history is %s", got, want, b.phases())
	}
	b.roll(pulled(crashing, good))
	b.settle()
	if hold := b.revision(4).RollbackHold(); hold == nil || hold.Reason != string(v1alpha1.HoldRestoredRevisionFailed) {
		t.Errorf("held is %+v; the history is %s", hold, b.phases())
	}
	if got, want := b.image(), web1+"@"+good; got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
}

// restartPods writes the mark of kubectl rollout restart.
func (b *bench) restartPods() {
	b.Helper()
	fakeapi.Change(b, b.api, deployment(""), "kubectl-rollout", func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = map[string]string{"kubectl.kubernetes.io/restartedAt": "2026-11-22T12:00:00Z"}
	})
}

// TestReconcile_RestartIntoOtherBytes restarts a workload whose tag has moved to bytes that crash.
func TestReconcile_RestartIntoOtherBytes(t *testing.T) {
	b := newMoved(t)
	b.restartPods()
	b.record(v1alpha1.PhaseProgressing)
	b.roll(pulled(crashing, bad))
	b.settle()
	if got, want := b.image(), web1+"@"+good; got != want {
		t.Fatalf("the image is %s, want %s; the history is %s", got, want, b.phases())
	}
	if message := b.revision(2).FailureMessage(); !strings.Contains(message, "web:1 moved: sha256:") {
		t.Errorf("the message is %q", message)
	}
	b.roll(pulled(well, good))
	b.clock.Step(time.Hour)
	b.settle()
	if got, want := b.phases(), "1 Healthy, 2 RolledBack, 3 Healthy"; got != want {
		t.Errorf("the history is %s, want %s", got, want)
	}
}

// TestReconcile_RestartIntoTheSameBytes restarts a workload that fails with the bytes and the
// template that were healthy: no rollback helps.
func TestReconcile_RestartIntoTheSameBytes(t *testing.T) {
	b := newMoved(t)
	b.restartPods()
	b.record(v1alpha1.PhaseProgressing)
	b.roll(pulled(crashing, good))
	b.settle()
	if hold := b.revision(2).RollbackHold(); hold == nil || hold.Reason != string(v1alpha1.HoldSameTemplate) {
		t.Errorf("held is %+v; the history is %s", hold, b.phases())
	}
}

// TestReconcile_PinsNoDamagedTarget would pin an image of a target whose snapshot cannot be read:
// the rollback is held, as one without pins is.
func TestReconcile_PinsNoDamagedTarget(t *testing.T) {
	b := newMoved(t)
	fakeapi.Change(b, b.api, b.revision(1), "etcd", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = "damaged" })
	b.deployVariable("new")
	b.record(v1alpha1.PhaseProgressing)
	b.roll(pulled(crashing, bad))
	b.settle()
	if hold := b.revision(2).RollbackHold(); hold == nil || hold.Reason != string(v1alpha1.HoldCannotRun) {
		t.Errorf("held is %+v; the history is %s", hold, b.phases())
	}
}

// TestReconcile_PinsNothing tries what must not be pinned.
func TestReconcile_PinsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		reason string
		digest string
		mode   workload.PinMode
	}{
		"SameBytes": {"the tag did not move", good, workload.PinAuto},
		"Never":     {"the install pins nothing", bad, workload.PinNever},
	} {
		t.Run(name, func(t *testing.T) {
			b := newMoved(t)
			b.guard.Defaults = func() workload.Settings {
				s := workload.DefaultSettings()
				s.PinImages = tt.mode
				return s
			}
			b.deployVariable("new")
			b.record(v1alpha1.PhaseProgressing)
			b.roll(pulled(crashing, tt.digest))
			b.settle()
			if got := b.image(); got != web1 || !strings.HasPrefix(b.phases(), "1 Healthy, 2 RolledBack") {
				t.Errorf("%s: the image is %s, the history %s", tt.reason, got, b.phases())
			}
		})
	}
}
