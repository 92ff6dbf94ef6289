package guard

import "time"

// docs/rollback.md lists these bounds.
const (
	// quietWait is how long a rollback may wait for its turn without a word.
	quietWait = 20 * time.Second
	// turn is after how long a rollback asks again whether it may begin, where as many as may be
	// are under way.
	turn = time.Second
	// catchUp is after how long a workload is looked at again whose cache was behind.
	catchUp = 100 * time.Millisecond
	// emitAgain is after how long Events that could not be written are tried again.
	emitAgain = 10 * time.Second
	// trouble is after how long a rollback that was begun and does not come to its end is told, and
	// held if the API server rejects its writes.
	trouble = 30 * time.Second

	// news is how old a verdict or a rollback may be to be told: the API server keeps events for an
	// hour.
	news = time.Hour

	// maxEvidence is how many failing containers are kept: all of one rollout mostly fail alike.
	maxEvidence = 5
	// maxLogLines and maxLogBytes bound each log of one container.
	maxLogLines = 20
	maxLogBytes = 4096
	// maxPodEvents bounds what the cluster said of one failing pod.
	maxPodEvents = 5
	// evidenceTime bounds all reading of evidence together: a stuck kubelet must not delay the
	// rollback.
	evidenceTime = 3 * time.Second

	// maxDiffLines and maxDiffBytes bound the difference to the last healthy revision that a failed
	// one keeps.
	maxDiffLines = 40
	maxDiffBytes = 8 << 10
)
