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
	// maxQueuedEvents is how many Events may wait before further ones are dropped.
	maxQueuedEvents = 256
	// writeTimeout limits the write of one Event.
	writeTimeout = 10 * time.Second
	// drainTimeout limits the writes of all Events that wait at shutdown.
	drainTimeout = 5 * time.Second
)

// denial is a denied change of a live workload, or an admitted one that was not fully checked.
type denial struct {
	reason      v1alpha1.EventReason
	old, object *appsv1.Deployment
	message     string
	violations  []v1alpha1.Violation
	// failed is the revision as which the template failed before; 0 if it is not quarantined.
	failed int64
	at     time.Time
}

// EventQueue writes Events about denied changes in the background, so that no admission waits for
// one. It logs and drops Events that do not fit into its queue.
type EventQueue struct {
	events    Events
	revisions Revisions
	queue     chan denial
	log       logr.Logger
}

// NewEventQueue returns an EventQueue. Its Run must be running for it to write.
func NewEventQueue(events Events, revisions Revisions, log logr.Logger) *EventQueue {
	return &EventQueue{events: events, revisions: revisions, queue: make(chan denial, maxQueuedEvents), log: log}
}

// NeedLeaderElection returns false: every replica reports its own denials.
func (*EventQueue) NeedLeaderElection() bool { return false }

// Run writes Events until ctx is done, then the waiting ones for a limited time. It returns nil.
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

// Start is Run for a controller-runtime manager.
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
		q.log.Info("Dropped the Event of a denial: the queue is full", "namespace", r.old.Namespace, "workload", r.old.Name)
	}
}

// write stores the Event of one denial.
func (q *EventQueue) write(ctx context.Context, r denial) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	name := types.NamespacedName{Namespace: r.old.Namespace, Name: r.old.Name}
	files, err := q.revisions.ChangedFiles(ctx, name)
	if err != nil {
		q.log.Error(err, "Reading the files that a denied apply has already changed", "namespace", name.Namespace, "workload", name.Name)
	}
	e, err := r.event(files)
	if err == nil {
		err = q.events.Write(ctx, e)
	}
	if err != nil {
		q.log.Error(err, "Writing the Event of a denial", "namespace", r.old.Namespace, "workload", r.old.Name)
	}
}

// event returns the Event of a denial. The same change has the same Event. Files are ConfigMaps,
// which an apply writes before the Deployment and admission does not deny.
func (r denial) event(files []string) (event.Event, error) {
	if r.reason == v1alpha1.EventAdmissionUnchecked {
		return r.uncheckedEvent()
	}
	changes, err := diff.Intents(workload.IntentOf(r.old), workload.IntentOf(r.object))
	if err != nil {
		return event.Event{}, fmt.Errorf("comparing the denied change with the live workload: %w", err)
	}
	next := ""
	if len(files) > 0 {
		next = "its files have already changed, and pods read them at their next start: " + strings.Join(files, ", ")
	}
	return r.newEvent(event.Message("denied: "+r.message, changes, next), changes, files)
}

// newEvent returns the Event with a message.
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

// unchecked returns the Event of a change that is admitted although not every rule could be
// evaluated; nil if all could or nothing is stored. The early phase leaves it to the final one,
// which evaluates its rules again and knows the UID of a new object.
func (h *Handler) unchecked(r *review, f findings) *denial {
	if f.unchecked == "" || r.dryRun || h.phase == policy.Early {
		return nil
	}
	d := &denial{reason: v1alpha1.EventAdmissionUnchecked, old: r.old, object: r.object, message: f.unchecked, violations: f.violations, at: h.Now()}
	if d.old == nil {
		d.old = r.object
	}
	return d
}

// uncheckedEvent returns the Event of an admitted change that was not fully checked.
func (r denial) uncheckedEvent() (event.Event, error) {
	const next = "ask the author of the policy to fix it, then apply again"
	return r.newEvent(event.Message("admitted without being fully checked: "+r.message, nil, next), nil, nil)
}
