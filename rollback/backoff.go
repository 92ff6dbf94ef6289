package rollback

import (
	"time"

	"reprise.dev/reprise/history"
)

// Backoff returns how long the next rollback of a workload must wait, zero where it need not, and
// which one it is within the window. What people asked for does not count.
func Backoff(h history.History, now time.Time) (wait time.Duration, attempt int) {
	var recent []time.Time
	for _, r := range h {
		if plan := r.Status.Rollback; plan != nil && plan.Request == "" && now.Sub(plan.StartTime.Time) < history.RollbackWindow {
			recent = append(recent, plan.StartTime.Time)
		}
	}
	n := len(recent)
	switch {
	case n == 0:
		return 0, 1
	case n >= maxRollbacks:
		return recent[n-maxRollbacks].Add(history.RollbackWindow).Sub(now), n + 1
	default:
		return max(0, recent[n-1].Add(pauses[n-1]).Sub(now)), n + 1
	}
}

// Retry returns after how long a rollback that was begun at `since` and met an error is tried
// again: the older, the more seldom.
func Retry(since, now time.Time) time.Duration {
	return min(max(now.Sub(since)/2, firstRetry), lastRetry)
}

// Recheck returns after how long a rollback that has been held since `since` is looked at again:
// the older, the more seldom.
func Recheck(since, now time.Time) time.Duration {
	return min(max(now.Sub(since)/2, firstRecheck), lastRecheck)
}
