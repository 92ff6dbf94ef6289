package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

func TestCount(t *testing.T) {
	entry := func(workload string, number int64, phase v1alpha1.Phase, ago time.Duration, change func(*v1alpha1.WorkloadRevision)) *v1alpha1.WorkloadRevision {
		r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: Name(workload, number)}}
		r.Spec.WorkloadRef.Name, r.Spec.Number, r.Spec.TemplateHash = workload, number, Name("template", number)
		r.Status.Phase, r.Status.PhaseTransitionTime = phase, &metav1.Time{Time: now.Add(-ago)}
		if change != nil {
			change(r)
		}
		return r
	}
	held := func(r *v1alpha1.WorkloadRevision) { HoldRollback(&r.Status, v1alpha1.HoldPaused, "why", now) }
	begun := func(r *v1alpha1.WorkloadRevision) { StartRollback(&r.Status, v1alpha1.Rollback{ToRevision: 1}, now) }
	gone := func(r *v1alpha1.WorkloadRevision) { r.Status.WorkloadDeletedTime = &metav1.Time{Time: now} }
	sameTemplate := func(r *v1alpha1.WorkloadRevision) { r.Spec.TemplateHash = Name("template", 2) }
	all := []*v1alpha1.WorkloadRevision{
		entry("cart", 2, v1alpha1.PhaseRolledBack, time.Minute, nil), // In no order, as in a cache.
		entry("cart", 1, v1alpha1.PhaseHealthy, time.Hour, nil),
		entry("cart", 4, v1alpha1.PhaseHealthy, 0, nil),
		entry("cart", 3, v1alpha1.PhaseRolledBack, time.Minute, sameTemplate),
		entry("mail", 1, v1alpha1.PhaseHealthy, time.Hour, nil),
		entry("mail", 2, v1alpha1.PhaseFailed, time.Second, held),
		entry("feed", 1, v1alpha1.PhaseHealthy, time.Hour, nil),
		entry("feed", 2, v1alpha1.PhaseFailed, 3*time.Hour, begun),
		entry("old", 1, v1alpha1.PhaseFailed, 3*time.Hour, gone),
		entry("new", 1, "", 0, nil),
	}
	want := Stats{
		Revisions: map[v1alpha1.Phase]int{v1alpha1.PhaseHealthy: 4, v1alpha1.PhaseRolledBack: 2, v1alpha1.PhaseFailed: 3},
		Workloads: map[v1alpha1.Phase]int{v1alpha1.PhaseHealthy: 1, v1alpha1.PhaseFailed: 2},
		Held:      1, Open: 1, Quarantines: 2,
	}
	if difference := cmp.Diff(want, Count(slices.Values(all), now)); difference != "" {
		t.Errorf("(-want +got):\n%s", difference)
	}
	want.Quarantines = 0
	if difference := cmp.Diff(want, Count(slices.Values(all), now.Add(2*time.Hour))); difference != "" {
		t.Errorf("later (-want +got):\n%s", difference)
	}
}

// BenchmarkCount counts a history of 50,000 revisions, one in a hundred of which failed lately, as
// each scrape does.
func BenchmarkCount(b *testing.B) {
	var all []*v1alpha1.WorkloadRevision
	for i := range 50_000 {
		r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
		r.Spec.WorkloadRef.Name, r.Spec.Number = fmt.Sprint("w", i/10), int64(i%10)
		r.Spec.TemplateHash, r.Status.Phase = fmt.Sprint(i), v1alpha1.PhaseHealthy
		if i%100 == 9 {
			r.Status.Phase, r.Status.PhaseTransitionTime = v1alpha1.PhaseFailed, &metav1.Time{Time: now}
		}
		all = append(all, r)
	}
	b.ReportAllocs()
	for b.Loop() {
		if c := Count(slices.Values(all), now); c.Quarantines != 500 {
			b.Fatalf("%d quarantines", c.Quarantines)
		}
	}
}
