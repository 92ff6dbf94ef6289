package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
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
		Short: "Print the logs of a revision's pods, or what was saved of them when they are gone",
		Long: `Print the logs of the pods of a revision: of what failed, until another was deployed and is healthy, then of that; or of
--revision. When its pods are gone, the last lines that were saved as evidence are printed, with credentials masked.
Every line begins with its pod and container.

With -f it goes on as the logs grow, with pods that start later and containers that are restarted, until it is
interrupted, or the revision does not run any more and its last pod is gone.

Exit codes: 0 they are printed, 2 there are none, or they cannot be read.`,
		Example: `  # The logs of what failed last or, where that is mended, of what runs
  kubectl reprise logs cart

  # Follow the logs of revision 5, of all its pods
  kubectl reprise logs cart --revision 5 -f

  # What container frontend printed before it was restarted
  kubectl reprise logs cart --previous -c frontend`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.logs(command.Context(), o, first(args))
		},
	}
	flags := command.Flags()
	flags.StringVar(&o.revision, "revision", "", "the number of the revision")
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on as the logs grow, until interrupted")
	flags.BoolVar(&o.previous, "previous", false, "of the run before, of containers that were restarted")
	flags.StringVarP(&o.container, "container", "c", "", "of this container alone")
	flags.Int64Var(&o.tail, "tail", -1, "how many of the last lines to print of each; -1 for all")
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
	w, err := c.find(ctx, argument)
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
		return fmt.Errorf("nothing of %s is recorded yet", w.Name)
	}
	pods, err := c.podsOf(ctx, w, r)
	if err != nil {
		return err
	}
	follows := o.follow && w.Wants(r)
	switch {
	case len(pods) == 0 && follows:
		fmt.Fprintf(p.ErrOut, "%s #%d, %s: its pods are not there yet\n", w.Name, r.Spec.Number, story.Label(r))
	case len(pods) == 0:
		return p.savedLogs(w, r, o)
	default:
		fmt.Fprintf(p.ErrOut, "%s #%d, %s:\n", w.Name, r.Spec.Number, story.Label(r))
	}
	core, err := kubernetes.NewForConfig(c.rest)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	if o.follow {
		return p.followLogs(ctx, c, core, w, r, o)
	}
	return p.liveLogs(ctx, core, pods, o)
}

// podsOf are the pods of a revision's pod template that are there still.
func (c *connection) podsOf(ctx context.Context, w story.Workload, r *v1alpha1.WorkloadRevision) ([]corev1.Pod, error) {
	if w.Deployment == nil {
		return nil, nil
	}
	selector, err := metav1.LabelSelectorAsSelector(w.Deployment.Spec.Selector)
	if err != nil {
		return nil, fmt.Errorf("reading the selector of %s: %w", w.Name, err)
	}
	matching := []client.ListOption{client.InNamespace(w.Namespace), client.MatchingLabelsSelector{Selector: selector}}
	var sets appsv1.ReplicaSetList
	if err := c.reader.List(ctx, &sets, matching...); err != nil {
		return nil, explain(err, w.Namespace)
	}
	var all corev1.PodList
	if err := c.reader.List(ctx, &all, matching...); err != nil {
		return nil, explain(err, w.Namespace)
	}
	return story.PodsOf(r, sets.Items, all.Items), nil
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
	fmt.Fprintf(p.ErrOut, "%s #%d, %s: its pods are gone; this was saved when it failed:\n", w.Name, r.Spec.Number, story.Label(r))
	if o.tail >= 0 {
		lines = lines[max(0, len(lines)-int(o.tail)):]
	}
	for _, line := range lines {
		fmt.Fprintln(p.Out, line)
	}
	return nil
}

// liveLogs prints the logs of pods, one after another.
func (p *plugin) liveLogs(ctx context.Context, core kubernetes.Interface, pods []corev1.Pod, o logOptions) error {
	var problems []error
	var printing sync.Mutex
	read := 0
	for _, pod := range pods {
		for _, container := range containersOf(&pod, o.container) {
			options := &corev1.PodLogOptions{Container: container, Previous: o.previous}
			if o.tail >= 0 {
				options.TailLines = &o.tail
			}
			read++
			if err := stream(ctx, core, &pod, options, newPrefixed(pod.Name, container, p.Out, &printing)); err != nil {
				problems = append(problems, unread(&pod, container, err))
			}
		}
	}
	if read == 0 {
		return fmt.Errorf("there is no container %q; there are %s", o.container, strings.Join(containersOf(&pods[0], ""), ", "))
	}
	return errors.Join(problems...)
}

// unread says that a log cannot be read.
func unread(pod *corev1.Pod, container string, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("reading logs takes the right to get pods/log: %w", err)
	}
	return fmt.Errorf("reading the log of container %s in pod %s: %w", container, pod.Name, err)
}

// containersOf are the containers whose logs are wanted.
func containersOf(pod *corev1.Pod, wanted string) []string {
	var names []string
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if wanted == "" || container.Name == wanted {
			names = append(names, container.Name)
		}
	}
	return names
}

func stream(ctx context.Context, core kubernetes.Interface, pod *corev1.Pod, options *corev1.PodLogOptions, out *prefixed) error {
	log, err := core.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return err
	}
	defer log.Close()
	if _, err := io.Copy(out, log); err != nil {
		return err
	}
	return out.end()
}
