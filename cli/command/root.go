// Package command holds the commands of the kubectl plugin: their flags, what they print, and their
// exit codes.
package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/internal/mask"
	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/story"
)

// The exit codes. 0 is success. An error without a code of its own ends in codeUnknown: what was
// not evaluated is no consent.
const (
	codeFailed     = 1
	codeUnknown    = 2
	codeSuperseded = 3
)

// exitCode is the result of a command that has said already what went wrong.
type exitCode int

// Error implements error.
func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// plugin is what the commands share.
type plugin struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	// install is the namespace in which Reprise is installed.
	install string
}

// Run runs a command line and returns its exit code.
func Run(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	p := newPlugin(streams)
	root := p.command()
	root.SetArgs(args)
	return p.exit(root.ExecuteContext(ctx))
}

func newPlugin(streams genericiooptions.IOStreams) *plugin {
	return &plugin{IOStreams: streams, config: genericclioptions.NewConfigFlags(true)}
}

// exit prints an error that was not printed yet, and returns the exit code that it leads to.
func (p *plugin) exit(err error) int {
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	default:
		fmt.Fprintln(p.ErrOut, "error:", mask.Text(err.Error()))
		return codeUnknown
	}
}

// add adds commands to a group, which the help shows under a heading.
func (p *plugin) add(root *cobra.Command, heading string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: heading, Title: heading})
	for _, command := range commands {
		command.GroupID = heading
	}
	root.AddCommand(commands...)
}

// otherCommands is the heading of commands that are not about workloads.
const otherCommands = "Other commands:"

func (p *plugin) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-reprise",
		Short: "Inspect, roll back and check Score workloads",
		Long: `Reprise denies bad Score deployments at admission, and rolls back those that fail. Use these commands to see that a
deployment failed and why, to see what it changed, to roll back, and to check a fix.

WORKLOAD is NAME or deploy/NAME. If the namespace has only one workload, you can leave it out.`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl reprise"},
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.ErrOut)
	p.config.AddFlags(root.PersistentFlags())
	root.PersistentFlags().StringVar(&p.install, "reprise-namespace", "reprise-system", "The namespace in which Reprise is installed. Used to check whether it is running, and to read its defaults.")
	p.add(root, "Inspect workloads:", p.statusCommand(), p.historyCommand(), p.diffCommand(), p.whyCommand(), p.logsCommand())
	p.add(root, "Act on workloads:", p.rollbackCommand(), p.retryCommand(), p.pauseCommand(), p.resumeCommand())
	p.add(root, "Use in a pipeline:", p.checkCommand(), p.waitCommand(), p.policyCommand())
	p.add(root, otherCommands, p.versionCommand(), optionsCommand())
	root.SetHelpCommandGroupID(otherCommands)
	root.SetCompletionCommandGroupID(otherCommands)
	p.completeFlags(root)
	likeKubectl(root)
	return root
}

// connect connects to the cluster that the flags and the kubeconfig name.
func (p *plugin) connect() (*cluster.Connection, error) {
	return cluster.Connect(p.config.ToRawKubeConfigLoader(), *p.config.Context, p.install)
}

// find returns the workload that an argument names in the namespace of the command line.
func (p *plugin) find(ctx context.Context, c *cluster.Connection, argument string) (story.Workload, error) {
	return cluster.NewWorkloads(c).Find(ctx, c.Namespace, argument)
}

// notRunning returns since when Reprise does not run, and nothing where it does.
func (p *plugin) notRunning(ctx context.Context, c *cluster.Connection) string {
	return cluster.NotRunning(ctx, c.API, p.install, time.Now())
}

// warnNotRunning prints a warning where Reprise does not run.
func (p *plugin) warnNotRunning(ctx context.Context, c *cluster.Connection) {
	if message := p.notRunning(ctx, c); message != "" {
		fmt.Fprintln(p.ErrOut, "warning:", mask.Text(message))
	}
}

// look returns what standard output is printed on.
func (p *plugin) look() story.Terminal { return terminal.Of(p.Out) }

// first returns the first argument, empty where there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
