// Command kubectl-reprise is the kubectl plugin: kubectl reprise.
package main

import (
	"os"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/cli/command"
)

func main() {
	// The libraries log the errors that the commands report as well. The loggers are global: set here,
	// no goroutine can be using them.
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	os.Exit(command.Run(ctrl.SetupSignalHandler(), os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
}
