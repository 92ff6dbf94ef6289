package webhook

import (
	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
)

// unchecked is what is to be told of a change that is let through although not
// every rule could judge it; nil where all could, or nothing is stored. The
// early phase leaves it to the last word, which judges its rules again and
// knows the object's UID also on creation.
func (h *Handler) unchecked(r *review, f findings) *denial {
	if f.unchecked == "" || r.dryRun || h.phase == policy.Early {
		return nil
	}
	told := &denial{reason: v1alpha1.EventAdmissionUnchecked, old: r.old, object: r.object, message: f.unchecked, objections: f.objections, at: h.Now()}
	if told.old == nil {
		told.old = r.object
	}
	return told
}

// uncheckedEvent words it. The same change again is the same event.
func (r denial) uncheckedEvent() (event.Event, error) {
	const next = "the rule's author or the cluster's administrator can repair it; apply again to have it checked"
	return r.tells(event.Message("admitted without being fully checked: "+r.message, nil, next), nil, nil)
}
