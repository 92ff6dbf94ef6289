package recorder

import "sync"

// watchProgress knows up to which resourceVersion of an ordered watch everything has been recorded: the checkpoint from
// which another leader may go on without losing or repeating anything.
type watchProgress struct {
	mu      sync.Mutex
	entries []*trackedEvent
	settled string
}

// trackedEvent is one event of the watch, or one item of the list before it, which has no place in the order and so no
// resourceVersion.
type trackedEvent struct {
	resourceVersion string
	done            bool
}

// track enters an event, in the watch's order. An event with nothing to record is done at once.
func (l *watchProgress) track(resourceVersion string, done bool) *trackedEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &trackedEvent{resourceVersion: resourceVersion, done: done}
	l.entries = append(l.entries, e)
	l.settle()
	return e
}

// ack marks an event as recorded; what is not of the watch has none.
func (l *watchProgress) ack(e *trackedEvent) {
	if e == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.done = true
	l.settle()
}

func (l *watchProgress) settle() {
	for len(l.entries) > 0 && l.entries[0].done {
		if l.entries[0].resourceVersion != "" {
			l.settled = l.entries[0].resourceVersion
		}
		l.entries[0] = nil
		l.entries = l.entries[1:]
	}
}

// checkpoint is the resourceVersion up to which everything is recorded, empty where nothing is.
func (l *watchProgress) checkpoint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.settled
}
