package node

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
)

// Options say what a node has beside itself. The zero value is a whole cluster with one node.
type Options struct {
	// Prepare makes what the program needs in the folder, while there still is a network and before
	// the node starts: binaries, images. Node.Prepared is the folder. nil prepares nothing.
	Prepare func(ctx context.Context, folder string) error
	// Cluster are the control plane's options; its nodes are this one.
	Cluster cluster.Options
}

// startWithin bounds a start; builds come before it.
const startWithin = 3 * time.Minute

// Serve starts a cluster with a real node for the tests of a package, hands it to use and runs them
// (m is a *testing.M). It returns the code for the process to exit with. The tests run in the
// node's own namespaces, where 127.0.0.1 and the cluster's addresses are reached and nothing else
// is. Where no node can run, use is not called and every test is to skip itself by Require.
func Serve(m interface{ Run() int }, options Options, use func(*Node)) int {
	if err := CanRun(); err != nil {
		fmt.Fprintf(os.Stderr, "skipping the tests that need a real node: %v\n", err)
		return m.Run()
	}
	return Run(options, func(_ context.Context, n *Node) int {
		use(n)
		return m.Run()
	})
}

// Run starts a cluster with a real node for a program, which is started anew with the same
// arguments for that, and does the work in there. It returns the code for the process to exit with,
// which is work's unless the node could not start. When it returns, or when the process is killed,
// nothing of the node is left.
func Run(options Options, work func(context.Context, *Node) int) int {
	switch os.Getenv(roleVariable) {
	case roleKeeper:
		return keep()
	case roleInside:
		return live(options, work)
	default:
		return enter(options)
	}
}

// live is what the program does inside the namespaces. It is their first process: its end ends all
// others.
func live(options Options, work func(context.Context, *Node) int) int {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	begin := time.Now()
	n, err := start(ctx, os.Getenv(folderVariable), options.Cluster)
	if err != nil {
		fmt.Fprintf(os.Stderr, "starting a node: %v\n", err)
		return 1
	}
	fmt.Fprintf(os.Stderr, "the node is ready after %s\n", time.Since(begin).Round(100*time.Millisecond))
	return work(context.Background(), n)
}

// prepare builds everything that the node is made of, which is found again inside.
func prepare(ctx context.Context, folder string, options Options) error {
	var progress io.Writer = os.Stderr
	if options.Cluster.Progress != nil {
		progress = options.Cluster.Progress
	}
	if _, err := cluster.Binaries(ctx, progress, binaries...); err != nil {
		return err
	}
	for _, name := range []string{"tmp", "log", "prepared", "kubelet", "containerd"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil {
			return err
		}
	}
	if err := buildSample(ctx, folder); err != nil {
		return err
	}
	if options.Prepare == nil {
		return nil
	}
	return options.Prepare(ctx, filepath.Join(folder, "prepared"))
}
