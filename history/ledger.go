package history

import "sync"

// ledger knows up to which resourceVersion of an ordered watch everything has been recorded: the checkpoint from
// which another leader may go on without losing or repeating anything.
type ledger struct {
	mu      sync.Mutex
	entries []*entry
	settled string
}

// entry is one event of the watch, or one item of the list before it, which has no place in the order and so no
// resourceVersion.
type entry struct {
	resourceVersion string
	done            bool
}

// seen enters an event, in the watch's order. An event with nothing to record is done at once.
func (l *ledger) seen(resourceVersion string, done bool) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{resourceVersion: resourceVersion, done: done}
	l.entries = append(l.entries, e)
	l.settle()
	return e
}

// finish marks an event as recorded; what is not of the watch has none.
func (l *ledger) finish(e *entry) {
	if e == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.done = true
	l.settle()
}

func (l *ledger) settle() {
	for len(l.entries) > 0 && l.entries[0].done {
		if l.entries[0].resourceVersion != "" {
			l.settled = l.entries[0].resourceVersion
		}
		l.entries[0] = nil
		l.entries = l.entries[1:]
	}
}

// mark is the resourceVersion up to which everything is recorded, empty where nothing is.
func (l *ledger) mark() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settled
}
