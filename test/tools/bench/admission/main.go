// Command admission measures what Reprise's webhook costs, on a real API server: CPU of the
// webhook's process per admission and the time that a deployer waits, for several numbers of rules,
// beside a hook that does nothing. It prints a table of docs/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"reprise.dev/reprise/test/tools/bench/rig"
)

// within bounds a run, the control plane's binaries being there.
const within = 30 * time.Minute

func main() { os.Exit(rig.Main(within, measure)) }

// measure measures, or is the hook that does nothing: that is the same program.
func measure(ctx context.Context) error {
	var s sizes
	var nothing nothingOptions
	flags := flag.NewFlagSet("admission", flag.ExitOnError)
	flags.IntVar(&s.creates, "creates", 2000, "dry-run creates per row")
	flags.StringVar(&nothing.address, "serve-nothing", "", "serve the hook that does nothing on this address, instead of measuring")
	flags.StringVar(&nothing.cert, "tls-cert-file", "", "its certificate")
	flags.StringVar(&nothing.key, "tls-private-key-file", "", "its key")
	_ = flags.Parse(os.Args[1:]) // It exits on an error.
	switch {
	case nothing.address != "":
		return serveNothing(ctx, nothing)
	case s.creates < 100:
		return fmt.Errorf("-creates %d: the kernel counts CPU in hundredths of a second, so expected at least 100", s.creates)
	default:
		return run(ctx, os.Stdout, os.Stderr, s)
	}
}
