package cluster

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// startWithin bounds a start that may have to build the binaries first.
const startWithin = 40 * time.Minute

// Serve starts a cluster for the tests of a package, hands it to use, runs them (m is a *testing.M)
// and stops it. It returns the code for the process to exit with. With KEEP=1 in the environment
// the cluster stays after the tests until an interrupt.
func Serve(m interface{ Run() int }, options Options, use func(*Cluster)) int {
	ctx, cancel := context.WithTimeout(context.Background(), startWithin)
	defer cancel()
	c, err := Start(ctx, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	use(c)
	code := m.Run()
	if os.Getenv("KEEP") != "" {
		keep(c)
	}
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// keep says how the cluster is reached, and waits for an interrupt.
func keep(c *Cluster) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	fmt.Fprintf(os.Stderr, "The cluster stays until Ctrl-C. In another terminal:\nexport KUBECONFIG=%s PATH=%s:$PATH\n", c.Kubeconfig(), filepath.Dir(c.KubectlPath()))
	<-interrupts
}
