package command

import (
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/story"
)

const (
	// calm is how long what follows live rests between two looks, so that a storm of changes is looked at once.
	calm = 100 * time.Millisecond
	// tick is how often ages move on a terminal.
	tick = time.Second
	// namespacesEvery is how often the annotations of namespaces are read again: they can seldom be watched.
	namespacesEvery = 30 * time.Second
)

// statusWatch is a status that is followed live.
type statusWatch struct {
	p *plugin
	o tableOptions
	c *connection
	// name is that of the one workload that is followed, empty where all are.
	name string
	// screen is drawn in place, nil where each change is a line.
	screen *screen
	// shown is what was printed last of each workload.
	shown map[string]story.Status
	// trouble is why what is shown may be old.
	trouble string
	// empty says that it was told that there is nothing to follow yet.
	empty bool
}

// watchStatus follows workloads until it is interrupted: on a terminal in place, else a line for each change, as
// kubectl get -w does.
func (p *plugin) watchStatus(ctx context.Context, c *connection, o tableOptions, argument string) error {
	s := &statusWatch{p: p, o: o, shown: map[string]story.Status{}}
	if argument != "" {
		w, err := c.find(ctx, argument)
		if err != nil {
			return err
		}
		s.name = w.Name
	}
	if width(p.Out) > 0 && os.Getenv("TERM") != dumb && (o.output == "" || o.output == "wide") {
		s.screen = &screen{out: p.Out}
	}
	namespace := c.namespace
	if o.allNamespaces {
		namespace = ""
	}
	mine, kinds := *c, kindsOf(s.name)
	if mine.noEvents = !c.mayWatchEvents(ctx, namespace); !mine.noEvents {
		kinds[&corev1.Event{}] = cache.ByObject{Field: own(s.name)}
	}
	live, err := c.watch(ctx, namespace, kinds)
	if err != nil {
		return unlessOver(ctx, err)
	}
	mine.reader = live
	s.c = &mine
	return unlessOver(ctx, s.follow(ctx, namespace, live))
}

// kindsOf are what a status is made of: of one workload, or of all where there is no name.
func kindsOf(name string) map[client.Object]cache.ByObject {
	var deployment, revisions cache.ByObject
	if name != "" {
		deployment.Field = fields.OneTermEqualSelector(metav1.ObjectNameField, name)
		revisions.Field = fields.OneTermEqualSelector(store.WorkloadField, name)
	}
	return map[client.Object]cache.ByObject{&appsv1.Deployment{}: deployment, &v1alpha1.WorkloadRevision{}: revisions}
}

// unlessOver is an error, but where the command was interrupted, which is how it ends.
func unlessOver(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *statusWatch) follow(ctx context.Context, namespace string, live *watched) error {
	var ticks <-chan time.Time
	if s.screen != nil {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		ticks = ticker.C
	}
	namespaces := time.NewTicker(namespacesEvery)
	defer namespaces.Stop()
	for {
		workloads, err := s.c.all(ctx, namespace)
		if err == nil {
			workloads, err = s.c.withEvents(ctx, namespace, workloads)
		}
		if err != nil {
			return err
		}
		if err := s.show(workloads, time.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-live.changed:
			s.trouble = ""
		case err := <-live.troubles:
			if lasting(err) {
				return explain(err, namespace)
			}
			s.hear(err)
		case <-namespaces.C:
			clear(s.c.annotations)
		case <-ticks:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(calm):
		}
	}
}

// hear notes that the API server does not answer, and tells it once where nothing is drawn in place.
func (s *statusWatch) hear(err error) {
	if s.trouble == "" && s.screen == nil {
		fmt.Fprintln(s.p.ErrOut, "warning: the cluster does not answer; trying again:", err)
	}
	s.trouble = fmt.Sprintf("the cluster does not answer; trying again: %v", err)
}
