// Command cluster-binaries builds the control plane's commands into the cache, or only those named as
// arguments, of which Helm may be one, and prints where each one is.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"reprise.dev/reprise/test/cluster"
)

func main() { os.Exit(build()) }

// build returns the code to exit with.
func build() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	paths, err := cluster.Binaries(ctx, os.Stderr, os.Args[1:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		fmt.Println(paths[name])
	}
	return 0
}
