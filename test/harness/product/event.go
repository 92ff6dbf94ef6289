package product

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// EventFilter says which Events are meant. An empty field fits all.
type EventFilter struct {
	Namespace string
	// Kind and Name are those of the object that the Event is about.
	Kind, Name string
	Reason     string
	// Contains is a part of the message.
	Contains string
}

func (f EventFilter) fits(e *corev1.Event) bool {
	return (f.Kind == "" || e.InvolvedObject.Kind == f.Kind) && (f.Name == "" || e.InvolvedObject.Name == f.Name) &&
		(f.Reason == "" || e.Reason == f.Reason) && strings.Contains(e.Message, f.Contains)
}

// Events reads those that a filter fits.
func Events(t testing.TB, api client.Client, f EventFilter) []corev1.Event {
	t.Helper()
	var fit []corev1.Event
	for _, e := range events(t, api, f.Namespace) {
		if f.fits(&e) {
			fit = append(fit, e)
		}
	}
	return fit
}

// AwaitEvent waits for an Event that a filter fits.
func AwaitEvent(t testing.TB, api client.Client, f EventFilter) corev1.Event {
	t.Helper()
	var found corev1.Event
	Eventually(t, func() (bool, string) {
		var others []string
		for _, e := range events(t, api, f.Namespace) {
			if f.fits(&e) {
				found = e
				return true, ""
			}
			others = append(others, fmt.Sprintf("%s of %s %s: %s", e.Reason, e.InvolvedObject.Kind, e.InvolvedObject.Name, e.Message))
		}
		return false, fmt.Sprintf("there is no Event %+v, only:\n%s", f, strings.Join(others, "\n"))
	})
	return found
}

func events(t testing.TB, api client.Client, namespace string) []corev1.Event {
	t.Helper()
	var all corev1.EventList
	if err := api.List(t.Context(), &all, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	return all.Items
}
