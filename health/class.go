package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"

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
)

// signal is one failure that was observed.
type signal struct {
	Failure
	class class
	kind  kind
	// A signal becomes a failure at since plus grace. A weak one never does.
	since time.Time
	grace time.Duration
	// until is when an old pod's signal expires; zero where it holds until the pod changes.
	until time.Time
	// cause describes the signal in one line.
	cause string
	// external reports whether the cause may lie outside the deployed change.
	external bool
}

// due returns when a signal becomes a failure, and whether it ever does.
func (s signal) due() (time.Time, bool) {
	return s.since.Add(s.grace), s.class != weak
}

func compare(a, b signal) int {
	return cmp.Or(cmp.Compare(a.class, b.class), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Container, b.Container))
}

// signals are sorted by compare.
type signals []signal

// due returns when the signals fail the rollout, and whether they ever do. A failure to create pods
// is enough. Otherwise every pod must fail, each by its first signal, because a single pod may be
// on a bad node.
func (all signals) due(pods int) (time.Time, bool) {
	var createFails *time.Time
	first := map[string]time.Time{}
	for _, s := range all {
		at, comes := s.due()
		if !comes {
			continue
		}
		if s.kind == uncreated {
			createFails = &at
			continue
		}
		if known, found := first[s.Pod]; !found || at.Before(known) {
			first[s.Pod] = at
		}
	}
	if len(first) < pods || pods == 0 {
		if createFails == nil {
			return time.Time{}, false
		}
		return *createFails, true
	}
	var last time.Time
	for _, at := range first {
		if at.After(last) {
			last = at
		}
	}
	if createFails != nil && createFails.Before(last) {
		last = *createFails
	}
	return last, true
}

// verdict returns Failed once the grace periods have passed.
func (all signals) verdict(pods int, now time.Time) Verdict {
	at, comes := all.due(pods)
	if !comes || now.Before(at) {
		return Verdict{}
	}
	return all.failed(all.cause(pods))
}

// pending returns Progressing while the signals are within their grace periods.
func (all signals) pending(why string, pods int, now time.Time) Verdict {
	v := Verdict{State: Progressing, Cause: why, Failures: all.failures(), External: all.external(), Since: all.since()}
	if len(all) > 0 {
		v.Cause = all.cause(pods)
	}
	if at, comes := all.due(pods); comes {
		v.RecheckAfter = at.Sub(now)
	}
	return v
}

// unattributed returns Unknown instead of a verdict, because the change did not cause the failure.
// until is when that reason expires; zero where it holds until something changes.
func (all signals) unattributed(verdict Verdict, why string, until time.Time, pods int, now time.Time) Verdict {
	v := Verdict{Cause: why, Failures: verdict.Failures}
	if at, comes := all.due(pods); comes && at.After(now) {
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
func (all signals) cause(pods int) string {
	if len(all) == 0 {
		return ""
	}
	first := all[0]
	share := map[string]bool{}
	for _, s := range all {
		if s.kind == first.kind && s.Container == first.Container {
			share[s.Pod] = true
		}
	}
	cause := causeLine(first.cause)
	if pods > 1 && first.kind != uncreated {
		cause = fmt.Sprintf("%s on %d of %d new pods", cause, len(share), pods)
	}
	return cause
}

// causeLine returns text as one line of at most maxCause bytes.
func causeLine(text string) string { return oneline.CutBytes(oneline.Of(text), maxCause) }
