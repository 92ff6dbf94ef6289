package gc_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/gc"
	"reprise.dev/reprise/internal/fakeapi"
)

type evictions int

func (e *evictions) Evicted(n int) { *e += evictions(n) }

// sized returns a revision that was accepted so many minutes after now, with a snapshot of 100
// bytes.
func sized(workload string, number int64, minute int) *v1alpha1.WorkloadRevision {
	r := revision(workload, number)
	r.Spec.AcceptedTime = metav1.NewTime(now.Add(time.Duration(minute) * time.Minute))
	r.Spec.Snapshot.SizeBytes = 100
	r.Status.Phase = v1alpha1.PhaseHealthy
	return r
}

func TestCollector_Relieve(t *testing.T) {
	history := func() []client.Object {
		return []client.Object{
			sized("gone-b", 1, 2), sized("gone-b", 2, 3), sized("gone-a", 1, 1), sized("gone-c", 1, 9),
			sized("live", 1, 0), sized("live", 2, 4), sized("live", 3, 5), sized("live", 4, 6), deployment("live"),
		}
	}
	for name, tt := range map[string]struct {
		reason string
		bounds gc.Bounds
		want   string
	}{
		"Within":      {"nothing is deleted within the bounds", gc.Bounds{Bytes: 800, Deleted: 3}, "gone-a-1 gone-b-1 gone-b-2 gone-c-1 live-1 live-2 live-3 live-4"},
		"OneDeleted":  {"the workload that was deployed longest ago goes first", gc.Bounds{Bytes: 800, Deleted: 2}, "gone-b-1 gone-b-2 gone-c-1 live-1 live-2 live-3 live-4"},
		"TwoDeleted":  {"then the next one with all its revisions", gc.Bounds{Bytes: 800, Deleted: 1}, "gone-c-1 live-1 live-2 live-3 live-4"},
		"Bytes":       {"its bytes count too", gc.Bounds{Bytes: 600, Deleted: 3}, "gone-c-1 live-1 live-2 live-3 live-4"},
		"LiveBytes":   {"then the oldest ones that no rollback needs", gc.Bounds{Bytes: 300, Deleted: 3}, "live-2 live-3 live-4"},
		"Impossible":  {"a live workload keeps two", gc.Bounds{Bytes: 0, Deleted: 3}, "live-3 live-4"},
		"ExistingOne": {"live workloads do not count as deleted", gc.Bounds{Bytes: 800, Deleted: 3}, "gone-a-1 gone-b-1 gone-b-2 gone-c-1 live-1 live-2 live-3 live-4"},
	} {
		t.Run(name, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{}, history()...)
			c := collector(api, clocktesting.NewFakePassiveClock(now.Add(2*time.Hour)))
			var counted evictions
			c.Bounds, c.Observer = func() gc.Bounds { return tt.bounds }, &counted
			if err := c.Relieve(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := state(t, api, now); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.reason, got, tt.want)
			}
			if want := 8 - len(strings.Fields(tt.want)); int(counted) != want {
				t.Errorf("%s: counted %d, want %d", tt.reason, counted, want)
			}
		})
	}
}

func TestCollector_Relieve_CacheLags(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, sized("a", 1, 0))
	api.Freeze(t)
	api.Create(t, deployment("a")) // The cache does not show it.
	c := collector(api, clocktesting.NewFakePassiveClock(now))
	c.Bounds = func() gc.Bounds { return gc.Bounds{} }
	if err := c.Relieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := state(t, api, now); got != "a-1" {
		t.Errorf("the revisions of a workload that exists are deleted: %q is left", got)
	}
}

func TestCollector_Relieve_GoesOnAfterAnError(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, sized("a", 1, 0), sized("b", 1, 1))
	c := collector(api, clocktesting.NewFakePassiveClock(now))
	c.Bounds = func() gc.Bounds { return gc.Bounds{} }
	api.Refuse(fakeapi.Nth(1, errTimeout))
	if err := c.Relieve(t.Context()); err == nil {
		t.Error("no error")
	}
	if err := c.Relieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := state(t, api, now); got != "" {
		t.Errorf("%s is left", got)
	}
}
