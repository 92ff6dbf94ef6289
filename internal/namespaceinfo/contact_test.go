package namespaceinfo

import (
	"errors"
	"testing"
	"time"
)

func TestContact_LostSince(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := start
	c := &contact{now: func() time.Time { return now }}
	if _, lost := c.lostSince(); lost {
		t.Error("lost before any call")
	}
	refused := errors.New("refused")
	c.note(refused)
	now = start.Add(time.Minute)
	c.note(refused)
	if since, lost := c.lostSince(); !lost || !since.Equal(start) {
		t.Errorf("lost %v since %v, want since %v", lost, since, start)
	}
	c.note(nil)
	if _, lost := c.lostSince(); lost {
		t.Error("still lost after a call that succeeded")
	}
}
