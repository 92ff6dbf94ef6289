package attack

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/test/harness/product"
)

// rescued deploys a bad version in another namespace and returns after how long it is restored.
func rescued(p product.Place) time.Duration {
	p.Helper()
	p.Apply("1-healthy")
	p.Becomes("sample-app", "1 Healthy")
	begun := time.Now()
	p.Kubectl("apply", "-f", product.Tutorial(p, "5-bad-image"))
	p.Becomes("sample-app", "1 Healthy, 2 RolledBack, 3 Healthy")
	return time.Since(begun)
}

// TestANamespaceThatRefusesRevisionsStopsNoOther has a quota deny every revision of a namespace,
// and deploys a dozen workloads there. It is told there, and another tenant's bad deploy is
// recorded and restored meanwhile.
func TestANamespaceThatRefusesRevisionsStopsNoOther(t *testing.T) {
	t.Parallel()
	p, neighbour := newTenant(t, nil), newTenant(t, product.Quick)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"count/workloadrevisions.reprise.dev": resource.MustParse("0")}},
	}
	p.Create(quota)
	product.Eventually(t, func() (bool, string) { // The quota controller fills in the status first.
		stored := &corev1.ResourceQuota{}
		if err := p.Place.API.Get(t.Context(), client.ObjectKeyFromObject(quota), stored); err != nil {
			t.Fatal(err)
		}
		return len(stored.Status.Hard) > 0, "the quota is not in force"
	})
	for i := range 12 {
		d := product.Idle(p.Namespace, fmt.Sprintf("refused-%d", i))
		if err := p.API.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	p.Says(p.Event("RecordingFailed", "refused-0"), "is forbidden", "ask the administrator to allow workloadrevisions.reprise.dev")
	t.Logf("a neighbour's bad deploy was restored in %s", rescued(neighbour.Place).Round(time.Millisecond))

	// The quota is raised: what runs is recorded.
	if err := p.Place.API.Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	product.Eventually(t, func() (bool, string) {
		recorded := len(p.Revisions("refused-11"))
		return recorded == 1, fmt.Sprintf("%d revisions", recorded)
	})
}

// TestAFloodOfDeploysStopsNoOther changes the workloads of one namespace as fast as one client can,
// and another tenant's bad deploy is recorded and restored meanwhile.
func TestAFloodOfDeploysStopsNoOther(t *testing.T) {
	t.Parallel()
	p, neighbour := newTenant(t, nil), newTenant(t, product.Quick)
	stop, flooded := make(chan struct{}), make(chan int)
	for w := range 4 {
		go func() {
			name, writes := fmt.Sprintf("flood-%d", w), 0
			defer func() { flooded <- writes }()
			if err := p.API.Create(t.Context(), product.Idle(p.Namespace, name)); err != nil {
				t.Error(err)
				return
			}
			for {
				select {
				case <-stop:
					return
				default:
				}
				patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"n":"%d"}}}}}`, writes)
				d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: name}}
				if err := p.API.Patch(t.Context(), d, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil && !apierrors.IsTooManyRequests(err) && t.Context().Err() == nil {
					t.Errorf("the flood: %v", err)
					return
				}
				writes++
			}
		}()
	}
	t.Logf("a neighbour's bad deploy was restored in %s", rescued(neighbour.Place).Round(time.Millisecond))
	close(stop)
	writes := 0
	for range 4 {
		writes += <-flooded
	}
	t.Logf("beside a flood of %d deploys", writes)
}
