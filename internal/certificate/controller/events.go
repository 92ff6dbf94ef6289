package controller

import (
	"time"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/certificate"
)

// problem is a problem with the serving certificate. The zero value is none.
type problem struct {
	reason  v1alpha1.EventReason
	message string
}

func problemOf(r certificate.Result, pending string, err error) problem {
	why := ""
	if err != nil {
		why = err.Error()
	}
	switch {
	case !r.Serves():
		p := problem{v1alpha1.EventCertificateNotReady, "admission is not served: " + r.Reason}
		if why != "" {
			p.message += " (" + why + ")"
		}
		return p
	case pending != "":
		return problem{v1alpha1.EventCertificateNotReady, "the new serving certificate is not used yet, and the previous one is still served: " + pending}
	case r.State == certificate.Expiring:
		p := problem{v1alpha1.EventCertificateExpiring, r.Reason}
		if why != "" {
			p.message += " (" + why + ")"
		}
		return p
	case why != "":
		return problem{v1alpha1.EventCertificateNotReady, "the serving certificate cannot be renewed: " + why}
	}
	return problem{}
}

// repeatInterval is how often a problem is reported while it lasts.
const repeatInterval = time.Hour

// reporter decides when a problem is reported.
type reporter struct {
	last       problem
	since      time.Time
	reported   problem
	reportedAt time.Time
}

// due reports whether to report a problem now: after the grace period, and then at every interval.
// That there is no problem is reported at the start, and after a problem was reported.
func (r *reporter) due(p problem, now time.Time) bool {
	if r.since.IsZero() || p != r.last {
		r.last, r.since = p, now
	}
	var due bool
	if p == (problem{}) {
		due = r.reportedAt.IsZero() || r.reported != problem{}
	} else {
		due = now.Sub(r.since) >= gracePeriod && (p != r.reported || now.Sub(r.reportedAt) >= repeatInterval)
	}
	if due {
		r.reported, r.reportedAt = p, now
	}
	return due
}
