package gc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/gc"
	"reprise.dev/reprise/internal/fakeapi"
)

var (
	now        = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	errTimeout = errors.New("timeout")
)

const retain = 24 * time.Hour

func revision(workload string, number int64) *v1alpha1.WorkloadRevision {
	r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: history.Name(workload, number)}}
	r.Spec.Number, r.Spec.WorkloadRef.Name = number, workload
	return r
}

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
}

// state returns the revisions that there are, each with the age of its workload's deletion.
func state(t *testing.T, api *fakeapi.API, now time.Time) string {
	t.Helper()
	var list v1alpha1.WorkloadRevisionList
	if err := api.Direct().List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range list.Items {
		text := r.Name
		if deleted := r.Status.WorkloadDeletedTime; deleted != nil {
			text += fmt.Sprintf("(deleted %s ago)", now.Sub(deleted.Time))
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func collector(api *fakeapi.API, clock *clocktesting.FakePassiveClock) *gc.Collector {
	return &gc.Collector{
		Client: api.Cached(), Live: api.Client(), Clock: clock, Every: time.Hour,
		Retain: func() time.Duration { return retain }, RelieveEvery: time.Hour,
		Bounds: func() gc.Bounds { return gc.Bounds{Bytes: 1 << 30, Deleted: 1000} },
	}
}

func TestCollector_Sweep(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1), revision("a", 2), revision("b", 1), deployment("b"))
	clock := clocktesting.NewFakePassiveClock(now)
	c := collector(api, clock)
	for _, step := range []struct {
		reason string
		after  time.Duration
		before func()
		want   string
	}{
		{"a deleted workload is noted", 0, nil, "a-1 a-2(deleted 0s ago) b-1"},
		{"it is kept while it may come back", retain - 1, nil, "a-1 a-2(deleted 23h59m59.999999999s ago) b-1"},
		{"it came back in time", retain, func() { api.Create(t, deployment("a")) }, "a-1 a-2 b-1"},
		{"it stays", 9 * retain, nil, "a-1 a-2 b-1"},
		{"it is deleted again", 9 * retain, func() {
			if err := api.Direct().Delete(t.Context(), deployment("a")); err != nil {
				t.Fatal(err)
			}
		}, "a-1 a-2(deleted 0s ago) b-1"},
		{"and for good", 10 * retain, nil, "b-1"},
		{"a second sweep has nothing to do", 11 * retain, nil, "b-1"},
	} {
		if step.before != nil {
			step.before()
		}
		clock.SetTime(now.Add(step.after))
		if err := c.Sweep(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.reason, err)
		}
		if got := state(t, api, clock.Now()); got != step.want {
			t.Errorf("%s: %s, want %s", step.reason, got, step.want)
		}
	}
}

func TestCollector_Sweep_CacheLags(t *testing.T) {
	r := revision("a", 1)
	api := fakeapi.New(t, fakeapi.Options{}, r)
	fakeapi.ChangeStatus(t, api, r, func(r *v1alpha1.WorkloadRevision) {
		r.Status.WorkloadDeletedTime = &metav1.Time{Time: now.Add(-2 * retain)}
	})
	api.Freeze(t)
	api.Create(t, deployment("a")) // It was created again, which the cache does not show.
	if err := collector(api, clocktesting.NewFakePassiveClock(now)).Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := state(t, api, now); !strings.HasPrefix(got, "a-1") {
		t.Errorf("the revisions of a workload that exists are deleted: %q is left", got)
	}
}

// TestCollector_Sweep_Killed kills the process after each write: the next one completes the
// deletion.
func TestCollector_Sweep_Killed(t *testing.T) {
	for killed := range 4 {
		newest := revision("a", 3)
		api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1), revision("a", 2), newest)
		fakeapi.ChangeStatus(t, api, newest, func(r *v1alpha1.WorkloadRevision) {
			r.Status.WorkloadDeletedTime = &metav1.Time{Time: now.Add(-2 * retain)}
		})
		clock := clocktesting.NewFakePassiveClock(now)
		api.KillAfter(killed)
		if err := collector(api, clock).Sweep(t.Context()); killed < 3 && !errors.Is(err, fakeapi.ErrKilled) {
			t.Fatalf("killed after %d writes: %v", killed, err)
		}
		api.Revive()
		for range 3 {
			if err := collector(api, clock).Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			clock.SetTime(clock.Now().Add(2 * retain))
		}
		if got := state(t, api, now); got != "" {
			t.Errorf("killed after %d writes: %s is left", killed, got)
		}
	}
}

