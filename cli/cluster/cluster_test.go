package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/internal/apitest"
	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/internal/version"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// connect connects to a server.
func connect(t *testing.T, server *apitest.Server) *Connection {
	t.Helper()
	c, err := Connect(server.ClientConfig(), "", "reprise-system")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// says fails the test unless an error holds a text; the empty text is no error.
func says(t *testing.T, reason string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", reason, err, want)
	}
}

func TestConnect(t *testing.T) {
	c := connect(t, apitest.New(t))
	if c.Namespace != apitest.Namespace {
		t.Errorf("the namespace is %s", c.Namespace)
	}
	_, err := Connect(clientcmd.NewDefaultClientConfig(api.Config{CurrentContext: "nowhere"}, &clientcmd.ConfigOverrides{}), "", "")
	says(t, "a context that does not exist", err, "nowhere")
}

func TestExplain(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/api?x", Err: syscall.ECONNREFUSED}
	for _, tt := range []struct {
		reason    string
		err       error
		namespace string
		want      string
	}{
		{"no CRD", &meta.NoKindMatchError{}, "shop", "Reprise is not installed in it"},
		{"no right to revisions", apierrors.NewForbidden(schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "workloadrevisions"}, "", nil), "shop", "you may not read revisions in namespace shop"},
		{"no right to Deployments", apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "deployments"}, "", nil), "", "you may not read workloads in all namespaces"},
		{"not logged in", apierrors.NewUnauthorized("no"), "shop", "log in again"},
		{"no server", refused, "shop", "cannot reach the cluster https://10.0.0.1:6443: connection refused; check --context"},
		{"no network", &net.DNSError{Err: "no such host", Name: "api"}, "shop", "cannot reach the cluster: "},
		{"the user interrupts", &url.Error{Err: context.Canceled}, "shop", "interrupted"},
		{"another error", errors.New("boom"), "shop", "boom"},
	} {
		says(t, tt.reason, Explain(tt.err, tt.namespace), tt.want)
	}
	if host := hostOf("://"); host != "://" {
		t.Errorf("no URL is %s", host)
	}
}

func TestTemporary(t *testing.T) {
	for _, err := range []error{apierrors.NewServiceUnavailable("x"), apierrors.NewTooManyRequests("x", 1), io.EOF, fmt.Errorf("x: %w", syscall.ECONNREFUSED)} {
		if !Temporary(err) || Permanent(err) {
			t.Errorf("%v is not temporary", err)
		}
	}
	for _, err := range []error{apierrors.NewUnauthorized("x"), apierrors.NewNotFound(schema.GroupResource{}, "x"), &meta.NoKindMatchError{}} {
		if Temporary(err) || !Permanent(err) {
			t.Errorf("%v is not permanent", err)
		}
	}
}

func TestWorkloads_List(t *testing.T) {
	plain := apitest.Deployment("plain", "x")
	plain.Annotations = nil
	objects := append(apitest.Rescued(t, "cart"), plain, apitest.Deployment("new", "x"),
		apitest.Revision(t, 1, apitest.Deployment("gone", "x"), v1alpha1.PhaseHealthy), apitest.Denied(t, "cart"))
	server := apitest.New(t, objects...)
	c := connect(t, server)
	got, err := NewWorkloads(c).ListWithEvents(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range got {
		names = append(names, fmt.Sprintf("%s/%s %v %d", w.Namespace, w.Name, w.Deployment != nil, len(w.History)))
	}
	if diff := cmp.Diff([]string{"shop/cart true 3", "shop/gone false 1", "shop/new true 0"}, names); diff != "" {
		t.Error(diff)
	}
	if got[0].Denied == nil || got[2].Denied != nil {
		t.Error("the Event is not that of cart")
	}
	server.Forbid("list", "events")
	if got, err = NewWorkloads(c).ListWithEvents(t.Context(), apitest.Namespace); err != nil || got[0].Denied != nil {
		t.Errorf("without the right to Events: %v", err)
	}
	if MayReadEvents(t.Context(), c.API, apitest.Namespace) {
		t.Error("the caller may read Events")
	}
	server.Fail("list events", -1, apierrors.NewServiceUnavailable("later"))
	_, err = NewWorkloads(c).ListWithEvents(t.Context(), apitest.Namespace)
	says(t, "Events that cannot be read", err, "later")
	for _, plural := range []string{"workloadrevisions", "deployments"} {
		server.Forbid("list", plural)
		_, err = NewWorkloads(c).List(t.Context(), apitest.Namespace)
		says(t, "no right to list "+plural, err, "you may not read ")
	}
}

func TestWorkloads_ForgetNamespaces(t *testing.T) {
	server := apitest.New(t, apitest.Rescued(t, "cart")...)
	workloads := NewWorkloads(connect(t, server))
	mode := func() workload.Mode {
		w, err := workloads.Load(t.Context(), apitest.Namespace, "cart")
		if err != nil {
			t.Fatal(err)
		}
		return w.Settings.Rollback
	}
	before := mode()
	server.Put(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: apitest.Namespace, Annotations: map[string]string{v1alpha1.RollbackAnnotation: "manual"}}})
	if mode() != before {
		t.Error("the namespace is read for each workload")
	}
	workloads.ForgetNamespaces()
	if got := mode(); got != workload.ModeManual {
		t.Errorf("the mode is %s", got)
	}
	server.Forbid("get", "namespaces")
	workloads.ForgetNamespaces()
	if mode() != before {
		t.Error("without the right to the namespace, its setting is known")
	}
	server.Fail("get namespaces", -1, apierrors.NewServiceUnavailable("later"))
	workloads.ForgetNamespaces()
	_, err := workloads.Load(t.Context(), apitest.Namespace, "cart")
	says(t, "a namespace that cannot be read", err, "later")
}

