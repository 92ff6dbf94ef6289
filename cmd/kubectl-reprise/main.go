// Command kubectl-reprise is the kubectl plugin: kubectl reprise.
package main

import (
	"os"

	"k8s.io/cli-runtime/pkg/genericiooptions"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/cli/command"
)

func main() {
	os.Exit(command.Run(ctrl.SetupSignalHandler(), os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
}
