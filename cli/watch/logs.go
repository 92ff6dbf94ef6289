package watch

import (
	"bytes"
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
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/story"
)

// reconnectAfter is how long a log that broke off rests before it is read again.
const reconnectAfter = time.Second

// LogOptions say which logs Logs follows, and who hears of them.
type LogOptions struct {
	Workload story.Workload
	Revision *v1alpha1.WorkloadRevision
	// Container is the one container to follow, empty for all.
	Container string
	// Tail is how many of the last lines that were written before to begin with, negative for all.
	Tail int64
	// Line hears each line, with its newline. It is not called concurrently.
	Line func(pod, container string, text []byte) error
	// Warn hears that a log broke off and is read again.
	Warn func(error)
}

// logSource is where a log comes from.
type logSource struct {
	pod       types.UID
	container string
}

// tail is how far the log of a container is read, over its runs.
type tail struct {
	// run is the container's id in the run that is read, or was read last.
	run     string
	reading bool
	// final says that the run had ended when this reading began. ended says that the log is read to
	// its end. The API server ends a log that broke off just as it ends a complete one.
	final, ended bool
	// since is the time of the last line.
	since time.Time
	// after is when to read on, and warned whether Warn has heard of it.
	after  time.Time
	warned bool
}

// logEnd says that the log of a run cannot be read further.
type logEnd struct {
	source logSource
	err    error
}

// logFollower follows the logs of a revision's pods as they come and go.
type logFollower struct {
	LogOptions
	logs      *cluster.Logs
	workloads *cluster.Workloads

	lines   sync.Mutex
	tails   map[logSource]*tail
	ends    chan logEnd
	readers sync.WaitGroup
	// begun says that the logs that were there at the beginning are being read.
	begun bool
}

// Logs follows the logs of a revision's pods: those that start later and containers that are
// restarted too. It returns the revision once it does not run any more and its last pod is gone,
// nil where the context ended before.
func Logs(ctx context.Context, c *cluster.Connection, o LogOptions) (*v1alpha1.WorkloadRevision, error) {
	ctx, cancel := context.WithCancel(ctx)
	f := &logFollower{LogOptions: o, tails: map[logSource]*tail{}, ends: make(chan logEnd)}
	defer f.readers.Wait()
	defer cancel()
	selector, err := cluster.PodSelector(o.Workload.Deployment)
	if err != nil {
		return nil, err
	}
	if f.logs, err = cluster.NewLogs(c); err != nil {
		return nil, err
	}
	kinds := statusKinds(o.Workload.Name)
	kinds[&appsv1.ReplicaSet{}], kinds[&corev1.Pod{}] = cache.ByObject{Label: selector}, cache.ByObject{Label: selector}
	live, err := newInformer(ctx, c, o.Workload.Namespace, kinds)
	if err != nil {
		return nil, unlessOver(ctx, err)
	}
	f.workloads = cluster.NewCachedWorkloads(c, live, false)
	ended, err := f.follow(ctx, live)
	return ended, unlessOver(ctx, err)
}

func (f *logFollower) follow(ctx context.Context, live *informer) (*v1alpha1.WorkloadRevision, error) {
	again := time.NewTicker(reconnectAfter)
	defer again.Stop()
	for {
		ended, err := f.look(ctx)
		if ended != nil || err != nil {
			return ended, err
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-live.changed:
		case <-again.C:
		case err := <-live.errors:
			if cluster.Permanent(err) {
				return nil, cluster.Explain(err, f.Workload.Namespace)
			}
		case end := <-f.ends:
			if err := f.end(end); err != nil {
				return nil, err
			}
		}
	}
}

// look begins to read logs that are not being read. It returns the revision once it runs no more
// and its pods are gone.
func (f *logFollower) look(ctx context.Context) (*v1alpha1.WorkloadRevision, error) {
	workloads, err := f.workloads.List(ctx, f.Workload.Namespace)
	if err != nil {
		return nil, err
	}
	var w story.Workload
	if len(workloads) > 0 {
		w = workloads[0]
	}
	pods, err := f.workloads.Pods(ctx, w, f.Revision)
	if err != nil {
		return nil, err
	}
	for _, pod := range pods {
		wanted := cluster.Containers(&pod.Spec, f.Container)
		if len(wanted) == 0 {
			return nil, fmt.Errorf("there is no container %q; there are %s", f.Container, strings.Join(cluster.Containers(&pod.Spec, ""), ", "))
		}
		for _, container := range wanted {
			f.read(ctx, &pod, container, time.Now())
		}
	}
	f.begun = true
	if len(pods) > 0 || f.reading() || w.Wants(f.Revision) {
		return nil, nil
	}
	if now := w.History.Number(f.Revision.Spec.Number); now != nil {
		return now, nil
	}
	return f.Revision, nil
}

// read begins to read a container's log, where there is more of it than was read.
func (f *logFollower) read(ctx context.Context, pod *corev1.Pod, container string, now time.Time) {
	run, running := runOf(pod, container)
	source := logSource{pod: pod.UID, container: container}
	t := f.tails[source]
	if t == nil {
		t = &tail{}
		f.tails[source] = t
	}
	if run == "" || t.reading || t.ended && t.run == run || now.Before(t.after) {
		return
	}
	options := &corev1.PodLogOptions{Container: container, Follow: true, Timestamps: true}
	switch {
	case !t.since.IsZero():
		options.SinceTime = &metav1.Time{Time: t.since}
	case !f.begun && f.Tail >= 0:
		options.TailLines = &f.Tail
	}
	t.reading, t.final, t.ended, t.run = true, !running, false, run
	line := func(text []byte) error {
		text, isNew := t.advance(text)
		if !isNew {
			return nil
		}
		f.lines.Lock()
		defer f.lines.Unlock()
		return f.Line(pod.Name, container, text)
	}
	f.readers.Go(func() {
		end := logEnd{source: source, err: f.logs.Read(ctx, pod, options, line)}
		select {
		case f.ends <- end:
		case <-ctx.Done():
		}
	})
}

// advance takes the time off the beginning of a line and moves on to it. It reports whether the
// line is new: after a connection broke, the API server repeats lines of the same second.
func (t *tail) advance(line []byte) (text []byte, isNew bool) {
	stamp, rest, _ := bytes.Cut(line, []byte(" "))
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return line, true
	}
	if !at.After(t.since) {
		return nil, false
	}
	t.since = at
	return rest, true
}

// end notes how far a log was read. A log that broke off is read on, from the last line.
func (f *logFollower) end(end logEnd) error {
	t := f.tails[end.source]
	t.reading = false
	switch {
	case apierrors.IsForbidden(end.err):
		return end.err
	case end.err == nil:
		t.ended, t.warned = t.final, false
	case !t.warned && !apierrors.IsNotFound(end.err):
		t.warned = true
		f.Warn(end.err)
	}
	t.after = time.Now().Add(reconnectAfter)
	return nil
}

// reading reports whether any log is being read.
func (f *logFollower) reading() bool {
	for _, t := range f.tails {
		if t.reading {
			return true
		}
	}
	return false
}

// runOf returns the id of a container's run whose log can be read, and whether it goes on. It is
// empty where none started.
func runOf(pod *corev1.Pod, container string) (run string, running bool) {
	for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if status.Name == container {
			return status.ContainerID, status.State.Running != nil
		}
	}
	return "", false
}
