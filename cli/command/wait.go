package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/story"
)

// waitOptions are the flags of wait.
type waitOptions struct {
	files   []string
	timeout time.Duration
}

func (p *plugin) waitCommand() *cobra.Command {
	var o waitOptions
	command := &cobra.Command{
		Use:   "wait [WORKLOAD]",
		Short: "Wait until the revision that you applied is healthy, and fail if it fails or is rolled back",
		Long: `Wait until the revision that you applied is Healthy. If it fails or is rolled back, print the reason and exit
with 1. In contrast, kubectl rollout status reports success after a rollback.

With --filename, wait for the revision of the manifests that you applied. A server-side dry run finds it. If there are several
workloads, wait for each of them and exit with the most severe code. Failed is the most severe, then unknown.

Without --filename, wait for the newest revision that is not a rollback. An apply that changes nothing makes no revision, so
this can be an older one. Reprise may have rolled it back before the command starts.

Exit codes: 0 success, 1 the revision failed or was rolled back, 2 error, unknown or timeout, 3 superseded by another
deployment.`,
		Example: `  # Apply, and fail if the deployment fails
  kubectl apply -f manifests.yaml && kubectl reprise wait -f manifests.yaml --timeout 5m

  # Wait for the release of helm upgrade
  helm template cart ./chart | kubectl reprise wait -f -

  # Wait for the newest deployment of cart
  kubectl reprise wait cart`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.wait(command.Context(), o, first(args))
		},
	}
	command.Flags().StringArrayVarP(&o.files, "filename", "f", nil, "The manifests that you applied: a file, a folder, or - for standard input. Can be repeated.")
	command.Flags().DurationVar(&o.timeout, "timeout", 10*time.Minute, "The length of time to wait.")
	return command
}

func (p *plugin) wait(ctx context.Context, o waitOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	if message := p.notRunning(ctx, c); message != "" {
		return errors.New(message)
	}
	end := time.Now().Add(o.timeout)
	if len(o.files) == 0 {
		return p.waitFor(ctx, newApplied(c, c.Namespace, argument, nil), o.timeout, end)
	}
	deployments, err := deploymentsIn(o.files, argument, p.In)
	if err != nil {
		return err
	}
	worst := 0
	for _, d := range deployments {
		applied := newApplied(c, cmp.Or(d.GetNamespace(), c.Namespace), d.GetName(), d)
		worst = worse(worst, p.exit(p.waitFor(ctx, applied, o.timeout, end)))
	}
	if worst != 0 {
		return exitCode(worst)
	}
	return nil
}

// worse returns the more severe of two exit codes: failed, then unknown, then superseded.
func worse(a, b int) int {
	for _, code := range []int{codeFailed, codeUnknown} {
		if a == code || b == code {
			return code
		}
	}
	return max(a, b)
}

// waitFor waits for one workload, until the end at the latest.
func (p *plugin) waitFor(ctx context.Context, a *applied, timeout time.Duration, end time.Time) error {
	w, err := a.workloads.Find(ctx, a.namespace, a.name)
	if err != nil {
		return err
	}
	a.name = w.Name
	progress, err := p.poll(ctx, a.c, a.namespace, w.Name, time.Until(end), a.look)
	if err != nil {
		return err
	}
	if progress.State == story.Failed {
		r := a.w.History.Number(a.number)
		fmt.Fprint(p.Out, diagnosis(a.w, r).Core(p.look(), time.Now()))
		return exitCode(codeFailed)
	}
	return p.result(progress, timeout)
}

// applied is a revision to wait for.
type applied struct {
	c               *cluster.Connection
	workloads       *cluster.Workloads
	namespace, name string
	// manifest is what was applied, nil where it is not given.
	manifest *unstructured.Unstructured
	// number is the revision's, 0 until it is found.
	number int64
	// w is what was read last.
	w story.Workload
}

func newApplied(c *cluster.Connection, namespace, name string, manifest *unstructured.Unstructured) *applied {
	return &applied{c: c, workloads: cluster.NewWorkloads(c), namespace: namespace, name: name, manifest: manifest}
}

// look reads how far the revision is. Which one it is can be told once the history holds all that
// was deployed.
func (a *applied) look(ctx context.Context) (story.Progress, error) {
	w, err := a.workloads.Load(ctx, a.namespace, a.name)
	if err != nil {
		return story.Progress{}, err
	}
	a.w = w
	if a.number == 0 {
		if missing, err := a.pick(ctx); err != nil || missing != "" {
			return story.Progress{Message: missing}, err
		}
	}
	return w.WaitStatus(a.number, time.Now()), nil
}

// pick finds the revision that was applied, or says what is missing.
func (a *applied) pick(ctx context.Context) (missing string, err error) {
	var changed []string
	if live := a.w.Live(); live != nil {
		changed, err = store.ChangedFiles(ctx, a.c.API, live)
		if err != nil && !apierrors.IsForbidden(err) {
			return "", err // A caller who may not read ConfigMaps does without.
		}
	}
	if recorded, missing := a.w.Recorded(changed); !recorded {
		return missing, nil
	}
	var r *v1alpha1.WorkloadRevision
	if a.manifest != nil {
		r, err = cluster.RevisionOf(ctx, a.c.API, a.manifest, a.w)
	} else {
		r, err = a.w.LatestUserRevision()
	}
	if err != nil {
		return "", err
	}
	a.number = r.Spec.Number
	return "", nil
}
