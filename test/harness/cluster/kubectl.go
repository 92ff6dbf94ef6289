package cluster

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
)

// Kubectl runs the real kubectl as the administrator and returns what it printed. err is an
// *exec.ExitError when it ran and failed.
func (c *Cluster) Kubectl(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	return c.KubectlInput(ctx, nil, args...)
}

// KubectlInput is Kubectl with standard input, for `apply -f -`.
func (c *Cluster) KubectlInput(ctx context.Context, stdin io.Reader, args ...string) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	cmd := c.KubectlCommand(ctx, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

// KubectlCommand returns the command that Kubectl runs, for callers that stream its output or
// change its working directory.
func (c *Cluster) KubectlCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.binaries[Kubectl], args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig(), "KUBECACHEDIR="+c.file("kubectl-cache"))
	return cmd
}

// KubectlPath returns the path of kubectl, which outlives the cluster.
func (c *Cluster) KubectlPath() string { return c.binaries[Kubectl] }
