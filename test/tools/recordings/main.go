// Command recordings plays deploys that fail on a real node and records what the API server shows
// of them over time: Deployments, ReplicaSets, Pods, Nodes and Events. It writes a file for each
// under test/testdata/pods, which health's tests judge, and the table in the README there. With
// names as arguments it plays only those.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/node"
)

func main() {
	if err := node.CanRun(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(node.Run(node.Options{}, func(ctx context.Context, n *node.Node) int {
		if err := play(ctx, n, os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}))
}

// play plays what leaves the node alone all at once, and the rest one after another.
func play(ctx context.Context, n *node.Node, only []string) error {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, "test", "testdata", "pods")
	var together sync.WaitGroup
	failed := make(chan error, len(scenarios))
	one := func(s scenario) {
		fmt.Fprintf(os.Stderr, "playing %s\n", s.name)
		if err := s.play(ctx, n, folder); err != nil {
			failed <- fmt.Errorf("playing %s: %w", s.name, err)
		}
	}
	var alone []scenario
	for _, s := range scenarios {
		switch {
		case len(only) > 0 && !slices.Contains(only, s.name):
		case s.alone:
			alone = append(alone, s)
		default:
			together.Go(func() { one(s) })
		}
	}
	together.Wait()
	for _, s := range alone {
		one(s)
	}
	if err := writeTable(folder); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
