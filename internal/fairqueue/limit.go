package fairqueue

import "sync"

// Limit bounds how much of one name is open at once. It is safe for concurrent use.
type Limit struct {
	most int

	mu   sync.Mutex
	open map[string]int
}

// NewLimit returns a Limit that lets so much of one name be open.
func NewLimit(most int) *Limit { return &Limit{most: most, open: map[string]int{}} }

// Enter reports whether one more of a name may be open; Leave must be called for each that may.
func (l *Limit) Enter(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[name] >= l.most {
		return false
	}
	l.open[name]++
	return true
}

// Leave ends what Enter began.
func (l *Limit) Leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[name]--; l.open[name] == 0 {
		delete(l.open, name)
	}
}
