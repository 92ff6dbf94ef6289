package rollback

import "time"

// docs/rollback.md lists these bounds, and those of the guard.
const (
	// maxRollbacks is how many rollbacks of one workload there may be within history.RollbackWindow. A
	// person who deploys one fix after the other stays below it; a machine that deploys one failure
	// after the other does not.
	maxRollbacks = 5

	// firstRecheck and lastRecheck bound how often a rollback that was held is looked at again: its
	// reason may have gone.
	firstRecheck = 30 * time.Second
	lastRecheck  = 10 * time.Minute

	// firstRetry and lastRetry bound how often a rollback that was begun and meets an error is tried
	// again.
	firstRetry = 200 * time.Millisecond
	lastRetry  = time.Minute
)

// pauses are how long the second rollback of a workload within the window waits after the first
// began, the third after the second, and so on.
var pauses = [maxRollbacks - 1]time.Duration{0, 15 * time.Second, time.Minute, 4 * time.Minute}
