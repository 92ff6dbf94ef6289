package recorder

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
)

func TestWhatTheAPIServerCannotReplayIsRecordedAsFollowingAGap(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	changed, unchanged := newWorkload(t, api, namespace, "changed"), newWorkload(t, api, namespace, "unchanged")
	sameHistory(t, api, changed, 1)
	sameHistory(t, api, unchanged, 1)
	stop()
	for _, image := range []string{"lost", "present"} {
		patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"example.com/app:%s"}]`, image)
		if err := api.Patch(t.Context(), changed.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}
	if err := shared.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := shared.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t)
	api = newClient(t)
	product.Eventually(t, func() (bool, string) {
		got := images(t, api, namespace, "changed")
		return slices.Equal(got, []string{"app:0", "app:present"}), fmt.Sprintf("recorded %v", got)
	})
	h, err := store.List(t.Context(), api, namespace, "changed")
	if err != nil {
		t.Fatal(err)
	}
	condition := meta.FindStatusCondition(h.Newest().Status.Conditions, v1alpha1.ConditionAdopted)
	if condition == nil || condition.Reason != "WatchGap" {
		t.Errorf("the gap is not marked: %+v", h.Newest().Status.Conditions)
	}
	// A later deploy is watched again, and no deploy of the other workload was made up.
	patch := `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"example.com/app:later"}]`
	if err := api.Patch(t.Context(), changed.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) {
		h, err = store.List(t.Context(), api, namespace, "changed")
		return err == nil && len(h) == 3 && h[2].Status.Phase == v1alpha1.PhaseProgressing, fmt.Sprintf("%v, %d revisions", err, len(h))
	})
	if got := images(t, api, namespace, "unchanged"); !slices.Equal(got, []string{"app:0"}) {
		t.Errorf("the workload that nobody changed has the revisions %v", got)
	}
}

// TestOnTheFirstDay has workloads run before Reprise comes, a tenth of them broken.
func TestOnTheFirstDay(t *testing.T) {
	const workloads, everyBroken = 500, 10
	api := newClient(t)
	n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "old-", Annotations: map[string]string{"reprise.dev/bake-time": "2s"}}}
	if err := api.Create(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	workqueue.ParallelizeUntil(t.Context(), 16, workloads, func(i int) {
		name := fmt.Sprintf("w%03d", i)
		labels := map[string]string{"app": name}
		container := corev1.Container{Name: "main", Image: "example.com/app:1"}
		if i%everyBroken == 0 {
			container.Image = "example.com/app:does-not-exist"
		}
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: n.Name, Name: name, Annotations: map[string]string{"k8s.score.dev/workload-name": name}},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}}},
			},
		}
		if err := api.Create(t.Context(), d); err != nil {
			t.Errorf("creating %s: %v", name, err)
		}
	})
	product.Eventually(t, func() (bool, string) {
		var all appsv1.DeploymentList
		if err := api.List(t.Context(), &all, client.InNamespace(n.Name)); err != nil {
			return false, err.Error()
		}
		available := 0
		for _, d := range all.Items {
			available += int(d.Status.AvailableReplicas)
		}
		return available == workloads-workloads/everyBroken, fmt.Sprintf("%d workloads are available", available)
	})

	// There is no checkpoint on the first day.
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: product.Namespace, Name: "reprise-recorder"}}
	if err := client.IgnoreNotFound(api.Delete(t.Context(), lease)); err != nil {
		t.Fatal(err)
	}
	start(t)
	counts := map[string]int{}
	product.Eventually(t, func() (bool, string) {
		var all v1alpha1.WorkloadRevisionList
		if err := api.List(t.Context(), &all, client.InNamespace(n.Name)); err != nil {
			return false, err.Error()
		}
		clear(counts)
		for _, r := range all.Items {
			counts[fmt.Sprintf("%s adopted=%v number=%d", r.Status.Phase, r.IsAdopted(), r.Spec.Number)]++
		}
		return counts["Healthy adopted=true number=1"] == workloads-workloads/everyBroken, fmt.Sprint(counts)
	})
	if len(counts) != 2 || counts["Unknown adopted=true number=1"] != workloads/everyBroken {
		t.Errorf("revisions: %v", counts)
	}
	var deployments appsv1.DeploymentList
	if err := api.List(t.Context(), &deployments, client.InNamespace(n.Name)); err != nil {
		t.Fatal(err)
	}
	for _, d := range deployments.Items {
		for _, entry := range d.ManagedFields {
			if entry.Manager == history.FieldManager {
				t.Errorf("Reprise wrote %s, which it only adopted", d.Name)
			}
		}
	}
}
