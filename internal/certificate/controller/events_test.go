package controller

import (
	"testing"
	"time"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/certificate"
)

func TestWhatIsAmissIsToldOnceItLastsAndThenByTheHour(t *testing.T) {
	var (
		well  = finding{}
		amiss = finding{event.CertificateNotReady, "no caBundle"}
		other = finding{event.CertificateExpiring, "soon"}
		begin = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	)
	type look struct {
		after time.Duration
		found finding
		told  bool
	}
	for name, looks := range map[string][]look{
		"well from the start": {{0, well, true}, {time.Minute, well, false}},
		"an install":          {{0, amiss, false}, {patience / 2, amiss, false}, {patience - 1, well, true}},
		"it lasts":            {{0, amiss, false}, {patience, amiss, true}, {2 * patience, amiss, false}, {again, amiss, false}, {again + patience, amiss, true}},
		"it is mended":        {{0, amiss, false}, {patience, amiss, true}, {2 * patience, well, true}, {3 * patience, well, false}},
		"it turns into worse": {{0, other, false}, {patience, other, true}, {patience + 1, amiss, false}, {2*patience + 1, amiss, true}},
		"it comes and goes":   {{0, well, true}, {1, amiss, false}, {patience, well, false}, {patience + 1, amiss, false}, {2 * patience, amiss, false}},
		"it comes back":       {{0, amiss, false}, {patience, amiss, true}, {patience + 1, well, true}, {patience + 2, amiss, false}, {2*patience + 2, amiss, true}},
	} {
		var telling teller
		for i, l := range looks {
			if _, told := telling.due(l.found, begin.Add(l.after)); told != l.told {
				t.Errorf("%s, look %d: told %t, want %t", name, i+1, told, l.told)
			}
		}
	}
}

func TestAFindingSaysWhatFollowsFromIt(t *testing.T) {
	until := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		verdict certificate.Verdict
		waiting string
		want    event.Reason
	}{
		"fit":           {certificate.Verdict{State: certificate.Valid, Expires: until}, "", ""},
		"unfit":         {certificate.Verdict{State: certificate.Invalid, Reason: "expired"}, "", event.CertificateNotReady},
		"not looked at": {certificate.Verdict{}, "", event.CertificateNotReady},
		"expiring":      {certificate.Verdict{State: certificate.Expiring, Reason: "soon"}, "", event.CertificateExpiring},
		"one waits":     {certificate.Verdict{State: certificate.Valid}, "not trusted", event.CertificateNotReady},
	} {
		if got := findingOf(tt.verdict, tt.waiting, nil); got.reason != tt.want {
			t.Errorf("%s: %q, want %q", name, got.reason, tt.want)
		}
	}
}
