package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"reprise.dev/reprise/api/v1alpha1"
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
		Short: "After an apply, wait until what was applied is healthy; fail where it failed or was rolled back",
		Long: `Wait until the revision that was applied is Healthy. Where it failed or was rolled back, say why and fail: kubectl
rollout status would call the rollout of what was put back a success.

With -f it is the revision of what the manifest says, found out by a server-side dry run: give the file that was
applied. Of several workloads each is waited for, and the gravest outcome counts. Without, it is the newest revision that
Reprise did not make itself; an apply that changed nothing makes no revision, so that this may be an older one. It may
have been rolled back before wait began, or be replaced meanwhile.

Exit codes: 0 it is Healthy, 1 it failed or was rolled back, 2 it cannot be told, or not within --timeout, 3 another
deploy replaced it before there was a verdict.`,
		Example: `  # Apply, and fail where what was applied fails
  kubectl apply -f manifests.yaml && kubectl reprise wait -f manifests.yaml --timeout 5m

  # Wait for what helm upgrade has applied
  helm template cart ./chart | kubectl reprise wait -f -

  # Wait for the newest deploy of cart, whoever made it
  kubectl reprise wait cart`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: p.completeWorkload,
		RunE: func(command *cobra.Command, args []string) error {
			return p.wait(command.Context(), o, first(args))
		},
	}
	command.Flags().StringArrayVarP(&o.files, "filename", "f", nil, "the manifests that were applied: a file, a folder, or - for standard input")
	command.Flags().DurationVar(&o.timeout, "timeout", 10*time.Minute, "how long to wait at most")
	return command
}

func (p *plugin) wait(ctx context.Context, o waitOptions, argument string) error {
	c, err := p.connect()
	if err != nil {
		return err
	}
	if says := p.silent(ctx, c); says != "" {
		return errors.New(says)
	}
	end := time.Now().Add(o.timeout)
	if len(o.files) == 0 {
		return p.waitFor(ctx, &awaited{c: c, name: argument}, o.timeout, end)
	}
	applied, err := p.manifestsOf(o.files, argument)
	if err != nil {
		return err
	}
	worst := 0
	for _, m := range applied {
		own := *c
		if namespace := m.GetNamespace(); namespace != "" {
			own.namespace = namespace
		}
		worst = worse(worst, p.tell(p.waitFor(ctx, &awaited{c: &own, manifest: m, name: m.GetName()}, o.timeout, end)))
	}
	if worst != 0 {
		return outcome(worst)
	}
	return nil
}

// worse is the graver of two exit codes: that something failed, before that something cannot be told.
func worse(a, b int) int {
	for _, code := range []int{failed, cannotTell} {
		if a == code || b == code {
			return code
		}
	}
	return max(a, b)
}

// waitFor waits for one workload, until the end at the latest.
func (p *plugin) waitFor(ctx context.Context, applied *awaited, timeout time.Duration, end time.Time) error {
	w, err := applied.c.find(ctx, applied.name)
	if err != nil {
		return err
	}
	applied.name = w.Name
	progress, err := p.await(ctx, applied.c, w.Name, time.Until(end), applied.look)
	if err != nil {
		return err
	}
	if progress.State == story.Failed {
		r := applied.w.History.Number(applied.number)
		fmt.Fprint(p.Out, diagnosis(applied.w, r).Core(p.look(), time.Now()))
		return outcome(failed)
	}
	return p.result(progress, timeout)
}

// awaited is the revision that is waited for, once it is known which.
type awaited struct {
	c *connection
	// manifest is what was applied, nil where it is not given.
	manifest *manifest
	name     string
	number   int64
	// w is what was read last.
	w story.Workload
}

// look reads how far it is. Which revision it is, is found out once the history holds all that was deployed.
func (a *awaited) look(ctx context.Context) (story.Progress, error) {
	w, err := a.c.load(ctx, a.c.namespace, a.name)
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

// pick finds out which revision was applied, or says what is missing yet.
func (a *awaited) pick(ctx context.Context) (missing string, err error) {
	var changed []string
	if live := a.w.Live(); live != nil {
		changed, err = store.ChangedFiles(ctx, a.c.api, live)
		if err != nil && !apierrors.IsForbidden(err) {
			return "", err // Who may not read ConfigMaps does without.
		}
	}
	if recorded, missing := a.w.Recorded(changed); !recorded {
		return missing, nil
	}
	var r *v1alpha1.WorkloadRevision
	if a.manifest != nil {
		r, err = a.c.revisionOf(ctx, a.manifest, a.w)
	} else {
		r, err = a.w.LatestUserRevision()
	}
	if err != nil {
		return "", err
	}
	a.number = r.Spec.Number
	return "", nil
}
