package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"reprise.dev/reprise/story"
)

// tableOptions are the flags of commands that list something.
type tableOptions struct {
	output        string
	noHeaders     bool
	allNamespaces bool
	watch         bool
}

func (p *plugin) statusCommand() *cobra.Command {
	var o tableOptions
	command := &cobra.Command{
		Use:   "status [WORKLOAD]",
		Short: "Show what runs, since when, and what failed last",
		Long: `Show of a workload its live revision, its phase and pods, the last failure, what is refused at admission, and the apply
that was refused last; without a name, of all workloads of the namespace, a line each.

With -w it is followed live: on a terminal in place, in a pipe a line for each change, until interrupted.

Exit codes: 0 it is shown, whatever it is, 2 it cannot be told.`,
		Example: `  # All workloads of the namespace, a line each
  kubectl reprise status

  # Follow all workloads of all namespaces
  kubectl reprise status -A -w

  # One workload, in more words
  kubectl reprise status deploy/cart -n shop`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			if err := known(o.output, formats...); err != nil {
				return err
			}
			return p.status(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "of all namespaces")
	flags.BoolVarP(&o.watch, "watch", "w", false, "show what changes, until interrupted")
	tableFlags(command, &o)
	return command
}

// tableFlags are those that kubectl get has.
func tableFlags(command *cobra.Command, o *tableOptions) {
	outputFlag(command, &o.output, "", fmt.Sprintf("one of %v", formats[1:]), formats)
	command.Flags().BoolVar(&o.noHeaders, "no-headers", false, "leave the headings out")
}

// first is the first argument, empty where there is none.
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (p *plugin) status(ctx context.Context, o tableOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	if argument != "" && o.allNamespaces {
		return fmt.Errorf("-A is of all workloads; name none with it")
	}
	p.warnOfSilence(ctx, c)
	if o.watch {
		return p.watchStatus(ctx, c, o, argument)
	}
	if argument != "" {
		w, err := c.found(ctx, argument)
		if err != nil {
			return err
		}
		return p.printStatus(o, w)
	}
	all, err := c.statuses(ctx, o)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintf(p.ErrOut, "no workload that Reprise guards in %s\n", c.place(o))
	}
	return p.printStatuses(o, all, !o.noHeaders && len(all) > 0)
}

// place says where was looked.
func (c *connection) place(o tableOptions) string {
	if o.allNamespaces {
		return "any namespace"
	}
	return "namespace " + c.namespace
}

// printStatus prints one workload: a page for people, and for tools the status itself, as kubectl get NAME does.
func (p *plugin) printStatus(o tableOptions, w story.Workload) error {
	switch o.output {
	case "json", "yaml":
		return p.printData(o.output, story.StatusOf(w, time.Now()))
	case "name":
		fmt.Fprintf(p.Out, "deployment.apps/%s\n", w.Name)
		return nil
	default:
		fmt.Fprint(p.Out, story.StatusPage(w, p.look(), time.Now()))
		return nil
	}
}

// statuses are those of a namespace or of all.
func (c *connection) statuses(ctx context.Context, o tableOptions) ([]story.Status, error) {
	namespace := c.namespace
	if o.allNamespaces {
		namespace = ""
	}
	workloads, err := c.all(ctx, namespace)
	if err == nil {
		workloads, err = c.withEvents(ctx, namespace, workloads)
	}
	return statusesOf(workloads, time.Now()), err
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
	case "json", "yaml":
		return p.printData(o.output, map[string]any{"items": all})
	case "name":
		for _, s := range all {
			fmt.Fprintf(p.Out, "deployment.apps/%s\n", s.Name)
		}
		return nil
	default:
		return story.StatusTable(all, o.allNamespaces, time.Now()).Write(p.Out, p.look(), o.output == "wide", headings)
	}
}
