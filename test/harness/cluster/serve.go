package cluster

import (
	"context"
	"fmt"
	"os"
	"time"
)

// startWithin bounds a start that may have to build the binaries first.
const startWithin = 40 * time.Minute

// Serve starts a cluster for the tests of a package, hands it to use, runs them (m is a *testing.M) and stops
// it. It returns the code for the process to exit with.
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
	if err := c.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}
