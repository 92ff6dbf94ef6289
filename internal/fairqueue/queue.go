// Package fairqueue shares what is scarce between namespaces, so that none of them holds up the
// others.
package fairqueue

import (
	"context"
	"errors"
	"slices"
	"sync"
)

var (
	// ErrNamespaceBusy means that the namespace itself holds or waits for too many slots.
	ErrNamespaceBusy = errors.New("too much of this namespace waits for its turn")
	// ErrBusy means that all of them do.
	ErrBusy = errors.New("too much waits for its turn")
)

// Key is where work comes from. Sources take turns, and the namespaces of a source.
type Key struct {
	// Source is the caller, where there may be several.
	Source    string
	Namespace string
}

// Limits are the bounds of a Queue.
type Limits struct {
	// Slots is how much runs at once, and PerKey how much of one key; at least 1 each.
	Slots, PerKey int
	// Waiting is how much waits for a slot, and WaitingPerKey how much of one key; 0 is no bound.
	// Beyond Waiting, a newcomer takes the place of the last of the key with the most.
	Waiting, WaitingPerKey int
}

// Queue lets a bounded amount of work run at once, and of one key only a part of it. Work that
// waits takes turns by source, and within a source by namespace. So the time that it waits does not
// grow with the amount that others bring. It is safe for concurrent use.
type Queue struct {
	limits Limits

	mu      sync.Mutex
	running map[Key]int
	total   int
	waiting []*waiter
	// finish is the virtual time at which the last work of a key ends, counted in pieces of work,
	// as in start-time fair queuing (Goyal, Vin, Cheng, 1996). now is the virtual time of the last
	// start.
	finish map[Key]int
	now    int
	// lastTurn numbers the last turn of each source.
	lastTurn map[string]int
	turns    int
}

// waiter is one piece of work that waits. Its turn is nil when it may begin, or why it may not; it
// is sent once.
type waiter struct {
	key   Key
	start int
	turn  chan error
}

// New returns a Queue with all its slots free.
func New(limits Limits) *Queue {
	return &Queue{limits: limits, running: map[Key]int{}, finish: map[Key]int{}, lastTurn: map[string]int{}}
}

// Acquire waits for a slot until ctx is done. It returns ErrNamespaceBusy or ErrBusy if there is
// none; otherwise the caller must call release once.
func (q *Queue) Acquire(ctx context.Context, k Key) (release func(), err error) {
	w, err := q.enter(k)
	if err != nil {
		return nil, err
	}
	select {
	case err := <-w.turn:
		if err != nil {
			return nil, err
		}
		return func() { q.leave(k) }, nil
	case <-ctx.Done():
		return nil, q.abandon(w)
	}
}

// enter adds work to that which waits, and starts it if there is a slot.
func (q *Queue) enter(k Key) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[Key]int{}
	for _, other := range q.waiting {
		waiting[other.key]++
	}
	if most := q.limits.WaitingPerKey; most > 0 && waiting[k] >= most {
		return nil, ErrNamespaceBusy
	}
	if most := q.limits.Waiting; most > 0 && len(q.waiting) >= most && !q.evict(waiting, k) {
		return nil, ErrBusy
	}
	w := &waiter{key: k, start: max(q.now, q.finish[k]), turn: make(chan error, 1)}
	q.finish[k] = w.start + 1
	q.waiting = append(q.waiting, w)
	q.dispatch()
	return w, nil
}

// evict ends the wait of the last work of the key with the most, and reports whether that is
// more than newcomer has.
func (q *Queue) evict(waiting map[Key]int, newcomer Key) bool {
	last := len(q.waiting) - 1
	for i, w := range q.waiting {
		if waiting[w.key] >= waiting[q.waiting[last].key] {
			last = i
		}
	}
	evicted := q.waiting[last]
	if waiting[evicted.key] <= waiting[newcomer]+1 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, last, last+1)
	evicted.turn <- ErrNamespaceBusy
	return true
}

// leave frees the slot of a key.
func (q *Queue) leave(k Key) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if q.running[k]--; q.running[k] == 0 {
		delete(q.running, k)
	}
	q.dispatch()
	q.forget()
}

// abandon removes work that waited too long, and says for whom it waited. If it was started at the
// same moment, it gives its slot back.
func (q *Queue) abandon(w *waiter) error {
	q.mu.Lock()
	busy := ErrBusy
	if q.running[w.key] >= q.limits.PerKey {
		busy = ErrNamespaceBusy
	}
	if i := slices.Index(q.waiting, w); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	q.mu.Unlock()
	select {
	case err := <-w.turn:
		if err == nil {
			q.leave(w.key)
		}
	default:
	}
	return busy
}

// dispatch starts work while there are slots.
func (q *Queue) dispatch() {
	for q.total < q.limits.Slots {
		i := q.next()
		if i < 0 {
			return
		}
		w := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.total++
		q.running[w.key]++
		q.now = max(q.now, w.start)
		q.turns++
		q.lastTurn[w.key.Source] = q.turns
		w.turn <- nil
	}
}

// next returns the index of the work whose turn it is; -1 if none may start.
func (q *Queue) next() int {
	best := -1
	for i, w := range q.waiting {
		if q.running[w.key] >= q.limits.PerKey {
			continue
		}
		if best < 0 || q.before(w, q.waiting[best]) {
			best = i
		}
	}
	return best
}

func (q *Queue) before(a, b *waiter) bool {
	if a.key.Source != b.key.Source {
		return q.lastTurn[a.key.Source] < q.lastTurn[b.key.Source]
	}
	return a.start < b.start // Equal ones stay in the order of their arrival.
}

// forget drops what no longer decides about a turn, so that names do not pile up.
func (q *Queue) forget() {
	for k, finish := range q.finish {
		if finish <= q.now {
			delete(q.finish, k)
		}
	}
	if q.total == 0 && len(q.waiting) == 0 {
		clear(q.finish)
		clear(q.lastTurn)
		q.now, q.turns = 0, 0
	}
}
