package gc

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

func TestCollector_SweepGoesOnAfterAnError(t *testing.T) {
	revision := func(workload string) *v1alpha1.WorkloadRevision {
		return &v1alpha1.WorkloadRevision{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: workload + "-1"},
			Spec:       v1alpha1.WorkloadRevisionSpec{Number: 1, WorkloadRef: v1alpha1.WorkloadReference{Name: workload}},
		}
	}
	api := fakeapi.New(t, fakeapi.Options{}, revision("a"), revision("b"), revision("c"))
	broken := errors.New("broken")
	api.Refuse(fakeapi.Nth(1, broken))
	s := &Collector{
		Client: api.Cached(), Live: api.Client(), Clock: clocktesting.NewFakePassiveClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)),
		Retain: func() time.Duration { return time.Hour },
	}
	if err := s.Sweep(t.Context()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if written := api.Writes(); len(written) != 2 {
		t.Errorf("noted %v, want the two other workloads that are gone", written)
	}
}
