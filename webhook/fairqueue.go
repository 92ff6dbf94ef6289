package webhook

import (
	"context"
	"errors"
	"slices"
	"sync"
)

const (
	// maxWaitingInNamespace is how many reviews of one namespace wait for their turn; further ones are
	// denied, and the deployer's client tries again.
	maxWaitingInNamespace = 32
	// maxWaiting is how many reviews wait altogether. One more takes the place of the last review of
	// the namespace with the most.
	maxWaiting = 512
)

var (
	errNamespaceBusy = errors.New("too many changes of this namespace wait to be checked")
	errBusy          = errors.New("too many changes wait to be checked")
)

// origin is where a review comes from: reviews of different origins take turns.
type origin struct {
	// source is the address of the caller: the API server's, or that of a stranger.
	source    string
	namespace string
}

// fairQueue lets a bounded number of reviews be evaluated at once, and of one namespace only a part
// of them. Those that wait take turns by source, and within a source by namespace, so that the time
// that a review waits does not grow with the number of reviews that other namespaces send.
type fairQueue struct {
	slots, slotsPerNamespace int

	mu      sync.Mutex
	running map[origin]int
	total   int
	waiting []*waiter
	// finish is the virtual time at which the last review of a namespace ends, counted in reviews, as
	// in start-time fair queuing (Goyal, Vin, Cheng, 1996). now is the virtual time of the last start.
	finish map[origin]int
	now    int
	// lastTurn numbers the last turn of each source.
	lastTurn map[string]int
	turns    int
}

// waiter is one review that waits. Its turn is nil when it may begin, or why it may not; it is sent
// once.
type waiter struct {
	origin origin
	start  int
	turn   chan error
}

// newFairQueue returns a queue of so many slots, of which one namespace may hold a quarter, but at
// least one.
func newFairQueue(slots int) *fairQueue {
	return &fairQueue{
		slots: slots, slotsPerNamespace: max(1, slots/4),
		running: map[origin]int{}, finish: map[origin]int{}, lastTurn: map[string]int{},
	}
}

// acquire waits for a slot until ctx is done. It returns errNamespaceBusy or errBusy if there is
// none; otherwise the caller must call release once.
func (q *fairQueue) acquire(ctx context.Context, o origin) (release func(), err error) {
	w, err := q.enter(o)
	if err != nil {
		return nil, err
	}
	select {
	case err := <-w.turn:
		if err != nil {
			return nil, err
		}
		return func() { q.leave(o) }, nil
	case <-ctx.Done():
		return nil, q.abandon(w)
	}
}

// enter adds a review to those that wait, and starts it if there is a slot.
func (q *fairQueue) enter(o origin) (*waiter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	waiting := map[origin]int{}
	for _, other := range q.waiting {
		waiting[other.origin]++
	}
	if waiting[o] >= maxWaitingInNamespace {
		return nil, errNamespaceBusy
	}
	if len(q.waiting) >= maxWaiting && !q.evict(waiting, o) {
		return nil, errBusy
	}
	w := &waiter{origin: o, start: max(q.now, q.finish[o]), turn: make(chan error, 1)}
	q.finish[o] = w.start + 1
	q.waiting = append(q.waiting, w)
	q.dispatch()
	return w, nil
}

// evict ends the wait of the last review of the origin with the most, and reports whether that is
// more than newcomer has.
func (q *fairQueue) evict(waiting map[origin]int, newcomer origin) bool {
	last := len(q.waiting) - 1
	for i, w := range q.waiting {
		if waiting[w.origin] >= waiting[q.waiting[last].origin] {
			last = i
		}
	}
	evicted := q.waiting[last]
	if waiting[evicted.origin] <= waiting[newcomer]+1 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, last, last+1)
	evicted.turn <- errNamespaceBusy
	return true
}

// leave frees the slot of a review.
func (q *fairQueue) leave(o origin) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if q.running[o]--; q.running[o] == 0 {
		delete(q.running, o)
	}
	q.dispatch()
	q.forget()
}

// abandon removes a review that waited too long, and says for whom it waited. One that was started
// at the same moment gives its slot back.
func (q *fairQueue) abandon(w *waiter) error {
	q.mu.Lock()
	busy := errBusy
	if q.running[w.origin] >= q.slotsPerNamespace {
		busy = errNamespaceBusy
	}
	if i := slices.Index(q.waiting, w); i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
	}
	q.mu.Unlock()
	select {
	case err := <-w.turn:
		if err == nil {
			q.leave(w.origin)
		}
	default:
	}
	return busy
}

// dispatch starts reviews while there are slots.
func (q *fairQueue) dispatch() {
	for q.total < q.slots {
		i := q.next()
		if i < 0 {
			return
		}
		w := q.waiting[i]
		q.waiting = slices.Delete(q.waiting, i, i+1)
		q.total++
		q.running[w.origin]++
		q.now = max(q.now, w.start)
		q.turns++
		q.lastTurn[w.origin.source] = q.turns
		w.turn <- nil
	}
}

// next is the index of the review whose turn it is; -1 if none may start.
func (q *fairQueue) next() int {
	best := -1
	for i, w := range q.waiting {
		if q.running[w.origin] >= q.slotsPerNamespace {
			continue
		}
		if best < 0 || q.before(w, q.waiting[best]) {
			best = i
		}
	}
	return best
}

func (q *fairQueue) before(a, b *waiter) bool {
	if a.origin.source != b.origin.source {
		return q.lastTurn[a.origin.source] < q.lastTurn[b.origin.source]
	}
	return a.start < b.start // Equal ones stay in the order of their arrival.
}

// forget drops what no longer decides about a turn, so that names do not pile up.
func (q *fairQueue) forget() {
	for o, finish := range q.finish {
		if finish <= q.now {
			delete(q.finish, o)
		}
	}
	if q.total == 0 && len(q.waiting) == 0 {
		clear(q.finish)
		clear(q.lastTurn)
		q.now, q.turns = 0, 0
	}
}
