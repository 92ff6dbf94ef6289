package webhook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/workload"
)

const (
	// maxQueuedEvents is how many denials wait to be told before further ones are dropped.
	maxQueuedEvents = 256
	// writeTimeout is how long the telling of one may take.
	writeTimeout = 10 * time.Second
	// drainTimeout is how long those that wait at the end may take altogether.
	drainTimeout = 5 * time.Second
)

// denial is a denied change of a live workload, or one that was let through without being fully
// checked.
type denial struct {
	reason      v1alpha1.EventReason
	old, object *appsv1.Deployment
	message     string
	violations  []v1alpha1.Violation
	// failed is the revision as which the change failed before, 0 where it is not denied for that.
	failed int64
	at     time.Time
}

// EventQueue tells of denied changes by events on the live workloads, after the
// response and beside it: no admission waits for an event. What does not fit
// into its queue is logged and dropped.
type EventQueue struct {
	events    Events
	revisions Revisions
	queue     chan denial
	log       logr.Logger
}

// NewEventQueue returns an EventQueue that stores events while its Run runs.
func NewEventQueue(events Events, revisions Revisions, log logr.Logger) *EventQueue {
	return &EventQueue{events: events, revisions: revisions, queue: make(chan denial, maxQueuedEvents), log: log}
}

// NeedLeaderElection says that every replica tells of what it denied.
func (*EventQueue) NeedLeaderElection() bool { return false }

// Run tells of denials until ctx is done, then of those that wait, for a
// bounded time. It returns nil.
func (q *EventQueue) Run(ctx context.Context) error {
	for {
		select {
		case r := <-q.queue:
			q.write(ctx, r)
		case <-ctx.Done():
			q.drain(context.WithoutCancel(ctx))
			return nil
		}
	}
}

// Start is Run, under the name that a controller-runtime manager knows.
func (q *EventQueue) Start(ctx context.Context) error { return q.Run(ctx) }

func (q *EventQueue) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for {
		select {
		case r := <-q.queue:
			q.write(ctx, r)
		default:
			return
		}
	}
}

func (q *EventQueue) add(r denial) {
	select {
	case q.queue <- r:
	default:
		q.log.Info("Dropped the event of a refusal: too many are waiting", "namespace", r.old.Namespace, "workload", r.old.Name)
	}
}

// write stores the event of one denial: what was denied, why, and the diff.
func (q *EventQueue) write(ctx context.Context, r denial) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	name := types.NamespacedName{Namespace: r.old.Namespace, Name: r.old.Name}
	files, err := q.revisions.ChangedFiles(ctx, name)
	if err != nil {
		q.log.Error(err, "Looking for files that a refused apply has changed already", "namespace", name.Namespace, "workload", name.Name)
	}
	e, err := r.event(files)
	if err == nil {
		err = q.events.Write(ctx, e)
	}
	if err != nil {
		q.log.Error(err, "Telling of a refusal", "namespace", r.old.Namespace, "workload", r.old.Name)
	}
}

// event words a denial. The same change denied again is the same event. Files are ConfigMaps,
// which an apply writes before the Deployment and which no admission denies.
func (r denial) event(files []string) (event.Event, error) {
	if r.reason == v1alpha1.EventAdmissionUnchecked {
		return r.uncheckedEvent()
	}
	changes, err := diff.Intents(workload.IntentOf(r.old), workload.IntentOf(r.object))
	if err != nil {
		return event.Event{}, fmt.Errorf("comparing the refused change with what is live: %w", err)
	}
	next := ""
	if len(files) > 0 {
		next = "but its files are changed already, and pods read them at their next start: " + strings.Join(files, ", ")
	}
	return r.newEvent(event.Message("refused: "+r.message, changes, next), changes, files)
}

// newEvent makes the event of a message.
func (r denial) newEvent(message string, changes diff.Changes, files []string) (event.Event, error) {
	asked := workload.IntentOf(r.object).Hash()
	annotations, err := event.DenialAnnotations(v1alpha1.Denial{
		Violations: r.violations, Failed: r.failed, Files: files, ResourceVersion: r.old.ResourceVersion, IntentHash: asked,
	}, changes)
	return event.Event{
		Reason:      r.reason,
		Warning:     true,
		Regarding:   event.ObjectRef(r.old),
		Key:         asked,
		Aggregate:   true,
		Message:     message,
		Annotations: annotations,
		At:          r.at,
	}, err
}

// unchecked is what is to be told of a change that is let through although not
// every rule could judge it; nil where all could, or nothing is stored. The
// early phase leaves it to the last word, which judges its rules again and
// knows the object's UID also on creation.
func (h *Handler) unchecked(r *review, f findings) *denial {
	if f.unchecked == "" || r.dryRun || h.phase == policy.Early {
		return nil
	}
	told := &denial{reason: v1alpha1.EventAdmissionUnchecked, old: r.old, object: r.object, message: f.unchecked, violations: f.violations, at: h.Now()}
	if told.old == nil {
		told.old = r.object
	}
	return told
}

// uncheckedEvent words it. The same change again is the same event.
func (r denial) uncheckedEvent() (event.Event, error) {
	const next = "the rule's author or the cluster's administrator can repair it; apply again to have it checked"
	return r.newEvent(event.Message("admitted without being fully checked: "+r.message, nil, next), nil, nil)
}
