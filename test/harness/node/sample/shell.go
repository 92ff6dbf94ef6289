package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// shell runs the script after -c, as far as its commands are built in; sleep is. It returns the
// script's exit code.
func shell(args []string) int {
	if len(args) < 2 || args[0] != "-c" {
		fmt.Fprintln(os.Stderr, "this shell knows only: sh -c SCRIPT")
		return 2
	}
	script, err := syntax.NewParser().Parse(strings.NewReader(args[1]), "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	runner, err := interp.New(interp.StdIO(nil, os.Stdout, os.Stderr), interp.ExecHandlers(sleeping))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	err = runner.Run(context.Background(), script)
	var status interp.ExitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sleeping adds sleep, of seconds, to the commands.
func sleeping(next interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		if args[0] != "sleep" || len(args) != 2 {
			return next(ctx, args)
		}
		seconds, err := time.ParseDuration(args[1] + "s")
		if err != nil {
			return err
		}
		time.Sleep(seconds)
		return nil
	}
}
