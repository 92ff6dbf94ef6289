package attack

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

// TestDeletedWorkloadsLeaveABoundedHistory creates and deletes large Deployments, which a quota of
// one Deployment allows: their history stays below the bound of a namespace, 16 MiB.
func TestDeletedWorkloadsLeaveABoundedHistory(t *testing.T) {
	t.Parallel()
	p := newTenant(t, nil)
	random := rand.New(rand.NewPCG(1, 2))
	const each, many, bound = 800_000, 40, 16 << 20
	for i := range many {
		d := product.Idle(p.Namespace, fmt.Sprintf("large-%d", i))
		var text strings.Builder
		for text.Len() < each {
			fmt.Fprintf(&text, "%016x", random.Uint64())
		}
		d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "PAD", Value: text.String()}}
		if err := p.API.Create(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		product.Eventually(t, func() (bool, string) { return len(p.Revisions(d.Name)) == 1, d.Name + " is not recorded" })
		if err := p.API.Delete(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	product.Eventually(t, func() (bool, string) {
		var list v1alpha1.WorkloadRevisionList
		if err := p.Place.API.List(t.Context(), &list, client.InNamespace(p.Namespace)); err != nil {
			return false, err.Error()
		}
		bytes := 0
		for i := range list.Items {
			bytes += len(list.Items[i].Spec.Snapshot.Data)
		}
		return len(list.Items) < many && bytes <= bound, fmt.Sprintf("%d revisions have %d bytes", len(list.Items), bytes)
	})
}

// TestTheHistoryLimitHasACeiling asks for a million revisions.
func TestTheHistoryLimitHasACeiling(t *testing.T) {
	t.Parallel()
	p := newTenant(t, nil)
	d := product.Idle(p.Namespace, "app")
	d.Annotations[v1alpha1.HistoryLimitAnnotation] = "1000000"
	d.APIVersion, d.Kind = "apps/v1", "Deployment"
	manifest, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if said, err := p.kubectl(string(manifest), "apply", "-f", "-"); err != nil || !strings.Contains(said, "expected a number from 2 to 50") {
		t.Errorf("no warning: %q (%v)", said, err)
	}
}
