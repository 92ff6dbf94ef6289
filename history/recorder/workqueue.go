package recorder

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// workQueue records observations: those of one workload in order, one after the other; those of
// several workloads at the same time.
type workQueue struct {
	// record records one observation, or fails permanently. It retries transient errors itself.
	record   func(context.Context, observation)
	progress *watchProgress
	// limit returns how many revisions of one workload are recorded within rateWindow.
	limit func() int
	clock clock.WithTicker
	slots chan struct{}

	mu        sync.Mutex
	workloads map[types.NamespacedName]*workloadQueue
	busy      sync.WaitGroup
}

// workloadQueue holds what waits of one workload.
type workloadQueue struct {
	waiting []queued
	// recorded are the times of the latest records, limit at most.
	recorded []time.Time
	running  bool
	// recording is since when the observation that is being recorded has waited; zero if there is
	// none.
	recording time.Time
	// delayed says that the rate limit applied: what has arrived since is coalesced.
	delayed bool
}

// queued is an observation, and since when it waits: of several that were coalesced, since the
// first arrived.
type queued struct {
	observation
	since time.Time
}

func newWorkQueue(workers int, limit func() int, c clock.WithTicker, p *watchProgress, record func(context.Context, observation)) *workQueue {
	return &workQueue{
		record: record, progress: p, limit: limit, clock: c,
		slots: make(chan struct{}, workers), workloads: map[types.NamespacedName]*workloadQueue{},
	}
}

// add appends an observation to its workload's queue. It never blocks.
func (q *workQueue) add(ctx context.Context, what observation) {
	key := what.workload()
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.workloads[key]
	if w == nil {
		w = &workloadQueue{}
		q.workloads[key] = w
	}
	w.waiting = append(w.waiting, queued{what, q.clock.Now()})
	if !w.running {
		w.running = true
		q.busy.Go(func() { q.drain(ctx, key, w) })
	}
}

// drain records what waits of a workload until nothing does or the context ends.
func (q *workQueue) drain(ctx context.Context, key types.NamespacedName, w *workloadQueue) {
	for {
		what, delay := q.next(key, w)
		if delay > 0 {
			if pause(ctx, q.clock, delay) != nil {
				return
			}
			continue
		}
		if what == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case q.slots <- struct{}{}:
		}
		q.record(ctx, what)
		<-q.slots
		q.finish(w)
		if ctx.Err() != nil {
			return // It may not be recorded. It stays open in the progress, and is replayed.
		}
		q.ack(what)
	}
}

// next takes a workload's next observation, or returns how long that must wait. It returns neither
// if nothing waits. After a delay, it coalesces what has arrived.
func (q *workQueue) next(key types.NamespacedName, w *workloadQueue) (observation, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, limit := q.clock.Now(), q.limit()
	if len(w.waiting) == 0 {
		w.running = false
		if delayFor(w.recorded, 1, now) == 0 {
			delete(q.workloads, key)
		}
		return nil, 0
	}
	if delay := delayFor(w.recorded, limit, now); delay > 0 {
		w.delayed = true
		return nil, delay
	}
	if w.delayed {
		w.delayed = false
		q.coalesce(w)
	}
	first := w.waiting[0]
	w.waiting[0] = queued{} // The queue of a workload lives on while its rate counts, and would retain the Deployment.
	w.waiting = w.waiting[1:]
	w.recording = first.since
	w.recorded = append(w.recorded, now)
	if limit > 0 && len(w.recorded) > limit {
		w.recorded = w.recorded[len(w.recorded)-limit:]
	}
	return first.observation, 0
}

// coalesce replaces what waits by its newest intent, which counts the others as skipped. That
// intent's revision records the files too. Only if no intent waits, a request for files stays.
func (q *workQueue) coalesce(w *workloadQueue) {
	newest, since, intents := w.waiting[0].observation, w.waiting[0].since, 0
	for _, next := range w.waiting {
		if next.since.Before(since) {
			since = next.since
		}
		e, isIntent := next.observation.(intentEvent)
		if !isIntent {
			continue
		}
		if intents > 0 {
			q.ack(newest)
		}
		newest = e
		intents++
	}
	if e, isIntent := newest.(intentEvent); isIntent {
		e.Skipped = intents - 1
		newest = e
	}
	clear(w.waiting)
	w.waiting = append(w.waiting[:0], queued{newest, since})
}

// ack marks an intent of the watch as recorded.
func (q *workQueue) ack(what observation) {
	if e, ok := what.(intentEvent); ok {
		q.progress.ack(e.tracked)
	}
}

// finish notes that nothing of a workload is being recorded.
func (q *workQueue) finish(w *workloadQueue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.recording = time.Time{}
}

// backlog returns how many observations wait or are being recorded, and since when the oldest
// waits; zero if none does.
func (q *workQueue) backlog() (waiting int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := func(at time.Time) {
		waiting++
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	for _, w := range q.workloads {
		if !w.recording.IsZero() {
			count(w.recording)
		}
		for _, next := range w.waiting {
			count(next.since)
		}
	}
	return waiting, since
}
