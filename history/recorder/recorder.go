// Package recorder watches Deployments in order, and writes a WorkloadRevision for every new intent
// of a guarded one.
package recorder

import (
	"context"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/workload"
)

const (
	// checkpointEvery is how often the checkpoint is saved.
	checkpointEvery = 2 * time.Second
	// finishWithin is how long a leader that ends may take to save its last checkpoint.
	finishWithin = 2 * time.Second
	// emitWithin is how long the Event of a revision may take: a webhook that does not answer keeps
	// nothing from being recorded.
	emitWithin = 3 * time.Second
)

// Auditor evaluates the policies for a stored Deployment, whether admission checked it or not.
type Auditor interface {
	// Audit returns the violations, a line each. An error means that the policies could not be
	// evaluated.
	Audit(ctx context.Context, d *appsv1.Deployment) ([]string, error)
}

// Observer counts what becomes a revision.
type Observer interface {
	// Recorded is called for each revision that is recorded completely.
	Recorded()
	// RecordFailed is called for each intent that the API server does not let be recorded, for now
	// or for good.
	RecordFailed()
}

// noObserver is the Observer of a Recorder without one.
type noObserver struct{}

func (noObserver) Recorded()     {}
func (noObserver) RecordFailed() {}

// Recorder writes a revision for every stored intent of a guarded workload. It runs on the leader
// only.
type Recorder struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server: revision numbers must not come from a cache that lags.
	Live client.Reader
	// Dynamic watches Deployments.
	Dynamic dynamic.Interface
	// Leases stores the checkpoint.
	Leases  coordinationclient.LeasesGetter
	Events  *emit.Writer
	Auditor Auditor
	// Observer counts what is recorded; nil for none.
	Observer Observer
	Clock    clock.WithTicker
	// Defaults returns the install's current settings.
	Defaults func() workload.Settings
	// MaxPerMinute returns how many revisions of one workload are recorded in a minute. Intents
	// beyond it are coalesced into the newest.
	MaxPerMinute func() int
	// Namespace is the install's own, which holds the checkpoint. It is never recorded.
	Namespace string
	// Protected are further namespaces that are never recorded.
	Protected sets.Set[string]
	// Instance names the install, and its checkpoint.
	Instance string

	requests chan filesRequest
	// queue holds what waits to be recorded; nil until the recorder starts.
	queue atomic.Pointer[workQueue]
	// sharedResourceVersions says whether the resourceVersions of Deployments and ConfigMaps can be
	// compared.
	sharedResourceVersions bool
}

// NewRecorder completes a Recorder whose fields are set, and returns it.
func NewRecorder(r *Recorder) *Recorder {
	r.requests = make(chan filesRequest)
	if r.Observer == nil {
		r.Observer = noObserver{}
	}
	return r
}

// Backlog returns how many stored intents wait to be recorded, and since when the oldest does; zero
// if none waits.
func (r *Recorder) Backlog() (waiting int, since time.Time) {
	if queue := r.queue.Load(); queue != nil {
		return queue.backlog()
	}
	return 0, time.Time{}
}

// RequestFileSnapshot asks the Recorder to record a workload's files if their contents are new. It
// blocks until the Recorder accepts the request, and returns the context's error otherwise.
func (r *Recorder) RequestFileSnapshot(ctx context.Context, workload types.NamespacedName) error {
	select {
	case r.requests <- filesRequest{workload}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// acceptRequests queues requests behind what the watch brought before them.
func (r *Recorder) acceptRequests(ctx context.Context, queue *workQueue) {
	for {
		select {
		case <-ctx.Done():
			return
		case request := <-r.requests:
			queue.add(ctx, request)
		}
	}
}

// NeedLeaderElection tells the manager to run the recorder on the leader only.
func (*Recorder) NeedLeaderElection() bool { return true }

// Start records until the context ends. It starts from the checkpoint of the previous leader.
func (r *Recorder) Start(ctx context.Context) error {
	ctx = log.IntoContext(ctx, log.FromContext(ctx).WithName("recorder"))
	point := &checkpoint{leases: r.Leases.Leases(r.Namespace), name: r.Instance + "-recorder"}
	from, err := point.load(ctx)
	if err != nil {
		return err
	}
	if r.sharedResourceVersions, err = sharedResourceVersions(ctx, r.Live); err != nil {
		return err
	}
	progress := &watchProgress{}
	queue := newWorkQueue(fairqueue.Limits{Slots: workers, PerKey: workersPerNamespace}, r.MaxPerMinute, r.Clock, progress, r.attempt)
	r.queue.Store(queue)
	watch := &deploymentWatch{
		deployments: r.Dynamic.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")),
		seen:        lastSeen{}, progress: progress, included: r.included, newest: r.newestVersion,
		enqueue: func(e intentEvent) { queue.add(ctx, e) },
		pause:   func(ctx context.Context, d time.Duration) error { return pause(ctx, r.Clock, d) },
	}
	queue.busy.Go(func() { r.saveCheckpoints(ctx, point, progress) })
	queue.busy.Go(func() { r.acceptRequests(ctx, queue) })
	watch.run(ctx, from)
	queue.busy.Wait()
	return nil
}

// newestVersion returns the resourceVersion of Deployments that the API server has reached.
func (r *Recorder) newestVersion(ctx context.Context) (string, error) {
	list, err := r.Dynamic.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return "", err
	}
	return list.GetResourceVersion(), nil
}

// included reports whether a namespace's workloads are recorded.
func (r *Recorder) included(namespace string) bool {
	return namespace != r.Namespace && !r.Protected.Has(namespace)
}

// saveCheckpoints saves the checkpoint every checkpointEvery, and once more at the end.
func (r *Recorder) saveCheckpoints(ctx context.Context, point *checkpoint, progress *watchProgress) {
	save := func(ctx context.Context) {
		if err := point.save(ctx, progress.checkpoint()); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "The next leader would start from an older checkpoint; retrying")
		}
	}
	for save(ctx); pause(ctx, r.Clock, checkpointEvery) == nil; save(ctx) {
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	save(last)
}

// pause waits for a duration, or returns the context's error if that ends first.
func pause(ctx context.Context, c clock.Clock, d time.Duration) error {
	timer := c.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}
