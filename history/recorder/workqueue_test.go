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

	"reprise.dev/reprise/internal/fairqueue"
)

// recordLog notes what a queue records.
type recordLog struct {
	mu    sync.Mutex
	lines []string
	// wrote receives for every line.
	wrote chan struct{}
}

func newRecordLog() *recordLog { return &recordLog{wrote: make(chan struct{}, 1000)} }

func (l *recordLog) record(_ context.Context, what observation, _ bool) outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := what.workload().Name + "/files"
	if e, ok := what.(intentEvent); ok {
		line = e.Deployment.Name + e.Deployment.ResourceVersion
		if e.Skipped > 0 {
			line += fmt.Sprintf("+%d", e.Skipped)
		}
	}
	l.lines = append(l.lines, line)
	l.wrote <- struct{}{}
	return settled
}

func (l *recordLog) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, " ")
}

// tracked returns an event of the watch, which its progress tracks.
func tracked(t *testing.T, p *watchProgress, name string, version int) intentEvent {
	t.Helper()
	e := eventOf(t, deployment(name, "x:1", fmt.Sprint(version)))
	e.tracked = p.track(e.Deployment.ResourceVersion, false)
	return e
}

// slots returns the limits of a queue that records so many workloads at once, whatever their
// namespace.
func slots(n int) fairqueue.Limits { return fairqueue.Limits{Slots: n, PerKey: n} }

// limit returns a constant rate limit.
func limit(n int) func() int { return func() int { return n } }

// awaitTimer returns when somebody waits for a clock.
func awaitTimer(c *clocktesting.FakeClock) {
	for !c.HasWaiters() {
		runtime.Gosched()
	}
}

func TestWorkQueue_LimitChanges(t *testing.T) {
	l, p, fake := newRecordLog(), &watchProgress{}, clocktesting.NewFakeClock(now)
	var n atomic.Int64
	n.Store(1)
	q := newWorkQueue(slots(4), func() int { return int(n.Load()) }, fake, p, l.record)
	q.add(t.Context(), tracked(t, p, "a", 1))
	q.add(t.Context(), tracked(t, p, "a", 2))
	<-l.wrote
	awaitTimer(fake) // The second one must wait.
	n.Store(2)
	q.add(t.Context(), tracked(t, p, "b", 3)) // Another workload has the new limit from the start.
	q.add(t.Context(), tracked(t, p, "b", 4))
	<-l.wrote
	<-l.wrote
	if got := l.text(); got != "a1 b3 b4" {
		t.Errorf("recorded %q", got)
	}
}

func TestWorkQueue_Order(t *testing.T) {
	l, p := newRecordLog(), &watchProgress{}
	q := newWorkQueue(slots(4), limit(1000), clocktesting.NewFakeClock(now), p, l.record)
	const all = 200
	for i := range all {
		q.add(t.Context(), tracked(t, p, []string{"a", "b", "c"}[i%3], i))
	}
	q.busy.Wait()
	last := map[byte]int{}
	for _, line := range strings.Fields(l.text()) {
		var version int
		if _, err := fmt.Sscan(line[1:], &version); err != nil {
			t.Fatal(err)
		}
		if version < last[line[0]] {
			t.Fatalf("%c%d was recorded after %c%d", line[0], version, line[0], last[line[0]])
		}
		last[line[0]] = version
	}
	if got := len(strings.Fields(l.text())); got != all || p.checkpoint() != fmt.Sprint(all-1) {
		t.Errorf("%d of %d were recorded, up to %s", got, all, p.checkpoint())
	}
}

func TestWorkQueue_Workers(t *testing.T) {
	started, goOn := make(chan struct{}), make(chan struct{})
	p := &watchProgress{}
	q := newWorkQueue(slots(2), limit(1000), clocktesting.NewFakeClock(now), p, func(context.Context, observation, bool) outcome {
		started <- struct{}{}
		<-goOn
		return settled
	})
	for i, name := range []string{"a", "b", "c"} {
		q.add(t.Context(), tracked(t, p, name, i))
	}
	<-started
	<-started
	select {
	case <-started:
		t.Error("three workloads are recorded at once by two workers")
	default:
	}
	goOn <- struct{}{}
	<-started
	goOn <- struct{}{}
	goOn <- struct{}{}
	q.busy.Wait()
	if got := p.checkpoint(); got != "2" {
		t.Errorf("recorded up to %q", got)
	}
}

