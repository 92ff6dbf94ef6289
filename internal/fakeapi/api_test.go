package fakeapi

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
)

func file(name, content string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Data: map[string]string{"file": content}}
}

func web(image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}},
			},
		},
	}
}

func TestAPI_TheOlderResourceVersionConflicts(t *testing.T) {
	a := New(t, Options{}, file("a", "1"))
	first, second := Load(t, a, file("a", "")), Load(t, a, file("a", ""))
	first.Data["file"], second.Data["file"] = "2", "3"
	if err := a.Client().Update(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := a.Client().Update(t.Context(), second); !apierrors.IsConflict(err) {
		t.Errorf("an update onto an older resourceVersion: %v, want a conflict", err)
	}
	if err := a.Client().Update(t.Context(), second, client.DryRunAll); !apierrors.IsConflict(err) {
		t.Errorf("its dry run: %v, want a conflict", err)
	}
	if err := a.Client().Create(t.Context(), file("a", "")); !apierrors.IsAlreadyExists(err) {
		t.Errorf("a second create: %v, want AlreadyExists", err)
	}
	if err := a.Client().Update(t.Context(), file("b", "")); !apierrors.IsNotFound(err) {
		t.Errorf("an update of what is not there: %v, want NotFound", err)
	}
	if got := Load(t, a, file("a", "")).Data["file"]; got != "2" {
		t.Errorf("stored is %q, want what was first", got)
	}
}

func TestAPI_FieldsHaveTheManagerThatWroteThem(t *testing.T) {
	a := New(t, Options{})
	d := web("one")
	if err := a.Direct().Create(t.Context(), d, client.FieldOwner("kubectl")); err != nil {
		t.Fatal(err)
	}
	before := d.DeepCopy()
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(appsv1.SchemeGroupVersion.WithKind("Deployment"))
	if err := a.Client().Get(t.Context(), client.ObjectKeyFromObject(d), raw); err != nil {
		t.Fatal(err)
	}
	containers, _, _ := unstructured.NestedSlice(raw.Object, "spec", "template", "spec", "containers")
	containers[0].(map[string]any)["image"] = "two"
	if err := unstructured.SetNestedSlice(raw.Object, containers, "spec", "template", "spec", "containers"); err != nil {
		t.Fatal(err)
	}
	if err := a.Client().Update(t.Context(), raw, client.FieldOwner("reprise")); err != nil {
		t.Fatal(err)
	}
	if got, want := Managers(raw), []string{"kubectl Update", "reprise Update"}; !slices.Equal(got, want) {
		t.Errorf("managers %q, want %q", got, want)
	}
	if raw.GetGeneration() != 2 || raw.GetUID() != before.UID {
		t.Errorf("generation %d and UID %s, want 2 and %s", raw.GetGeneration(), raw.GetUID(), before.UID)
	}

	stale := patchOf(t, before.ResourceVersion, before.ManagedFields)
	if err := a.Client().Patch(t.Context(), raw.DeepCopy(), stale, client.FieldOwner("reprise")); !apierrors.IsConflict(err) {
		t.Errorf("a patch that names an older resourceVersion: %v, want a conflict", err)
	}
	if err := a.Client().Patch(t.Context(), raw, patchOf(t, raw.GetResourceVersion(), before.ManagedFields), client.FieldOwner("reprise")); err != nil {
		t.Fatal(err)
	}
	if got, want := Managers(Load(t, a, d)), []string{"kubectl Update"}; !slices.Equal(got, want) {
		t.Errorf("managers %q after the patch of them, want %q", got, want)
	}
}

func TestAPI_ServerSideApplyConflictsWithOtherManagers(t *testing.T) {
	a := New(t, Options{})
	apply := func(content string) error {
		wanted := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"namespace": "shop", "name": "a"}, "data": map[string]any{"file": content},
		}}
		return a.Direct().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(wanted), client.FieldOwner("kubectl"))
	}
	if err := apply("1"); err != nil {
		t.Fatal(err)
	}
	owners := Load(t, a, file("a", "")).ManagedFields
	stored := Change(t, a, file("a", ""), "reprise", func(c *corev1.ConfigMap) { c.Data["file"] = "2" })
	if err := apply("3"); !apierrors.IsConflict(err) {
		t.Errorf("applying what another manager owns: %v, want a conflict", err)
	}
	if err := a.Direct().Patch(t.Context(), stored, patchOf(t, stored.ResourceVersion, owners), client.FieldOwner("reprise")); err != nil {
		t.Fatal(err)
	}
	if err := apply("3"); err != nil {
		t.Errorf("applying what the manager owns again: %v", err)
	}
}

