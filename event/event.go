// Package event defines the Events about a workload, each one line that `kubectl get events` shows
// in full.
package event

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

// MaxMessage is the longest message in bytes: that of events.k8s.io, by our own choice, since
// core/v1 takes more but terminals do not.
const MaxMessage = 1024

// Event describes what happened to a workload.
type Event struct {
	Reason  v1alpha1.EventReason
	Warning bool
	// Regarding is the workload, with its UID.
	Regarding corev1.ObjectReference
	// Key distinguishes Events of one reason about one workload. Events with the same key are the same
	// and are written once.
	Key string
	// Aggregate reports whether the same Event may occur again, which raises its count.
	Aggregate bool
	Message   string
	// Annotations hold details for programs that do not fit into the message.
	Annotations map[string]string
	At          time.Time
}

// ObjectRef returns a reference to a Deployment, with the API version and kind that an object from
// a cache lacks.
func ObjectRef(d *appsv1.Deployment) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: "apps/v1", Kind: "Deployment",
		Namespace: d.Namespace, Name: d.Name, UID: d.UID, ResourceVersion: d.ResourceVersion,
	}
}

// Message joins the cause, the short diff and the next step into one line of at most MaxMessage
// bytes. It shortens the diff first and the cause last, and masks credentials.
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

// DetailsCommand returns the command that shows the details of a revision.
func DetailsCommand(namespace, revision string) string {
	return fmt.Sprintf("details: kubectl describe wrev %s -n %s", revision, namespace)
}

// line returns text on one line, with credentials masked.
func line(text string) string {
	return mask.Line(text)
}
