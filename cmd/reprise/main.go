// Command reprise is the in-cluster binary: the admission server and the controllers.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/internal/version"
)

func main() {
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
	if err != nil {
		fmt.Fprintln(os.Stderr, "reprise:", err)
		os.Exit(1)
	}
}
