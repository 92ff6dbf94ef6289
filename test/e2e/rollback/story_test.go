package rollback

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"reprise.dev/reprise/test/harness/faults"
)

// trigger is what begins the rollback from #2 to #1.
type trigger string

const (
	byFailure trigger = "the failure of #2"
	// byRequest is a request while #2 is healthy; byRequestOnly one after #2 failed where nothing is
	// done by itself.
	byRequest     trigger = "a request while #2 is healthy"
	byRequestOnly trigger = "a request after #2 failed, in manual mode"
)

// upset is what somebody does meanwhile.
type upset string

const (
	nothing upset = "nothing"
	// fix deploys a fix; fixSlowly writes its first file and everything some time later.
	fix       upset = "a fix is deployed"
	fixSlowly upset = "a file of the fix is written, and the fix deployed later"
	// remove deletes everything; remake makes the fix of it at once.
	remove upset = "all is deleted"
	remake upset = "all is deleted and made anew as the fix"
)

// kill is the end of a life: at a step, or never where the step does not come.
type kill struct {
	at  step
	how faults.Outcome
}

// story is all that happens in one run. The seed draws it.
type story struct {
	seed       uint64
	files      bool
	serverSide bool
	bad        change
	trigger    trigger
	kills      []kill
	// refusals are what the API server, or the way to it, does once at a step.
	refusals map[step]faults.Outcome
	upset    upset
	// upsetAt is before which write it happens; lasts how long the rest of a slow fix takes.
	upsetAt step
	lasts   time.Duration
	// stale says of each life whether its cache begins as of before #2 was deployed; late by how much
	// watches lag.
	stale []bool
	late  []time.Duration
	// pause is how long nobody leads after the first kill: a Lease runs out only after a while, and
	// files lie still.
	pause time.Duration
	// lateRecorder is by how much the recorder's watch lags.
	lateRecorder time.Duration
}

// draw draws the story of a seed. The first kill goes through all steps in turn, so that some
// stories of a row meet every gap between two writes.
func draw(seed uint64) story {
	dice := rand.New(rand.NewPCG(seed, 0))
	s := story{
		seed: seed, files: dice.IntN(3) > 0, serverSide: dice.IntN(2) > 0, bad: byImage, trigger: byFailure, upset: nothing,
		refusals: map[step]faults.Outcome{},
	}
	if dice.IntN(3) == 0 {
		s.bad = byVariable
	}
	switch dice.IntN(10) {
	case 0, 1:
		s.trigger, s.bad = byRequest, ""
	case 2:
		s.trigger = byRequestOnly
	}
	possible := s.steps()
	from := int(seed % uint64(len(possible)))
	for range 1 + dice.IntN(3) {
		how := faults.KillBefore
		if dice.IntN(3) == 0 {
			how = faults.KillAfter
		}
		s.kills = append(s.kills, kill{possible[from], how})
		from += dice.IntN(len(possible) - from)
	}
	outcomes := []faults.Outcome{faults.LoseAnswer, faults.Conflict, faults.Overload, faults.Failure}
	for range dice.IntN(3) {
		s.refusals[possible[dice.IntN(len(possible))]] = outcomes[dice.IntN(len(outcomes))]
	}
	if dice.IntN(20) < 9 {
		s.upset = []upset{fix, fix, fixSlowly, fixSlowly, remove, remake}[dice.IntN(6)]
	}
	if s.upset == fixSlowly && !s.files {
		s.upset = fix
	}
	s.upsetAt = possible[dice.IntN(len(possible))]
	if narrow := rand.New(rand.NewPCG(seed, 1)); narrow.IntN(3) > 0 {
		// Most gaps lie before or after all that can collide with somebody else.
		colliding := slices.DeleteFunc(slices.Clone(possible), func(at step) bool { return !slices.Contains(collidingSteps, at) })
		s.upsetAt = colliding[narrow.IntN(len(colliding))]
	}
	s.lasts = time.Duration(dice.IntN(2000)) * time.Millisecond
	for range s.kills {
		s.stale = append(s.stale, dice.IntN(2) > 0)
		s.late = append(s.late, time.Duration(dice.IntN(2)*dice.IntN(150))*time.Millisecond)
	}
	if s.files && dice.IntN(8) == 0 {
		s.pause = 11 * time.Second
	}
	s.lateRecorder = time.Duration(dice.IntN(2)*dice.IntN(150)) * time.Millisecond
	return s
}

// steps are those that the story can have.
func (s story) steps() []step {
	return slices.DeleteFunc(slices.Clone(steps), func(at step) bool {
		switch at {
		case "write a file", "own a file":
			return !s.files
		case "record #2", "tell RevisionRecorded #2", "follow #2", "note #2 Failed", "tell RevisionFailed #2":
			return s.trigger != byFailure
		default:
			return false
		}
	})
}

// good are the versions that are deployed and healthy before the rollback is due.
func (s story) good() []version {
	if s.trigger == byRequest {
		return []version{{name: "good"}, {name: "better"}}
	}
	return []version{{name: "good"}}
}

// repair is the version that is deployed meanwhile.
var repair = version{name: "fix"}

func (s story) String() string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	add("seed %d: files %v, server side %v, by %s, bad by %q", s.seed, s.files, s.serverSide, s.trigger, s.bad)
	for _, k := range s.kills {
		add("%s %q", k.how, k.at)
	}
	for _, at := range steps {
		if how, ok := s.refusals[at]; ok {
			add("%s %q", how, at)
		}
	}
	if s.upset != nothing {
		add("before %q %s (%s)", s.upsetAt, s.upset, s.lasts)
	}
	add("stale %v, late %v, recorder late %s, pause %s", s.stale, s.late, s.lateRecorder, s.pause)
	return strings.Join(all, "; ")
}
