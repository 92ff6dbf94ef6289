package guard

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

// TestReconcile_TellsOfAnAcceptedRetryOnce writes the Event late: the answer lifts the quarantine
// and must not wait for it.
func TestReconcile_TellsOfAnAcceptedRetryOnce(t *testing.T) {
	refused := fakeapi.Errors()["500"]
	tests := map[string]struct {
		reason  string
		disturb func(*bench)
		mode    string
	}{
		"Undisturbed": {"it is told at once", func(*bench) {}, "auto"},
		"Off":         {"a request is answered also where rollbacks are off", func(*bench) {}, "off"},
		"EventFails":  {"it is told later", func(b *bench) { b.api.Refuse(fakeapi.All("create Event", refused)) }, "auto"},
		"AnswerLost":  {"it is stored, and the process does not know", func(b *bench) { b.api.Lose(fakeapi.All("create Event", refused)) }, "auto"},
		"Killed":      {"the next leader tells it", func(b *bench) { b.api.KillAfter(1) }, "auto"},
		"NoteFails":   {"the Event is there already", func(b *bench) { b.api.Refuse(fakeapi.All("patch WorkloadRevision", refused)) }, "auto"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := newFailure(t)
			b.atRest()
			b.clock.Step(2 * time.Hour) // Nothing else is news.
			b.annotate(v1alpha1.RollbackAnnotation, tt.mode)
			b.settle()
			b.annotate(v1alpha1.RetryAnnotation, "2")
			tt.disturb(b)
			_, _ = b.reconcile() // It may fail.
			b.restart()
			b.settle()
			if answers := b.revision(2).Status.Requests; len(answers) != 1 || answers[0].Result != v1alpha1.RequestAccepted {
				t.Errorf("%s: answered %+v", tt.reason, answers)
			}
			want := "RetryAccepted: reprise.dev/retry=2: the template that failed as #2 is admitted again; apply it"
			if !slices.Contains(b.told(), want) {
				t.Fatalf("%s: told %q", tt.reason, b.told())
			}
			if err := b.api.Direct().DeleteAllOf(t.Context(), &corev1.Event{}, client.InNamespace("shop")); err != nil {
				t.Fatal(err)
			}
			b.settle()
			if told := b.told(); len(told) > 0 {
				t.Errorf("%s: the Event has expired, and %q is told again", tt.reason, told)
			}
		})
	}
}

// TestReconcile_LiftsAQuarantineWithoutEvents has the answer noted although its Event cannot be
// written.
func TestReconcile_LiftsAQuarantineWithoutEvents(t *testing.T) {
	b := newFailure(t)
	b.settle()
	hash := b.revision(2).Spec.TemplateHash
	if failure, _ := b.history().Quarantined(b.deployment().UID, hash, b.clock.Now()); failure == nil {
		t.Fatal("version 2 is not in quarantine")
	}
	b.annotate(v1alpha1.RetryAnnotation, "2")
	b.api.Refuse(fakeapi.All("create Event", fakeapi.Errors()["500"]))
	if result, err := b.reconcile(); err != nil || result.RequeueAfter != emitAgain {
		t.Errorf("looks again in %s (%v), want %s", result.RequeueAfter, err, emitAgain)
	}
	if failure, _ := b.history().Quarantined(b.deployment().UID, hash, b.clock.Now()); failure != nil {
		t.Errorf("#%d is still in quarantine", failure.Spec.Number)
	}
}
