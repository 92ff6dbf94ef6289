// Package command holds the commands of the kubectl plugin.
package command

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"reprise.dev/reprise/internal/version"
)

// The exit codes. An error that says nothing else is cannotTell: what was not judged is no consent.
const (
	denied     = 1
	cannotTell = 2
)

// outcome is a command's result that is told already, by its exit code.
type outcome int

// Error implements error.
func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

// plugin is what the commands share.
type plugin struct {
	genericiooptions.IOStreams
	config *genericclioptions.ConfigFlags
	// install is the namespace in which Reprise runs.
	install string
}

// Run runs a command line and returns its exit code.
func Run(ctx context.Context, args []string, streams genericiooptions.IOStreams) int {
	p := &plugin{IOStreams: streams, config: genericclioptions.NewConfigFlags(true)}
	root := p.command()
	root.SetArgs(args)
	return p.tell(root.ExecuteContext(ctx))
}

// tell says what went wrong, where that is not told already, and returns the exit code that it leads to.
func (p *plugin) tell(err error) int {
	var told outcome
	switch {
	case err == nil:
		return 0
	case errors.As(err, &told):
		return int(told)
	default:
		fmt.Fprintln(p.ErrOut, "error:", err)
		return cannotTell
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

func (p *plugin) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-reprise",
		Short: "Keep bad Score deployments out, and put the last good one back",
		Long: `Reprise keeps bad Score deployments out of the cluster and puts the last good one back. This is the developer's day with it:
see that a deploy failed, why, what it changed, go back, and fix.

A WORKLOAD is NAME or deploy/NAME; where the namespace has one workload, it may be left out.`,
		Version:       version.String(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl reprise"},
	}
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.ErrOut)
	p.config.AddFlags(root.PersistentFlags())
	root.PersistentFlags().StringVar(&p.install, "reprise-namespace", "reprise-system", "the namespace in which Reprise is installed, to see whether it runs")
	p.add(root, "See what happened:", p.statusCommand(), p.historyCommand(), p.diffCommand(), p.whyCommand(), p.logsCommand())
	p.add(root, "Act:", p.rollbackCommand(), p.retryCommand(), p.pauseCommand(), p.resumeCommand())
	p.add(root, "In a pipeline:", p.checkCommand(), p.waitCommand(), p.policyCommand())
	p.add(root, "Other commands:", p.versionCommand(), optionsCommand())
	root.SetHelpCommandGroupID("Other commands:")
	root.SetCompletionCommandGroupID("Other commands:")
	p.completeFlags(root)
	likeKubectl(root)
	return root
}
