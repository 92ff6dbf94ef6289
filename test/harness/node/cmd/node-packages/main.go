// Command node-packages installs the Debian packages that a real node needs, where some are
// missing. Where it cannot, it says what is missing and succeeds: the tests that need a node then
// skip themselves.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"reprise.dev/reprise/test/harness/node"
)

// patience bounds each call of apt-get, which may wait for another or for a network that does not
// answer.
const patience = 5 * time.Minute

func main() {
	missing := node.MissingPackages()
	if len(missing) == 0 {
		return
	}
	names := strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		fmt.Println("a real node needs the Debian packages", names, "and only root can install them, on Debian: going on without a node")
		return
	}
	fmt.Println("a real node needs Debian packages that are missing: apt-get installs", names)
	// What is installed must stay: Docker's own containerd is one, too.
	for _, args := range [][]string{{"update", "--quiet"}, append([]string{"install", "--quiet", "--yes", "--no-install-recommends", "--no-remove"}, missing...)} {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Printf("apt-get %s: %v\n%s\ngoing on without a node\n", args[0], err, out)
			return
		}
	}
}
