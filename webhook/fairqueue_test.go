package webhook

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
)

// order enters reviews into a queue of one busy slot and returns the namespaces in which they get
// their turns, as the slot is freed again and again.
func order(t *testing.T, q *fairQueue, origins ...origin) []string {
	t.Helper()
	first, err := q.enter(origin{"api-server", "first"})
	if err != nil {
		t.Fatal(err)
	}
	var waiting []*waiter
	for _, o := range origins {
		w, err := q.enter(o)
		if err != nil {
			t.Fatal(err)
		}
		waiting = append(waiting, w)
	}
	var turns []string
	running := first.origin
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
		running = waiting[i].origin
		turns = append(turns, running.namespace)
		waiting = slices.Delete(waiting, i, i+1)
	}
	q.leave(running)
	return turns
}

func TestFairQueue_TakesTurns(t *testing.T) {
	at := func(source string, namespaces ...string) (origins []origin) {
		for _, namespace := range namespaces {
			origins = append(origins, origin{source, namespace})
		}
		return origins
	}
	tests := []struct {
		reason  string
		origins []origin
		want    []string
	}{
		{"one namespace in the order of arrival", at("api-server", "a", "a", "a"), []string{"a", "a", "a"}},
		{"who comes late goes before the second of another", at("api-server", "a", "a", "a", "b"), []string{"a", "b", "a", "a"}},
		{"many namespaces", at("api-server", "a", "a", "b", "b", "c"), []string{"a", "b", "c", "a", "b"}},
		{"a stranger with many names has every second turn", append(at("stranger", "x1", "x2", "x3", "x4"), at("api-server", "a", "b")...),
			[]string{"x1", "a", "x2", "b", "x3", "x4"}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			q := newFairQueue(1)
			if got := order(t, q, test.origins...); !slices.Equal(got, test.want) {
				t.Errorf("turns = %v, want %v", got, test.want)
			}
			if len(q.running)+len(q.finish)+len(q.lastTurn)+len(q.waiting) > 0 {
				t.Errorf("an idle queue remembers %+v", q)
			}
		})
	}
}

func TestFairQueue_LeavesSlotsToOtherNamespaces(t *testing.T) {
	q := newFairQueue(8)
	granted := func(namespace string) bool {
		w, err := q.enter(origin{"api-server", namespace})
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

func TestFairQueue_BoundsWhoWaits(t *testing.T) {
	q := newFairQueue(1)
	greedy := origin{"api-server", "greedy"}
	for range 1 + maxWaitingInNamespace { // One of them begins.
		if _, err := q.enter(greedy); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.enter(greedy); !errors.Is(err, errNamespaceBusy) {
		t.Errorf("one more of a namespace: %v, want %v", err, errNamespaceBusy)
	}
	for i := 0; len(q.waiting) < maxWaiting; i++ {
		if _, err := q.enter(origin{"api-server", "n" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	last := q.waiting[maxWaitingInNamespace-1]
	if _, err := q.enter(origin{"api-server", "late"}); err != nil {
		t.Fatalf("a new namespace, while another has %d: %v", maxWaitingInNamespace, err)
	}
	if len(last.turn) != 1 || !errors.Is(<-last.turn, errNamespaceBusy) {
		t.Error("the last review of the namespace with the most was not sent away for it")
	}
	if len(q.waiting) != maxWaiting {
		t.Errorf("%d wait, want %d", len(q.waiting), maxWaiting)
	}
}

func TestFairQueue_AcquireGivesUp(t *testing.T) {
	q := newFairQueue(1)
	release, err := q.acquire(t.Context(), origin{"api-server", "slow"})
	if err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for reason, test := range map[string]struct {
		namespace string
		want      error
	}{
		"behind its own namespace": {"slow", errNamespaceBusy},
		"behind another":           {"other", errBusy},
	} {
		if _, err := q.acquire(over, origin{"api-server", test.namespace}); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", reason, err, test.want)
		}
	}
	release()
	release, err = q.acquire(t.Context(), origin{"api-server", "other"})
	if err != nil {
		t.Fatalf("the slot was lost: %v", err)
	}
	release()
}
