package recorder

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// scripted is an API server that answers lists and watches by a script.
type scripted struct {
	dynamic.ResourceInterface
	// lists are the pages or errors of lists, watches the events or errors of watches, in order.
	lists, watches []any
	// calls are what was asked.
	calls []string
	// exhausted is called when the script is at its end.
	exhausted func()
}

func (s *scripted) List(_ context.Context, o metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	s.calls = append(s.calls, strings.TrimSpace("list "+o.Continue))
	if len(s.lists) == 0 {
		s.exhausted()
		return nil, errTimeout
	}
	next := s.lists[0]
	s.lists = s.lists[1:]
	if err, failed := next.(error); failed {
		return nil, err
	}
	return next.(*unstructured.UnstructuredList), nil
}

func (s *scripted) Watch(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
	s.calls = append(s.calls, "watch "+o.ResourceVersion)
	if len(s.watches) == 0 {
		s.exhausted()
		return nil, errTimeout
	}
	next := s.watches[0]
	s.watches = s.watches[1:]
	if err, failed := next.(error); failed {
		return nil, err
	}
	events := next.([]watch.Event)
	stream := watch.NewFakeWithChanSize(len(events), false)
	for _, e := range events {
		stream.Action(e.Type, e.Object)
	}
	stream.Stop()
	return stream, nil
}

// page returns a page of a list.
func page(t *testing.T, version, more string, items ...*appsv1.Deployment) *unstructured.UnstructuredList {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetResourceVersion(version)
	list.SetContinue(more)
	for _, d := range items {
		list.Items = append(list.Items, *rawOf(t, d))
	}
	return list
}

func change(t *testing.T, kind watch.EventType, d *appsv1.Deployment) watch.Event {
	t.Helper()
	return watch.Event{Type: kind, Object: rawOf(t, d)}
}

func bookmark(t *testing.T, version string) watch.Event {
	t.Helper()
	return change(t, watch.Bookmark, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{ResourceVersion: version}})
}