func patchOf(t *testing.T, version string, owners []metav1.ManagedFieldsEntry) client.Patch {
	t.Helper()
	body, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/resourceVersion", "value": version},
		{"op": "replace", "path": "/metadata/managedFields", "value": owners},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client.RawPatch(types.JSONPatchType, body)
}

func TestAPI_WritesFailAsTold(t *testing.T) {
	broken := errors.New("broken")
	tests := map[string]struct {
		reason string
		fail   func(*API)
		want   []error
		stored []string
	}{
		"Refused":   {"the second is not stored", func(a *API) { a.Refuse(Nth(2, broken)) }, []error{nil, broken, nil}, []string{"a", "c"}},
		"Lost":      {"the second is stored, and nobody learns of it", func(a *API) { a.Lose(Nth(2, broken)) }, []error{nil, broken, nil}, []string{"a", "b", "c"}},
		"Killed":    {"the process is gone after two", func(a *API) { a.KillAfter(2) }, []error{nil, nil, ErrKilled}, []string{"a", "b"}},
		"AllOfKind": {"each of them", func(a *API) { a.Refuse(All("create ConfigMap", broken)) }, []error{broken, broken, broken}, nil},
		"OtherKind": {"none of them is a Secret", func(a *API) { a.Refuse(All("create Secret", broken)) }, []error{nil, nil, nil}, []string{"a", "b", "c"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := New(t, Options{})
			tt.fail(a)
			for i, name := range []string{"a", "b", "c"} {
				if err := a.Client().Create(t.Context(), file(name, "")); !errors.Is(err, tt.want[i]) {
					t.Errorf("%s: write %d: %v, want %v", tt.reason, i+1, err, tt.want[i])
				}
			}
			a.Revive()
			var list corev1.ConfigMapList
			if err := a.Client().List(t.Context(), &list); err != nil {
				t.Fatal(err)
			}
			var stored []string
			for _, c := range list.Items {
				stored = append(stored, c.Name)
			}
			if !slices.Equal(stored, tt.stored) || len(a.Writes()) != len(tt.stored) {
				t.Errorf("%s: stored are %q, and %q written, want %q", tt.reason, stored, a.Writes(), tt.stored)
			}
		})
	}
}

func TestAPI_AFrozenCacheShowsWhatWas(t *testing.T) {
	r := &v1alpha1.WorkloadRevision{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1"},
		Spec: v1alpha1.WorkloadRevisionSpec{
			Number: 1, WorkloadRef: v1alpha1.WorkloadReference{Name: "web"}, Snapshot: v1alpha1.Snapshot{Data: "large"},
		},
	}
	a := New(t, Options{}, r)
	a.Freeze(t)
	ChangeStatus(t, a, r, func(r *v1alpha1.WorkloadRevision) { r.Status.Phase = v1alpha1.PhaseHealthy })
	phase := func(reader client.Reader) v1alpha1.Phase {
		h, err := store.List(context.Background(), reader, "shop", "web")
		if err != nil || len(h) != 1 {
			t.Fatalf("listing: %v, %v", h, err)
		}
		if h[0].Spec.Snapshot.Data != "" {
			t.Error("the cache holds a snapshot")
		}
		return h[0].Status.Phase
	}
	if got := phase(a.Cached()); got != "" {
		t.Errorf("the frozen cache shows %q", got)
	}
	a.Thaw()
	if got := phase(a.Cached()); got != v1alpha1.PhaseHealthy {
		t.Errorf("the cache shows %q after it caught up", got)
	}
	if got := Load(t, a, r); got.Spec.Snapshot.Data != "large" || got.Status.Phase != v1alpha1.PhaseHealthy {
		t.Errorf("stored is %+v", got)
	}
}
