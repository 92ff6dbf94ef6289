// Package emit writes Events, each one once.
package emit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/oneline"
)

// component is the source of an Event, which users see.
const component = "reprise"

// Writer writes Events as core/v1 objects with deterministic names. The recorders of client-go
// would aggregate Events of one reason and drop those over their rate limit.
type Writer struct {
	client   client.Client
	instance string
}

// NewWriter returns a Writer. instance names the process, such as its pod.
func NewWriter(c client.Client, instance string) *Writer {
	return &Writer{client: c, instance: instance}
}

// maxNames is how many names an Event is tried under.
const maxNames = 5

// Write stores an Event. It changes nothing if the same Event is stored already, or raises its
// count if the Event aggregates. If another process raises the count at the same time, Write reads
// it and raises it again, as often as client-go's DefaultRetry does. If somebody else's Event has
// the name, Write uses another one, which nobody could know before.
func (w *Writer) Write(ctx context.Context, e event.Event) error {
	object := w.object(e)
	for range maxNames {
		err := w.client.Create(ctx, object)
		if err == nil {
			return nil
		}
		if !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("writing event %s about %s: %w", e.Reason, e.Regarding.Name, err)
		}
		stored := &corev1.Event{}
		if err := w.client.Get(ctx, client.ObjectKeyFromObject(object), stored); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("reading event %s about %s: %w", e.Reason, e.Regarding.Name, err)
		}
		if stored.UID == "" {
			continue // It was deleted meanwhile.
		}
		if ours(stored, e) {
			return w.repeat(ctx, object, e)
		}
		object = w.object(e)
		object.Name = name(e, stored.UID)
	}
	return fmt.Errorf("writing event %s about %s: other Events have all of its %d names", e.Reason, e.Regarding.Name, maxNames)
}

// ours reports whether a stored Event is the same one, written by Reprise.
func ours(stored *corev1.Event, e event.Event) bool {
	return stored.Source.Component == component && stored.Reason == string(e.Reason) && stored.InvolvedObject.UID == e.Regarding.UID
}

// repeat raises the count of an Event that is stored already, if it aggregates.
func (w *Writer) repeat(ctx context.Context, object *corev1.Event, e event.Event) error {
	if !e.Aggregate {
		return nil
	}
	if err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return w.raise(ctx, object) }); err != nil {
		return fmt.Errorf("raising the count of event %s about %s: %w", e.Reason, e.Regarding.Name, err)
	}
	return nil
}

// raise raises the count of a stored Event. It returns a conflict if another process raised it
// since it was read.
func (w *Writer) raise(ctx context.Context, again *corev1.Event) error {
	stored := &corev1.Event{}
	if err := w.client.Get(ctx, client.ObjectKeyFromObject(again), stored); err != nil {
		return fmt.Errorf("reading it: %w", err)
	}
	stored.Count++
	stored.LastTimestamp = again.LastTimestamp
	stored.Message = again.Message
	stored.Annotations = again.Annotations
	return w.client.Update(ctx, stored)
}

// object returns the API object of an Event. Whoever composed the message, no credential and no
// control character gets into it.
func (w *Writer) object(e event.Event) *corev1.Event {
	kind := corev1.EventTypeNormal
	if e.Warning {
		kind = corev1.EventTypeWarning
	}
	at := metav1.NewTime(e.At)
	return &corev1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: e.Regarding.Namespace, Name: name(e, ""), Annotations: e.Annotations},
		InvolvedObject:      e.Regarding,
		Reason:              string(e.Reason),
		Message:             oneline.CutBytes(mask.Line(e.Message), event.MaxMessage),
		Type:                kind,
		FirstTimestamp:      at,
		LastTimestamp:       at,
		Count:               1,
		Source:              corev1.EventSource{Component: component},
		ReportingController: "reprise.dev/" + component,
		ReportingInstance:   w.instance,
		Action:              string(e.Reason),
	}
}

// name returns the name of an Event's object. It is the same for the same Event and within the
// limit of names. instead is the UID of somebody else's Event that has the name which it would
// have.
func name(e event.Event, instead types.UID) string {
	sum := sha256.Sum256([]byte(string(e.Regarding.UID) + "\x00" + e.Regarding.Name + "\x00" + string(e.Reason) + "\x00" + e.Key + "\x00" + string(instead)))
	const longest = 253 - 1 - 16
	prefix := e.Regarding.Name
	if len(prefix) > longest {
		prefix = prefix[:longest]
	}
	return prefix + "." + hex.EncodeToString(sum[:8])
}