func TestDeploymentWatch_run(t *testing.T) {
	expired := apierrors.NewResourceExpired("too old")
	const modified, added, deleted = watch.Modified, watch.Added, watch.Deleted
	unguarded := func(d *appsv1.Deployment) { d.Annotations = nil }
	off := func(d *appsv1.Deployment) { d.Namespace = "kube-system" }
	scaled := func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(7)) }
	terminating := func(d *appsv1.Deployment) { d.DeletionTimestamp = &metav1.Time{Time: now} }
	recreated := func(d *appsv1.Deployment) { d.UID = "2" }
	undecodable := rawOf(t, deployment("a", "x:1", "11"))
	undecodable.Object["spec"] = "text"
	for test, tt := range map[string]struct {
		reason         string
		from           string
		lists, watches []any
		calls          string
		// passed are the intents that are passed on: name, resourceVersion and adoption.
		passed     string
		checkpoint string
	}{
		"FirstStart": {
			"all that is stored is adopted, page by page, and the watch follows",
			"", []any{page(t, "9", "more", deployment("a", "x:1", "3")), page(t, "10", "", deployment("b", "x:1", "2"))},
			[]any{[]watch.Event{change(t, modified, deployment("a", "x:2", "11"))}},
			"list|list more|watch 10|watch 11", "a3 InitialList|b2 InitialList|a11", "11",
		},
		"Checkpoint": {
			"the next leader goes on where the last one stopped",
			"10", nil, []any{[]watch.Event{change(t, added, deployment("a", "x:1", "11"))}},
			"watch 10|watch 11", "a11", "11",
		},
		"NotNew": {
			"replicas, status, other namespaces and unguarded workloads bring no intent, and count as recorded",
			"10", nil, []any{[]watch.Event{
				change(t, added, deployment("a", "x:1", "11")), change(t, modified, deployment("a", "x:1", "12", scaled)),
				change(t, added, deployment("b", "x:1", "13", unguarded)), change(t, added, deployment("c", "x:1", "14", off)),
				change(t, modified, deployment("a", "x:9", "15", terminating)), bookmark(t, "20"),
			}}, "watch 10|watch 20", "a11", "20",
		},
		"BackAndForth": {
			"an old intent that comes back is new",
			"10", nil, []any{[]watch.Event{
				change(t, modified, deployment("a", "x:1", "11")), change(t, modified, deployment("a", "x:2", "12")),
				change(t, modified, deployment("a", "x:1", "13")),
			}}, "watch 10|watch 13", "a11|a12|a13", "13",
		},
		"Recreated": {
			"a workload that is deleted and created again is new",
			"10", nil, []any{[]watch.Event{
				change(t, modified, deployment("a", "x:1", "11")), change(t, deleted, deployment("a", "x:1", "12")),
				change(t, added, deployment("a", "x:1", "13", recreated)),
			}}, "watch 10|watch 13", "a11|a13", "13",
		},
		"Gone": {
			"the API server cannot replay: what is stored now follows a gap",
			"10", []any{page(t, "90", "", deployment("a", "x:1", "80"))}, []any{expired, []watch.Event{bookmark(t, "95")}},
			"watch 10|list|watch 90|watch 95", "a80 WatchGap", "95",
		},
		"GoneInStream": {
			"the same, as an event of a watch",
			"10", []any{page(t, "90", "", deployment("a", "x:2", "80"))},
			[]any{[]watch.Event{change(t, modified, deployment("a", "x:1", "11")), {Type: watch.Error, Object: &expired.ErrStatus}}, []watch.Event{}},
			"watch 10|list|watch 90|watch 90", "a11|a80 WatchGap", "90",
		},
		"GapWithoutChange": {
			"the intent is the one from before the gap",
			"10", []any{page(t, "90", "", deployment("a", "x:1", "80"))},
			[]any{[]watch.Event{change(t, modified, deployment("a", "x:1", "11"))}, expired, []watch.Event{}},
			"watch 10|watch 11|list|watch 90|watch 90", "a11", "90",
		},
		"WatchFails": {
			"another error: the watch starts again from where it was",
			"10", nil, []any{errTimeout, []watch.Event{change(t, added, deployment("a", "x:1", "11")), {Type: watch.Error, Object: &apierrors.NewInternalError(errTimeout).ErrStatus}}},
			"watch 10|watch 10|watch 11", "a11", "11",
		},
		"ListFails": {
			"the list is tried again, and nothing is passed on twice",
			"", []any{page(t, "9", "more", deployment("a", "x:1", "3")), errTimeout, page(t, "10", "", deployment("a", "x:1", "3"))},
			[]any{[]watch.Event{}}, "list|list more|list|watch 10|watch 10", "a3 InitialList", "10",
		},
		"Undecodable": {
			"a Deployment that cannot be decoded does not stop the others",
			"10", nil, []any{[]watch.Event{{Type: modified, Object: undecodable}, change(t, added, deployment("b", "x:1", "12"))}},
			"watch 10|watch 12", "b12", "12",
		},
		"Unexpected": {
			"an object of another kind",
			"10", nil, []any{[]watch.Event{{Type: modified, Object: &corev1.Pod{}}}, []watch.Event{bookmark(t, "12")}},
			"watch 10|watch 10|watch 12", "", "12",
		},
	} {
		t.Run(test, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			api := &scripted{lists: tt.lists, watches: tt.watches, exhausted: cancel}
			progress := &watchProgress{}
			var passed []string
			w := &deploymentWatch{
				deployments: api, seen: lastSeen{}, progress: progress,
				included: func(namespace string) bool { return namespace == "shop" },
				newest:   func(context.Context) (string, error) { return "", nil },
				enqueue: func(e intentEvent) {
					passed = append(passed, strings.TrimSpace(fmt.Sprintf("%s%s %s", e.Deployment.Name, e.Deployment.ResourceVersion, e.Adoption)))
					progress.ack(e.tracked)
				},
				pause: func(context.Context, time.Duration) error { return ctx.Err() },
			}
			w.run(ctx, tt.from)
			if got := strings.Join(api.calls, "|"); got != tt.calls {
				t.Errorf("%s: calls %s, want %s", tt.reason, got, tt.calls)
			}
			if got := strings.Join(passed, "|"); got != tt.passed {
				t.Errorf("%s: passed %s, want %s", tt.reason, got, tt.passed)
			}
			if got := progress.checkpoint(); got != tt.checkpoint {
				t.Errorf("%s: the checkpoint is %q, want %q", tt.reason, got, tt.checkpoint)
			}
		})
	}
}

