package main

import (
	"time"

	"reprise.dev/reprise/test/tools/bench/rig"
)

// spent is what a time cost.
type spent struct {
	at   time.Time
	took time.Duration
	// onCore are the seconds that each process was on a core, machine that of all processes on this
	// machine.
	onCore  map[string]float64
	machine float64
	// peak is Reprise's largest memory so far, in bytes.
	peak int
}

// spending is what was spent since the processes began.
func spending() (spent, error) {
	s := spent{at: time.Now(), onCore: map[string]float64{}}
	processes, err := rig.Processes()
	if err != nil {
		return s, err
	}
	for _, p := range processes {
		s.onCore[p.Name] = p.Seconds
		if p.Name == rig.Program {
			s.peak = p.Memory.Peak
		}
	}
	s.machine, err = rig.Machine()
	return s, err
}

// since is what was spent after an earlier time.
func (s spent) since(before spent) spent {
	s.took = s.at.Sub(before.at)
	s.machine -= before.machine
	for name := range s.onCore {
		s.onCore[name] -= before.onCore[name]
	}
	return s
}
