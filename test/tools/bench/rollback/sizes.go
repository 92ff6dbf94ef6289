package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// sizes say how much is measured.
type sizes struct {
	// singles is how many workloads of each kind of failure fail one after the other, every apart.
	singles int
	apart   time.Duration
	// wave is how many workloads fail at once.
	wave int
	// helm says whether Helm's own rollback is waited for, which takes five minutes.
	helm bool
	// deadline is the progressDeadlineSeconds by which Kubernetes' own deadline is measured, in place
	// of 600.
	deadline int32
}

// full are the sizes of docs/performance.md: about ten minutes on two cores.
func full() sizes {
	return sizes{singles: 35, apart: 2 * time.Second, wave: 500, helm: true, deadline: 30}
}

// quick are sizes that show that it works; the figures mean little.
func quick() sizes {
	return sizes{singles: 2, apart: 500 * time.Millisecond, wave: 10, deadline: 5}
}

// parse reads the command line; each size may be given beside -quick.
func parse(args []string) (sizes, error) {
	s := full()
	for _, arg := range args {
		if arg == "-quick" || arg == "--quick" {
			s = quick()
		}
	}
	deadline := int(s.deadline)
	flags := flag.NewFlagSet("rollback", flag.ContinueOnError)
	flags.Bool("quick", false, "measure little, in about a minute, to see that it works")
	flags.IntVar(&s.singles, "singles", s.singles, "workloads of each kind of failure that fail one after the other")
	flags.DurationVar(&s.apart, "apart", s.apart, "how far apart their deploys are")
	flags.IntVar(&s.wave, "wave", s.wave, "workloads that fail at once; 0 for none")
	flags.BoolVar(&s.helm, "helm", s.helm, "measure Helm's own rollback too, five minutes beside everything else")
	flags.IntVar(&deadline, "deadline", deadline, "progressDeadlineSeconds by which Kubernetes' own deadline is measured; 0 for not at all")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: all options are flags", flags.Arg(0))
	}
	s.deadline = int32(deadline)
	if min(s.singles, s.wave, deadline) < 0 || s.singles+s.wave+deadline == 0 {
		return s, errors.New("no number is below 0, and one of -singles, -wave and -deadline is above")
	}
	if max(s.singles, s.wave) > mostWorkloads {
		return s, fmt.Errorf("-singles and -wave are at most %d", mostWorkloads)
	}
	return s, nil
}