func TestWorkloads_Find(t *testing.T) {
	plain := apitest.Deployment("plain", "x")
	plain.Annotations = nil
	one := apitest.New(t, append(apitest.Rescued(t, "cart"), plain, apitest.Denied(t, "cart"))...)
	two := apitest.New(t, append(apitest.Rescued(t, "cart"), apitest.Deployment("checkout", "x"))...)
	none := apitest.New(t)
	for _, tt := range []struct {
		reason, argument string
		server           *apitest.Server
		want, err        string
	}{
		{"the only one", "", one, "cart", ""},
		{"by name", "cart", two, "cart", ""},
		{"by kind and name", "Deployment/cart", two, "cart", ""},
		{"one of several", "", two, "", "namespace shop has 2 workloads; name one of cart, checkout"},
		{"nothing there", "", none, "", "has no workload that Reprise guards; use -n"},
		{"another kind", "svc/cart", one, "", `"svc/cart" does not name a workload`},
		{"a misspelt name", "crat", one, "", "did you mean cart?"},
		{"an unknown name", "database", one, "", `no workload "database" that Reprise guards`},
		{"not guarded", "plain", one, "", "deployment/plain in namespace shop is not guarded by Reprise"},
	} {
		w, err := NewWorkloads(connect(t, tt.server)).FindWithEvents(t.Context(), apitest.Namespace, tt.argument)
		says(t, tt.reason, err, tt.err)
		if err == nil && (w.Name != tt.want || (w.Denied == nil) != (tt.server == two)) {
			t.Errorf("%s: %s, denied %v", tt.reason, w.Name, w.Denied)
		}
	}
	one.Forbid("list", "deployments")
	for _, argument := range []string{"", "database"} {
		_, err := NewWorkloads(connect(t, one)).Find(t.Context(), apitest.Namespace, argument)
		says(t, "no right to list", err, "you may not read workloads")
	}
	one.Forbid("get", "deployments")
	_, err := NewWorkloads(connect(t, one)).FindWithEvents(t.Context(), apitest.Namespace, "cart")
	says(t, "no right to get", err, "you may not read workloads")
	two.Forbid("list", "workloadrevisions")
	_, err = NewWorkloads(connect(t, two)).Find(t.Context(), apitest.Namespace, "cart")
	says(t, "no right to revisions", err, "you may not read revisions")
	none.Remove(v1alpha1.GroupVersion.Group)
	_, err = NewWorkloads(connect(t, none)).Find(t.Context(), apitest.Namespace, "")
	says(t, "no CRD", err, "Reprise is not installed in it")
}

