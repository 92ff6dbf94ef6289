// Command prometheus-binaries fetches Debian's Prometheus for the tests that need it. Where it
// cannot be had it says so and succeeds: those tests are skipped by name.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"reprise.dev/reprise/test/harness/monitoring"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := monitoring.Fetch(ctx, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "the tests that need Prometheus will be skipped:", err)
		return
	}
	for _, name := range []string{monitoring.Server, monitoring.Tool} {
		path, err := monitoring.Find(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		fmt.Println(path)
	}
}
