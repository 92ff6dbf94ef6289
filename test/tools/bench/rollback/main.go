// Command rollback measures how fast Reprise puts a workload back, on a real control plane: from
// the moment at which what is stored says that the rollout has failed until the last healthy
// revision is stored again, one workload at a time and many at once, beside what Kubernetes and
// Helm do by themselves. It prints the tables of docs/performance.md.
package main

import (
	"context"
	"os"
	"time"

	"reprise.dev/reprise/test/tools/bench/rig"
)

// within bounds a run, the control plane's binaries being there.
const within = 30 * time.Minute

func main() { os.Exit(rig.Main(within, measure)) }

func measure(ctx context.Context) error {
	chosen, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	return run(ctx, os.Stdout, os.Stderr, chosen)
}
