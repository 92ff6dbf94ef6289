package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// class says how surely a signal means a failure.
type class int

// The classes, the surest first.
const (
	// certain will not heal by itself.
	certain class = iota
	// strong is a container that ends again and again.
	strong
	// medium is often only late.
	medium
	// weak fails a rollout by the deadline only.
	weak
)

// How long a signal of each class must last before it is a failure.
const (
	// certainPatience lets a signal be seen more than once.
	certainPatience = 4 * time.Second
	// strongPatience lets a neighbour come up that a container needs at its start.
	strongPatience = 10 * time.Second
	// recreatePatience is that of strong signals where no old pods serve meanwhile.
	recreatePatience = 5 * time.Second
	// mediumPatience waits for what is applied after its user, or is brought by another controller.
	mediumPatience = 60 * time.Second
)

// maxCause is the longest cause in bytes: the diff and the next step must fit beside it into an
// event.
const maxCause = 300

// kind is what the control group is compared by.
type kind string

const (
	crashes  kind = "crash"
	image    kind = "image"
	starting kind = "start"
	unready  kind = "unready"
	refused  kind = "refused"
	unplaced kind = "unplaced"
)

// signal is one thing that fails.
type signal struct {
	Failure
	class class
	kind  kind
	// since and patience say from when on it is a failure; that of a weak one never comes.
	since    time.Time
	patience time.Duration
	// until is when an old pod's signal says nothing any more, zero where it stands until the pod
	// changes.
	until time.Time
	// cause says it in one line.
	cause string
	// outside says that the cause may lie outside of what was deployed.
	outside bool
}

// due is when a signal becomes a failure, and whether it ever does.
func (s signal) due() (time.Time, bool) {
	return s.since.Add(s.patience), s.class != weak
}

func compare(a, b signal) int {
	return cmp.Or(cmp.Compare(a.class, b.class), strings.Compare(a.Pod, b.Pod), strings.Compare(a.Container, b.Container))
}

// signals are ordered by compare.
type signals []signal

// due is when the rollout has failed by its signals, and whether it ever will. The refusal of pods
// is enough by itself; otherwise all pods must fail, each by its first signal: one may have met a
// bad node.
func (all signals) due(pods int) (time.Time, bool) {
	var refusal *time.Time
	first := map[string]time.Time{}
	for _, s := range all {
		at, comes := s.due()
		if !comes {
			continue
		}
		if s.kind == refused {
			refusal = &at
			continue
		}
		if known, found := first[s.Pod]; !found || at.Before(known) {
			first[s.Pod] = at
		}
	}
	if len(first) < pods || pods == 0 {
		if refusal == nil {
			return time.Time{}, false
		}
		return *refusal, true
	}
	var last time.Time
	for _, at := range first {
		if at.After(last) {
			last = at
		}
	}
	if refusal != nil && refusal.Before(last) {
		last = *refusal
	}
	return last, true
}

// verdict is Failed where the signals have lasted.
func (all signals) verdict(pods int, now time.Time) Verdict {
	at, comes := all.due(pods)
	if !comes || now.Before(at) {
		return Verdict{}
	}
	return all.failed(all.cause(pods))
}

// pending is the verdict on signals that have not lasted yet.
func (all signals) pending(why string, pods int, now time.Time) Verdict {
	v := Verdict{State: Progressing, Cause: why, Failures: all.failures(), Outside: all.outside(), Since: all.since()}
	if len(all) > 0 {
		v.Cause = all.cause(pods)
	}
	if at, comes := all.due(pods); comes {
		v.Again = at.Sub(now)
	}
	return v
}

// excused is Unknown in the place of a verdict that is not the change's fault, for a reason that
// holds until some time, zero where it holds until something changes.
func (all signals) excused(verdict Verdict, why string, until time.Time, pods int, now time.Time) Verdict {
	v := Verdict{Cause: why, Failures: verdict.Failures}
	if at, comes := all.due(pods); comes && at.After(now) {
		v.Again = at.Sub(now)
	}
	if left := until.Sub(now); !until.IsZero() && (v.Again == 0 || left < v.Again) {
		v.Again = left
	}
	return v
}

func (all signals) failed(cause string) Verdict {
	return Verdict{State: Failed, Cause: brief(cause), Failures: all.failures(), Outside: all.outside(), Since: all.since()}
}

// since is when the first signal began, zero where there is none.
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

// outside says whether all that fails may heal from outside.
func (all signals) outside() bool {
	for _, s := range all {
		if !s.outside {
			return false
		}
	}
	return len(all) > 0
}

// cause is that of the first signal, with how many pods share it where there are several.
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
	cause := brief(first.cause)
	if pods > 1 && first.kind != refused {
		cause = fmt.Sprintf("%s on %d of %d new pods", cause, len(share), pods)
	}
	return cause
}

// brief makes one valid line of at most maxCause bytes of a text, cut at a rune boundary.
func brief(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " ")
	const ellipsis = "…"
	if len(text) <= maxCause {
		return text
	}
	end := maxCause - len(ellipsis)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
