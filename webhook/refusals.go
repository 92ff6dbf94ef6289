package webhook

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"

	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/workload"
)

const (
	// refusalsKept is how many refusals wait to be told before further ones are dropped.
	refusalsKept = 256
	// tellTime is how long the telling of one may take.
	tellTime = 10 * time.Second
	// drainTime is how long those that wait at the end may take altogether.
	drainTime = 5 * time.Second
)

// refusal is a denied change of a live workload.
type refusal struct {
	old, object *appsv1.Deployment
	message     string
	at          time.Time
}

// Refusals tells of denied changes by events on the live workloads, after the
// response and beside it: no admission waits for an event. What does not fit
// into its queue is logged and dropped.
type Refusals struct {
	events Events
	queue  chan refusal
	log    logr.Logger
}

// NewRefusals makes a Refusals that stores events; Run must be running for it to do so.
func NewRefusals(events Events, log logr.Logger) *Refusals {
	return &Refusals{events: events, queue: make(chan refusal, refusalsKept), log: log}
}

// NeedLeaderElection says that every replica tells of what it refused.
func (*Refusals) NeedLeaderElection() bool { return false }

// Run tells of refusals until ctx is done, then of those that wait, for a
// bounded time. It returns nil.
func (q *Refusals) Run(ctx context.Context) error {
	for {
		select {
		case r := <-q.queue:
			q.tell(ctx, r)
		case <-ctx.Done():
			q.drain(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// Start is Run, under the name that a controller-runtime manager knows.
func (q *Refusals) Start(ctx context.Context) error { return q.Run(ctx) }

func (q *Refusals) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	for {
		select {
		case r := <-q.queue:
			q.tell(ctx, r)
		default:
			return
		}
	}
}

func (q *Refusals) add(r refusal) {
	select {
	case q.queue <- r:
	default:
		q.log.Info("Dropped the event of a refusal: too many are waiting", "namespace", r.old.Namespace, "name", r.old.Name, "message", r.message)
	}
}

// tell stores the event of one refusal: what was refused, why, and the diff.
func (q *Refusals) tell(ctx context.Context, r refusal) {
	ctx, cancel := context.WithTimeout(ctx, tellTime)
	defer cancel()
	e, err := r.event()
	if err == nil {
		err = q.events.Write(ctx, e)
	}
	if err != nil {
		q.log.Error(err, "Telling of a refusal", "namespace", r.old.Namespace, "name", r.old.Name)
	}
}

// event words a refusal. The same change refused again is the same event.
func (r refusal) event() (event.Event, error) {
	refused := workload.IntentOf(r.object)
	changes, err := diff.Intents(workload.IntentOf(r.old), refused)
	if err != nil {
		return event.Event{}, fmt.Errorf("comparing the refused change with what is live: %w", err)
	}
	return event.Event{
		Reason:  event.AdmissionDenied,
		Warning: true,
		About:   event.About(r.old),
		Key:     refused.Hash(),
		Message: event.Message("refused: "+r.message, changes, ""),
		At:      r.at,
	}, nil
}