func TestWorkQueue_Coalesces(t *testing.T) {
	l, p, fake := newRecordLog(), &watchProgress{}, clocktesting.NewFakeClock(now)
	q := newWorkQueue(slots(4), limit(2), fake, p, l.record)
	for i := range 10 {
		q.add(t.Context(), tracked(t, p, "a", i))
	}
	<-l.wrote
	<-l.wrote
	awaitTimer(fake)
	if got := p.checkpoint(); got == "9" {
		t.Errorf("the newest is not recorded, and the checkpoint is %s", got)
	}
	fake.Step(rateWindow)
	q.busy.Wait()
	if got := l.text(); got != "a0 a1 a9+7" || p.checkpoint() != "9" {
		t.Errorf("recorded %q up to %s", got, p.checkpoint())
	}
	fake.Step(rateWindow)
	q.add(t.Context(), tracked(t, p, "a", 10))
	q.busy.Wait()
	if got := l.text(); got != "a0 a1 a9+7 a10" {
		t.Errorf("the skipped ones are counted twice: recorded %q", got)
	}
}

func TestWorkQueue_coalesce(t *testing.T) {
	files := filesRequest{eventOf(t, deployment("a", "x:1", "1")).workload()}
	for name, tt := range map[string]struct {
		reason  string
		waiting string // An i is an intent, an f a request for files.
		want    string
		skipped int
		acked   string
	}{
		"Intents":      {"the newest counts the others", "iii", "3", 2, "2"},
		"FilesLast":    {"the newest intent's revision records the files too", "iif", "2", 1, "1"},
		"FilesFirst":   {"the same in another order", "fii", "3", 1, "2"},
		"FilesBetween": {"the same in another order", "ifi", "3", 1, "1"},
		"OnlyFiles":    {"one request is enough", "fff", "files", 0, ""},
		"OneIntent":    {"nothing is skipped", "fi", "2", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := &watchProgress{}
			q := newWorkQueue(slots(1), limit(1), clocktesting.NewFakeClock(now), p, nil)
			w := &workloadQueue{}
			for i, kind := range tt.waiting {
				next := queued{files, now.Add(time.Duration(i) * time.Minute)}
				if kind == 'i' {
					next.observation = tracked(t, p, "a", i+1)
				}
				w.waiting = append(w.waiting, next)
			}
			q.coalesce(w)
			if len(w.waiting) != 1 || !w.waiting[0].since.Equal(now) {
				t.Fatalf("%s: left %+v, want one that waits since %s", tt.reason, w.waiting, now)
			}
			got, skipped := "files", 0
			if e, ok := w.waiting[0].observation.(intentEvent); ok {
				got, skipped = e.Deployment.ResourceVersion, e.Skipped
			}
			if got != tt.want || skipped != tt.skipped || p.checkpoint() != tt.acked {
				t.Errorf("%s: left %s after %d others, up to %q", tt.reason, got, skipped, p.checkpoint())
			}
		})
	}
}

func TestWorkQueue_ContextEnds(t *testing.T) {
	t.Run("Recording", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := &watchProgress{}
		q := newWorkQueue(slots(1), limit(10), clocktesting.NewFakeClock(now), p, func(context.Context, observation, bool) outcome { cancel(); return settled })
		q.add(ctx, tracked(t, p, "a", 1))
		q.busy.Wait()
		if got := p.checkpoint(); got != "" {
			t.Errorf("the record may be incomplete, and the checkpoint is %q", got)
		}
	})
	t.Run("Delayed", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, p, fake := newRecordLog(), &watchProgress{}, clocktesting.NewFakeClock(now)
		q := newWorkQueue(slots(1), limit(1), fake, p, l.record)
		q.add(ctx, tracked(t, p, "a", 1))
		q.add(ctx, tracked(t, p, "a", 2))
		<-l.wrote
		awaitTimer(fake)
		cancel()
		q.busy.Wait()
		if got := p.checkpoint(); got != "1" || l.text() != "a1" {
			t.Errorf("recorded %q up to %q", l.text(), got)
		}
	})
	t.Run("NoWorker", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		l, p := newRecordLog(), &watchProgress{}
		q := newWorkQueue(slots(0), limit(1), clocktesting.NewFakeClock(now), p, l.record)
		q.add(ctx, tracked(t, p, "a", 1))
		cancel()
		q.busy.Wait()
		if got := l.text(); got != "" {
			t.Errorf("recorded %q", got)
		}
	})
}