func TestCollector_Sweep_Errors(t *testing.T) {
	gone := func(t *testing.T, api *fakeapi.API) {
		fakeapi.ChangeStatus(t, api, revision("a", 1), func(r *v1alpha1.WorkloadRevision) {
			r.Status.WorkloadDeletedTime = &metav1.Time{Time: now.Add(-2 * retain)}
		})
	}
	failGet := interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return errTimeout
	}}
	for test, tt := range map[string]struct {
		prepare func(*testing.T, *fakeapi.API, *gc.Collector)
		want    string
	}{
		"List": {func(_ *testing.T, api *fakeapi.API, c *gc.Collector) {
			c.Client = interceptor.NewClient(api.Cached(), interceptor.Funcs{
				List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
					return errTimeout
				},
			})
		}, "a-1"},
		"ListOfOne": {func(_ *testing.T, api *fakeapi.API, c *gc.Collector) {
			calls := 0
			c.Client = interceptor.NewClient(api.Cached(), interceptor.Funcs{
				List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
					if calls++; calls > 1 {
						return errTimeout
					}
					return c.List(ctx, list, opts...)
				},
			})
		}, "a-1"},
		"Get": {func(_ *testing.T, api *fakeapi.API, c *gc.Collector) {
			c.Client = interceptor.NewClient(api.Cached(), failGet)
		}, "a-1"},
		"Note": {func(_ *testing.T, api *fakeapi.API, _ *gc.Collector) { api.Refuse(fakeapi.Nth(1, errTimeout)) }, "a-1"},
		"GetLive": {func(t *testing.T, api *fakeapi.API, c *gc.Collector) {
			gone(t, api)
			c.Live = interceptor.NewClient(api.Client(), failGet)
		}, "a-1(deleted 48h0m0s ago)"},
		"Delete": {func(t *testing.T, api *fakeapi.API, _ *gc.Collector) {
			gone(t, api)
			api.Refuse(fakeapi.Nth(1, errTimeout))
		}, "a-1(deleted 48h0m0s ago)"},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1))
			c := collector(api, clocktesting.NewFakePassiveClock(now))
			tt.prepare(t, api, c)
			if err := c.Sweep(t.Context()); !errors.Is(err, errTimeout) {
				t.Errorf("got %v", err)
			}
			if got := state(t, api, now); got != tt.want {
				t.Errorf("left %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCollector_Start(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := collector(api, clocktesting.NewFakePassiveClock(now))
	c.Client = interceptor.NewClient(api.Cached(), interceptor.Funcs{
		SubResourcePatch: func(ctx context.Context, inner client.Client, sub string, object client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			defer cancel()
			return inner.SubResource(sub).Patch(ctx, object, patch, opts...)
		},
	})
	if err := c.Start(ctx); err != nil || !c.NeedLeaderElection() {
		t.Errorf("got %v, leader %v", err, c.NeedLeaderElection())
	}
	if got := state(t, api, now); got != "a-1(deleted 0s ago)" {
		t.Errorf("got %s", got)
	}
}

// TestCollector_Sweep_GoesOn shows that an error about one workload does not stop the others.
func TestCollector_Sweep_GoesOn(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1), revision("b", 1), revision("c", 1))
	api.Refuse(fakeapi.Nth(1, errTimeout))
	if err := collector(api, clocktesting.NewFakePassiveClock(now)).Sweep(t.Context()); !errors.Is(err, errTimeout) {
		t.Errorf("got %v", err)
	}
	if written := api.Writes(); len(written) != 2 {
		t.Errorf("noted %v, want the two other deleted workloads", written)
	}
}
