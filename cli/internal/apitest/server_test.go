package apitest

import (
	"context"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// connect returns clients of a server.
func connect(t *testing.T, s *Server) (client.WithWatch, kubernetes.Interface) {
	t.Helper()
	config, err := s.ClientConfig().ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	api, err := client.NewWithWatch(config, client.Options{Scheme: s.scheme})
	if err != nil {
		t.Fatal(err)
	}
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return api, core
}

func TestServer_reads(t *testing.T) {
	s := New(t, append(Rescued(t, "cart"), Deployment("checkout", "x"), Denied(t, "cart"))...)
	s.Answer("cart-2", "reprise.dev/retry=2", v1alpha1.RequestAccepted, "done")
	api, core := connect(t, s)
	var one v1alpha1.WorkloadRevision
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: Namespace, Name: "cart-2"}, &one); err != nil || len(one.Status.Requests) != 1 {
		t.Errorf("the revision is %v, %v", one.Status.Requests, err)
	}
	var list appsv1.DeploymentList
	if err := api.List(t.Context(), &list, client.MatchingFields{"metadata.name": "cart"}); err != nil || len(list.Items) != 1 {
		t.Errorf("by a field there are %d, %v", len(list.Items), err)
	}
	var pods corev1.PodList
	if err := api.List(t.Context(), &pods, client.MatchingLabels{"app": "cart"}, client.InNamespace("elsewhere")); err != nil || len(pods.Items) != 0 {
		t.Errorf("elsewhere there are %d, %v", len(pods.Items), err)
	}
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: Namespace, Name: "nope"}, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("an object that does not exist: %v", err)
	}
	s.Forbid("list", "pods")
	if err := api.List(t.Context(), &pods); !apierrors.IsForbidden(err) {
		t.Errorf("a forbidden list: %v", err)
	}
	version, err := core.Discovery().ServerVersion()
	if err != nil || version.GitVersion != Version {
		t.Errorf("the version is %v, %v", version, err)
	}
	s.Remove(v1alpha1.GroupVersion.Group)
	if err := discovery.ServerSupportsVersion(core.Discovery(), v1alpha1.GroupVersion); err == nil {
		t.Error("a removed group is served")
	}
	if s.Kubeconfig() == "" {
		t.Error("there is no kubeconfig")
	}
}

func TestServer_writes(t *testing.T) {
	s := New(t, Deployment("cart", "x"))
	api, _ := connect(t, s)
	var d appsv1.Deployment
	if err := api.Get(t.Context(), client.ObjectKey{Namespace: Namespace, Name: "cart"}, &d); err != nil {
		t.Fatal(err)
	}
	asked := 0
	s.Before("patch deployments", func() { asked++ })
	s.Fail("patch deployments", 1, apierrors.NewServiceUnavailable("later"))
	base := d.DeepCopy()
	d.Annotations["a"] = "b"
	patch := client.MergeFromWithOptions(base, client.MergeFromWithOptimisticLock{})
	if err := api.Patch(t.Context(), d.DeepCopy(), patch); !apierrors.IsServiceUnavailable(err) {
		t.Errorf("the first write: %v", err)
	}
	if err := api.Patch(t.Context(), d.DeepCopy(), patch, client.DryRunAll); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if err := api.Patch(t.Context(), d.DeepCopy(), patch); err != nil {
		t.Errorf("the write after a dry run: %v", err)
	}
	if err := api.Patch(t.Context(), d.DeepCopy(), patch); !apierrors.IsConflict(err) || asked != 4 {
		t.Errorf("a write onto an old version: %v, after %d requests", err, asked)
	}
	m := Manifest(t, Deployment("cart", "y"))
	m.SetNamespace(Namespace)
	if err := api.Update(t.Context(), m); err != nil {
		t.Errorf("an update: %v", err)
	}
	if s.Get("deployments", "cart", &d); d.Spec.Template.Spec.Containers[0].Image != "y" {
		t.Errorf("the update is not stored")
	}
}

func TestServer_watches(t *testing.T) {
	s := New(t, Deployment("cart", "x"))
	api, _ := connect(t, s)
	var list appsv1.DeploymentList
	if err := api.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	s.Put(Deployment("between", "x"))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	w, err := api.Watch(ctx, &appsv1.DeploymentList{}, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})
	if err != nil {
		t.Fatal(err)
	}
	next := func(kind watch.EventType, name string) {
		t.Helper()
		event, open := <-w.ResultChan()
		if !open || event.Type != kind || event.Object.(*appsv1.Deployment).Name != name {
			t.Fatalf("the event is %v, want %s of %s", event, kind, name)
		}
	}
	next(watch.Modified, "between")
	s.Put(Deployment("after", "x"))
	next(watch.Added, "after")
	s.Put(Deployment("after", "y"))
	next(watch.Modified, "after")
	s.Delete("deployments", Namespace, "after")
	next(watch.Deleted, "after")
	s.BreakWatches()
	if _, open := <-w.ResultChan(); open {
		t.Error("the watch goes on")
	}
}

func TestServer_logs(t *testing.T) {
	s := New(t)
	s.Log("a", "main", "one", "two")
	_, core := connect(t, s)
	read := func(options *corev1.PodLogOptions) string {
		t.Helper()
		options.Container = "main"
		text, err := core.CoreV1().Pods(Namespace).GetLogs("a", options).DoRaw(t.Context())
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	for want, options := range map[string]*corev1.PodLogOptions{
		"one\ntwo\n": {}, "two\n": {TailLines: new(int64(1))},
		"1970-01-01T00:16:41Z two\n": {Timestamps: true, SinceTime: &metav1.Time{Time: time.Unix(1001, 0)}},
	} {
		if got := read(options); got != want {
			t.Errorf("it is %q, want %q", got, want)
		}
	}
	if got := read(&corev1.PodLogOptions{Previous: true}); !strings.Contains(got, "rejected our request") {
		t.Errorf("the previous one is %q", got)
	}
	s.EndLog("a", "main")
	if got := read(&corev1.PodLogOptions{Follow: true}); got != "one\ntwo\n" {
		t.Errorf("one that has ended is %q", got)
	}
}
