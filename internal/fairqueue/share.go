package fairqueue

import (
	"sync"
	"time"
)

// Share lets a bounded amount of work run at once, and never blocks: work that may not begin asks
// again. If several namespaces ask, the one with the least that runs goes first; one that is alone
// gets everything. It is safe for concurrent use.
type Share struct {
	slots int
	// patience is how long a namespace that was refused counts as waiting, unless it asks again.
	patience time.Duration

	mu      sync.Mutex
	running map[string]int
	total   int
	// asked is when a namespace was refused last.
	asked map[string]time.Time
}

// NewShare returns a Share of so many slots. Work that was refused must ask again within patience,
// or its namespace loses its precedence.
func NewShare(slots int, patience time.Duration) *Share {
	return &Share{slots: slots, patience: patience, running: map[string]int{}, asked: map[string]time.Time{}}
}

// TryAcquire reports whether work of a namespace may begin now. If so, Release must be called when
// it ends.
func (s *Share) TryAcquire(namespace string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.slots || s.othersFirst(namespace, now) {
		s.asked[namespace] = now
		return false
	}
	delete(s.asked, namespace)
	s.total++
	s.running[namespace]++
	return true
}

// othersFirst reports whether a namespace waits of which less is running.
func (s *Share) othersFirst(namespace string, now time.Time) bool {
	for other, at := range s.asked {
		if now.Sub(at) > s.patience {
			delete(s.asked, other)
			continue
		}
		if other != namespace && s.running[other] < s.running[namespace] {
			return true
		}
	}
	return false
}

// Release ends work that TryAcquire let begin.
func (s *Share) Release(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.running[namespace]--; s.running[namespace] == 0 {
		delete(s.running, namespace)
	}
}
