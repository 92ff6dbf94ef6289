package recorder

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	fcache "k8s.io/client-go/tools/cache/testing"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache/informertest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/internal/fakeapi"
)

// written returns when the file of workload a was last written.
func (c *cluster) written(t *testing.T) time.Time {
	t.Helper()
	var last time.Time
	file := fakeapi.Load(t, c.API, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fileName}})
	for _, entry := range file.ManagedFields {
		if entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	return last
}

func TestFileWatcher_Reconcile(t *testing.T) {
	for test, tt := range map[string]struct {
		reason string
		before func(t *testing.T, c *cluster)
		// after is how long after the last write of the file Reconcile is called.
		after     time.Duration
		requeue   time.Duration
		requested bool
	}{
		"Quiet":     {"the file has been quiet", func(t *testing.T, c *cluster) { c.writeFile(t, "two") }, quiet, 0, true},
		"JustNow":   {"more files may follow", func(t *testing.T, c *cluster) { c.writeFile(t, "two") }, time.Second, quiet - time.Second, false},
		"Unchanged": {"the file is as recorded", func(*testing.T, *cluster) {}, quiet, 0, false},
		"NewIntent": {"the Deployment's revision records the file too", func(t *testing.T, c *cluster) {
			c.writeFile(t, "two")
			c.deploy(t, "x:2", mounted)
		}, quiet, quiet, false},
		"Unrecorded": {"the first revision is not recorded", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), c.history(t).Newest()); err != nil {
				t.Fatal(err)
			}
			if err := c.Direct().Delete(t.Context(), deployment("a", "", "")); err != nil {
				t.Fatal(err)
			}
			c.deploy(t, "x:1", mounted, func(d *appsv1.Deployment) { d.CreationTimestamp = metav1.NewTime(c.written(t)) })
		}, quiet, quiet, false},
		"HistoryDeleted": {"the definition of revisions was deleted and created again", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), c.history(t).Newest()); err != nil {
				t.Fatal(err)
			}
		}, 2 * unrecorded, 0, true},
		"RollingBack": {"the rollback writes files itself", func(t *testing.T, c *cluster) {
			c.writeFile(t, "two")
			c.setStatus(t, 1, func(s *v1alpha1.WorkloadRevisionStatus) {
				s.Phase, s.Rollback = v1alpha1.PhaseFailed, &v1alpha1.Rollback{State: v1alpha1.RollbackExecuting, ToRevision: 1, StartTime: metav1.NewTime(now)}
			})
		}, quiet, quiet, false},
		"Unguarded": {"the user switched Reprise off", func(t *testing.T, c *cluster) {
			c.writeFile(t, "two")
			c.deploy(t, "x:1", mounted, func(d *appsv1.Deployment) { d.Annotations = nil })
		}, quiet, 0, false},
		"NoDeployment": {"the workload is gone", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), deployment("a", "", "")); err != nil {
				t.Fatal(err)
			}
		}, quiet, 0, false},
		"FileGone": {"a missing file is no change that pods see", func(t *testing.T, c *cluster) {
			if err := c.Direct().Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fileName}}); err != nil {
				t.Fatal(err)
			}
		}, quiet, 0, false},
	} {
		t.Run(test, func(t *testing.T) {
			c := newCluster(t)
			c.writeFile(t, "one")
			must(t, c.recorder(), c.deploy(t, "x:1", mounted))
			written := c.written(t)
			tt.before(t, c)
			if tt.requested || tt.requeue > 0 && tt.requeue < quiet {
				written = c.written(t)
			}
			r := c.recorder()
			r.requests = make(chan filesRequest, 1)
			w := &FileWatcher{Client: c.Cached(), Recorder: r, Clock: clocktesting.NewFakePassiveClock(written.Add(tt.after))}
			result, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "shop", Name: "a"}})
			if err != nil || result.RequeueAfter != tt.requeue || (len(r.requests) > 0) != tt.requested {
				t.Errorf("%s: requeue after %s, %d requests, %v", tt.reason, result.RequeueAfter, len(r.requests), err)
			}
		})
	}
}

