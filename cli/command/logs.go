package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/cli/watch"
	"reprise.dev/reprise/story"
)

// logOptions are the flags of logs.
type logOptions struct {
	revision  string
	follow    bool
	previous  bool
	container string
	tail      int64
}

func (p *plugin) logsCommand() *cobra.Command {
	o := logOptions{}
	command := &cobra.Command{
		Use:   "logs [WORKLOAD]",
		Short: "Print the logs of a revision's pods",
		Long: `Print the logs of the pods of a revision. Each line begins with its pod and container. If the pods are gone, print the
last lines, which Reprise saved as evidence with credentials masked.

Without --revision, print the logs of the last revision that failed, or of the live one if a later deployment is healthy.

With --follow, print new lines, also of pods that start later and of containers that restart. It ends when you interrupt it,
or when the revision no longer runs and its last pod is gone.

Exit codes: 0 success, 2 error, or there are no logs.`,
		Example: `  # Print the logs of the last failure of cart
  kubectl reprise logs cart

  # Follow the logs of all pods of revision 5
  kubectl reprise logs cart --revision 5 -f

  # Print the logs of container frontend before its last restart
  kubectl reprise logs cart --previous -c frontend`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.logs(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.revision, "revision", "", "Print the logs of this revision, by its number.")
	flags.BoolVarP(&o.follow, "follow", "f", false, "If true, follow the logs until interrupted.")
	flags.BoolVar(&o.previous, "previous", false, "If true, print the logs of the previous instance of each container.")
	flags.StringVarP(&o.container, "container", "c", "", "Print the logs of this container.")
	flags.Int64Var(&o.tail, "tail", -1, "Number of recent lines to print of each container, -1 for all.")
	command.MarkFlagsMutuallyExclusive("follow", "previous")
	_ = command.RegisterFlagCompletionFunc("revision", p.completeNumber) // The flags exist.
	_ = command.RegisterFlagCompletionFunc("container", p.completeContainer)
	return command
}

func (p *plugin) logs(ctx context.Context, o logOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	workloads := cluster.NewWorkloads(c)
	w, err := workloads.Find(ctx, c.Namespace, argument)
	if err != nil {
		return err
	}
	r := w.DefaultLogsRevision()
	if o.revision != "" {
		if r, err = w.Revision(o.revision); err != nil {
			return err
		}
	}
	if r == nil {
		return errors.New(notRecorded(w))
	}
	pods, err := workloads.Pods(ctx, w, r)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%s #%d, %s", w.Name, r.Spec.Number, story.Label(r))
	switch {
	case len(pods) == 0 && o.follow && w.Wants(r):
		fmt.Fprintf(p.ErrOut, "%s: waiting for its pods\n", title)
	case len(pods) == 0:
		return p.savedLogs(w, r, o)
	default:
		fmt.Fprintf(p.ErrOut, "%s:\n", title)
	}
	if o.follow {
		return p.followLogs(ctx, c, w, r, o)
	}
	return p.liveLogs(ctx, c, pods, o)
}

// savedLogs prints what was saved of a revision's containers.
func (p *plugin) savedLogs(w story.Workload, r *v1alpha1.WorkloadRevision, o logOptions) error {
	lines := story.SavedLogs(r, o.container, o.previous)
	if saved := story.SavedOf(r); len(lines) == 0 && o.container != "" && len(saved) > 0 && !slices.Contains(saved, o.container) {
		return fmt.Errorf("the pods of %s #%d are gone, and no logs were saved of container %q; there are logs of %s", w.Name, r.Spec.Number, o.container, strings.Join(saved, ", "))
	}
	if len(lines) == 0 {
		return fmt.Errorf("the pods of %s #%d are gone, and no logs were saved of them; %s", w.Name, r.Spec.Number, cmp.Or(r.FailureMessage(), "it has not failed"))
	}
	fmt.Fprintf(p.ErrOut, "%s #%d, %s: its pods are gone; these lines were saved when it failed:\n", w.Name, r.Spec.Number, story.Label(r))
	if o.tail >= 0 {
		lines = lines[max(0, len(lines)-int(o.tail)):]
	}
	for _, line := range lines {
		fmt.Fprintln(p.Out, line)
	}
	return nil
}

// liveLogs prints the logs of pods, one after another.
func (p *plugin) liveLogs(ctx context.Context, c *cluster.Connection, pods []corev1.Pod, o logOptions) error {
	logs, err := cluster.NewLogs(c)
	if err != nil {
		return err
	}
	var problems []error
	read := 0
	for _, pod := range pods {
		for _, container := range cluster.Containers(&pod.Spec, o.container) {
			options := &corev1.PodLogOptions{Container: container, Previous: o.previous}
			if o.tail >= 0 {
				options.TailLines = &o.tail
			}
			read++
			line := func(text []byte) error { return terminal.WriteLogLine(p.Out, pod.Name, container, text) }
			if err := logs.Read(ctx, &pod, options, line); err != nil {
				problems = append(problems, err)
			}
		}
	}
	if read == 0 {
		return fmt.Errorf("there is no container %q; there are %s", o.container, strings.Join(cluster.Containers(&pods[0].Spec, ""), ", "))
	}
	return errors.Join(problems...)
}

// followLogs prints logs as they grow.
func (p *plugin) followLogs(ctx context.Context, c *cluster.Connection, w story.Workload, r *v1alpha1.WorkloadRevision, o logOptions) error {
	ended, err := watch.Logs(ctx, c, watch.LogOptions{
		Workload: w, Revision: r, Container: o.container, Tail: o.tail,
		Line: func(pod, container string, text []byte) error {
			return terminal.WriteLogLine(p.Out, pod, container, text)
		},
		Warn: func(err error) { fmt.Fprintf(p.ErrOut, "warning: %v; trying again\n", err) },
	})
	if ended != nil {
		fmt.Fprintf(p.ErrOut, "%s #%d, %s: it does not run any more, and its pods are gone\n", w.Name, ended.Spec.Number, story.Label(ended))
	}
	return err
}
