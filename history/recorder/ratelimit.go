package recorder

import "time"

// rateWindow is the period for which a workload's revisions are counted.
const rateWindow = time.Minute

// delayFor returns how long a workload's next revision must wait so that at most limit are recorded
// within rateWindow; zero if it need not wait. recorded are the times of the earlier ones, in
// order. A limit of zero or less means none.
func delayFor(recorded []time.Time, limit int, now time.Time) time.Duration {
	if limit <= 0 || len(recorded) < limit {
		return 0
	}
	return max(recorded[len(recorded)-limit].Add(rateWindow).Sub(now), 0)
}
