package webhook

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/event"
)

// stored answers for the API server.
type stored func(types.NamespacedName) (*appsv1.Deployment, error)

func (s stored) Live(_ context.Context, w types.NamespacedName) (*appsv1.Deployment, error) {
	return s(w)
}

// ended runs a queue until what waits is told.
func ended(t *testing.T, q *EventQueue) {
	t.Helper()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Run(done); err != nil {
		t.Fatal(err)
	}
}

func TestEventQueue_NeedsProof(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	healthy.ResourceVersion = "7"
	tests := []struct {
		reason string
		live   *appsv1.Deployment
		err    error
		events int
	}{
		{"the old object is stored", healthy, nil, 1},
		{"its status has changed since", with(healthy, func(d *appsv1.Deployment) {
			d.ResourceVersion, d.Status.ReadyReplicas = "9", 1
		}), nil, 1},
		{"another of the same name", with(healthy, func(d *appsv1.Deployment) { d.UID = "another" }), nil, 0},
		{"a forged old object", with(healthy, func(d *appsv1.Deployment) {
			d.ResourceVersion, d.Spec.Template.Spec.Containers[0].Image = "9", "example.com/real:1"
		}), nil, 0},
		{"there is none", nil, nil, 0},
		{"the API server does not tell", nil, errors.New("timeout"), 0},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			events := &written{}
			q := NewEventQueue(events, records{}, stored(func(types.NamespacedName) (*appsv1.Deployment, error) { return test.live, test.err }), logr.Discard())
			q.add(denial{old: healthy, intents: newIntents(healthy, broken), message: "no", at: now()})
			ended(t, q)
			if len(events.events) != test.events {
				t.Errorf("%d events, want %d: %+v", len(events.events), test.events, events.events)
			}
		})
	}
}

func TestEventQueue_WaitsUntilACreationIsStored(t *testing.T) {
	created := manifest(t, "healthy")
	for reason, test := range map[string]struct{ after, events int }{
		"at the second look": {1, 1},
		"never":              {100, 0},
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks, events := 0, &written{}
				q := NewEventQueue(events, records{}, stored(func(types.NamespacedName) (*appsv1.Deployment, error) {
					if looks++; looks <= test.after {
						return nil, nil
					}
					return created, nil
				}), logr.Discard())
				ctx, cancel := context.WithCancel(t.Context())
				ran := make(chan error)
				go func() { ran <- q.Run(ctx) }()
				q.add(denial{reason: "AdmissionUnchecked", old: created, intents: newIntents(created, created), created: true, message: "no", at: now()})
				time.Sleep(maxLooks * storeDelay)
				cancel()
				if err := <-ran; err != nil {
					t.Fatal(err)
				}
				if len(events.events) != test.events || len(q.waiting) > 0 {
					t.Errorf("%d events after %d looks, want %d; %d namespaces wait", len(events.events), looks, test.events, len(q.waiting))
				}
			})
		})
	}
}

func TestEventQueue_BoundsWhatWaits(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	in := func(namespace string) *appsv1.Deployment {
		return with(healthy, func(d *appsv1.Deployment) { d.Namespace = namespace })
	}
	live := stored(func(w types.NamespacedName) (*appsv1.Deployment, error) { return in(w.Namespace), nil })
	told := func(q *EventQueue, events *written) map[string]int {
		ended(t, q)
		count := map[string]int{}
		for _, e := range events.events {
			count[e.Regarding.Namespace]++
		}
		return count
	}

	t.Run("many of one namespace leave room for another", func(t *testing.T) {
		events := &written{}
		q := NewEventQueue(events, records{}, live, logr.Discard())
		for range 10 * maxQueuedEvents {
			q.add(denial{old: in("greedy"), intents: newIntents(in("greedy"), broken), message: "no", at: now()})
		}
		q.add(denial{old: in("calm"), intents: newIntents(in("calm"), broken), message: "no", at: now()})
		if got := told(q, events); got["greedy"] != maxQueuedEvents || got["calm"] != 1 {
			t.Errorf("told = %v, want %d and 1", got, maxQueuedEvents)
		}
	})
	t.Run("large reviews", func(t *testing.T) {
		events := &written{}
		q := NewEventQueue(events, records{}, live, logr.Discard())
		for range 10 {
			q.add(denial{old: in("greedy"), intents: newIntents(in("greedy"), broken), message: "no", size: maxQueuedBytes / 2, at: now()})
		}
		q.add(denial{old: in("calm"), intents: newIntents(in("calm"), broken), message: "no", size: maxReview, at: now()})
		if got := told(q, events); got["greedy"] != 2 || got["calm"] != 1 || q.bytes != 0 {
			t.Errorf("told = %v, want 2 and 1; %d bytes wait", got, q.bytes)
		}
	})
	t.Run("many namespaces", func(t *testing.T) {
		events := &written{}
		q := NewEventQueue(events, records{}, live, logr.Discard())
		for i := range 2 * maxQueuedNamespaces {
			q.add(denial{old: in(fmt.Sprint("n", i)), intents: newIntents(in(fmt.Sprint("n", i)), broken), message: "no", at: now()})
		}
		if got := told(q, events); len(got) != maxQueuedNamespaces {
			t.Errorf("%d namespaces are told of, want %d", len(got), maxQueuedNamespaces)
		}
	})
}

// refusing is an API server that refuses the Events of one namespace, slowly.
type refusing struct {
	written
	namespace string
	began     chan struct{}
	release   chan struct{}
}

func (r *refusing) Write(ctx context.Context, e event.Event) error {
	if e.Regarding.Namespace == r.namespace {
		r.began <- struct{}{}
		<-r.release
		return errors.New("forbidden")
	}
	return r.written.Write(ctx, e)
}

func TestEventQueue_IsFair(t *testing.T) {
	healthy, broken := manifest(t, "healthy"), manifest(t, "broken")
	in := func(namespace string) *appsv1.Deployment {
		return with(healthy, func(d *appsv1.Deployment) { d.Namespace = namespace })
	}
	synctest.Test(t, func(t *testing.T) {
		events := &refusing{namespace: "stuck", began: make(chan struct{}, maxQueuedEvents), release: make(chan struct{})}
		q := NewEventQueue(events, records{}, stored(func(w types.NamespacedName) (*appsv1.Deployment, error) { return in(w.Namespace), nil }), logr.Discard())
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- q.Run(ctx) }()
		for range maxQueuedEvents {
			q.add(denial{old: in("stuck"), intents: newIntents(in("stuck"), broken), message: "no", at: now()})
		}
		<-events.began
		q.add(denial{old: in("calm"), intents: newIntents(in("calm"), broken), message: "no", at: now()})
		synctest.Wait()
		if len(events.events) != 1 {
			t.Errorf("%d events of a calm namespace while another is stuck, want 1", len(events.events))
		}
		close(events.release)
		cancel()
		if err := <-ran; err != nil {
			t.Fatal(err)
		}
	})
}
