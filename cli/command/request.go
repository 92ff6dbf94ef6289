package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/cli/watch"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// requestable returns a workload about which something can be requested: it is known which revision
// runs, and Reprise runs to answer.
func (p *plugin) requestable(ctx context.Context, c *cluster.Connection, argument string) (story.Workload, error) {
	w, err := p.find(ctx, c, argument)
	if err != nil {
		return w, err
	}
	if w.Deployment == nil {
		return w, errGone(w)
	}
	if message := p.notRunning(ctx, c); message != "" {
		return w, errors.New(message)
	}
	recorded, missing := w.Recorded(nil)
	switch {
	case !workload.IsGuarded(w.Deployment):
		return w, errors.New(missing)
	case !recorded:
		return w, fmt.Errorf("cannot tell which revision of %s runs: %s; try again in a moment", w.Name, missing)
	}
	return w, nil
}

// errGone returns the error that a workload's Deployment was deleted.
func errGone(w story.Workload) error {
	return fmt.Errorf("deployment/%s is gone; only its history is kept", w.Name)
}

// poll waits for an end. Meanwhile a terminal shows what is waited for.
func (p *plugin) poll(ctx context.Context, c *cluster.Connection, namespace, name string, timeout time.Duration, look func(context.Context) (story.Progress, error)) (story.Progress, error) {
	line := terminal.NewLine(p.ErrOut, time.Now())
	defer line.Clear()
	return watch.Poll(ctx, c.API, watch.PollOptions{
		Namespace: namespace, Name: name, Timeout: timeout, Look: look,
		Waiting: func(message string) { line.Show(message, time.Now()) },
	})
}

// result prints how something ended, and makes it an exit code.
func (p *plugin) result(progress story.Progress, timeout time.Duration) error {
	switch progress.State {
	case story.Healthy:
		fmt.Fprintln(p.Out, progress.Message)
		return nil
	case story.Failed:
		fmt.Fprintln(p.Out, progress.Message)
		return exitCode(codeFailed)
	case story.Superseded:
		fmt.Fprintln(p.Out, progress.Message)
		return exitCode(codeSuperseded)
	default:
		return fmt.Errorf("timed out after %s: %s", timeout, cmp.Or(progress.Message, "there was no answer"))
	}
}