// TestWorkloads_Load_Defaults reads which mode a workload without annotations has.
func TestWorkloads_Load_Defaults(t *testing.T) {
	published := func(content string) *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.DefaultsConfigMap, Namespace: "reprise-system"},
			Data:       map[string]string{v1alpha1.DefaultsKey: content},
		}
	}
	for name, tt := range map[string]struct {
		reason  string
		objects []client.Object
		denied  bool
		want    workload.Mode
	}{
		"Published": {"the install's", []client.Object{published("defaults: {rollback: manual}")}, false, workload.ModeManual},
		"None":      {"an older install publishes none", nil, false, workload.ModeAuto},
		"Newer":     {"an unknown key keeps no command from its work", []client.Object{published("defaults: {rollback: manual, soon: true}")}, false, workload.ModeAuto},
		"Forbidden": {"the caller may not read it", []client.Object{published("defaults: {rollback: manual}")}, true, workload.ModeAuto},
	} {
		t.Run(name, func(t *testing.T) {
			server := apitest.New(t, append(apitest.Rescued(t, "cart"), tt.objects...)...)
			if tt.denied {
				server.Forbid("get", "configmaps")
			}
			w, err := NewWorkloads(connect(t, server)).Load(t.Context(), apitest.Namespace, "cart")
			if err != nil || w.Settings.Rollback != tt.want {
				t.Errorf("%s: %q, %v, want %q", tt.reason, w.Settings.Rollback, err, tt.want)
			}
			list, err := NewWorkloads(connect(t, server)).List(t.Context(), apitest.Namespace)
			if err != nil || list[0].Settings.Rollback != tt.want {
				t.Errorf("%s: the list has %v, %v, want %q", tt.reason, list, err, tt.want)
			}
		})
	}
}

func TestWorkloads_Pods(t *testing.T) {
	server := apitest.New(t, append(apitest.Rescued(t, "cart"), apitest.Pod(apitest.ReplicaSet(apitest.Deployment("cart", "podinfo:9")), "other"))...)
	workloads := NewWorkloads(connect(t, server))
	w, err := workloads.Find(t.Context(), apitest.Namespace, "cart")
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[int64]string{1: "cart-good", 2: "", 3: "cart-good"} {
		pods, err := workloads.Pods(t.Context(), w, w.History.Number(number))
		if err != nil || (want == "") != (len(pods) == 0) || want != "" && pods[0].Name != want {
			t.Errorf("#%d has %d pods, %v", number, len(pods), err)
		}
	}
	if pods, err := workloads.Pods(t.Context(), story.Workload{}, w.History.Newest()); pods != nil || err != nil {
		t.Errorf("a workload that is gone has %v, %v", pods, err)
	}
	for _, plural := range []string{"pods", "replicasets"} {
		server.Forbid("list", plural)
		_, err = workloads.Pods(t.Context(), w, w.History.Newest())
		says(t, plural, err, "you may not read workloads")
	}
	w.Deployment.Spec.Selector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Operator: "Near"}}}
	_, err = workloads.Pods(t.Context(), w, w.History.Newest())
	says(t, "a bad selector", err, "reading the selector of deployment/cart")
}

func TestContainers(t *testing.T) {
	pod := &corev1.PodSpec{InitContainers: []corev1.Container{{Name: "first"}}, Containers: []corev1.Container{{Name: "main"}}}
	for name, want := range map[string][]string{"": {"first", "main"}, "main": {"main"}, "nope": nil} {
		if diff := cmp.Diff(want, Containers(pod, name)); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestLogs_Read(t *testing.T) {
	server := apitest.New(t)
	server.Log("a", "main", "one", "two")
	logs, err := NewLogs(connect(t, server))
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: apitest.Namespace}}
	options := &corev1.PodLogOptions{Container: "main"}
	var got []string
	if err := logs.Read(t.Context(), pod, options, func(line []byte) error { got = append(got, string(line)); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"one\n", "two\n"}, got); diff != "" {
		t.Error(diff)
	}
	full := errors.New("disk full")
	says(t, "lines that nobody takes", logs.Read(t.Context(), pod, options, func([]byte) error { return full }), "disk full")
	says(t, "no such container", logs.Read(t.Context(), pod, &corev1.PodLogOptions{Container: "nope"}, nil), "reading the log of container nope in pod a")
	server.Forbid("log", "pods")
	says(t, "no right", logs.Read(t.Context(), pod, options, nil), "the right to get pods/log")
}

