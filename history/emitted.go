package history

import (
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

// Emitted reports whether an Event about a revision was written. An annotation of the revision says
// so, and not the Event's name: the API server drops an Event after an hour or less, and another
// leader would write it again. It is no part of the status, since nobody but Reprise reads it.
func Emitted(r *v1alpha1.WorkloadRevision, reason v1alpha1.EventReason) bool {
	return slices.Contains(emittedOf(r), tokenOf(r, reason))
}

// NoteEmitted notes that Events about a revision were written.
func NoteEmitted(r *v1alpha1.WorkloadRevision, reasons ...v1alpha1.EventReason) {
	all := emittedOf(r)
	for _, reason := range reasons {
		all = slices.DeleteFunc(all, func(token string) bool {
			name, _, _ := strings.Cut(token, ":")
			return name == string(reason)
		})
		all = append(all, tokenOf(r, reason))
	}
	if r.Annotations == nil {
		r.Annotations = map[string]string{}
	}
	r.Annotations[v1alpha1.EmittedEventsAnnotation] = strings.Join(all, ",")
}

func emittedOf(r *v1alpha1.WorkloadRevision) []string {
	return strings.FieldsFunc(r.Annotations[v1alpha1.EmittedEventsAnnotation], func(c rune) bool { return c == ',' })
}

// tokenOf returns what stands for an Event in the annotation. A hold is told again once its reason
// is another one.
func tokenOf(r *v1alpha1.WorkloadRevision, reason v1alpha1.EventReason) string {
	if held := r.RollbackHold(); held != nil && reason == v1alpha1.EventRollbackHeld {
		return string(reason) + ":" + held.Reason + "@" + held.LastTransitionTime.UTC().Format(time.RFC3339)
	}
	return string(reason)
}
