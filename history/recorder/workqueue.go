package recorder

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// workQueue record captures: those of one workload one after the other, in order; those of several side by side.
type workQueue struct {
	// record records one capture, or fails for good. It retries what may pass.
	record func(context.Context, observedIntent)
	ledger *watchProgress
	// limit is how many revisions of one workload are recorded within paceWindow.
	limit func() int
	clock clock.WithTicker
	slots chan struct{}

	mu        sync.Mutex
	workloads map[types.NamespacedName]*workloadQueue
	busy      sync.WaitGroup
}

// workloadQueue is what waits of one workload.
type workloadQueue struct {
	waiting []observedIntent
	// recorded are the times of the latest records, limit at most.
	recorded []time.Time
	running  bool
	// recording is since when what is being recorded has waited; zero where nothing is.
	recording time.Time
	// delayed says that it had to wait: what has come meanwhile is folded.
	delayed bool
}

func newWorkQueue(workers int, limit func() int, c clock.WithTicker, l *watchProgress, record func(context.Context, observedIntent)) *workQueue {
	return &workQueue{
		record: record, ledger: l, limit: limit, clock: c,
		slots: make(chan struct{}, workers), workloads: map[types.NamespacedName]*workloadQueue{},
	}
}

// add appends a capture to its workload's lane. It never blocks.
func (q *workQueue) add(ctx context.Context, c observedIntent) {
	key := types.NamespacedName{Namespace: c.deployment.Namespace, Name: c.deployment.Name}
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.workloads[key]
	if l == nil {
		l = &workloadQueue{}
		q.workloads[key] = l
	}
	c.since = q.clock.Now()
	l.waiting = append(l.waiting, c)
	if !l.running {
		l.running = true
		q.busy.Go(func() { q.drain(ctx, key, l) })
	}
}

// drain records what waits in a lane until it is empty or the context ends.
func (q *workQueue) drain(ctx context.Context, key types.NamespacedName, l *workloadQueue) {
	for {
		c, wait, ok := q.next(key, l)
		if !ok {
			return
		}
		if wait > 0 {
			if !q.sleep(ctx, wait) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case q.slots <- struct{}{}:
		}
		q.record(ctx, c)
		<-q.slots
		q.recorded(l)
		if ctx.Err() != nil {
			return // What was not recorded stays open in the ledger, and is replayed.
		}
		q.ledger.ack(c.entry)
	}
}

// next takes the next capture of a lane, or says how long to wait for it. A lane that had to wait folds what has
// come meanwhile into its newest capture.
func (q *workQueue) next(key types.NamespacedName, l *workloadQueue) (observedIntent, time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, limit := q.clock.Now(), q.limit()
	if len(l.waiting) == 0 {
		l.running = false
		if delayFor(l.recorded, 1, now) == 0 {
			delete(q.workloads, key)
		}
		return observedIntent{}, 0, false
	}
	if wait := delayFor(l.recorded, limit, now); wait > 0 {
		l.delayed = true
		return observedIntent{}, wait, true
	}
	if l.delayed {
		l.delayed = false
		q.coalesce(l)
	}
	c := l.waiting[0]
	l.waiting[0] = observedIntent{} // A lane stays for as long as its pace counts, and would hold on to the Deployment.
	l.waiting = l.waiting[1:]
	l.recording = c.since
	l.recorded = append(l.recorded, now)
	if limit > 0 && len(l.recorded) > limit {
		l.recorded = l.recorded[len(l.recorded)-limit:]
	}
	return c, 0, true
}

// coalesce leaves only the newest intent of what waits, which counts the others. An offer of files is no intent: an
// intent takes the files along, and only where there is none the offer stays.
func (q *workQueue) coalesce(l *workloadQueue) {
	newest := -1
	for i, c := range l.waiting {
		if !c.files || newest < 0 || l.waiting[newest].files {
			newest = i
		}
	}
	if newest < 0 {
		return
	}
	kept := l.waiting[newest]
	for i, c := range l.waiting {
		if i == newest {
			continue
		}
		q.ledger.ack(c.entry)
		if c.since.Before(kept.since) {
			kept.since = c.since
		}
		if !c.files {
			kept.skipped += c.skipped + 1
		}
	}
	l.waiting = append(l.waiting[:0], kept)
}

func (q *workQueue) recorded(l *workloadQueue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.recording = time.Time{}
}

// backlog is how many captures wait or are being recorded, and since when the oldest does; zero where none is.
func (q *workQueue) backlog() (waiting int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := func(at time.Time) {
		waiting++
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	for _, l := range q.workloads {
		if !l.recording.IsZero() {
			count(l.recording)
		}
		for _, c := range l.waiting {
			count(c.since)
		}
	}
	return waiting, since
}

func (q *workQueue) sleep(ctx context.Context, wait time.Duration) bool {
	timer := q.clock.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
