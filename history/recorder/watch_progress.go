package recorder

import "sync"

// watchProgress knows up to which resourceVersion of an ordered watch everything is recorded: the
// checkpoint from which another leader can continue without a gap or a repetition.
type watchProgress struct {
	mu     sync.Mutex
	events []*trackedEvent
	// reached is the resourceVersion of the last event before which all are recorded.
	reached string
}

// trackedEvent is one event of the watch, or one item of the list before it, which has no place in
// the order and so no resourceVersion.
type trackedEvent struct {
	resourceVersion string
	recorded        bool
}

// track appends an event in the watch's order. One with nothing to record counts as recorded.
func (p *watchProgress) track(resourceVersion string, recorded bool) *trackedEvent {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := &trackedEvent{resourceVersion: resourceVersion, recorded: recorded}
	p.events = append(p.events, e)
	p.advance()
	return e
}

// ack marks an event as recorded.
func (p *watchProgress) ack(e *trackedEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.recorded = true
	p.advance()
}

// advance drops recorded events from the front.
func (p *watchProgress) advance() {
	for len(p.events) > 0 && p.events[0].recorded {
		if version := p.events[0].resourceVersion; version != "" {
			p.reached = version
		}
		p.events[0] = nil
		p.events = p.events[1:]
	}
}

// checkpoint returns the resourceVersion up to which everything is recorded, empty if nothing is.
func (p *watchProgress) checkpoint() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reached
}
