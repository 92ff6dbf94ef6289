package redact_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/redact"
	"reprise.dev/reprise/internal/fakeapi"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const secret = "hunter2"

// revision returns one that mentions the secret wherever a text has room for it.
func revision(number int64, comparedWith int64) *v1alpha1.WorkloadRevision {
	r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: history.Name("web", number)}}
	r.Spec.Number, r.Spec.WorkloadRef.Name = number, "web"
	r.Spec.IntentHash, r.Spec.Images = "v1:a", "web:1"
	r.Spec.ChangeSummary, r.Spec.ChangeCause = "env.PASSWORD "+secret, "set "+secret
	r.Spec.Snapshot = v1alpha1.Snapshot{Encoding: "gzip+json/v1", Data: secret}
	history.MarkFailed(&r.Status, v1alpha1.Failure{
		Reason: v1alpha1.FailureWorkloadFailed, Message: "cannot log in with " + secret, Changes: []string{"env.PASSWORD " + secret}, ComparedWith: comparedWith,
		Evidence: []v1alpha1.Evidence{{PodName: "web-1", Log: []string{secret}}},
	}, now)
	history.HoldRollback(&r.Status, v1alpha1.HoldCannotRun, "no "+secret, now)
	history.AnswerRequest(&r.Status, "reprise.dev/retry=1", v1alpha1.RequestRejected, "no "+secret, now)
	return r
}

func redactor(api *fakeapi.API) *redact.Reconciler {
	return &redact.Reconciler{Client: api.Client(), Live: api.Client(), Clock: clocktesting.NewFakePassiveClock(now)}
}

func mentions(t *testing.T, r *v1alpha1.WorkloadRevision) bool {
	t.Helper()
	encoded, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(encoded), secret)
}

func asked(api *fakeapi.API, t *testing.T, r *v1alpha1.WorkloadRevision) {
	t.Helper()
	fakeapi.Change(t, api, r, "admin", func(r *v1alpha1.WorkloadRevision) {
		r.Annotations = map[string]string{v1alpha1.RedactAnnotation: "a password"}
	})
}

func TestReconciler_Redacts(t *testing.T) {
	// The writes are: the next revision's spec, its status, that of a later one, and the spec and
	// the status of the one that is redacted.
	for killed := range 6 {
		first, second, third := revision(1, 0), revision(2, 1), revision(3, 1)
		api := fakeapi.New(t, fakeapi.Options{}, first, second, third)
		asked(api, t, first)
		request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(first)}
		api.KillAfter(killed)
		_, _ = redactor(api).Reconcile(t.Context(), request) // It fails where it is killed.
		api.Revive()
		if _, err := redactor(api).Reconcile(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		got := fakeapi.Load(t, api, first)
		if mentions(t, got) || got.Spec.IntentHash != "v1:a" || got.Spec.Images != "web:1" || got.Status.Phase != v1alpha1.PhaseFailed {
			t.Errorf("killed after %d: %+v", killed, got)
		}
		if done := got.Condition(v1alpha1.ConditionRedacted); done == nil || done.Message != "a password" {
			t.Errorf("killed after %d: the condition is %+v", killed, done)
		}
		if got := fakeapi.Load(t, api, second); got.Spec.ChangeSummary != v1alpha1.Redacted || got.Status.Failure.Changes[0] != v1alpha1.Redacted || got.Spec.Snapshot.Data != secret {
			t.Errorf("killed after %d: the next one is %+v", killed, got)
		}
		if got := fakeapi.Load(t, api, third); got.Spec.ChangeSummary == v1alpha1.Redacted || got.Status.Failure.Changes[0] != v1alpha1.Redacted {
			t.Errorf("killed after %d: a later one is %+v", killed, got)
		}
		api.Forget()
		if _, err := redactor(api).Reconcile(t.Context(), request); err != nil || len(api.Writes()) > 0 {
			t.Errorf("killed after %d: a second run writes %q (%v)", killed, api.Writes(), err)
		}
	}
}

func TestReconciler_LeavesOthersAlone(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision(1, 0))
	for _, name := range []string{"web-1", "web-9"} {
		if _, err := redactor(api).Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "shop", Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	if written := api.Writes(); len(written) > 0 {
		t.Errorf("wrote %q, and nobody asked for it", written)
	}
}
