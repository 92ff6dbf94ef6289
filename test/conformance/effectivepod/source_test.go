package effectivepod

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/effective"
	"reprise.dev/reprise/internal/namespaceinfo"
)

// retried is how long a lost connection may take until it is tried again, and some more.
const retried = 40 * time.Second

func TestTheCachesHoldWhatTheAPIServerHolds(t *testing.T) {
	ctx := t.Context()
	source := startSource(t, judge.config, time.Minute)
	name := fmt.Sprintf("source-%d", time.Now().UnixNano())
	objects := twoRangesAndAQuota(name)
	if err := judge.create(ctx, objects); err != nil {
		t.Fatal(err)
	}
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "files"}, Data: map[string]string{"file": "x"}}
	if _, err := judge.admin.CoreV1().ConfigMaps(name).Create(ctx, configMap, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	stored, err := judge.read(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	var difference string
	for range eventually(t.Context(), retried) {
		if got := source.For(ctx, name); len(got.Unknown) == 0 && got.ConfigMaps.Has("files") {
			if difference = diff.Diff(brief(stored), brief(got)); difference == "" {
				return
			}
		}
	}
	t.Errorf("stored (-) and cached (+) differ: %s", difference)
}

func TestACacheThatLostTheAPIServerCannotTell(t *testing.T) {
	door := newDoor(t, judge.config)
	source := startSource(t, &rest.Config{Host: door.URL, QPS: -1}, time.Second)
	if r := source.For(t.Context(), "default"); len(r.Unknown) != 0 {
		t.Fatalf("unknown at the start: %v", r.Unknown)
	}
	door.shut()
	for range eventually(t.Context(), retried) {
		if len(source.For(t.Context(), "default").Unknown) == 7 {
			break
		}
	}
	template := &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}}
	if told := effective.Compute(template, source.For(t.Context(), "default")); len(told.Unknown) < 3 || len(told.Violations) != 0 {
		t.Errorf("cannot tell %v, violations %v", told.Unknown, told.Violations)
	}
	door.open()
	for range eventually(t.Context(), retried) {
		if len(source.For(t.Context(), "default").Unknown) == 0 {
			return
		}
	}
	t.Errorf("unknown after the API server is back: %v", source.For(t.Context(), "default").Unknown)
}

func TestASourceThatNeverReachedTheAPIServerKnowsNothing(t *testing.T) {
	source, err := namespaceinfo.New(&rest.Config{Host: "https://127.0.0.1:1"}, time.Minute, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if got := source.For(t.Context(), "default").Unknown; len(got) != 7 {
		t.Errorf("unknown: %v", got)
	}
	if source.Ready(nil) == nil {
		t.Error("ready without having read anything")
	}
}

// startSource starts a source and waits until it is ready.
func startSource(t *testing.T, config *rest.Config, maxStale time.Duration) *namespaceinfo.Cache {
	t.Helper()
	source, err := namespaceinfo.New(config, maxStale, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- source.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for range eventually(t.Context(), retried) {
		if source.Ready(nil) == nil {
			return source
		}
	}
	t.Fatalf("the source is not ready: %v", source.Ready(nil))
	return nil
}

// eventually yields every 50 ms until the time or the context has ended.
func eventually(ctx context.Context, within time.Duration) func(func() bool) {
	return func(yield func() bool) {
		deadline := time.After(within)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for yield() {
			select {
			case <-deadline:
				return
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}
}

// twoRangesAndAQuota is a namespace with two LimitRanges and a quota.
func twoRangesAndAQuota(name string) objects {
	one := resource.MustParse("1")
	item := corev1.LimitRangeItem{Type: corev1.LimitTypeContainer, Default: corev1.ResourceList{"cpu": one}}
	hard := corev1.ResourceList{"pods": one}
	return objects{
		namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "shop"}}},
		limitRanges: []*corev1.LimitRange{
			{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "b"}},
		},
		quotas: []*corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: corev1.ResourceQuotaSpec{Hard: hard},
			Status: corev1.ResourceQuotaStatus{Hard: hard, Used: hard}}},
	}
}

// brief is what of a namespace matters, as comparable values in a fixed order.
func brief(ns effective.Namespace) map[string]any {
	byName := func(a, b metav1.Object) int { return cmp.Compare(a.GetName(), b.GetName()) }
	b := map[string]any{"labels": ns.Labels}
	for _, lr := range slices.SortedFunc(slices.Values(ns.LimitRanges), func(x, y *corev1.LimitRange) int { return byName(x, y) }) {
		b["LimitRange "+lr.Name] = lr.Spec
	}
	for _, q := range ns.ResourceQuotas {
		b["ResourceQuota "+q.Name] = []any{q.Spec, q.Status}
	}
	for _, account := range ns.ServiceAccounts {
		b["ServiceAccount "+account.Name] = account.ImagePullSecrets
	}
	for _, class := range ns.RuntimeClasses {
		b["RuntimeClass "+class.Name] = []any{class.Overhead, class.Scheduling}
	}
	for _, class := range ns.PriorityClasses {
		b["PriorityClass "+class.Name] = class.Value
	}
	return b
}

// door is a way to the API server that can be shut.
type door struct {
	*httptest.Server
	isShut atomic.Bool
}

func newDoor(t *testing.T, config *rest.Config) *door {
	t.Helper()
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := rest.TransportFor(config)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport, proxy.FlushInterval = transport, -1
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	d := &door{}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.isShut.Load() {
			http.Error(w, "shut", http.StatusBadGateway)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		d.CloseClientConnections()
		d.Close()
	})
	return d
}

// shut ends all connections and refuses new ones.
func (d *door) shut() {
	d.isShut.Store(true)
	d.CloseClientConnections()
}

func (d *door) open() { d.isShut.Store(false) }
