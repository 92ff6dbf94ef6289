package fairqueue

import (
	"testing"
	"time"
)

func TestShare(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := NewShare(4, 2*time.Second)
	ask := func(namespace string, want bool, why string) {
		t.Helper()
		if got := s.TryAcquire(namespace, now); got != want {
			t.Fatalf("%s: may begin = %v, want %v (%+v)", why, got, want, s)
		}
	}
	for range 4 {
		ask("a", true, "alone, a namespace gets everything")
	}
	ask("a", false, "all slots are taken")
	ask("b", false, "all slots are taken")
	s.Release("a")
	ask("a", false, "b waits, and nothing of it runs")
	ask("b", true, "its turn")
	ask("b", false, "all slots are taken again")
	s.Release("a")
	ask("a", false, "b has 1 and a has 2")
	ask("b", true, "now both have 2")
	ask("b", false, "all slots are taken")
	s.Release("b")
	ask("a", false, "b has 1 and waits")
	now = now.Add(3 * time.Second)
	ask("a", true, "b did not ask again")
	for range 3 {
		s.Release("a")
	}
	s.Release("b")
	if s.total != 0 || len(s.running) > 0 {
		t.Errorf("it remembers %+v", s)
	}
}
