// Command admission measures what Reprise's webhook costs, on a real API server: CPU of the webhook's process per
// admission and the time that a deployer waits, for several numbers of rules, beside a hook that does nothing. It prints
// a table of docs/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// within bounds a run, the control plane's binaries being there.
const within = 30 * time.Minute

func main() { os.Exit(measure()) }

// measure returns the code to exit with. The same program is the hook that does nothing.
func measure() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var s sizes
	var nothing nothingOptions
	flags := flag.NewFlagSet("admission", flag.ExitOnError)
	flags.IntVar(&s.creates, "creates", 2000, "dry-run creates per row")
	flags.StringVar(&nothing.address, "serve-nothing", "", "serve the hook that does nothing on this address, instead of measuring")
	flags.StringVar(&nothing.cert, "tls-cert-file", "", "its certificate")
	flags.StringVar(&nothing.key, "tls-private-key-file", "", "its key")
	_ = flags.Parse(os.Args[1:]) // It exits on an error.
	var err error
	switch {
	case nothing.address != "":
		err = serveNothing(ctx, nothing)
	case s.creates < 100:
		err = fmt.Errorf("-creates %d: the kernel counts CPU in hundredths of a second, so expected at least 100", s.creates)
	default:
		err = run(ctx, os.Stdout, os.Stderr, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
