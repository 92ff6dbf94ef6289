package attack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/product"
)

// TestOnlyWhoMayRedactTakesACredentialOut has a tenant with all ordinary rights on revisions try to
// redact one, and an administrator do it: the credential is gone then, and the revision cannot be
// restored.
func TestOnlyWhoMayRedactTakesACredentialOut(t *testing.T) {
	t.Parallel()
	p := newTenant(t, product.Quick)
	const secret = "leaked-credential"
	d := product.Idle(p.Namespace, "app")
	d.Spec.Replicas = new(int32(1))
	d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "GREETING", Value: secret}}
	if err := p.API.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	first := p.Becomes("app", "1 Healthy")[0].DeepCopy()
	live := p.Deployment("app")
	before := live.DeepCopy()
	live.Spec.Template.Spec.Containers[0].Env = nil
	if err := p.API.Patch(t.Context(), live, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	p.Becomes("app", "1 Healthy, 2 Healthy")

	p.Create(&rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "revisions"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"reprise.dev"}, Resources: []string{"workloadrevisions"}, Verbs: []string{"get", "list", "update", "patch"}}},
	})
	p.Create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "revisions"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "revisions"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: p.user}},
	})
	ask := func(as client.Client, patch string, opts ...client.PatchOption) error {
		return as.Patch(t.Context(), first.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(patch)), opts...)
	}
	redact := `{"metadata":{"annotations":{"reprise.dev/redact":"a credential"}}}`
	product.Eventually(t, func() (bool, string) { // The API server learns of the policy and of the binding by its caches.
		err := ask(p.API, redact, client.DryRunAll)
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "can write WorkloadRevisions"), fmt.Sprint(err)
	})
	for _, more := range []string{
		`{"metadata":{"annotations":{"reprise.dev/redact":"x","reprise.dev/told-events":"RolledBack"}}}`,
		`{"metadata":{"annotations":{"reprise.dev/redact":"x"},"labels":{"a":"b"}}}`,
		`{"metadata":{"annotations":{"reprise.dev/redact":"x"}},"spec":{"snapshot":{"encoding":"redacted"}}}`,
	} {
		if err := ask(p.Place.API, more, client.DryRunAll); !apierrors.IsForbidden(err) {
			t.Errorf("an administrator changes more than the annotation: %v", err)
		}
	}
	if err := ask(p.Place.API, redact); err != nil {
		t.Fatal(err)
	}
	var h history.History
	product.Eventually(t, func() (bool, string) {
		h = p.Revisions("app")
		done := h[0].Condition(v1alpha1.ConditionRedacted)
		return done != nil && done.Message == "a credential", fmt.Sprintf("the condition is %+v", done)
	})
	if _, err := history.DecodeSnapshot(&h[0]); err == nil || h[0].Spec.Snapshot.Data != v1alpha1.Redacted {
		t.Errorf("the snapshot is %+v", h[0].Spec.Snapshot)
	}
	encoded, err := json.Marshal(h)
	if err != nil || strings.Contains(string(encoded), secret) {
		t.Errorf("the history still has the credential: %s (%v)", encoded, err)
	}
	if said, err := p.kubectl("", "annotate", "deployment/app", "reprise.dev/rollback-to=1@2"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	p.Says(p.Event("RequestRejected", "app"), "#1 was redacted and cannot be restored")
}
