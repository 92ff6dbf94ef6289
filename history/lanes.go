package history

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// lanes record captures: those of one workload one after the other, in order; those of several side by side.
type lanes struct {
	// record records one capture, or fails for good. It retries what may pass.
	record func(context.Context, capture)
	ledger *ledger
	// limit is how many revisions of one workload are recorded within paceWindow.
	limit func() int
	clock clock.WithTicker
	slots chan struct{}

	mu    sync.Mutex
	lanes map[types.NamespacedName]*lane
	busy  sync.WaitGroup
}

// lane is what waits of one workload.
type lane struct {
	waiting []capture
	// recorded are the times of the latest records, limit at most.
	recorded []time.Time
	running  bool
	// recording is since when what is being recorded has waited; zero where nothing is.
	recording time.Time
	// held says that it had to wait: what has come meanwhile is folded.
	held bool
}

func newLanes(workers int, limit func() int, c clock.WithTicker, l *ledger, record func(context.Context, capture)) *lanes {
	return &lanes{
		record: record, ledger: l, limit: limit, clock: c,
		slots: make(chan struct{}, workers), lanes: map[types.NamespacedName]*lane{},
	}
}

// push appends a capture to its workload's lane. It never blocks.
func (q *lanes) push(ctx context.Context, c capture) {
	key := types.NamespacedName{Namespace: c.deployment.Namespace, Name: c.deployment.Name}
	q.mu.Lock()
	defer q.mu.Unlock()
	l := q.lanes[key]
	if l == nil {
		l = &lane{}
		q.lanes[key] = l
	}
	c.since = q.clock.Now()
	l.waiting = append(l.waiting, c)
	if !l.running {
		l.running = true
		q.busy.Go(func() { q.drain(ctx, key, l) })
	}
}

// drain records what waits in a lane until it is empty or the context ends.
func (q *lanes) drain(ctx context.Context, key types.NamespacedName, l *lane) {
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
		q.ledger.finish(c.entry)
	}
}

// next takes the next capture of a lane, or says how long to wait for it. A lane that had to wait folds what has
// come meanwhile into its newest capture.
func (q *lanes) next(key types.NamespacedName, l *lane) (capture, time.Duration, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, limit := q.clock.Now(), q.limit()
	if len(l.waiting) == 0 {
		l.running = false
		if pace(l.recorded, 1, now) == 0 {
			delete(q.lanes, key)
		}
		return capture{}, 0, false
	}
	if wait := pace(l.recorded, limit, now); wait > 0 {
		l.held = true
		return capture{}, wait, true
	}
	if l.held {
		l.held = false
		q.fold(l)
	}
	c := l.waiting[0]
	l.waiting[0] = capture{} // A lane stays for as long as its pace counts, and would hold on to the Deployment.
	l.waiting = l.waiting[1:]
	l.recording = c.since
	l.recorded = append(l.recorded, now)
	if limit > 0 && len(l.recorded) > limit {
		l.recorded = l.recorded[len(l.recorded)-limit:]
	}
	return c, 0, true
}

// fold leaves only the newest intent of what waits, which counts the others. An offer of files is no intent: an
// intent takes the files along, and only where there is none the offer stays.
func (q *lanes) fold(l *lane) {
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
		q.ledger.finish(c.entry)
		if c.since.Before(kept.since) {
			kept.since = c.since
		}
		if !c.files {
			kept.folded += c.folded + 1
		}
	}
	l.waiting = append(l.waiting[:0], kept)
}

func (q *lanes) recorded(l *lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.recording = time.Time{}
}

// backlog is how many captures wait or are being recorded, and since when the oldest does; zero where none is.
func (q *lanes) backlog() (waiting int, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	count := func(at time.Time) {
		waiting++
		if since.IsZero() || at.Before(since) {
			since = at
		}
	}
	for _, l := range q.lanes {
		if !l.recording.IsZero() {
			count(l.recording)
		}
		for _, c := range l.waiting {
			count(c.since)
		}
	}
	return waiting, since
}

func (q *lanes) sleep(ctx context.Context, wait time.Duration) bool {
	timer := q.clock.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C():
		return true
	}
}
