// Command cluster-binaries builds the control plane's commands into the cache, or only those named
// as arguments, of which Helm may be one, and prints where each one is. With -minor 1.36 it builds
// what of the control plane is of an older Kubernetes, and prints the folder for
// KUBEBUILDER_ASSETS.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"reprise.dev/reprise/test/harness/cluster"
)

func main() { os.Exit(build()) }

// build returns the code to exit with.
func build() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == "-minor" {
		return older(ctx, os.Args[2])
	}
	paths, err := cluster.Binaries(ctx, os.Stderr, os.Args[1:]...)
	if err != nil {
		return failed(ctx, err)
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		fmt.Println(paths[name])
	}
	return 0
}

func older(ctx context.Context, minor string) int {
	folder, err := cluster.Older(ctx, os.Stderr, minor)
	if err != nil {
		return failed(ctx, err)
	}
	fmt.Println(folder)
	return 0
}

// failed says why it failed, and returns the code to exit with. Somebody who interrupts it has been
// told what is left.
func failed(ctx context.Context, err error) int {
	if ctx.Err() != nil {
		return 130
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
