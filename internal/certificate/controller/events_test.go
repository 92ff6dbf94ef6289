package controller

import (
	"testing"
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/certificate"
)

func TestReporter_Due(t *testing.T) {
	var (
		fine   = problem{}
		broken = problem{v1alpha1.EventCertificateNotReady, "no caBundle"}
		other  = problem{v1alpha1.EventCertificateExpiring, "soon"}
		begin  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	)
	type look struct {
		after time.Duration
		found problem
		told  bool
	}
	for name, looks := range map[string][]look{
		"valid from the start": {{0, fine, true}, {time.Minute, fine, false}},
		"an install":           {{0, broken, false}, {gracePeriod / 2, broken, false}, {gracePeriod - 1, fine, true}},
		"it lasts":             {{0, broken, false}, {gracePeriod, broken, true}, {2 * gracePeriod, broken, false}, {repeatInterval, broken, false}, {repeatInterval + gracePeriod, broken, true}},
		"it is repaired":       {{0, broken, false}, {gracePeriod, broken, true}, {2 * gracePeriod, fine, true}, {3 * gracePeriod, fine, false}},
		"it gets worse":        {{0, other, false}, {gracePeriod, other, true}, {gracePeriod + 1, broken, false}, {2*gracePeriod + 1, broken, true}},
		"it comes and goes":    {{0, fine, true}, {1, broken, false}, {gracePeriod, fine, false}, {gracePeriod + 1, broken, false}, {2 * gracePeriod, broken, false}},
		"it comes back":        {{0, broken, false}, {gracePeriod, broken, true}, {gracePeriod + 1, fine, true}, {gracePeriod + 2, broken, false}, {2*gracePeriod + 2, broken, true}},
	} {
		var r reporter
		for i, l := range looks {
			if told := r.due(l.found, begin.Add(l.after)); told != l.told {
				t.Errorf("%s, look %d: told %t, want %t", name, i+1, told, l.told)
			}
		}
	}
}

func TestProblemOf(t *testing.T) {
	until := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		result  certificate.Result
		pending string
		want    v1alpha1.EventReason
	}{
		"valid":        {certificate.Result{State: certificate.Valid, Expires: until}, "", ""},
		"invalid":      {certificate.Result{State: certificate.Invalid, Reason: "expired"}, "", v1alpha1.EventCertificateNotReady},
		"not verified": {certificate.Result{}, "", v1alpha1.EventCertificateNotReady},
		"expiring":     {certificate.Result{State: certificate.Expiring, Reason: "soon"}, "", v1alpha1.EventCertificateExpiring},
		"one waits":    {certificate.Result{State: certificate.Valid}, "not trusted", v1alpha1.EventCertificateNotReady},
	} {
		if got := problemOf(tt.result, tt.pending, nil); got.reason != tt.want {
			t.Errorf("%s: %q, want %q", name, got.reason, tt.want)
		}
	}
}
