package controller

import (
	"time"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/internal/certificate"
)

// finding is what is to be told of the certificate; without a reason nothing is amiss.
type finding struct {
	reason  event.Reason
	message string
}

func findingOf(v certificate.Verdict, waiting string, err error) finding {
	why := ""
	if err != nil {
		why = err.Error()
	}
	switch {
	case !v.Serves():
		f := finding{event.CertificateNotReady, "admission is not served, and what the failure policy lets through is unchecked: " + v.Reason}
		if why != "" {
			f.message += " (" + why + ")"
		}
		return f
	case waiting != "":
		return finding{event.CertificateNotReady, "a new serving certificate is not used, and the former serves on: " + waiting}
	case v.State == certificate.Expiring:
		f := finding{event.CertificateExpiring, v.Reason}
		if why != "" {
			f.message += " (" + why + ")"
		}
		return f
	case why != "":
		return finding{event.CertificateNotReady, "the serving certificate cannot be kept: " + why}
	}
	return finding{}
}

// again is how often what stays amiss is told.
const again = time.Hour

// teller remembers what was seen and told.
type teller struct {
	seen   finding
	since  time.Time
	told   finding
	toldAt time.Time
}

// due says whether a finding is to be told now: once it has lasted, then every hour; and that all is well, once after
// something was amiss.
func (t *teller) due(f finding, now time.Time) (finding, bool) {
	if t.since.IsZero() || f != t.seen {
		t.seen, t.since = f, now
	}
	if f.reason == "" {
		first := t.toldAt.IsZero()
		tell := first || t.told.reason != ""
		t.told, t.toldAt = f, now
		return f, tell
	}
	if now.Sub(t.since) < patience || (f == t.told && now.Sub(t.toldAt) < again) {
		return f, false
	}
	t.told, t.toldAt = f, now
	return f, true
}
