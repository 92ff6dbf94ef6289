// Package recorder watches Deployments, in order, and writes a WorkloadRevision for every new intent of a guarded one.
package recorder

import (
	"context"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/workload"
)

const (
	// workers is how many workloads are recorded at once.
	workers = 8
	// checkpointEvery is how often the checkpoint is saved.
	checkpointEvery = 2 * time.Second
	// finishWithin is how long a leader that ends may take to save its last checkpoint.
	finishWithin = 2 * time.Second
)

// Auditor judges a stored Deployment once more. What admission did not check, because it was not called or could
// not answer, is seen so.
type Auditor interface {
	// Audit returns what the policies object to, a line each; an error means that it cannot be told.
	Audit(ctx context.Context, d *appsv1.Deployment) ([]string, error)
}

// Observer counts what becomes a Revision.
type Observer interface {
	// Recorded is told of each Revision that is recorded whole.
	Recorded()
	// RecordFailed is told of each intent that can never be recorded.
	RecordFailed()
}

// unobserved is the Observer of who wants none.
type unobserved struct{}

func (unobserved) Recorded()     {}
func (unobserved) RecordFailed() {}

// Recorder writes a Revision for every stored intent of a guarded workload. It runs on the leader only.
type Recorder struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server: what is numbered must not be numbered by a cache that lags.
	Live client.Reader
	// Dynamic watches Deployments.
	Dynamic dynamic.Interface
	// Leases keeps the checkpoint.
	Leases  coordinationclient.LeasesGetter
	Events  *emit.Writer
	Auditor Auditor
	// Observer counts what is recorded; nil means that nobody does.
	Observer Observer
	Clock    clock.WithTicker
	// Defaults are the install's settings, as they are now.
	Defaults func() workload.Settings
	// MaxPerMinute is how many revisions of one workload are recorded in a minute, as of now; what comes faster is folded.
	MaxPerMinute func() int
	// Namespace is the install's own, where the checkpoint lies. It is never recorded.
	Namespace string
	// Protected are the namespaces that are never touched.
	Protected sets.Set[string]
	// Instance names the install, and its checkpoint.
	Instance string

	offers chan *appsv1.Deployment
	// queue is what waits to be recorded; nil until the recorder starts.
	queue atomic.Pointer[workQueue]
	// sharedResourceVersions says whether the resourceVersions of Deployments and ConfigMaps can be compared.
	sharedResourceVersions bool
}

// NewRecorder makes a Recorder of what it needs.
func NewRecorder(r *Recorder) *Recorder {
	r.offers = make(chan *appsv1.Deployment)
	if r.Observer == nil {
		r.Observer = unobserved{}
	}
	return r
}

// Backlog is how many stored intents wait to be recorded, and since when the oldest does; zero where none waits.
func (r *Recorder) Backlog() (waiting int, since time.Time) {
	if queue := r.queue.Load(); queue != nil {
		return queue.backlog()
	}
	return 0, time.Time{}
}

// RequestFileSnapshot has a workload's files recorded if their contents are new. It waits until the Recorder takes the offer.
func (r *Recorder) RequestFileSnapshot(ctx context.Context, d *appsv1.Deployment) error {
	select {
	case r.offers <- d:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeOffers queues what is offered behind what the watch brought before.
func (r *Recorder) takeOffers(ctx context.Context, queue *workQueue) {
	for {
		select {
		case <-ctx.Done():
			return
		case d := <-r.offers:
			queue.add(ctx, observedIntent{deployment: d, files: true})
		}
	}
}

// NeedLeaderElection has the manager run the recorder on the leader only.
func (*Recorder) NeedLeaderElection() bool { return true }

// Start records until the context ends. It goes on from the checkpoint of the leader before.
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
	queue := newWorkQueue(workers, r.MaxPerMinute, r.Clock, progress, r.record)
	r.queue.Store(queue)
	f := &deploymentWatch{
		deployments: r.Dynamic.Resource(appsv1.SchemeGroupVersion.WithResource("deployments")),
		sights:      lastSeen{}, ledger: progress, wanted: r.wanted, pause: r.pause,
		push: func(c observedIntent) { queue.add(ctx, c) },
	}
	queue.busy.Go(func() { r.saveCheckpoints(ctx, point, progress) })
	queue.busy.Go(func() { r.takeOffers(ctx, queue) })
	err = f.run(ctx, from)
	queue.busy.Wait()
	return err
}

// wanted says whether a namespace is one that Reprise works in.
func (r *Recorder) wanted(namespace string) bool {
	return namespace != r.Namespace && !r.Protected.Has(namespace)
}

func (r *Recorder) pause(ctx context.Context, d time.Duration) error {
	timer := r.Clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}

// saveCheckpoints saves the checkpoint from time to time, and once more at the end.
func (r *Recorder) saveCheckpoints(ctx context.Context, point *checkpoint, progress *watchProgress) {
	save := func(ctx context.Context) {
		if err := point.save(ctx, progress.checkpoint()); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "The next leader would start from an older checkpoint; trying again")
		}
	}
	wait.UntilWithContext(ctx, save, checkpointEvery)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	save(last)
}