// TestDeploymentWatch_run_EndsInPause ends the context while the watch waits after a failure.
func TestDeploymentWatch_run_EndsInPause(t *testing.T) {
	api := &scripted{exhausted: func() {}}
	w := &deploymentWatch{
		deployments: api, seen: lastSeen{}, progress: &watchProgress{},
		newest: func(context.Context) (string, error) { return "", nil },
		pause:  func(context.Context, time.Duration) error { return context.Canceled },
	}
	w.run(t.Context(), "10")
	if got := strings.Join(api.calls, "|"); got != "watch 10" {
		t.Errorf("calls %s", got)
	}
}

func TestExpired(t *testing.T) {
	tooLarge := apierrors.NewTimeoutError("Too large resource version", 1)
	tooLarge.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: metav1.CauseTypeResourceVersionTooLarge}}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"None":     {nil, false},
		"Expired":  {apierrors.NewResourceExpired("x"), true},
		"Gone":     {gone(), true},
		"Invalid":  {apierrors.NewInvalid(appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind(), "x", nil), true},
		"TooLarge": {tooLarge, true},
		"Timeout":  {apierrors.NewTimeoutError("x", 1), false},
		"Wrapped":  {fmt.Errorf("watching: %w", gone()), true},
	} {
		if got := expired(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestGuarded(t *testing.T) {
	for _, d := range []*appsv1.Deployment{
		deployment("a", "x:1", "1"),
		deployment("a", "x:1", "1", func(d *appsv1.Deployment) { d.Annotations = nil }),
		deployment("a", "x:1", "1", func(d *appsv1.Deployment) { d.Annotations[v1alpha1.RollbackAnnotation] = "off" }),
	} {
		if got, want := guarded(rawOf(t, d)), workload.IsGuarded(d); got != want {
			t.Errorf("%v: guarded %v, decoded %v", d.Annotations, got, want)
		}
	}
}

// TestDeploymentWatch_run_WentBack has etcd be restored from a backup: before a process starts, and
// while it watches.
func TestDeploymentWatch_run_WentBack(t *testing.T) {
	for test, tt := range map[string]struct {
		reached []string
		watches []any
		calls   string
	}{
		"BeforeStart":   {[]string{"90", "90"}, []any{[]watch.Event{}}, "list|watch 90"},
		"WhileWatching": {[]string{"500", "90", "90"}, []any{[]watch.Event{change(t, watch.Modified, deployment("a", "x:2", "510"))}, []watch.Event{}}, "watch 500|list|watch 90"},
	} {
		t.Run(test, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			api := &scripted{lists: []any{page(t, "90", "", deployment("a", "x:2", "80"))}, watches: tt.watches, exhausted: cancel}
			progress := &watchProgress{}
			var passed []intentEvent
			w := &deploymentWatch{
				deployments: api, seen: lastSeen{}, progress: progress,
				included: func(string) bool { return true },
				newest: func(context.Context) (string, error) {
					if len(tt.reached) == 0 {
						cancel()
						return "", errTimeout
					}
					now := tt.reached[0]
					tt.reached = tt.reached[1:]
					return now, nil
				},
				enqueue: func(e intentEvent) {
					passed = append(passed, e)
					progress.ack(e.tracked)
				},
				pause: func(context.Context, time.Duration) error { return ctx.Err() },
			}
			w.run(ctx, "500")
			if got := strings.Join(api.calls, "|"); got != tt.calls {
				t.Errorf("calls %s, want %s", got, tt.calls)
			}
			if last := passed[len(passed)-1]; last.Deployment.ResourceVersion != "80" || last.Adoption != history.AdoptedAfterGap {
				t.Errorf("passed %s, %q", last.Deployment.ResourceVersion, last.Adoption)
			}
			if got := progress.checkpoint(); got != "90" {
				t.Errorf("the checkpoint is %s", got)
			}
		})
	}
}
