package recorder

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"reprise.dev/reprise/internal/fairqueue"
)

const (
	// workers is how many workloads are recorded at once, and workersPerNamespace how many of one
	// namespace.
	workers             = 8
	workersPerNamespace = 3
	// maxWaiting is how many observations wait altogether, and maxWaitingBytes how large their
	// Deployments are, before those of one workload are coalesced.
	maxWaiting      = 1024
	maxWaitingBytes = 16 << 20
)

var (
	// retryBackoff is the time between two attempts to record after a transient error. It has no
	// end.
	retryBackoff = wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 10, Cap: 30 * time.Second}
	// refusedBackoff is the same after the API server refused the write: a quota may be raised.
	refusedBackoff = wait.Backoff{Duration: 10 * time.Second, Factor: 2, Jitter: 0.2, Steps: 6, Cap: 5 * time.Minute}
)

// outcome is the result of an attempt to record.
type outcome int

const (
	// settled means that the observation is recorded, or never will be.
	settled outcome = iota
	// failed means that another attempt may succeed.
	failed
	// refused means that the API server refuses the write for now, in this namespace. It is told.
	refused
)

// workQueue records observations: those of one workload in order, one after the other; those of
// several workloads at the same time. No workload holds a worker while it waits, and no namespace
// holds all of them.
type workQueue struct {
	// attempt tries once to record an observation. again is true after it was refused.
	attempt  func(ctx context.Context, what observation, again bool) outcome
	progress *watchProgress
	// limit returns how many revisions of one workload are recorded within rateWindow.
	limit func() int
	clock clock.WithTicker
	slots *fairqueue.Queue

	mu        sync.Mutex
	workloads map[types.NamespacedName]*workloadQueue
	// waiting counts the observations that wait, and bytes the size of their Deployments.
	waiting int
	bytes   int
	busy    sync.WaitGroup
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
	// delayed says that the rate limit applied, or that the API server refused the write: what
	// arrives meanwhile is coalesced.
	delayed bool
}

// queued is an observation, and since when it waits: of several that were coalesced, since the
// first arrived.
type queued struct {
	observation
	since time.Time
}

func newWorkQueue(slots fairqueue.Limits, limit func() int, c clock.WithTicker, p *watchProgress, attempt func(context.Context, observation, bool) outcome) *workQueue {
	return &workQueue{
		attempt: attempt, progress: p, limit: limit, clock: c,
		slots: fairqueue.New(slots), workloads: map[types.NamespacedName]*workloadQueue{},
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
	q.waiting++
	q.bytes += sizeOf(what)
	if w.delayed || q.waiting > maxWaiting || q.bytes > maxWaitingBytes {
		q.coalesce(w)
	}
	if !w.running {
		w.running = true
		q.busy.Go(func() { q.drain(ctx, key, w) })
	}
}

// sizeOf returns the size in bytes of the Deployment that an observation holds.
func sizeOf(what observation) int {
	if e, isIntent := what.(intentEvent); isIntent {
		return e.Deployment.Size()
	}
	return 0
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
		settled := q.record(ctx, key, w, what)
		q.finish(w)
		if !settled {
			return // It may not be recorded. It stays open in the progress, and is replayed.
		}
	}
}

// record tries to record an observation until that is settled. It reports false if the context
// ended before. An observation that is refused no longer holds up the checkpoint. The newest that
// arrives meanwhile replaces it.
func (q *workQueue) record(ctx context.Context, key types.NamespacedName, w *workloadQueue, what observation) bool {
	soon, late := retryBackoff.DelayFunc(), refusedBackoff.DelayFunc()
	for again := false; ; {
		release, err := q.slots.Acquire(ctx, fairqueue.Key{Namespace: key.Namespace})
		if err != nil {
			return false
		}
		result := q.attempt(ctx, what, again)
		release()
		if ctx.Err() != nil {
			return false
		}
		delay := soon
		switch result {
		case settled:
			q.ack(what)
			return true
		case refused:
			q.ack(what)
			q.delay(w)
			delay = late
		}
		if pause(ctx, q.clock, delay()) != nil {
			return false
		}
		again = false
		if result == refused {
			what, again = q.newest(w, what)
		}
	}
}

// delay notes that a workload is not recorded for a while.
func (q *workQueue) delay(w *workloadQueue) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.delayed = true
}

// newest returns the newest of an observation that was refused and of those that wait, and whether
// that is still the refused one. Its revision says how many it stands for.
func (q *workQueue) newest(w *workloadQueue, what observation) (newest observation, same bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(w.waiting) == 0 {
		return what, true
	}
	w.waiting = append([]queued{{what, w.recording}}, w.waiting...)
	q.waiting++
	q.bytes += sizeOf(what)
	q.coalesce(w)
	return q.take(w), false
}

// take removes the first observation that waits. The queue of a workload lives on while its rate
// counts, and would retain the Deployment.
func (q *workQueue) take(w *workloadQueue) observation {
	first := w.waiting[0]
	w.waiting[0] = queued{}
	w.waiting = w.waiting[1:]
	q.waiting--
	q.bytes -= sizeOf(first.observation)
	w.recording = first.since
	return first.observation
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
	w.recorded = append(w.recorded, now)
	if limit > 0 && len(w.recorded) > limit {
		w.recorded = w.recorded[len(w.recorded)-limit:]
	}
	return q.take(w), 0
}

// coalesce replaces what waits by its newest intent, which counts the others as skipped. That
// intent's revision records the files too. Only if no intent waits, a request for files stays.
func (q *workQueue) coalesce(w *workloadQueue) {
	newest, since, intents, skipped := w.waiting[0].observation, w.waiting[0].since, 0, 0
	for _, next := range w.waiting {
		if next.since.Before(since) {
			since = next.since
		}
		e, isIntent := next.observation.(intentEvent)
		if !isIntent {
			continue
		}
		if older, ok := newest.(intentEvent); ok && intents > 0 {
			q.ack(older)
			skipped += 1 + older.Skipped
		}
		newest = e
		intents++
	}
	if e, isIntent := newest.(intentEvent); isIntent {
		e.Skipped += skipped
		newest = e
	}
	q.waiting -= len(w.waiting) - 1
	for _, next := range w.waiting {
		q.bytes -= sizeOf(next.observation)
	}
	q.bytes += sizeOf(newest)
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
