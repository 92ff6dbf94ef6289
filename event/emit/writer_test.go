package emit_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/internal/fakeapi"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func recorded(changes ...func(*event.Event)) event.Event {
	e := event.Event{
		Reason: v1alpha1.EventRevisionRecorded, Key: "a-1", Message: "Revision #1 recorded", At: now,
		Regarding: corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "a", UID: "1"},
	}
	for _, change := range changes {
		change(&e)
	}
	return e
}

func stored(t *testing.T, api *fakeapi.API) []corev1.Event {
	t.Helper()
	var list corev1.EventList
	if err := api.Direct().List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func TestWriter_Write(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	w := emit.NewWriter(api.Client(), "pod-1")
	e := recorded(func(e *event.Event) { e.Warning, e.Annotations = true, map[string]string{"a": "b"} })
	if err := w.Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: "shop", Annotations: map[string]string{"a": "b"}},
		InvolvedObject: e.Regarding, Reason: "RevisionRecorded", Action: "RevisionRecorded", Message: "Revision #1 recorded", Type: "Warning",
		FirstTimestamp: metav1.NewTime(now), LastTimestamp: metav1.NewTime(now), Count: 1,
		Source: corev1.EventSource{Component: "reprise"}, ReportingController: "reprise.dev/reprise", ReportingInstance: "pod-1",
	}
	ignored := cmpopts.IgnoreFields(metav1.ObjectMeta{}, "Name", "UID", "ResourceVersion", "Generation", "ManagedFields", "CreationTimestamp")
	if d := cmp.Diff([]corev1.Event{want}, stored(t, api), ignored, cmpopts.IgnoreFields(corev1.Event{}, "TypeMeta")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWriter_Write_Twice(t *testing.T) {
	aggregate := func(e *event.Event) { e.Aggregate = true }
	for test, tt := range map[string]struct {
		reason        string
		first, second event.Event
		events        int
		count         int32
	}{
		"Same":       {"an event is written once", recorded(), recorded(), 1, 1},
		"Aggregate":  {"the count rises", recorded(aggregate), recorded(aggregate), 1, 2},
		"OtherKey":   {"another key is another event", recorded(), recorded(func(e *event.Event) { e.Key = "a-2" }), 2, 1},
		"OtherUID":   {"another object of that name", recorded(), recorded(func(e *event.Event) { e.Regarding.UID = "2" }), 2, 1},
		"OtherCause": {"another reason", recorded(), recorded(func(e *event.Event) { e.Reason = v1alpha1.EventRevisionHealthy }), 2, 1},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{})
			tt.second.At, tt.second.Message = now.Add(time.Minute), "again"
			for _, instance := range []event.Event{tt.first, tt.second} {
				if err := emit.NewWriter(api.Client(), "pod").Write(t.Context(), instance); err != nil {
					t.Fatal(err)
				}
			}
			got := stored(t, api)
			if len(got) != tt.events || got[0].Count != tt.count {
				t.Fatalf("%s: %d events, the first %d times", tt.reason, len(got), got[0].Count)
			}
			if last := got[0]; tt.events == 1 && (last.Message == "again") != (tt.count > 1) {
				t.Errorf("%s: %q at %s", tt.reason, last.Message, last.LastTimestamp)
			}
		})
	}
}

func TestWriter_Write_Errors(t *testing.T) {
	aggregate := recorded(func(e *event.Event) { e.Aggregate = true })
	exists := apierrors.NewAlreadyExists(corev1.Resource("events"), "a")
	for test, tt := range map[string]struct {
		reason  string
		prepare func(*fakeapi.API)
		want    func(error) bool
	}{
		"Forbidden": {"the namespace is terminating", func(a *fakeapi.API) {
			a.Refuse(fakeapi.Nth(1, apierrors.NewForbidden(corev1.Resource("events"), "a", errors.New("terminating"))))
		}, apierrors.IsForbidden},
		"Expired": {"the event expired before its count could rise: it is written anew", func(a *fakeapi.API) {
			a.Refuse(fakeapi.Nth(1, exists))
		}, func(err error) bool { return err == nil }},
		"Conflict": {"another process raises the count each time", func(a *fakeapi.API) {
			_ = emit.NewWriter(a.Direct(), "other").Write(t.Context(), aggregate)
			a.Refuse(fakeapi.All("update Event", fakeapi.Conflict()))
		}, apierrors.IsConflict},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{})
			tt.prepare(api)
			if err := emit.NewWriter(api.Client(), "pod").Write(t.Context(), aggregate); !tt.want(err) {
				t.Errorf("%s: %v", tt.reason, err)
			}
		})
	}
}

