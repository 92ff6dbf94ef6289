package fairqueue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
)

// bounds are those of the queues under test: one slot.
var bounds = Limits{Slots: 1, PerKey: 1, Waiting: 512, WaitingPerKey: 32}

// order enters work into a queue of one busy slot and returns the namespaces in which they get
// their turns, as the slot is freed again and again.
func order(t *testing.T, q *Queue, keys ...Key) []string {
	t.Helper()
	first, err := q.enter(Key{"api-server", "first"})
	if err != nil {
		t.Fatal(err)
	}
	var waiting []*waiter
	for _, o := range keys {
		w, err := q.enter(o)
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, w)
	}
	var turns []string
	running := first.key
	for len(waiting) > 0 {
		q.leave(running)
		i := slices.IndexFunc(waiting, func(w *waiter) bool {
			select {
			case err := <-w.turn:
				return err == nil
			default:
				return false
			}
		})
		if i < 0 {
			t.Fatalf("nobody's turn after %v", turns)
		}
		running = waiting[i].key
		turns = append(turns, running.Namespace)
		waiting = slices.Delete(waiting, i, i+1)
	}
	q.leave(running)
	return turns
}

func TestQueue_TakesTurns(t *testing.T) {
	at := func(source string, namespaces ...string) (keys []Key) {
		for _, namespace := range namespaces {
			keys = append(keys, Key{source, namespace})
		}
		return keys
	}
	tests := []struct {
		reason string
		keys   []Key
		want   []string
	}{
		{"one namespace in the order of arrival", at("api-server", "a", "a", "a"), []string{"a", "a", "a"}},
		{"who comes late goes before the second of another", at("api-server", "a", "a", "a", "b"), []string{"a", "b", "a", "a"}},
		{"many namespaces", at("api-server", "a", "a", "b", "b", "c"), []string{"a", "b", "c", "a", "b"}},
		{"a stranger with many names has every second turn", append(at("stranger", "x1", "x2", "x3", "x4"), at("api-server", "a", "b")...),
			[]string{"x1", "a", "x2", "b", "x3", "x4"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			q := New(bounds)
			if got := order(t, q, test.keys...); !slices.Equal(got, test.want) {
				t.Errorf("turns = %v, want %v", got, test.want)
			}
			if len(q.running)+len(q.finish)+len(q.lastTurn)+len(q.waiting) > 0 {
				t.Errorf("an idle queue remembers %+v", q)
			}
		})
	}
}

func TestQueue_LeavesSlotsToOtherNamespaces(t *testing.T) {
	q := New(Limits{Slots: 8, PerKey: 2})
	granted := func(namespace string) bool {
		w, err := q.enter(Key{"api-server", namespace})
		if err != nil {
			t.Fatal(err)
		}
		return len(w.turn) == 1
	}
	for i := range 8 {
		if got, want := granted("greedy"), i < 2; got != want {
			t.Errorf("review %d of one namespace begins: %v, want %v", i, got, want)
		}
	}
	for i := range 6 {
		if !granted("other-" + strconv.Itoa(i)) {
			t.Errorf("another namespace waits, with %d slots free", 6-i)
		}
	}
}

func TestQueue_BoundsWhoWaits(t *testing.T) {
	q := New(bounds)
	greedy := Key{"api-server", "greedy"}
	for range 1 + bounds.WaitingPerKey { // One of them begins.
		if _, err := q.enter(greedy); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.enter(greedy); !errors.Is(err, ErrNamespaceBusy) {
		t.Errorf("one more of a namespace: %v, want %v", err, ErrNamespaceBusy)
	}
	for i := 0; len(q.waiting) < bounds.Waiting; i++ {
		if _, err := q.enter(Key{"api-server", "n" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	last := q.waiting[bounds.WaitingPerKey-1]
	if _, err := q.enter(Key{"api-server", "late"}); err != nil {
		t.Fatalf("a new namespace, while another has %d: %v", bounds.WaitingPerKey, err)
	}
	if len(last.turn) != 1 || !errors.Is(<-last.turn, ErrNamespaceBusy) {
		t.Error("the last review of the namespace with the most was not sent away for it")
	}
	if len(q.waiting) != bounds.Waiting {
		t.Errorf("%d wait, want %d", len(q.waiting), bounds.Waiting)
	}
}

func TestQueue_AcquireGivesUp(t *testing.T) {
	q := New(bounds)
	release, err := q.Acquire(t.Context(), Key{"api-server", "slow"})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for reason, test := range map[string]struct {
		namespace string
		want      error
	}{
		"behind its own namespace": {"slow", ErrNamespaceBusy},
		"behind another":           {"other", ErrBusy},
	} {
		if _, err := q.Acquire(over, Key{"api-server", test.namespace}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", reason, err, test.want)
		}
	}
	release()
	release, err = q.Acquire(t.Context(), Key{"api-server", "other"})
	if err != nil {
		t.Fatalf("the slot was lost: %v", err)
	}
	release()
}

func TestLimit(t *testing.T) {
	l := NewLimit(2)
	for i, want := range []bool{true, true, false} {
		if got := l.Enter("a"); got != want {
			t.Errorf("number %d of a name may be open: %v, want %v", i+1, got, want)
		}
	}
	if !l.Enter("b") {
		t.Error("another name is its own")
	}
	l.Leave("a")
	if !l.Enter("a") {
		t.Error("one has ended")
	}
	l.Leave("a")
	l.Leave("a")
	l.Leave("b")
	if len(l.open) > 0 {
		t.Errorf("it remembers %v", l.open)
	}
}