func TestAnnotate(t *testing.T) {
	key := v1alpha1.RetryAnnotation
	deployed := func(server *apitest.Server, image string) func() {
		return func() {
			d := apitest.Deployment("cart", image)
			d.Status.ObservedGeneration++
			server.Put(d)
		}
	}
	for _, tt := range []struct {
		reason string
		around func(*apitest.Server)
		want   string
	}{
		{"nobody else writes", func(*apitest.Server) {}, ""},
		{"no right", func(s *apitest.Server) { s.Forbid("patch", "deployments") }, "you may not patch deployment/cart"},
		{"no answer", func(s *apitest.Server) { s.Fail("patch deployments", -1, apierrors.NewServiceUnavailable("later")) }, "later"},
		{"somebody writes once", func(s *apitest.Server) {
			s.Fail("patch deployments", 1, apierrors.NewConflict(schema.GroupResource{Resource: "deployments"}, "cart", nil))
		}, ""},
		{"somebody writes always", func(s *apitest.Server) { s.Before("patch deployments", deployed(s, "podinfo:1")) }, "others wrote it 10 times"},
		{"somebody deploys", func(s *apitest.Server) { s.Before("patch deployments", deployed(s, "podinfo:3")) }, "another deploy arrived in the meantime"},
		{"it cannot be read again", func(s *apitest.Server) {
			s.Before("patch deployments", func() { s.Forbid("get", "deployments"); deployed(s, "podinfo:3")() })
		}, "you may not read workloads"},
	} {
		server := apitest.New(t, apitest.Rescued(t, "cart")...)
		c := connect(t, server)
		w, err := NewWorkloads(c).Find(t.Context(), apitest.Namespace, "cart")
		if err != nil {
			t.Fatal(err)
		}
		tt.around(server)
		says(t, tt.reason, Annotate(t.Context(), c.API, w, key, "2"), tt.want)
		var d appsv1.Deployment
		server.Get("deployments", "cart", &d)
		if set := d.Annotations[key] == "2"; set != (tt.want == "") {
			t.Errorf("%s: the annotation is %q", tt.reason, d.Annotations[key])
		}
		if tt.want == "" {
			w.Deployment = &d
			says(t, "removing it", Annotate(t.Context(), c.API, w, key, ""), "")
			after := appsv1.Deployment{}
			if server.Get("deployments", "cart", &after); after.Annotations[key] != "" {
				t.Error("the annotation is not removed")
			}
		}
	}
}

func TestNotRunning(t *testing.T) {
	now := time.Now()
	unset := apitest.Lease(now)
	unset.Spec.RenewTime = nil
	for _, tt := range []struct {
		reason string
		lease  client.Object
		want   string
	}{
		{"it runs", apitest.Lease(now), ""}, {"it has just started", unset, ""},
		{"it is gone", apitest.Lease(now.Add(-time.Hour)), "Reprise is not running: it last renewed its Lease in namespace reprise-system 60m ago"},
	} {
		c := connect(t, apitest.New(t, tt.lease))
		if got := NotRunning(t.Context(), c.API, "reprise-system", now); !strings.HasPrefix(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s: %q", tt.reason, got)
		}
		if got := NotRunning(t.Context(), c.API, "elsewhere", now); got != "" {
			t.Errorf("without a Lease: %q", got)
		}
	}
}

