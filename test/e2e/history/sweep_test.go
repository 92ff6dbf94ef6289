package history

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/gc"
	"reprise.dev/reprise/test/harness/product"
)

func TestTheHistoryOfAWorkloadThatIsGoneIsKeptForADay(t *testing.T) {
	t.Parallel()
	p := newPlace(t, product.Quick)
	p.CreateIdle("gone", nil)
	p.CreateIdle("stays", nil)
	p.Becomes("gone", "1 Progressing")
	p.Becomes("stays", "1 Progressing")
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: "gone"}}
	if err := p.API.Delete(t.Context(), d, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
		t.Fatal(err)
	}

	// Only Reprise's own account may write revisions.
	config, _, err := shared.ServiceAccountConfig(t.Context(), product.Namespace, product.Release)
	if err != nil {
		t.Fatal(err)
	}
	own, err := client.New(config, client.Options{Scheme: p.API.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	fake := clocktesting.NewFakePassiveClock(time.Now())
	sweeper := &gc.Collector{Client: client.NewNamespacedClient(own, p.Namespace), Live: own, Clock: fake, Retain: func() time.Duration { return 24 * time.Hour }}
	sweep := func(after time.Duration) {
		t.Helper()
		fake.SetTime(fake.Now().Add(after))
		if err := sweeper.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	sweep(0)
	if p.Revisions("gone").Newest().Status.WorkloadDeletedTime == nil {
		t.Error("it is not noted since when the workload is gone")
	}
	sweep(23 * time.Hour)
	if len(p.Revisions("gone")) != 1 {
		t.Error("the history went before its day was over")
	}
	sweep(2 * time.Hour)
	if left := len(p.Revisions("gone")); left != 0 {
		t.Errorf("%d revisions are left after a day", left)
	}
	if h := p.Revisions("stays"); len(h) != 1 || h[0].Status.WorkloadDeletedTime != nil {
		t.Errorf("the workload that stays has %d revisions", len(h))
	}
}
