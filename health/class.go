package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"reprise.dev/reprise/internal/oneline"
)

// class is how certainly a signal means a failure.
type class int

// The classes, the most certain first.
const (
	// certain is an error that does not resolve by itself.
	certain class = iota
	// strong is a container that exits repeatedly.
	strong
	// medium is an error that often resolves, such as an object that is applied late.
	medium
	// weak fails a rollout only by the deadline.
	weak
)

// How long a signal of each class must last before it is a failure.
const (
	// certainGrace is long enough to observe a signal more than once.
	certainGrace = 4 * time.Second
	// certainSight is how long it must show at least, though its pod started long ago.
	certainSight = time.Second
	// strongGrace is time for a neighbour to start that a container needs at its start.
	strongGrace = 10 * time.Second
	// recreateGrace replaces strongGrace where no old pods serve in the meantime.
	recreateGrace = 5 * time.Second
	// mediumGrace is time for objects that are applied after their user, or that another controller
	// makes.
	mediumGrace = 60 * time.Second
)

// maxCause is the longest cause in bytes. The diff and the next step must fit beside it into an
// Event.
const maxCause = 300

// kind is the sort of a failure, by which new pods are compared with old ones.
type kind string

const (
	crashes     kind = "crash"
	imagePull   kind = "image"
	starting    kind = "start"
	unready     kind = "unready"
	uncreated   kind = "uncreated"
	unscheduled kind = "unscheduled"
	ended       kind = "ended"
	waitingFor  kind = "waiting"
)

// signal is one failure that was observed.
type signal struct {
	Failure
	class class
	kind  kind
	// A signal becomes a failure at since plus grace. A weak one never does.
	since time.Time
	grace time.Duration
	// seen is when it showed first, where that is not since; it must show for certainSight.
	seen time.Time
	// until is when an old pod's signal expires; zero where it holds until the pod changes.
	until time.Time
	// cause describes the signal in one line.
	cause string
	// external reports whether the cause may lie outside the deployed change.
	external bool
}

// due returns when a signal becomes a failure, and whether it ever does.
func (s signal) due() (time.Time, bool) {
	at := s.since.Add(s.grace)
	if !s.seen.IsZero() {
		at = latest(at, s.seen.Add(certainSight))
	}
	return at, s.class != weak
}

// compare orders signals: the most certain first, and of several the container that ended most
// often, since the others may end because of it.
func compare(a, b signal) int {
	return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(b.RestartCount, a.RestartCount),
		strings.Compare(a.Pod, b.Pod), strings.Compare(a.Container, b.Container))
}

// signals are sorted by compare.
type signals []signal

// due returns when the first of a pod's signals is a failure, and whether one ever is.
func (all signals) due() (first time.Time, comes bool) {
	for _, s := range all {
		if at, ever := s.due(); ever && (!comes || at.Before(first)) {
			first, comes = at, true
		}
	}
	return first, comes
}

// fails returns when the signals fail the rollout, and whether they ever do. That no pod can be
// created or that none lasts is enough. Otherwise every pod must fail that tells something, because
// a single pod may be on a bad node. A pod that has not started is waited for, but not for ever.
func (all signals) fails(seen witnesses) (at time.Time, comes bool) {
	anyReady := slices.ContainsFunc(seen, func(w witness) bool { return w.silent == "" && w.ready })
	for _, s := range all {
		due, ever := s.due()
		if ever && (s.kind == uncreated || s.kind == ended && !anyReady) && (!comes || due.Before(at)) {
			at, comes = due, true
		}
	}
	if last, every := seen.fail(); every && (!comes || last.Before(at)) {
		return last, true
	}
	return at, comes
}

// fail returns when every pod that tells something fails, and whether that ever comes.
func (all witnesses) fail() (last time.Time, comes bool) {
	for _, w := range all.telling() {
		at, fails := w.signals.due()
		switch {
		case fails:
			comes = true
		case w.pending:
			at = w.since.Add(mediumGrace)
		default:
			return time.Time{}, false
		}
		if at.After(last) {
			last = at
		}
	}
	return last, comes
}

// verdict returns Failed once the grace periods have passed.
func (all signals) verdict(seen witnesses, now time.Time) Verdict {
	at, comes := all.fails(seen)
	if !comes || now.Before(at) {
		return Verdict{}
	}
	return all.failed(all.cause(seen))
}

// pending returns Progressing while the signals are within their grace periods.
func (all signals) pending(why string, seen witnesses, now time.Time) Verdict {
	v := Verdict{State: Progressing, Cause: why, Failures: all.failures(), External: all.external(), Since: all.since()}
	if len(all) > 0 {
		v.Cause = all.cause(seen)
	}
	if at, comes := all.fails(seen); comes {
		v.RecheckAfter = at.Sub(now)
	}
	return v
}

// unattributed returns Unknown instead of a verdict, because the change did not cause the failure.
// until is when that reason expires; zero where it holds until something changes.
func (all signals) unattributed(verdict Verdict, why string, until time.Time, seen witnesses, now time.Time) Verdict {
	v := Verdict{Cause: why, Failures: verdict.Failures}
	if at, comes := all.fails(seen); comes && at.After(now) {
		v.RecheckAfter = at.Sub(now)
	}
	if left := until.Sub(now); !until.IsZero() && (v.RecheckAfter == 0 || left < v.RecheckAfter) {
		v.RecheckAfter = left
	}
	return v
}

func (all signals) failed(cause string) Verdict {
	return Verdict{State: Failed, Cause: causeLine(cause), Failures: all.failures(), External: all.external(), Since: all.since()}
}

// since returns when the first signal began; zero where there is none.
func (all signals) since() time.Time {
	var first time.Time
	for _, s := range all {
		if first.IsZero() || s.since.Before(first) {
			first = s.since
		}
	}
	return first
}

func (all signals) failures() []Failure {
	var failures []Failure
	for _, s := range all {
		failures = append(failures, s.Failure)
	}
	return failures
}

// external reports whether all failures may resolve without a new deploy.
func (all signals) external() bool {
	for _, s := range all {
		if !s.external {
			return false
		}
	}
	return len(all) > 0
}

// cause returns the cause of the first signal and, of several pods, how many share it.
func (all signals) cause(seen witnesses) string {
	if len(all) == 0 {
		return ""
	}
	first, pods := all[0], len(seen.telling())
	share := map[string]bool{}
	for _, s := range all {
		if s.kind == first.kind && s.Container == first.Container {
			share[s.Pod] = true
		}
	}
	if pods < 2 || first.kind == uncreated || first.kind == ended {
		return causeLine(first.cause)
	}
	shared := fmt.Sprintf(" on %d of %d new pods", len(share), pods)
	return cutMiddle(oneline.Of(first.cause), maxCause-len(shared)) + shared
}

// causeLine returns text as one line of at most maxCause bytes.
func causeLine(text string) string { return cutMiddle(oneline.Of(text), maxCause) }

// cutMiddle shortens a line in its middle: it begins with who fails, and errors of Go end with why.
func cutMiddle(line string, limit int) string {
	if len(line) <= limit {
		return line
	}
	head := oneline.Prefix(line, limit/3)
	tail := limit - len(head) - len("…")
	for tail > 0 && !utf8.RuneStart(line[len(line)-tail]) {
		tail--
	}
	return head + "…" + line[len(line)-tail:]
}
