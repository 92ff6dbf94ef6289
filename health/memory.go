package health

import (
	"maps"
	"time"
)

// Memory is what the assessments before saw, and since when by the clock of who looked. Kubernetes
// tells few beginnings, and tells them by the clocks of other machines. A Memory is a value: each
// assessment returns the next one and leaves out what it no longer sees.
type Memory map[sighting]begun

// sighting is something that was seen: of the rollout, of a pod, or of a container of it.
type sighting struct {
	what, pod, container string
}

// begun is the beginning of a sighting.
type begun struct {
	// seen is when it was seen first.
	seen time.Time
	// told is when the object says that it began. Where the object says another time, it began anew.
	told time.Time
}

// The sightings that are no kind of signal.
const (
	looked    = "looked"
	runnable  = "runnable"
	scheduled = "scheduled"
	ready     = "ready"
	looping   = "looping"
	overdue   = "overdue"
	nodeBack  = "node back"
)

// assessment is one look at a rollout.
type assessment struct {
	Rollout
	now  time.Time
	next Memory
	// firstLook reports whether nothing was seen before: what is there may have begun at any time.
	firstLook bool
	// again is when the verdict may change although no input does; zero where that is not known.
	again time.Time
}

func newAssessment(r Rollout, now time.Time) *assessment {
	a := &assessment{Rollout: r.ordered(), now: now, next: Memory{}}
	_, before := r.Memory[sighting{what: looked}]
	a.firstLook = !before
	a.next[sighting{what: looked}] = begun{seen: now}
	return a
}

// wake has the rollout assessed again at a time to come.
func (a *assessment) wake(at time.Time) {
	if at.After(a.now) && (a.again.IsZero() || at.Before(a.again)) {
		a.again = at
	}
}

// since returns since when something has been seen. Without a Memory it is what the object tells. A
// grace period counts from here, so that a signal is seen for as long as it must last, whatever the
// clocks of others say.
func (a *assessment) since(s sighting, told time.Time) time.Time {
	if a.Memory == nil {
		return told
	}
	at, known := a.Memory[s]
	if !known || !at.told.Equal(told) {
		at = begun{seen: a.now, told: told}
	}
	a.next[s] = at
	return at.seen
}

// began is as since, but believes the object at the first look. It is for times that are long: a
// leader that has just begun would start them anew.
func (a *assessment) began(s sighting, told time.Time) time.Time {
	at := a.since(s, told)
	if a.Memory != nil && a.firstLook && told.Before(at) {
		a.next[s] = begun{seen: told, told: told}
		return told
	}
	return at
}

// Paused returns the memory of a rollout that is paused while its pods are assessed: its deadline
// counts from when it goes on.
func (m Memory) Paused() Memory {
	m = maps.Clone(m)
	delete(m, sighting{what: runnable})
	return m
}
