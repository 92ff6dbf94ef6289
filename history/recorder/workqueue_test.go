package recorder

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestTheLedgerSettlesOnlyWhatIsRecordedInOrder(t *testing.T) {
	var l watchProgress
	if got := l.checkpoint(); got != "" {
		t.Errorf("nothing was seen, and the mark is %q", got)
	}
	a := l.track("1", false)
	l.track("2", true)
	c := l.track("3", false)
	l.ack(c)
	if got := l.checkpoint(); got != "" {
		t.Errorf("1 is open, and the mark is %q", got)
	}
	l.ack(a)
	if got := l.checkpoint(); got != "3" {
		t.Errorf("all is recorded, and the mark is %q", got)
	}
}

func TestTheItemsOfAListAreSettledByTheListOnly(t *testing.T) {
	var l watchProgress
	a, b := l.track("", false), l.track("", false)
	l.track("9", true)
	l.ack(b)
	if got := l.checkpoint(); got != "" {
		t.Errorf("an item is open, and the mark is %q", got)
	}
	l.ack(a)
	if got := l.checkpoint(); got != "9" {
		t.Errorf("all items are recorded, and the mark is %q", got)
	}
}

func TestPaceCountsTheLastMinute(t *testing.T) {
	at := func(seconds ...int) []time.Time {
		var times []time.Time
		for _, s := range seconds {
			times = append(times, now.Add(time.Duration(s)*time.Second))
		}
		return times
	}
	for name, tt := range map[string]struct {
		recorded []time.Time
		want     time.Duration
	}{
		"Few":  {at(-3, -2), 0},
		"Full": {at(-50, -2, -1), 10 * time.Second},
		"More": {at(-55, -50, -2, -1), 10 * time.Second},
		"Old":  {at(-90, -2, -1), 0},
	} {
		if got := delayFor(tt.recorded, 3, now); got != tt.want {
			t.Errorf("%s: wait %s, want %s", name, got, tt.want)
		}
	}
}

// journal records what lanes record.
type journal struct {
	mu    sync.Mutex
	lines []string
	wake  chan struct{}
}

func (j *journal) record(_ context.Context, c observedIntent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := c.deployment.Name + c.deployment.ResourceVersion
	if c.skipped > 0 {
		line += fmt.Sprintf("+%d", c.skipped)
	}
	j.lines = append(j.lines, line)
	j.wake <- struct{}{}
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, " ")
}

func captured(l *watchProgress, name string, version int) observedIntent {
	d := deployment("x")
	d.Name, d.ResourceVersion = name, fmt.Sprint(version)
	return observedIntent{deployment: d, entry: l.track(d.ResourceVersion, false)}
}

// limit is a pace that stays.
func limit(n int) func() int { return func() int { return n } }

func TestAPaceThatIsSetAnewCountsAtOnce(t *testing.T) {
	j := &journal{wake: make(chan struct{}, 1000)}
	l := &watchProgress{}
	var pace atomic.Int64
	pace.Store(1)
	fake := clocktesting.NewFakeClock(now)
	q := newWorkQueue(4, func() int { return int(pace.Load()) }, fake, l, j.record)
	q.add(t.Context(), captured(l, "a", 1))
	q.add(t.Context(), captured(l, "a", 2))
	<-j.wake
	for !fake.HasWaiters() { // The second has to wait for its minute.
		runtime.Gosched()
	}
	pace.Store(2)
	q.add(t.Context(), captured(l, "b", 3)) // Another workload's lane knows the new pace from its first capture on.
	q.add(t.Context(), captured(l, "b", 4))
	<-j.wake
	<-j.wake
}

func TestOneWorkloadsCapturesStayInOrder(t *testing.T) {
	j := &journal{wake: make(chan struct{}, 1000)}
	l := &watchProgress{}
	q := newWorkQueue(4, limit(1000), clocktesting.NewFakeClock(now), l, j.record)
	for i := range 200 {
		q.add(t.Context(), captured(l, []string{"a", "b", "c"}[i%3], i))
	}
	q.busy.Wait()
	last := map[byte]int{}
	for _, line := range strings.Fields(j.text()) {
		var version int
		if _, err := fmt.Sscan(line[1:], &version); err != nil {
			t.Fatal(err)
		}
		if version < last[line[0]] {
			t.Fatalf("%c%d was recorded after %c%d", line[0], version, line[0], last[line[0]])
		}
		last[line[0]] = version
	}
	if got := len(strings.Fields(j.text())); got != 200 || l.checkpoint() != "199" {
		t.Errorf("%d of 200 were recorded, up to %s", got, l.checkpoint())
	}
}

