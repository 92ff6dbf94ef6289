// Command recorder measures what Reprise's recorder costs, on a real control plane: requests per deploy, time from
// stored to recorded, memory beside a large history, and what a revision takes in etcd against other ways to store
// it. It prints the tables of docs/performance.md.
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
const within = 20 * time.Minute

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