func TestVersions(t *testing.T) {
	lease := apitest.Lease(time.Now())
	lease.Labels = map[string]string{version.Label: "7.8.0"}
	server := apitest.New(t, lease)
	c := connect(t, server)
	got, err := Versions(t.Context(), c, "reprise-system")
	want := story.Versions{Plugin: version.String(), Known: "v1alpha1", Install: "reprise-system", Cluster: apitest.Version, Reprise: "7.8.0", Revisions: []string{"v1alpha1"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	server.Remove(v1alpha1.GroupVersion.Group)
	if got, err = Versions(t.Context(), c, "elsewhere"); err != nil || got.Revisions != nil || got.Reprise != "" {
		t.Errorf("without Reprise: %v, %v", got, err)
	}
	server.Fail("version", -1, apierrors.NewUnauthorized("who"))
	_, err = Versions(t.Context(), c, "reprise-system")
	says(t, "not logged in", err, "log in again")
}

func TestNamespaceData(t *testing.T) {
	in := metav1.ObjectMeta{Name: "a", Namespace: apitest.Namespace}
	server := apitest.New(t, apitest.Deployment("cart", "x"), &corev1.LimitRange{ObjectMeta: in}, &corev1.ResourceQuota{ObjectMeta: in},
		&corev1.ServiceAccount{ObjectMeta: in}, &corev1.ConfigMap{ObjectMeta: in, Data: map[string]string{"k": "v"}})
	c := connect(t, server)
	data, err := NewNamespaceData(c.Config)
	if err != nil {
		t.Fatal(err)
	}
	server.Forbid("list", "runtimeclasses")
	got := data.Of(t.Context(), apitest.Namespace, nil)
	if len(got.LimitRanges) != 1 || len(got.ResourceQuotas) != 1 || len(got.ServiceAccounts) != 1 || !got.ConfigMaps.Has("a") {
		t.Errorf("read are %+v", got)
	}
	if len(got.Unknown) != 1 || got.Unknown[effective.KindRuntimeClass] == "" {
		t.Errorf("unknown are %v", got.Unknown)
	}
	server.Forbid("list", "limitranges")
	if again := data.Of(t.Context(), apitest.Namespace, nil); len(again.Unknown) != 1 {
		t.Error("a namespace is read twice")
	}
	live, err := data.Live(t.Context(), apitest.Namespace, "cart")
	if err != nil || live["metadata"] == nil {
		t.Errorf("live is %v, %v", live, err)
	}
	for _, name := range []string{"", "nope"} {
		if live, err := data.Live(t.Context(), apitest.Namespace, name); live != nil || err != nil {
			t.Errorf("%q: %v, %v", name, live, err)
		}
	}
	server.Forbid("get", "deployments")
	_, err = data.Live(t.Context(), apitest.Namespace, "cart")
	says(t, "no right", err, "reading deployment/cart in namespace shop")
	server.Fail("version", -1, apierrors.NewGenericServerResponse(http.StatusUnauthorized, "get", schema.GroupResource{}, "", "", 0, true))
	if _, err = NewNamespaceData(c.Config); err == nil {
		t.Error("a cluster that does not answer is one")
	}
}

// TestRevisionOf: a manifest is found by the way that it was applied.
func TestRevisionOf(t *testing.T) {
	const lastApplied = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cart","namespace":"shop"}}`
	image := func(image string) *appsv1.Deployment { return apitest.Deployment("cart", image) }
	for _, tt := range []struct {
		reason, image string
		live          func(*appsv1.Deployment)
		change        func(*apitest.Server)
		want          int64
		err           string
	}{
		{"client-side apply", "podinfo:1", func(d *appsv1.Deployment) { d.Annotations[workload.LastApplied] = lastApplied }, nil, 3, ""},
		{"client-side apply of what was rolled back", "podinfo:2", func(d *appsv1.Deployment) { d.Annotations[workload.LastApplied] = lastApplied }, nil, 2, ""},
		{"server-side apply", "podinfo:2", func(d *appsv1.Deployment) {
			d.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "ci", Operation: metav1.ManagedFieldsOperationApply, Time: &metav1.Time{Time: time.Unix(1, 0)}}}
		}, nil, 2, ""},
		{"Helm", "podinfo:2", func(*appsv1.Deployment) {}, nil, 2, ""},
		{"never deployed", "podinfo:9", func(*appsv1.Deployment) {}, nil, 0, "cart"},
		{"a dry run that admission denies", "podinfo:2", func(d *appsv1.Deployment) { d.Annotations[workload.LastApplied] = lastApplied },
			func(s *apitest.Server) { s.Forbid("patch", "deployments") }, 0, "finding out by a dry run"},
		{"a comparison that admission denies", "podinfo:2", func(*appsv1.Deployment) {}, func(s *apitest.Server) { s.Forbid("update", "deployments") }, 0, "cannot update"},
		{"a last-applied annotation that cannot be read", "podinfo:2", func(d *appsv1.Deployment) { d.Annotations[workload.LastApplied] = "{" }, nil, 0, "finding out by a dry run"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			server := apitest.New(t, apitest.Rescued(t, "cart")...)
			live := image("podinfo:1")
			tt.live(live)
			server.Put(live)
			c := connect(t, server)
			w, err := NewWorkloads(c).Load(context.Background(), apitest.Namespace, "cart")
			if err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(server)
			}
			r, err := RevisionOf(t.Context(), c.API, apitest.Manifest(t, image(tt.image)), w)
			says(t, tt.reason, err, tt.err)
			if err == nil && r.Spec.Number != tt.want {
				t.Errorf("it is #%d, want #%d", r.Spec.Number, tt.want)
			}
			var after appsv1.Deployment
			if server.Get("deployments", "cart", &after); after.Spec.Template.Spec.Containers[0].Image != "podinfo:1" {
				t.Error("the dry run changed the Deployment")
			}
		})
	}
}