// TestWriter_Write_NameTaken has a tenant create an Event under the name that an Event of Reprise
// will have, and under the next one that could be foreseen.
func TestWriter_Write_NameTaken(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	w := emit.NewWriter(api.Client(), "pod")
	if err := w.Write(t.Context(), recorded()); err != nil {
		t.Fatal(err)
	}
	taken := stored(t, api)[0].DeepCopy()
	for range 2 {
		if err := api.Direct().Delete(t.Context(), taken.DeepCopy()); err != nil {
			t.Fatal(err)
		}
		foreign := taken.DeepCopy()
		foreign.ResourceVersion, foreign.UID, foreign.Source.Component, foreign.Message = "", "", "tenant", "nothing to see"
		api.Create(t, foreign)
		for range 2 { // The second write finds the first.
			if err := w.Write(t.Context(), recorded(func(e *event.Event) { e.Aggregate = true })); err != nil {
				t.Fatal(err)
			}
		}
		var ours []corev1.Event
		for _, e := range stored(t, api) {
			if e.Source.Component == "reprise" {
				ours = append(ours, e)
			}
		}
		if len(ours) != 1 || ours[0].Count != 2 || ours[0].Message != "Revision #1 recorded" {
			t.Fatalf("events of reprise: %+v, want one, written twice", ours)
		}
		if err := api.Direct().Delete(t.Context(), &ours[0]); err != nil {
			t.Fatal(err)
		}
		taken = foreign
	}
}

// TestWriter_Write_RaisedByAnother has another process raise the count between each read and update
// of this one.
func TestWriter_Write_RaisedByAnother(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	aggregate := recorded(func(e *event.Event) { e.Aggregate = true })
	other := emit.NewWriter(api.Direct(), "other")
	if err := other.Write(t.Context(), aggregate); err != nil {
		t.Fatal(err)
	}
	const raised = 3
	updates := 0
	api.Refuse(func(w fakeapi.Write) error {
		if w.Is("update Event") {
			if updates++; updates <= raised {
				return other.Write(t.Context(), aggregate)
			}
		}
		return nil
	})
	if err := emit.NewWriter(api.Client(), "pod").Write(t.Context(), aggregate); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, api); len(got) != 1 || got[0].Count != 1+raised+1 {
		t.Errorf("%d events, the first %d times, want one %d times", len(got), got[0].Count, 1+raised+1)
	}
}

// TestWriter_Write_AnswerLost repeats a write whose answer got lost.
func TestWriter_Write_AnswerLost(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	w := emit.NewWriter(api.Client(), "pod")
	api.Lose(fakeapi.Nth(1, errors.New("timeout")))
	if err := w.Write(t.Context(), recorded()); err == nil {
		t.Error("the lost answer is no error")
	}
	if err := w.Write(t.Context(), recorded()); err != nil || len(stored(t, api)) != 1 {
		t.Errorf("%v, %d events", err, len(stored(t, api)))
	}
}

func TestWriter_Write_LongName(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	long := recorded(func(e *event.Event) { e.Regarding.Name = strings.Repeat("a", 253) })
	if err := emit.NewWriter(api.Client(), "pod").Write(t.Context(), long); err != nil {
		t.Fatal(err)
	}
	if problems := validation.IsDNS1123Subdomain(stored(t, api)[0].Name); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestWriter_Write_Clean(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	e := recorded(func(e *event.Event) {
		e.Message = "a\x1b[31m pass\u200bword\x00=Hunter2leakZq9\n\u202e" + strings.Repeat("b", 2000)
	})
	if err := emit.NewWriter(api.Client(), "pod-1").Write(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := stored(t, api)[0].Message
	if !strings.HasPrefix(got, "a password=*** bbb") || len(got) > event.MaxMessage {
		t.Errorf("stored %q", got)
	}
}
