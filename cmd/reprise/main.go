// Command reprise is the in-cluster binary: the admission server and the controllers.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/policy/sandbox"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == sandbox.Command { // Another process of Reprise called it.
		exitOn(sandbox.Child(context.Background(), os.Stdin, os.Stdout, time.Tick(sandbox.WatchInterval)))
		return
	}
	options, err := parse(os.Args[1:])
	if errors.Is(err, pflag.ErrHelp) {
		return
	}
	if options.version {
		fmt.Println("reprise", version.String())
		return
	}
	if err == nil {
		err = run(ctrl.SetupSignalHandler(), options)
	}
	exitOn(err)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "reprise:", err)
		os.Exit(1)
	}
}
