package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/story"
)

func (p *plugin) statusCommand() *cobra.Command {
	var o tableOptions
	command := &cobra.Command{
		Use:   "status [WORKLOAD]",
		Short: "Show which revision runs and what failed last",
		Long: `Show the live revision of a workload, its phase and pods, the last failure, the active quarantine, and the last apply
that admission denied. Without a name, list all workloads of the namespace.

With --watch, follow the status until you interrupt it. A terminal is redrawn in place. A pipe gets a line for each change.

Exit codes: 0 success, whatever the status is, 2 error or unknown.`,
		Example: `  # List all workloads of the namespace
  kubectl reprise status

  # Follow all workloads of all namespaces
  kubectl reprise status -A -w

  # Show the details of one workload
  kubectl reprise status deploy/cart -n shop`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			if err := terminal.CheckFormat(o.output, tableFormats...); err != nil {
				return err
			}
			return p.status(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "If true, list across all namespaces.")
	flags.BoolVarP(&o.watch, "watch", "w", false, "If true, follow changes until interrupted.")
	tableFlags(command, &o)
	return command
}

func (p *plugin) status(ctx context.Context, o tableOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	if argument != "" && o.allNamespaces {
		return errors.New("--all-namespaces lists all workloads: leave out the name, or use -n")
	}
	p.warnNotRunning(ctx, c)
	if o.watch {
		return p.watchStatus(ctx, c, o, argument)
	}
	workloads := cluster.NewWorkloads(c)
	if argument != "" {
		w, err := workloads.FindWithEvents(ctx, c.Namespace, argument)
		if err != nil {
			return err
		}
		return p.printStatus(o, w)
	}
	namespace := c.Namespace
	if o.allNamespaces {
		namespace = ""
	}
	all, err := workloads.ListWithEvents(ctx, namespace)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(p.ErrOut, noWorkloads(namespace))
	}
	return p.printStatuses(o, statusesOf(all, time.Now()), !o.noHeaders && len(all) > 0)
}

// noWorkloads returns the message that there is nothing to list in a namespace, or in any where it
// is empty.
func noWorkloads(namespace string) string {
	if namespace == "" {
		return "no workload that Reprise guards in any namespace"
	}
	return "no workload that Reprise guards in namespace " + namespace
}

// printStatus prints one workload: a page for people, and for programs the status itself, as
// kubectl get NAME does.
func (p *plugin) printStatus(o tableOptions, w story.Workload) error {
	switch o.output {
	case terminal.JSON, terminal.YAML:
		return terminal.WriteData(p.Out, o.output, story.StatusOf(w, time.Now()))
	case terminal.Name:
		fmt.Fprintf(p.Out, "deployment.apps/%s\n", w.Name)
		return nil
	default:
		fmt.Fprint(p.Out, story.StatusPage(w, p.look(), time.Now()))
		return nil
	}
}

func statusesOf(workloads []story.Workload, now time.Time) []story.Status {
	all := []story.Status{}
	for _, w := range workloads {
		all = append(all, story.StatusOf(w, now))
	}
	return all
}

func (p *plugin) printStatuses(o tableOptions, all []story.Status, headings bool) error {
	switch o.output {
	case terminal.JSON, terminal.YAML:
		return terminal.WriteData(p.Out, o.output, map[string]any{"items": all})
	case terminal.Name:
		for _, s := range all {
			fmt.Fprintf(p.Out, "deployment.apps/%s\n", s.Name)
		}
		return nil
	default:
		return story.StatusTable(all, o.allNamespaces, time.Now()).Write(p.Out, p.look(), o.output == terminal.Wide, headings)
	}
}
