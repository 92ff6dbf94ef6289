package node

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// programVariable has this test binary be a program that wants a node, to see from outside what
// becomes of it. Its value is what the program does once the node is ready.
const programVariable = "NODE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	what := os.Getenv(programVariable)
	if what == "" {
		os.Exit(m.Run())
	}
	os.Exit(Run(Options{}, func(ctx context.Context, n *Node) int {
		if err := runPod(ctx, n); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("a pod runs")
		if what == "end" {
			return 7
		}
		select {} // it is killed
	}))
}

// runPod has the node run a pod, so that there are containers, mounts and cgroups.
func runPod(ctx context.Context, n *Node) error {
	if _, stderr, err := n.Kubectl(ctx, "run", "app", "--image=registry.example.com/app:1"); err != nil {
		return fmt.Errorf("%w: %s", err, stderr)
	}
	if _, stderr, err := n.Kubectl(ctx, "wait", "--for=condition=Ready", "pod/app", "--timeout=120s"); err != nil {
		return fmt.Errorf("%w: %s", err, stderr)
	}
	return nil
}
