package recorder

import (
	"context"
	"errors"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// streaming is an API server that lists nothing, and whose watch is a channel.
type streaming struct {
	dynamic.NamespaceableResourceInterface
	events *watch.FakeWatcher

	mu   sync.Mutex
	from []string
}

func (s *streaming) Resource(schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return s
}

func (s *streaming) List(_ context.Context, o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	list := &unstructured.UnstructuredList{}
	list.SetResourceVersion("1")
	if o.Limit == 1 {
		list.SetResourceVersion("1000") // What the API server has reached.
	}
	return list, nil
}

func (s *streaming) Watch(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from = append(s.from, o.ResourceVersion)
	return s.events, nil
}

// TestRecorder_Start records an intent from the watch and a request for files, and ends with a
// checkpoint, from which the next leader starts.
func TestRecorder_Start(t *testing.T) {
	c := newCluster(t)
	c.writeFile(t, "one")
	clients := fake.NewClientset()
	api := &streaming{events: watch.NewFake()}
	recorded := make(chan struct{}, 10)
	start := func(ctx context.Context) (*Recorder, chan error) {
		r := c.recorder()
		r.Dynamic, r.Leases, r.Clock = api, clients.CoordinationV1(), clocktesting.NewFakeClock(now)
		r.Observer = signal(recorded)
		ended := make(chan error, 1)
		go func() { ended <- r.Start(ctx) }()
		return r, ended
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, ended := start(ctx)
	first := c.deploy(t, "x:1", mounted)
	api.events.Modify(first.Raw)
	<-recorded
	c.writeFile(t, "two")
	if err := r.RequestFileSnapshot(t.Context(), client.ObjectKey{Namespace: "shop", Name: "a"}); err != nil {
		t.Fatal(err)
	}
	<-recorded
	if h := c.history(t); len(h) != 2 || !h[1].FilesOnly() {
		t.Errorf("got\n%s", c.state(t))
	}
	cancel()
	api.events.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if waiting, since := r.Backlog(); waiting != 0 || !since.IsZero() {
		t.Errorf("%d wait since %s", waiting, since)
	}
	if got := storedCheckpoint(t, clients); got != first.Deployment.ResourceVersion {
		t.Errorf("the checkpoint is %q, want %q", got, first.Deployment.ResourceVersion)
	}

	api.events = watch.NewFake()
	ctx, cancel = context.WithCancel(t.Context())
	_, ended = start(ctx)
	api.events.Modify(c.deploy(t, "x:2", mounted).Raw)
	<-recorded
	cancel()
	api.events.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := api.from[len(api.from)-1]; got != first.Deployment.ResourceVersion {
		t.Errorf("the next leader starts from %q", got)
	}
}

// signal is an Observer that sends for each record.
type signal chan struct{}

func (s signal) Recorded()   { s <- struct{}{} }
func (signal) RecordFailed() {}

func TestRecorder_Start_Errors(t *testing.T) {
	t.Run("Checkpoint", func(t *testing.T) {
		clients := fake.NewClientset()
		clients.PrependReactor("get", "leases", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errTimeout })
		r := newCluster(t).recorder()
		r.Leases = clients.CoordinationV1()
		if err := r.Start(t.Context()); !errors.Is(err, errTimeout) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("Lists", func(t *testing.T) {
		c := newCluster(t)
		r := c.recorder()
		r.Leases = fake.NewClientset().CoordinationV1()
		r.Live = interceptor.NewClient(c.Client(), interceptor.Funcs{
			List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
				return errTimeout
			},
		})
		if err := r.Start(t.Context()); !errors.Is(err, errTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

// TestRecorder_saveCheckpoints saves every checkpointEvery, and once more when the leader ends.
func TestRecorder_saveCheckpoints(t *testing.T) {
	clients := fake.NewClientset()
	creates := 0
	clients.PrependReactor("create", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		if creates++; creates == 1 {
			return true, nil, errTimeout // The first one fails, and is retried.
		}
		return false, nil, nil
	})
	clock := clocktesting.NewFakeClock(now)
	r := newCluster(t).recorder()
	r.Clock = clock
	progress := &watchProgress{}
	progress.track("1", true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		r.saveCheckpoints(ctx, newCheckpoint(clients), progress)
		close(ended)
	}()
	awaitTimer(clock)
	if got := storedCheckpoint(t, clients); got != "" {
		t.Errorf("the first one fails: %q", got)
	}
	clock.Step(checkpointEvery)
	awaitTimer(clock)
	if got := storedCheckpoint(t, clients); got != "1" {
		t.Errorf("after %s: %q", checkpointEvery, got)
	}
	progress.track("2", true)
	cancel()
	<-ended
	if got := storedCheckpoint(t, clients); got != "2" {
		t.Errorf("in the end: %q", got)
	}
}

func TestRecorder_RequestFileSnapshot_ContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newCluster(t).recorder().RequestFileSnapshot(ctx, client.ObjectKey{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRecorder_included(t *testing.T) {
	r := newCluster(t).recorder()
	for namespace, want := range map[string]bool{"shop": true, "reprise": false, "kube-system": false} {
		if got := r.included(namespace); got != want {
			t.Errorf("%s: %v", namespace, got)
		}
	}
}

func TestNewRecorder(t *testing.T) {
	r := NewRecorder(&Recorder{})
	r.Observer.Recorded()
	r.Observer.RecordFailed()
	if waiting, since := r.Backlog(); waiting != 0 || !since.IsZero() || !r.NeedLeaderElection() {
		t.Errorf("before its start, %d wait since %s", waiting, since)
	}
}
