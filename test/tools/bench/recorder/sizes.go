package main

import (
	"errors"
	"flag"
	"fmt"
	"time"
)

// The halves of the measurement, each on a cluster of its own.
const (
	deploys      = "deploys"
	largeHistory = "history"
)

// mostWorkloads have names and namespaces of the same length.
const mostWorkloads = 1000 * perNamespace

// sizes say how much is measured.
type sizes struct {
	// only names the half that is measured, deploys or history; both where it is empty.
	only string
	// perStep is how many workloads each step of a deploy's life is counted over.
	perStep int
	// quiet is how long Reprise must have sent nothing for a step to count as over.
	quiet time.Duration
	// singles is how many deploys are timed one after the other.
	singles int
	// burst is how many workloads are deployed at once, burstDeploys times each.
	burst, burstDeploys int
	// stored is how many revisions are stored in each way that is compared.
	stored int
	// workloads have so many revisions and ReplicaSets each while memory is measured.
	workloads, revisions, replicaSets int
	// settle bounds the wait for a garbage collection after which memory is read.
	settle time.Duration
}

// full are the sizes of docs/performance.md: about ten minutes on two cores.
func full() sizes {
	return sizes{
		perStep: 20, quiet: 3 * time.Second, singles: 200, burst: 50, burstDeploys: 4, stored: 500,
		workloads: 5000, revisions: 10, replicaSets: 10, settle: 150 * time.Second,
	}
}

// quick are sizes that show that it works; the figures mean little.
func quick() sizes {
	return sizes{
		perStep: 2, quiet: time.Second, singles: 10, burst: 5, burstDeploys: 2, stored: 10,
		workloads: 20, revisions: 5, replicaSets: 2,
	}
}

// parse reads the command line; each size may be given beside -quick.
func parse(args []string) (sizes, error) {
	s := full()
	for _, arg := range args {
		if arg == "-quick" || arg == "--quick" {
			s = quick()
		}
	}
	flags := flag.NewFlagSet("recorder", flag.ContinueOnError)
	flags.Bool("quick", false, "measure little, in less than a minute, to see that it works")
	flags.StringVar(&s.only, "only", "", "measure only one half: deploys, or what a large history costs (history)")
	flags.IntVar(&s.perStep, "per-step", s.perStep, "workloads over which the requests of a step are counted")
	flags.DurationVar(&s.quiet, "quiet", s.quiet, "silence after which a step counts as over")
	flags.IntVar(&s.singles, "singles", s.singles, "deploys timed one after the other")
	flags.IntVar(&s.burst, "burst", s.burst, "workloads deployed at once")
	flags.IntVar(&s.burstDeploys, "burst-deploys", s.burstDeploys, "deploys of each workload in the burst")
	flags.IntVar(&s.stored, "stored", s.stored, "revisions stored in each way that is compared")
	flags.IntVar(&s.workloads, "workloads", s.workloads, "workloads while memory is measured")
	flags.IntVar(&s.revisions, "revisions", s.revisions, "revisions of each of them")
	flags.IntVar(&s.replicaSets, "replicasets", s.replicaSets, "ReplicaSets of each of them")
	flags.DurationVar(&s.settle, "settle", s.settle, "how long to wait for a garbage collection before memory is read")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q: all options are flags", flags.Arg(0))
	}
	if s.only != "" && s.only != deploys && s.only != largeHistory {
		return s, fmt.Errorf("-only is %s or %s, not %q", deploys, largeHistory, s.only)
	}
	if min(s.perStep, s.singles, s.burst, s.burstDeploys, s.stored, s.workloads, s.revisions) < 1 {
		return s, errors.New("every number but that of ReplicaSets is at least 1")
	}
	if s.workloads > mostWorkloads {
		return s, fmt.Errorf("-workloads is at most %d", mostWorkloads)
	}
	return s, nil
}