func TestWhatComesTooFastIsFoldedIntoTheNewestAndCounted(t *testing.T) {
	j := &journal{wake: make(chan struct{}, 1000)}
	l := &watchProgress{}
	fake := clocktesting.NewFakeClock(now)
	q := newWorkQueue(4, limit(2), fake, l, j.record)
	for i := range 10 {
		q.add(t.Context(), captured(l, "a", i))
	}
	<-j.wake
	<-j.wake
	for !fake.HasWaiters() {
		time.Sleep(time.Millisecond) // The lane is on its way to its timer.
	}
	if got := l.checkpoint(); got == "9" {
		t.Errorf("the newest is not recorded, and the mark is %s", got)
	}
	fake.Step(rateWindow)
	q.busy.Wait()
	if got := j.text(); got != "a0 a1 a9+7" || l.checkpoint() != "9" {
		t.Errorf("recorded %q up to %s", got, l.checkpoint())
	}
}

func TestAnOfferOfFilesNeverFoldsAnIntentAway(t *testing.T) {
	l := &watchProgress{}
	q := newWorkQueue(1, limit(1), clocktesting.NewFakeClock(now), l, nil)
	offer := captured(l, "a", 3)
	offer.files = true
	waits := &workloadQueue{waiting: []observedIntent{captured(l, "a", 1), captured(l, "a", 2), offer}}
	q.coalesce(waits)
	if got := waits.waiting; len(got) != 1 || got[0].deployment.ResourceVersion != "2" || got[0].skipped != 1 {
		t.Errorf("left %+v", got)
	}
	only := &workloadQueue{waiting: []observedIntent{offer, offer}}
	if q.coalesce(only); len(only.waiting) != 1 || !only.waiting[0].files || only.waiting[0].skipped != 0 {
		t.Errorf("left %+v", only.waiting)
	}
}

func TestWhatIsNotRecordedWhenALeaderEndsStaysOpen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := &watchProgress{}
	q := newWorkQueue(1, limit(10), clocktesting.NewFakeClock(now), l, func(context.Context, observedIntent) { cancel() })
	q.add(ctx, captured(l, "a", 1))
	q.busy.Wait()
	if got := l.checkpoint(); got != "" {
		t.Errorf("the record was cut short, and the mark is %q", got)
	}
}

func TestTheBacklogIsWhatWaitsAndSinceWhenTheOldestDoes(t *testing.T) {
	fake := clocktesting.NewFakeClock(now)
	l, recording, goOn := &watchProgress{}, make(chan struct{}), make(chan struct{})
	q := newWorkQueue(1, limit(1000), fake, l, func(context.Context, observedIntent) {
		recording <- struct{}{}
		<-goOn
	})
	check := func(when string, wantWaiting int, wantSince time.Time) {
		t.Helper()
		if waiting, since := q.backlog(); waiting != wantWaiting || !since.Equal(wantSince) {
			t.Errorf("%s: %d since %s, want %d since %s", when, waiting, since, wantWaiting, wantSince)
		}
	}
	check("at first", 0, time.Time{})
	q.add(t.Context(), captured(l, "a", 1))
	<-recording
	fake.Step(time.Second)
	q.add(t.Context(), captured(l, "a", 2))
	check("one is being recorded", 2, now)
	goOn <- struct{}{}
	<-recording
	check("the first is recorded", 1, now.Add(time.Second))
	goOn <- struct{}{}
	q.busy.Wait()
	check("in the end", 0, time.Time{})
}

func TestWhatIsFoldedWaitsSinceTheFirstOfIt(t *testing.T) {
	l := &watchProgress{}
	q := newWorkQueue(1, limit(1), clocktesting.NewFakeClock(now), l, nil)
	older, newer := captured(l, "a", 1), captured(l, "a", 2)
	older.since, newer.since = now, now.Add(time.Minute)
	waits := &workloadQueue{waiting: []observedIntent{older, newer}}
	if q.coalesce(waits); !waits.waiting[0].since.Equal(now) {
		t.Errorf("it waits since %s, want %s", waits.waiting[0].since, now)
	}
}
