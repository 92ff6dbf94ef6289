package rollback

import (
	"time"

	"reprise.dev/reprise/history"
)

// maxRollbacks is how many rollbacks of one workload there may be within history.RollbackWindow. A person who
// deploys one fix after the other stays below it; a machine that deploys the same failure does not.
const maxRollbacks = 5

// brake is how long the next rollback of a workload must wait; zero means not at all.
func brake(h history.History, now time.Time) time.Duration {
	var recent []time.Time
	for _, r := range h {
		if r.Status.Rollback != nil && now.Sub(r.Status.Rollback.StartedAt.Time) < history.RollbackWindow {
			recent = append(recent, r.Status.Rollback.StartedAt.Time)
		}
	}
	if len(recent) < maxRollbacks {
		return 0
	}
	return recent[len(recent)-maxRollbacks].Add(history.RollbackWindow).Sub(now)
}
