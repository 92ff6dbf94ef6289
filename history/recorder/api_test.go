package recorder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event/emit"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/fairqueue"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

// instantClock is a clock that stands still, and whose timers fire at once.
type instantClock struct{ *clocktesting.FakeClock }

func (c instantClock) NewTimer(time.Duration) clock.Timer {
	fired := make(chan time.Time, 1)
	fired <- c.Now()
	return firedTimer(fired)
}

type firedTimer chan time.Time

func (t firedTimer) C() <-chan time.Time    { return t }
func (firedTimer) Stop() bool               { return false }
func (firedTimer) Reset(time.Duration) bool { return false }
func newInstantClock() instantClock         { return instantClock{clocktesting.NewFakeClock(now)} }

// auditor finds these violations.
type auditor []string

func (a auditor) Audit(context.Context, *appsv1.Deployment) ([]string, error) { return a, nil }

// counts is an Observer.
type counts struct{ recorded, failed int }

func (c *counts) Recorded()     { c.recorded++ }
func (c *counts) RecordFailed() { c.failed++ }

// cluster is an API server with a namespace, in which up to two revisions of a workload are kept.
type cluster struct {
	*fakeapi.API
	counts counts
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	byName := fakeapi.Index{Object: &corev1.ConfigMap{}, Field: "metadata.name", Values: func(o client.Object) []string { return []string{o.GetName()} }}
	return &cluster{API: fakeapi.New(t, fakeapi.Options{Indexes: []fakeapi.Index{byName}}, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Annotations: map[string]string{v1alpha1.HistoryLimitAnnotation: "2"}},
	})}
}

// recorder returns a new process that records.
func (c *cluster) recorder() *Recorder {
	r := NewRecorder(&Recorder{
		Client: c.Cached(), Live: c.Client(), Events: emit.NewWriter(c.Client(), "pod"), Auditor: auditor{"no limit"},
		Observer: &c.counts, Clock: newInstantClock(), Defaults: workload.DefaultSettings, MaxPerMinute: limit(100),
		Namespace: "reprise", Instance: "reprise", Protected: sets.New("kube-system"),
	})
	r.sharedResourceVersions = true
	return r
}

// deploy stores a Deployment a, and returns the event by which the watch brings it.
func (c *cluster) deploy(t testing.TB, image string, changes ...func(*appsv1.Deployment)) intentEvent {
	t.Helper()
	d := deployment("a", image, "", changes...)
	stored := &appsv1.Deployment{}
	err := c.Direct().Get(t.Context(), client.ObjectKeyFromObject(d), stored)
	switch {
	case err != nil:
		c.Create(t, d)
	default:
		d = fakeapi.Change(t, c.API, d, "ci", func(stored *appsv1.Deployment) {
			stored.Spec, stored.Labels, stored.Annotations = d.Spec, d.Labels, d.Annotations
		})
	}
	return eventOf(t, d)
}

// mounted mounts the file at a Deployment's container.
func mounted(d *appsv1.Deployment) {
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "file", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: fileName}, Items: []corev1.KeyToPath{{Key: "file", Path: "app.conf"}},
		},
	}}}
	d.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "file", MountPath: "/etc/app.conf", SubPath: "app.conf"}}
}

const fileName = "a-main-file-0123456789"

// writeFile stores the file of workload a.
func (c *cluster) writeFile(t testing.TB, content string) {
	t.Helper()
	file := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fileName}, BinaryData: map[string][]byte{"file": []byte(content)}}
	if c.Direct().Get(t.Context(), client.ObjectKeyFromObject(file), &corev1.ConfigMap{}) != nil {
		c.Create(t, file)
		return
	}
	fakeapi.Change(t, c.API, file, "ci", func(stored *corev1.ConfigMap) { stored.BinaryData["file"] = []byte(content) })
}

// must records an observation, and fails the test where it cannot.
func must(t testing.TB, r *Recorder, what observation) {
	t.Helper()
	if _, err := r.recordOnce(t.Context(), what); err != nil {
		t.Fatal(err)
	}
}

// settle records an observation as the queue does, until that is settled or the context ends.
func settle(ctx context.Context, r *Recorder, what observation) {
	p := &watchProgress{}
	if e, ok := what.(intentEvent); ok {
		e.tracked = p.track("1", false)
		what = e
	}
	q := newWorkQueue(fairqueue.Limits{Slots: 1, PerKey: 1}, limit(100), r.Clock, p, r.attempt)
	q.add(ctx, what)
	q.busy.Wait()
}

// history returns the revisions of workload a.
func (c *cluster) history(t testing.TB) history.History {
	t.Helper()
	h, err := store.List(t.Context(), c.Direct(), "shop", "a")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// setStatus changes the status of a revision, as the guard does.
func (c *cluster) setStatus(t testing.TB, number int64, change func(*v1alpha1.WorkloadRevisionStatus)) {
	t.Helper()
	r := c.history(t).Number(number)
	fakeapi.ChangeStatus(t, c.API, r, func(r *v1alpha1.WorkloadRevision) { change(&r.Status) })
}

// state returns all revisions and all Events, a line each.
func (c *cluster) state(t testing.TB) string {
	t.Helper()
	var lines []string
	for _, r := range c.history(t) {
		line := fmt.Sprintf("#%d %s %s", r.Spec.Number, r.Spec.Images, r.Status.Phase)
		for _, kind := range []string{v1alpha1.ConditionAdopted, v1alpha1.ConditionCompliant} {
			if condition := r.Condition(kind); condition != nil {
				line += fmt.Sprintf(" %s=%s", kind, condition.Status)
			}
		}
		if _, err := history.DecodeSnapshot(&r); err != nil {
			line += " " + err.Error()
		}
		lines = append(lines, line)
	}
	var events corev1.EventList
	if err := c.Direct().List(t.Context(), &events); err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range events.Items {
		told = append(told, fmt.Sprintf("%s×%d %s", e.Reason, e.Count, e.Message))
	}
	slices.Sort(told)
	return strings.Join(append(lines, told...), "\n")
}

var errTimeout = errors.New("timeout")