func TestWorkQueue_backlog(t *testing.T) {
	fake := clocktesting.NewFakeClock(now)
	p, recording, goOn := &watchProgress{}, make(chan struct{}), make(chan struct{})
	q := newWorkQueue(slots(1), limit(1000), fake, p, func(context.Context, observation, bool) outcome {
		recording <- struct{}{}
		<-goOn
		return settled
	})
	check := func(when string, wantWaiting int, wantSince time.Time) {
		t.Helper()
		if waiting, since := q.backlog(); waiting != wantWaiting || !since.Equal(wantSince) {
			t.Errorf("%s: %d since %s, want %d since %s", when, waiting, since, wantWaiting, wantSince)
		}
	}
	check("at first", 0, time.Time{})
	q.add(t.Context(), tracked(t, p, "a", 1))
	<-recording
	fake.Step(time.Second)
	q.add(t.Context(), tracked(t, p, "a", 2))
	check("one is being recorded", 2, now)
	goOn <- struct{}{}
	<-recording
	check("the first is recorded", 1, now.Add(time.Second))
	goOn <- struct{}{}
	q.busy.Wait()
	check("in the end", 0, time.Time{})
}

func TestDelayFor(t *testing.T) {
	at := func(seconds ...int) []time.Time {
		var times []time.Time
		for _, s := range seconds {
			times = append(times, now.Add(time.Duration(s)*time.Second))
		}
		return times
	}
	for name, tt := range map[string]struct {
		recorded []time.Time
		limit    int
		want     time.Duration
	}{
		"Few":     {at(-3, -2), 3, 0},
		"Full":    {at(-50, -2, -1), 3, 10 * time.Second},
		"More":    {at(-55, -50, -2, -1), 3, 10 * time.Second},
		"Old":     {at(-90, -2, -1), 3, 0},
		"NoLimit": {at(-3, -2, -1), 0, 0},
	} {
		if got := delayFor(tt.recorded, tt.limit, now); got != tt.want {
			t.Errorf("%s: wait %s, want %s", name, got, tt.want)
		}
	}
}

// TestWorkQueue_RetriesHoldNoWorker fails every observation of one namespace: another's is recorded
// by the only worker.
func TestWorkQueue_RetriesHoldNoWorker(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l, p := newRecordLog(), &watchProgress{}
	q := newWorkQueue(slots(1), limit(1000), clocktesting.NewFakeClock(now), p, func(ctx context.Context, what observation, again bool) outcome {
		if what.workload().Name == "stuck" {
			return failed
		}
		return l.record(ctx, what, again)
	})
	q.add(ctx, tracked(t, p, "stuck", 1))
	q.add(ctx, tracked(t, p, "b", 2))
	<-l.wrote
	cancel()
	q.busy.Wait()
	if got := l.text(); got != "b2" || p.checkpoint() != "" {
		t.Errorf("recorded %q up to %q", got, p.checkpoint())
	}
}

// TestWorkQueue_BoundsWhatWaits floods the queue while its only worker is busy: the newest of the
// flood waits, and those of others are untouched.
func TestWorkQueue_BoundsWhatWaits(t *testing.T) {
	p, recording, goOn := &watchProgress{}, make(chan struct{}), make(chan struct{})
	l := newRecordLog()
	q := newWorkQueue(slots(1), limit(10_000), clocktesting.NewFakeClock(now), p, func(ctx context.Context, what observation, again bool) outcome {
		if what.workload().Name == "busy" {
			recording <- struct{}{}
			<-goOn
		}
		return l.record(ctx, what, again)
	})
	q.add(t.Context(), tracked(t, p, "busy", 0))
	<-recording
	q.add(t.Context(), tracked(t, p, "calm", 1))
	q.add(t.Context(), tracked(t, p, "calm", 2))
	for i := range 3 * maxWaiting {
		q.add(t.Context(), tracked(t, p, "flood", 3+i))
		q.mu.Lock()
		waiting := q.waiting
		q.mu.Unlock()
		if waiting > maxWaiting {
			t.Fatalf("%d observations wait, want %d at most", waiting, maxWaiting)
		}
	}
	close(goOn)
	q.busy.Wait()
	got := l.text()
	for _, want := range []string{"calm1", "calm2", fmt.Sprintf("flood%d", 2+3*maxWaiting)} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not recorded", want)
		}
	}
	if q.waiting != 0 || q.bytes != 0 || p.checkpoint() != fmt.Sprint(2+3*maxWaiting) {
		t.Errorf("%d wait, the checkpoint is %s", q.waiting, p.checkpoint())
	}
}
