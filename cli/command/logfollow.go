package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/story"
)

// reconnect is how long a log that broke off rests before it is asked for again.
const reconnect = time.Second

// logPlace is where a log comes from.
type logPlace struct {
	pod       types.UID
	container string
}

// tail is a container's log that is followed over its runs.
type tail struct {
	// run is the container's id in the run that is read, or was read last.
	run     string
	reading bool
	// final says that the run had ended when this reading began, and over that all of it is printed. The API server ends a
	// log that broke off as it ends one that is whole.
	final, over bool
	// since is the time of the last line.
	since time.Time
	// after is when to ask again for what broke off, and warned whether that was told.
	after  time.Time
	warned bool
}

// tailEnd tells that the log of a run cannot be read further.
type tailEnd struct {
	place logPlace
	pod   *corev1.Pod
	err   error
}

// logFollower follows the logs of a revision's pods as they come and go.
type logFollower struct {
	p        *plugin
	c        *connection
	core     kubernetes.Interface
	name     string
	revision *v1alpha1.WorkloadRevision
	options  logOptions

	printing sync.Mutex
	tails    map[logPlace]*tail
	ends     chan tailEnd
	readers  sync.WaitGroup
	// begun says that what was there at the beginning is being read.
	begun bool
}

func (p *plugin) followLogs(ctx context.Context, c *connection, core kubernetes.Interface, w story.Workload, r *v1alpha1.WorkloadRevision, o logOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	selector, err := metav1.LabelSelectorAsSelector(w.Deployment.Spec.Selector)
	if err != nil {
		cancel()
		return fmt.Errorf("reading the selector of %s: %w", w.Name, err)
	}
	kinds := kindsOf(w.Name)
	kinds[&appsv1.ReplicaSet{}], kinds[&corev1.Pod{}] = cache.ByObject{Label: selector}, cache.ByObject{Label: selector}
	f := &logFollower{p: p, core: core, name: w.Name, revision: r, options: o, tails: map[logPlace]*tail{}, ends: make(chan tailEnd)}
	defer f.readers.Wait()
	defer cancel()
	live, err := c.watch(ctx, w.Namespace, kinds)
	if err != nil {
		return unlessOver(ctx, err)
	}
	own := *c
	own.reader = live
	f.c = &own
	return unlessOver(ctx, f.follow(ctx, w.Namespace, live))
}

func (f *logFollower) follow(ctx context.Context, namespace string, live *watched) error {
	again := time.NewTicker(reconnect)
	defer again.Stop()
	for {
		done, err := f.look(ctx, namespace)
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-live.changed:
		case <-again.C:
		case err := <-live.troubles:
			if lasting(err) {
				return explain(err, namespace)
			}
		case end := <-f.ends:
			if err := f.ended(end); err != nil {
				return err
			}
		}
	}
}

// look reads what is not read yet. It is done once the revision runs no more and its pods are gone.
func (f *logFollower) look(ctx context.Context, namespace string) (done bool, err error) {
	workloads, err := f.c.all(ctx, namespace)
	if err != nil {
		return false, err
	}
	var w story.Workload
	if len(workloads) > 0 {
		w = workloads[0]
	}
	pods, err := f.c.podsOf(ctx, w, f.revision)
	if err != nil {
		return false, err
	}
	for _, pod := range pods {
		wanted := containersOf(&pod, f.options.container)
		if len(wanted) == 0 {
			return false, fmt.Errorf("there is no container %q; there are %s", f.options.container, strings.Join(containersOf(&pod, ""), ", "))
		}
		for _, container := range wanted {
			f.read(ctx, &pod, container, time.Now())
		}
	}
	f.begun = true
	if len(pods) > 0 || f.reading() || w.Wants(f.revision) {
		return false, nil
	}
	now := f.revision
	if r := w.History.Number(f.revision.Spec.Number); r != nil {
		now = r
	}
	fmt.Fprintf(f.p.ErrOut, "%s #%d, %s: it does not run any more, and its pods are gone\n", f.name, now.Spec.Number, story.Label(now))
	return true, nil
}

// read begins to read a container's log, where there is more of it than is read.
func (f *logFollower) read(ctx context.Context, pod *corev1.Pod, container string, now time.Time) {
	run, running := runOf(pod, container)
	place := logPlace{pod: pod.UID, container: container}
	t := f.tails[place]
	if t == nil {
		t = &tail{}
		f.tails[place] = t
	}
	if run == "" || t.reading || t.over && t.run == run || now.Before(t.after) {
		return
	}
	options := &corev1.PodLogOptions{Container: container, Follow: true, Timestamps: true}
	switch {
	case !t.since.IsZero():
		options.SinceTime = &metav1.Time{Time: t.since}
	case !f.begun && f.options.tail >= 0:
		options.TailLines = &f.options.tail
	}
	t.reading, t.final, t.over, t.run = true, !running, false, run
	out := newPrefixed(pod.Name, container, f.p.Out, &f.printing)
	out.since = &t.since
	f.readers.Go(func() {
		end := tailEnd{place: place, pod: pod, err: stream(ctx, f.core, pod, options, out)}
		select {
		case f.ends <- end:
		case <-ctx.Done():
		}
	})
}

// ended notes how far a log was read. What breaks off is asked for again, from the last line on.
func (f *logFollower) ended(end tailEnd) error {
	t := f.tails[end.place]
	t.reading = false
	switch {
	case apierrors.IsForbidden(end.err):
		return unread(end.pod, end.place.container, end.err)
	case end.err == nil:
		t.over, t.warned = t.final, false
	case !t.warned && !apierrors.IsNotFound(end.err):
		t.warned = true
		fmt.Fprintf(f.p.ErrOut, "warning: %v; trying again\n", unread(end.pod, end.place.container, end.err))
	}
	t.after = time.Now().Add(reconnect)
	return nil
}

// reading says whether any log is being read.
func (f *logFollower) reading() bool {
	for _, t := range f.tails {
		if t.reading {
			return true
		}
	}
	return false
}

// runOf is the id of a container's run whose log can be read, and whether it goes on; empty where none has started.
func runOf(pod *corev1.Pod, container string) (run string, running bool) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == container {
			return status.ContainerID, status.State.Running != nil
		}
	}
	return "", false
}
