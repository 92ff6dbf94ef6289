// Command demo plays the break-fix exercise on a real control plane: what a developer types and
// sees when Reprise refuses a bad deployment, rolls another one back, and lets the fix pass. It
// fails, naming the step, when anything is not as it should be. With KEEP=1 the cluster stays until
// Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(play()) }

// play returns the code to exit with.
func play() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Stdout, os.Getenv("KEEP") == "1")
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stdout, "\nThe demo was stopped.")
		return 130
	}
	if err != nil {
		fmt.Fprintf(os.Stdout, "\nThe demo failed: %v\n", err)
		return 1
	}
	return 0
}
