// Command recorder measures what Reprise's recorder costs, on a real control plane: requests per
// deploy, time from stored to recorded, memory beside a large history, and what a revision takes in
// etcd against other ways to store it. It prints the tables of docs/performance.md.
package main

import (
	"context"
	"os"
	"time"

	"reprise.dev/reprise/test/tools/bench/rig"
)

// within bounds a run, the control plane's binaries being there.
const within = 20 * time.Minute

func main() { os.Exit(rig.Main(within, measure)) }

func measure(ctx context.Context) error {
	chosen, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	return run(ctx, os.Stdout, os.Stderr, chosen)
}
