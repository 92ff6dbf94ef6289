// Package event says what happened to a workload, once, in one line that `kubectl get events` shows
// whole.
package event

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/oneline"
)

// MaxMessage is the longest message in bytes: that of events.k8s.io, by our own choice, since
// core/v1 takes more but terminals do not.
const MaxMessage = 1024

// Event is one thing that happened to a workload.
type Event struct {
	Reason  v1alpha1.EventReason
	Warning bool
	// Regarding is the workload, with its UID.
	Regarding corev1.ObjectReference
	// Key tells events of one reason about one workload apart: the same key is the same event, and
	// is told once.
	Key string
	// Aggregate says that the same event may happen again, which raises its count.
	Aggregate bool
	Message   string
	// Annotations say for programs what the message has no room for.
	Annotations map[string]string
	At          time.Time
}

// ObjectRef references a Deployment, with the API version and kind that an object out of a cache
// lacks.
func ObjectRef(d *appsv1.Deployment) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: "apps/v1", Kind: "Deployment",
		Namespace: d.Namespace, Name: d.Name, UID: d.UID, ResourceVersion: d.ResourceVersion,
	}
}

// Message joins the cause, the compact diff and the command that shows more into one line of at
// most MaxMessage bytes. The diff gives way first, the cause last. Credentials are masked.
func Message(cause string, changes diff.Changes, next string) string {
	cause = line(cause)
	tail := ""
	if next = line(next); next != "" {
		tail = "; " + next
	}
	if budget := MaxMessage - len(cause) - len(tail) - 2; len(changes) > 0 && budget > 40 {
		tail = "; " + line(changes.Short(budget)) + tail
	}
	return oneline.CutBytes(cause, MaxMessage-len(tail)) + tail
}

// DetailsCommand is the command that shows all that is known of a revision.
func DetailsCommand(namespace, revision string) string {
	return fmt.Sprintf("details: kubectl describe wrev %s -n %s", revision, namespace)
}

// line returns text on one line, with credentials masked.
func line(text string) string {
	return diff.MaskText(oneline.Of(text))
}