func TestFileWatcher_Reconcile_Errors(t *testing.T) {
	failing := func(matches func(any) bool) interceptor.Funcs {
		return interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, opts ...client.GetOption) error {
				if matches(object) {
					return errTimeout
				}
				return c.Get(ctx, key, object, opts...)
			},
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if matches(list) {
					return errTimeout
				}
				return c.List(ctx, list, opts...)
			},
		}
	}
	for test, matches := range map[string]func(any) bool{
		"Deployment": func(o any) bool { _, ok := o.(*appsv1.Deployment); return ok },
		"Revisions":  func(o any) bool { _, ok := o.(*v1alpha1.WorkloadRevisionList); return ok },
		"File":       func(o any) bool { _, ok := o.(*metav1.PartialObjectMetadata); return ok },
	} {
		c := newCluster(t)
		c.writeFile(t, "one")
		must(t, c.recorder(), c.deploy(t, "x:1", mounted))
		w := &FileWatcher{
			Client: interceptor.NewClient(c.Cached(), failing(matches)), Recorder: c.recorder(), Clock: clocktesting.NewFakePassiveClock(now),
		}
		if _, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "shop", Name: "a"}}); !errors.Is(err, errTimeout) {
			t.Errorf("%s: %v", test, err)
		}
	}
}

func TestFileWatcher_users(t *testing.T) {
	c := newCluster(t)
	c.Create(t, deployment("a", "x:1", "", mounted), deployment("b", "x:1", ""), deployment("c", "x:1", "", mounted),
		deployment("d", "x:1", "", mounted, func(d *appsv1.Deployment) { d.Namespace = "other" }))
	w := &FileWatcher{Client: c.Cached()}
	var got []string
	for _, request := range w.users(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: fileName}}) {
		got = append(got, request.String())
	}
	if len(got) != 2 || got[0] != "shop/a" || got[1] != "shop/c" {
		t.Errorf("got %v", got)
	}
	w.Client = interceptor.NewClient(c.Cached(), interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errTimeout
		},
	})
	if got := w.users(t.Context(), &corev1.ConfigMap{}); got != nil {
		t.Errorf("got %v", got)
	}
}

// informers serve metadata of ConfigMaps and revisions, and nothing else.
type informers struct {
	*informertest.FakeInformers
	files, revisions toolscache.SharedIndexInformer
}

// GetInformer implements cache.Cache.
func (i informers) GetInformer(_ context.Context, object client.Object, _ ...cache.InformerGetOption) (cache.Informer, error) {
	if o, ok := object.(*metav1.PartialObjectMetadata); ok && o.Kind == "ConfigMap" {
		return i.files, nil
	}
	if _, ok := object.(*v1alpha1.WorkloadRevision); ok {
		return i.revisions, nil
	}
	return nil, fmt.Errorf("%T is not watched", object)
}

// TestFileWatcher_SetupWithManager has a manager run the watcher on three ConfigMaps, of which one
// is a file that a workload mounts.
func TestFileWatcher_SetupWithManager(t *testing.T) {
	c := newCluster(t)
	c.writeFile(t, "one")
	must(t, c.recorder(), c.deploy(t, "x:1", mounted))
	c.writeFile(t, "two")
	source := fcache.NewFakeControllerSource()
	for _, name := range []string{"settings", "b-main-file-0123456789", fileName} {
		source.Add(&metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}})
	}
	all := informers{
		&informertest.FakeInformers{}, toolscache.NewSharedIndexInformer(source, &metav1.PartialObjectMetadata{}, 0, nil),
		toolscache.NewSharedIndexInformer(fcache.NewFakeControllerSource(), &v1alpha1.WorkloadRevision{}, 0, nil),
	}
	manager, err := ctrl.NewManager(&rest.Config{}, ctrl.Options{
		Scheme: fakeapi.Scheme(), Metrics: server.Options{BindAddress: "0"}, Logger: logr.Discard(),
		MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return meta.NewDefaultRESTMapper(nil), nil },
		NewCache:       func(*rest.Config, cache.Options) (cache.Cache, error) { return all, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &FileWatcher{Client: c.Cached(), Recorder: c.recorder(), Clock: clocktesting.NewFakePassiveClock(c.written(t).Add(quiet))}
	if err := w.SetupWithManager(manager); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go all.files.Run(ctx.Done())
	go all.revisions.Run(ctx.Done())
	go func() { ended <- manager.Start(ctx) }()
	select {
	case request := <-w.Recorder.requests:
		if request.String() != "shop/a" {
			t.Errorf("the change of a file asks to record %s", request)
		}
	case <-time.After(time.Minute):
		t.Error("the change of a file asks to record nothing")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
