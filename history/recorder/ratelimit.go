package recorder

import "time"

// rateWindow is the window in which a workload's revisions are counted.
const rateWindow = time.Minute

// delayFor is how long a workload's next revision must wait so that no more than limit are recorded within
// paceWindow; zero means not at all. recorded are the times of the earlier ones, in order.
func delayFor(recorded []time.Time, limit int, now time.Time) time.Duration {
	if limit <= 0 || len(recorded) < limit {
		return 0
	}
	return max(recorded[len(recorded)-limit].Add(rateWindow).Sub(now), 0)
}
