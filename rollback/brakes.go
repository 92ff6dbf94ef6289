package rollback

import (
	"time"

	"reprise.dev/reprise/history"
)

const (
	// maxRollbacks is how many rollbacks of one workload there may be within rollbackWindow. A person who
	// deploys one fix after the other stays below it; a machine that deploys the same failure does not.
	maxRollbacks   = 5
	rollbackWindow = time.Hour
)

// brake is how long the next rollback of a workload must wait; zero means not at all.
func brake(h history.History, now time.Time) time.Duration {
	var recent []time.Time
	for _, r := range h {
		if r.Status.Rollback != nil && now.Sub(r.Status.Rollback.StartedAt.Time) < rollbackWindow {
			recent = append(recent, r.Status.Rollback.StartedAt.Time)
		}
	}
	if len(recent) < maxRollbacks {
		return 0
	}
	return recent[len(recent)-maxRollbacks].Add(rollbackWindow).Sub(now)
}
