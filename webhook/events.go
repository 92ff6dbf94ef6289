package webhook

import (
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
)

// denial is a denied change of a live workload, or an admitted one that was not fully checked.
type denial struct {
	reason v1alpha1.EventReason
	// old is the live Deployment, and intents are its own and the one that is denied.
	old     *appsv1.Deployment
	intents *intents
	// created is true for a Deployment that is stored after its review is answered; old is the new
	// one then.
	created    bool
	message    string
	violations []v1alpha1.Violation
	// failed is the revision as which the template failed before; 0 if it is not quarantined.
	failed int64
	// size is how many bytes the review has that the denial is about.
	size int
	at   time.Time
}

func (r denial) workload() types.NamespacedName {
	return types.NamespacedName{Namespace: r.old.Namespace, Name: r.old.Name}
}

// event returns the Event of a denial. The same change has the same Event. Files are ConfigMaps,
// which an apply writes before the Deployment and admission does not deny.
func (r denial) event(files []string) (event.Event, error) {
	if r.reason == v1alpha1.EventAdmissionUnchecked {
		return r.uncheckedEvent()
	}
	changes, err := r.intents.changes()
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
	asked := r.intents.objectHash()
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
	d := &denial{reason: v1alpha1.EventAdmissionUnchecked, old: r.old, intents: r.intents, message: f.unchecked, violations: f.violations, at: h.Now()}
	if d.old == nil {
		d.old, d.created = r.object, true
		d.intents = &intents{
			old: r.intents.object, object: r.intents.object, oldHash: r.intents.objectHash, objectHash: r.intents.objectHash,
		}
	}
	return d
}

// uncheckedEvent returns the Event of an admitted change that was not fully checked.
func (r denial) uncheckedEvent() (event.Event, error) {
	const next = "ask the author of the policy to fix it, then apply again"
	return r.newEvent(event.Message("admitted without being fully checked: "+r.message, nil, next), nil, nil)
}
