// Command node starts a cluster with a real node and runs a command beside it, a shell when none is
// given, with KUBECONFIG and a PATH that has kubectl. When the command has ended nothing is left.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"reprise.dev/reprise/test/harness/node"
)

func main() {
	if err := node.CanRun(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(node.Run(node.Options{}, beside))
}

// beside runs the command and returns the code to exit with.
func beside(ctx context.Context, n *node.Node) int {
	command := os.Args[1:]
	if len(command) == 0 {
		command = []string{"bash"}
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+n.Kubeconfig(), "PATH="+filepath.Dir(n.KubectlPath())+":"+os.Getenv("PATH"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
