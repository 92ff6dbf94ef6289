package history

import (
	"time"

	"reprise.dev/reprise/api/v1alpha1"
)

const (
	// firstPause is how long a pod template is refused after its first failure.
	firstPause = 2 * time.Minute
	// longestPause bounds the pause, which doubles with every failure of the same pod template.
	longestPause = time.Hour
)

// Quarantined is the latest failure of a pod template that is still refused at `now`, and until when; nil
// where there is none. A template that became healthy since its failure is free.
func (h History) Quarantined(templateHash string, now time.Time) (*v1alpha1.Revision, time.Time) {
	var last *v1alpha1.Revision
	pause := firstPause / 2
	for i := range h {
		r := &h[i]
		if r.Spec.TemplateHash != templateHash || r.Spec.FilesOnly {
			continue // Admission does not see files, so a failure by files alone refuses nothing.
		}
		switch r.Status.Phase {
		case v1alpha1.PhaseFailed, v1alpha1.PhaseRolledBack:
			last = r
			pause = min(2*pause, longestPause)
		case v1alpha1.PhaseHealthy:
			last = nil
			pause = firstPause / 2
		}
	}
	if last == nil || last.Status.PhaseSince == nil {
		return nil, time.Time{}
	}
	until := last.Status.PhaseSince.Add(pause)
	if !now.Before(until) {
		return nil, time.Time{}
	}
	return last, until
}
