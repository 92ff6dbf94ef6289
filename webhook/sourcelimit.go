package webhook

import "sync"

// sourceLimit bounds how many requests of one address are open at once.
type sourceLimit struct {
	most int

	mu   sync.Mutex
	open map[string]int
}

// enter reports whether one more may be open; leave must be called for each that may.
func (l *sourceLimit) enter(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source] >= l.most {
		return false
	}
	l.open[source]++
	return true
}

func (l *sourceLimit) leave(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[source]--; l.open[source] == 0 {
		delete(l.open, source)
	}
}
