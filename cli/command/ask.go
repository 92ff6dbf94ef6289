package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// manager is the field manager of what people ask for.
const manager = "kubectl-reprise"

// attempts is how often an annotation is tried to be set while others write the Deployment.
const attempts = 10

// errDeployed means that another deploy came while something was asked for.
var errDeployed = errors.New("another deploy arrived meanwhile; look again and ask anew")

// annotate sets an annotation of the Deployment, or clears it where the value is empty: only onto what was read, so that
// nothing is asked of a deploy that the caller has not seen.
func (c *connection) annotate(ctx context.Context, w story.Workload, key, value string) error {
	read := workload.IntentOf(w.Deployment).Hash()
	d := w.Deployment.DeepCopy()
	for range attempts {
		base := d.DeepCopy()
		if d.Annotations == nil {
			d.Annotations = map[string]string{}
		}
		if d.Annotations[key] = value; value == "" {
			delete(d.Annotations, key)
		}
		err := c.api.Patch(ctx, d, client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{}), client.FieldOwner(manager))
		switch {
		case err == nil:
			return nil
		case apierrors.IsForbidden(err):
			return fmt.Errorf("asking for something takes the right to patch the Deployment: %w", err)
		case !apierrors.IsConflict(err):
			return explain(err, w.Namespace)
		}
		if err := c.api.Get(ctx, client.ObjectKeyFromObject(w.Deployment), d); err != nil {
			return explain(err, w.Namespace)
		}
		if workload.IntentOf(d).Hash() != read {
			return errDeployed
		}
	}
	return fmt.Errorf("annotating deployment/%s: others wrote it %d times meanwhile; try again", w.Name, attempts)
}

// agreed asks a person. Where nobody can be asked, it says how to agree beforehand.
func (p *plugin) agreed(question string) (bool, error) {
	file, isFile := p.In.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return false, errors.New("nobody can be asked, since standard input is no terminal: agree by --yes, or look only by --dry-run")
	}
	fmt.Fprintf(p.ErrOut, "%s [y/N] ", question)
	answer, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return false, nil // No answer is a no.
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

// askable is what is asked about: the revision that runs must be known, and Reprise must be there to answer.
func (p *plugin) askable(ctx context.Context, c *connection, argument string) (story.Workload, error) {
	w, err := c.find(ctx, argument)
	if err != nil {
		return w, err
	}
	if w.Deployment == nil {
		return w, fmt.Errorf("deployment/%s is gone; only its history is kept", w.Name)
	}
	if says := p.silent(ctx, c); says != "" {
		return w, errors.New(says)
	}
	if _, says := w.Recorded(nil); !workload.IsGuarded(w.Deployment) {
		return w, errors.New(says)
	}
	if recorded, missing := w.Recorded(nil); !recorded {
		return w, fmt.Errorf("it is not known what %s runs: %s; try again in a moment", w.Name, missing)
	}
	return w, nil
}
