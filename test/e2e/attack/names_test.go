package attack

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// TestNobodySpeaksInTheNameOfReprise lets a tenant who may write Events forge one of Reprise's, and
// one who deploys take its name as a field manager.
func TestNobodySpeaksInTheNameOfReprise(t *testing.T) {
	t.Parallel()
	p := newTenant(t, nil)
	p.Create(&rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "events"},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: []string{"*"}}},
	})
	p.Create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "events"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "events"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: p.Config.Impersonate.UserName}},
	})
	event := func(name string, change func(*corev1.Event)) *corev1.Event {
		e := &corev1.Event{
			ObjectMeta:     metav1.ObjectMeta{Namespace: p.Namespace, Name: name},
			InvolvedObject: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: p.Namespace, Name: "cart"},
			Reason:         "AdmissionDenied", Message: "forged", Type: corev1.EventTypeWarning, FirstTimestamp: metav1.Now(), LastTimestamp: metav1.Now(),
		}
		change(e)
		return e
	}
	own := event("own", func(e *corev1.Event) { e.Source.Component = "tenant" })
	product.Eventually(t, func() (bool, string) { // The API server learns of the binding by its cache.
		err := client.IgnoreAlreadyExists(p.API.Create(t.Context(), own.DeepCopy()))
		return err == nil, "the tenant's own Event is not let in"
	})
	taken := own.DeepCopy()
	if err := p.API.Get(t.Context(), client.ObjectKeyFromObject(own), taken); err != nil {
		t.Fatal(err)
	}
	taken.Source.Component = "reprise"
	deployment := product.Idle(p.Namespace, "cart")
	if err := p.API.Create(t.Context(), deployment); err != nil {
		t.Fatal(err)
	}
	managed := deployment.DeepCopy()
	managed.ResourceVersion = "" // The deployment controller writes its status meanwhile.
	managed.ManagedFields = append(managed.ManagedFields, metav1.ManagedFieldsEntry{
		Manager: "reprise", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "apps/v1", FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:replicas":{}}}`),
	})
	relabel := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`))
	const events, manager = "can write Events whose source is reprise", "can be the field manager reprise"
	for what, attack := range map[string]struct {
		says  string
		write func() error
	}{
		"by its source": {events, func() error {
			return p.API.Create(t.Context(), event("source", func(e *corev1.Event) { e.Source.Component = "reprise" }))
		}},
		"by its controller": {events, func() error {
			return p.API.Create(t.Context(), event("controller", func(e *corev1.Event) { e.ReportingController = "reprise.dev/reprise" }))
		}},
		"of events.k8s.io": {events, func() error {
			return p.API.Create(t.Context(), &eventsv1.Event{
				ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "new"}, EventTime: metav1.NowMicro(), ReportingController: "reprise.dev/reprise",
				ReportingInstance: "x", Action: "x", Reason: "AdmissionDenied", Type: "Warning", Note: "forged",
				Regarding: corev1.ObjectReference{Kind: "Deployment", Namespace: p.Namespace, Name: "cart"},
			})
		}},
		"by an update": {events, func() error { return p.API.Update(t.Context(), taken) }},
		"a field manager": {manager, func() error {
			return p.API.Patch(t.Context(), deployment.DeepCopy(), relabel, client.FieldOwner("reprise"))
		}},
		"managed fields": {manager, func() error { return p.API.Update(t.Context(), managed) }},
		"a new object": {manager, func() error {
			return p.API.Create(t.Context(), product.Idle(p.Namespace, "other"), client.FieldOwner("reprise"))
		}},
	} {
		if err := attack.write(); err == nil || !strings.Contains(err.Error(), attack.says) {
			t.Errorf("%s: %v, want a denial that says %q", what, err, attack.says)
		}
	}
	if err := p.API.Patch(t.Context(), deployment.DeepCopy(), relabel, client.FieldOwner("tenant")); err != nil {
		t.Errorf("another field manager: %v", err)
	}
}
