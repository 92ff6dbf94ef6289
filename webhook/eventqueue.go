package webhook

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/util/workqueue"

	"reprise.dev/reprise/workload"
)

const (
	// maxQueuedEvents and maxQueuedBytes are how many denials of one namespace wait to be told, and
	// how many bytes their reviews have. Further ones are dropped.
	maxQueuedEvents = 32
	maxQueuedBytes  = 4 << 20
	// maxQueuedNamespaces is in how many namespaces denials wait, and maxQueuedTotal how many bytes
	// all their reviews have.
	maxQueuedNamespaces = 64
	maxQueuedTotal      = 16 << 20
	// eventWriters is how many Events are written at once, each of another namespace.
	eventWriters = 2
	// writeTimeout is how long the telling of one may take.
	writeTimeout = 10 * time.Second
	// drainTimeout is how long those that wait at the end may take altogether.
	drainTimeout = 5 * time.Second
	// storeDelay is after how long a created Deployment is looked for again, and maxLooks how
	// often. It is stored after its review is answered.
	storeDelay = time.Second
	maxLooks   = 3
)

// EventQueue tells of denied changes by events on the live workloads, after the
// response and beside it: no admission waits for an event. What does not fit
// into its queue is logged and dropped. Namespaces take turns, so that one with
// many denials delays no other.
//
// Whoever reaches the port of the webhook can send a review. So an event needs
// proof: the Deployment that the review calls the old one must be what is stored.
type EventQueue struct {
	events    Events
	revisions Revisions
	workloads Workloads
	log       logr.Logger

	// turns has the namespaces in which denials wait.
	turns workqueue.TypedDelayingInterface[string]

	mu      sync.Mutex
	waiting map[string]*namespaceQueue
	bytes   int
}

// namespaceQueue are the denials of one namespace that wait, oldest first.
type namespaceQueue struct {
	denials []denial
	bytes   int
	// looks is how often the object of the first was looked for in vain.
	looks int
}

// NewEventQueue returns an EventQueue that stores events while its Run runs.
func NewEventQueue(events Events, revisions Revisions, workloads Workloads, log logr.Logger) *EventQueue {
	return &EventQueue{
		events: events, revisions: revisions, workloads: workloads, log: log,
		turns: workqueue.NewTypedDelayingQueue[string](), waiting: map[string]*namespaceQueue{},
	}
}

// NeedLeaderElection reports false: every replica writes the Events of its own denials.
func (*EventQueue) NeedLeaderElection() bool { return false }

// Run writes the Events of denials until ctx is done, then those that wait, for a bounded time. It
// returns nil.
func (q *EventQueue) Run(ctx context.Context) error {
	late, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	context.AfterFunc(ctx, func() {
		time.AfterFunc(drainTimeout, cancel)
		q.turns.ShutDown()
	})
	var writers sync.WaitGroup
	for range eventWriters {
		writers.Go(func() {
			for {
				namespace, ended := q.turns.Get()
				if ended {
					return
				}
				q.turn(late, namespace)
				q.turns.Done(namespace)
			}
		})
	}
	writers.Wait()
	return nil
}

// Start is Run, under the name that a controller-runtime manager knows.
func (q *EventQueue) Start(ctx context.Context) error { return q.Run(ctx) }

func (q *EventQueue) add(r denial) {
	q.mu.Lock()
	defer q.mu.Unlock()
	namespace := r.old.Namespace
	queue := q.waiting[namespace]
	if queue == nil {
		queue = &namespaceQueue{}
	}
	if len(queue.denials) == 0 && len(q.waiting) >= maxQueuedNamespaces || len(queue.denials) >= maxQueuedEvents ||
		len(queue.denials) > 0 && (queue.bytes+r.size > maxQueuedBytes || q.bytes+r.size > maxQueuedTotal) {
		q.log.Info("Dropped the Event of a denial because too many are waiting", "namespace", namespace, "workload", r.old.Name)
		return
	}
	q.waiting[namespace] = queue
	queue.denials = append(queue.denials, r)
	queue.bytes += r.size
	q.bytes += r.size
	q.turns.Add(namespace)
}

// turn tells of the oldest denial of a namespace, and lets the others wait for the next turn. A
// queue that ends takes no further turns; a denial is then told at once.
func (q *EventQueue) turn(ctx context.Context, namespace string) {
	for {
		r, looks := q.first(namespace)
		if r == nil {
			return
		}
		if found := q.write(ctx, *r); !found && r.created && looks+1 < maxLooks && !q.turns.ShuttingDown() {
			q.looked(namespace)
			q.turns.AddAfter(namespace, storeDelay)
			return
		}
		if more := q.removeFirst(namespace); !more {
			return
		}
		if !q.turns.ShuttingDown() {
			q.turns.Add(namespace)
			return
		}
	}
}

func (q *EventQueue) first(namespace string) (r *denial, looks int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue := q.waiting[namespace]
	if queue == nil {
		return nil, 0
	}
	return &queue.denials[0], queue.looks
}

func (q *EventQueue) looked(namespace string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting[namespace].looks++
}

// removeFirst reports whether more wait.
func (q *EventQueue) removeFirst(namespace string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	queue := q.waiting[namespace]
	queue.bytes -= queue.denials[0].size
	q.bytes -= queue.denials[0].size
	queue.denials, queue.looks = append([]denial(nil), queue.denials[1:]...), 0
	if len(queue.denials) == 0 {
		delete(q.waiting, namespace)
		return false
	}
	return true
}

// write stores the event of one denial: what was denied, why, and the diff. It reports false where
// the Deployment is not stored yet.
func (q *EventQueue) write(ctx context.Context, r denial) (found bool) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	log := q.log.WithValues("namespace", r.old.Namespace, "workload", r.old.Name)
	live, err := q.workloads.Live(ctx, r.workload())
	if err != nil {
		log.Error(err, "Looking for the workload of a denial; its Event is not written")
		return true
	}
	if live == nil {
		return false
	}
	if !r.isAbout(live) {
		log.Info("Wrote no Event of a denial because the workload is another one by now, or was never what the review says")
		return true
	}
	files, err := q.revisions.ChangedFiles(ctx, r.workload())
	if err != nil {
		log.Error(err, "Looking for files that a denied apply has changed already")
	}
	e, err := r.event(files)
	if err == nil {
		err = q.events.Write(ctx, e)
	}
	if err != nil {
		log.Error(fmt.Errorf("writing the Event of a denial: %w", err), "Reporting a denial")
	}
	return true
}

// isAbout reports whether the stored Deployment is what a review calls the old one. Its status, and
// with it its resourceVersion, may have changed since.
func (r denial) isAbout(live *appsv1.Deployment) bool {
	return live.UID == r.old.UID && (live.ResourceVersion == r.old.ResourceVersion || workload.IntentOf(live).Hash() == r.intents.oldHash())
}
