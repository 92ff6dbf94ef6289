// Command compile compiles commands into Go's build cache and shows how far it is, where the `go
// run` that follows would do so in silence. Each argument is FOLDER:PACKAGE, a folder of a module
// and a command's package in it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path"
	"strings"
	"syscall"

	"reprise.dev/reprise/test/harness/cluster/gobuild"
)

func main() { os.Exit(compile(os.Args[1:])) }

// compile returns the code to exit with.
func compile(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var steps []gobuild.Step
	for _, arg := range args {
		folder, pkg, ok := strings.Cut(arg, ":")
		if !ok {
			fmt.Fprintf(os.Stderr, "%q is not FOLDER:PACKAGE\n", arg)
			return 2
		}
		steps = append(steps, gobuild.Step{Name: path.Base(pkg), Dir: folder, Package: pkg})
	}
	err := gobuild.Run(ctx, os.Stderr, steps)
	if ctx.Err() != nil {
		return 130
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
