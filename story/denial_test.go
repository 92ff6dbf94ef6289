package story

import (
	"encoding/json"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
)

// about is an event about the shop's workload.
func about(t *testing.T, reason string, past time.Duration, count int32, refusal v1alpha1.Denial) corev1.Event {
	t.Helper()
	encoded, err := json.Marshal(refusal)
	if err != nil {
		t.Fatal(err)
	}
	e := corev1.Event{
		Reason: reason, Message: "denied: what the event says", LastTimestamp: ago(past), Count: count,
		InvolvedObject: corev1.ObjectReference{UID: "uid"},
	}
	e.Annotations = map[string]string{v1alpha1.DenialAnnotation: string(encoded)}
	return e
}

var (
	excess = v1alpha1.Violation{
		Policy: "requests-within-limits", Field: "containers.frontend.resources.requests.memory",
		Message: "request 250Mi exceeds the limit 200Mi", Fix: "lower the request to 200Mi or raise the limit to 250Mi",
	}
	untagged = v1alpha1.Violation{Policy: "images-are-pinned", Field: "containers.frontend.image", Message: "podinfo has no tag", Fix: "name one"}
)

// at gives a workload's newest revision a resourceVersion.
func at(w Workload, resourceVersion string) Workload {
	w.History.Newest().Spec.ResourceVersion = resourceVersion
	return w
}

// denied is a workload whose last apply a policy refused.
func denied(t *testing.T, violations ...v1alpha1.Violation) Workload {
	t.Helper()
	return at(shop(revision(1, v1alpha1.PhaseHealthy, time.Hour)), "100").WithEvents([]corev1.Event{about(t, string(v1alpha1.EventAdmissionDenied), 2*time.Minute, 3, v1alpha1.Denial{
		Violations: violations, ResourceVersion: "120",
		Changes: []string{"containers.frontend.image 6.7.0 → 6.7.1", "containers.frontend.resources.limits added (cpu 150m, memory 200Mi)"},
	})})
}

// quarantinedAgain is a workload whose last apply is what failed before.
func quarantinedAgain(t *testing.T) Workload {
	t.Helper()
	return at(rolledBack(), "100").WithEvents([]corev1.Event{about(t, string(v1alpha1.EventTemplateQuarantined), 20*time.Second, 1, v1alpha1.Denial{
		Failed: 2, ResourceVersion: "130", Violations: []v1alpha1.Violation{{Message: `container frontend exits 1 (2 restarts): "boom"`}},
	})})
}

func TestWorkload_WithEvents_denied(t *testing.T) {
	refused := func(version string) v1alpha1.Denial {
		return v1alpha1.Denial{ResourceVersion: version, Violations: []v1alpha1.Violation{excess}}
	}
	w := at(shop(revision(1, v1alpha1.PhaseHealthy, time.Minute)), "100")
	other := about(t, string(v1alpha1.EventAdmissionDenied), time.Second, 1, refused("120"))
	other.InvolvedObject.UID = "another"
	old := about(t, string(v1alpha1.EventAdmissionDenied), 30*time.Second, 1, v1alpha1.Denial{})
	old.Annotations = nil
	for _, tt := range []struct {
		reason string
		event  corev1.Event
		stands bool
	}{
		{"refused of what runs", about(t, string(v1alpha1.EventAdmissionDenied), time.Second, 1, refused("120")), true},
		{"refused of it at once", about(t, string(v1alpha1.EventTemplateQuarantined), time.Second, 1, refused("100")), true},
		{"refused, and then it was deployed", about(t, string(v1alpha1.EventAdmissionDenied), 2*time.Second, 1, refused("99")), false},
		{"refused of another Deployment of this name", other, false},
		{"written by an older Reprise", old, true},
		{"another reason", about(t, "RolledBack", time.Second, 1, refused("120")), false},
	} {
		if got := w.WithEvents([]corev1.Event{tt.event}); (got.Denied != nil) != tt.stands {
			t.Errorf("%s: it is told: %v, want %v", tt.reason, got.Denied != nil, tt.stands)
		}
	}
	newer, older := about(t, string(v1alpha1.EventAdmissionDenied), time.Second, 1, refused("120")), about(t, string(v1alpha1.EventAdmissionDenied), time.Minute, 7, refused("120"))
	if got := w.WithEvents([]corev1.Event{newer, older}).Denied; got.Times != 1 {
		t.Errorf("of two denials it tells %+v, want the newest", got)
	}
}

func TestWorkload_WhyDenied_failureSince(t *testing.T) {
	w := at(left(), "100").WithEvents([]corev1.Event{about(t, string(v1alpha1.EventAdmissionDenied), 10*time.Minute, 1, v1alpha1.Denial{ResourceVersion: "120"})})
	if text := w.WhyDenied(Terminal{}, now); text != "" {
		t.Errorf("a revision failed since, and the denial is told:\n%s", text)
	}
}

func TestWorkload_WithEvents_unchecked(t *testing.T) {
	w := shop(revision(1, v1alpha1.PhaseHealthy, time.Minute))
	trouble := v1alpha1.Denial{IntentHash: w.Live().Spec.IntentHash, Violations: []v1alpha1.Violation{{Policy: "team", Message: "rule team timed out"}}}
	if got := w.WithEvents([]corev1.Event{about(t, string(v1alpha1.EventAdmissionUnchecked), time.Second, 1, trouble)}); got.Unchecked == nil {
		t.Error("what runs was not judged, and it is not told")
	}
	trouble.IntentHash = "of another"
	if got := w.WithEvents([]corev1.Event{about(t, string(v1alpha1.EventAdmissionUnchecked), time.Second, 1, trouble)}); got.Unchecked != nil {
		t.Error("what does not run any more is told")
	}
}

func TestWorkload_WithEvents_sameSecond(t *testing.T) {
	w := at(shop(revision(1, v1alpha1.PhaseHealthy, time.Hour)), "100")
	first := about(t, string(v1alpha1.EventTemplateQuarantined), time.Minute, 1, v1alpha1.Denial{ResourceVersion: "120", Failed: 1})
	second := about(t, string(v1alpha1.EventAdmissionDenied), time.Minute, 1, v1alpha1.Denial{ResourceVersion: "120", Violations: []v1alpha1.Violation{excess}})
	first.ResourceVersion, second.ResourceVersion = "999", "1000"
	for _, events := range [][]corev1.Event{{first, second}, {second, first}} {
		if got := w.WithEvents(events).Denied; got == nil || got.Reason != string(v1alpha1.EventAdmissionDenied) {
			t.Errorf("told is %+v, want what was refused last", got)
		}
	}
}
