package recorder

import "testing"

func TestWatchProgress_checkpoint(t *testing.T) {
	for name, tt := range map[string]struct {
		reason string
		run    func(*watchProgress)
		want   string
	}{
		"Nothing": {"nothing was tracked", func(*watchProgress) {}, ""},
		"Open": {"the first event is not recorded", func(p *watchProgress) {
			p.track("1", false)
			p.track("2", true)
			p.ack(p.track("3", false))
		}, ""},
		"Recorded": {"all events are recorded, in another order", func(p *watchProgress) {
			a := p.track("1", false)
			p.track("2", true)
			p.ack(p.track("3", false))
			p.ack(a)
		}, "3"},
		"Partly": {"the last event is not recorded", func(p *watchProgress) {
			p.ack(p.track("1", false))
			p.track("2", false)
		}, "1"},
		"ListOpen": {"an item of the list is not recorded", func(p *watchProgress) {
			p.track("", false)
			p.ack(p.track("", false))
			p.track("9", true)
		}, ""},
		"ListRecorded": {"the list's version counts once all items are recorded", func(p *watchProgress) {
			a, b := p.track("", false), p.track("", false)
			p.track("9", true)
			p.ack(b)
			p.ack(a)
		}, "9"},
		"Twice": {"to acknowledge an event again changes nothing", func(p *watchProgress) {
			a := p.track("1", false)
			p.ack(a)
			p.ack(a)
			p.track("2", false)
		}, "1"},
	} {
		p := &watchProgress{}
		tt.run(p)
		if got := p.checkpoint(); got != tt.want {
			t.Errorf("%s: %s: %q, want %q", name, tt.reason, got, tt.want)
		}
	}
}
