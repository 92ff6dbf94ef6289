// Command rollback measures how fast Reprise puts a workload back, on a real control plane: from the moment at which
// what is stored says that the rollout has failed until the last healthy revision is stored again, one workload at a
// time and many at once, beside what Kubernetes and Helm do by themselves. It prints the tables of docs/performance.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// within bounds a run, the control plane's binaries being there.
const within = 30 * time.Minute

func main() { os.Exit(measure()) }

// measure returns the code to exit with.
func measure() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	chosen, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, os.Stdout, os.Stderr, chosen)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
