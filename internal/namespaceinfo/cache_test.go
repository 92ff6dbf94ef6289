package namespaceinfo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"reprise.dev/reprise/effective"
)

// apiServer is the part of an API server that the caches read: lists, and watches that bring
// nothing until the test ends them.
type apiServer struct {
	*httptest.Server
	// silent are the last elements of paths whose lists are not answered.
	silent []string
	down   atomic.Bool

	mu      sync.Mutex
	watches context.Context
	end     context.CancelFunc
}

// lists are what is stored, by the last element of the path, with the kind of the list.
var lists = map[string][2]string{
	"namespaces":      {"v1 NamespaceList", `[{"metadata":{"name":"shop","labels":{"tier":"gold"},"annotations":{"reprise.dev/rollback":"off"}}}]`},
	"limitranges":     {"v1 LimitRangeList", `[{"metadata":{"namespace":"shop","name":"lr"}},{"metadata":{"namespace":"other","name":"foreign"}}]`},
	"resourcequotas":  {"v1 ResourceQuotaList", `[{"metadata":{"namespace":"shop","name":"rq"}}]`},
	"serviceaccounts": {"v1 ServiceAccountList", `[{"metadata":{"namespace":"shop","name":"sa"}}]`},
	"configmaps":      {"meta.k8s.io/v1 PartialObjectMetadataList", `[{"metadata":{"namespace":"shop","name":"cm"}},{"metadata":{"namespace":"other","name":"cm"}}]`},
	"runtimeclasses":  {"node.k8s.io/v1 RuntimeClassList", `[{"metadata":{"name":"rc"},"handler":"runc"}]`},
	"priorityclasses": {"scheduling.k8s.io/v1 PriorityClassList", `[{"metadata":{"name":"pc"}}]`},
}

func newAPIServer(t *testing.T, silent ...string) *apiServer {
	t.Helper()
	s := &apiServer{silent: silent}
	s.cut()
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.cut(); s.Close() })
	return s
}

// cut ends the open watches.
func (s *apiServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
	}
	s.watches, s.end = context.WithCancel(context.Background())
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	list, known := lists[resource]
	if !known || s.down.Load() || slices.Contains(s.silent, resource) {
		http.Error(w, "not served", http.StatusServiceUnavailable)
		return
	}
	if r.URL.Query().Get("sendInitialEvents") != "" {
		http.Error(w, "it knows no streaming lists", http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("watch") != "" {
		s.mu.Lock()
		watches := s.watches
		s.mu.Unlock()
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		select {
		case <-watches.Done():
		case <-r.Context().Done():
		}
		return
	}
	version, kind, _ := strings.Cut(list[0], " ")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": version, "kind": kind, "metadata": map[string]string{"resourceVersion": "1"}, "items": json.RawMessage(list[1]),
	})
}

// running returns a cache of an API server that runs until the test ends, and its clock.
func running(t *testing.T, s *apiServer, maxStale time.Duration) (*Cache, *atomic.Pointer[time.Time]) {
	t.Helper()
	clock := &atomic.Pointer[time.Time]{}
	clock.Store(new(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)))
	c, err := New(&rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}, maxStale, func() time.Time { return *clock.Load() })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c, clock
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after a minute: not %s", what)
		}
	}
}

func namesOf[T metav1.Object](objects []T) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.GetNamespace()+"/"+o.GetName())
	}
	return names
}

func TestCache_For(t *testing.T) {
	c, _ := running(t, newAPIServer(t), time.Minute)
	eventually(t, "ready", func() bool { return c.Ready(nil) == nil })
	ns := c.For(t.Context(), "shop")
	got := map[string][]string{
		"LimitRange": namesOf(ns.LimitRanges), "ResourceQuota": namesOf(ns.ResourceQuotas), "ServiceAccount": namesOf(ns.ServiceAccounts),
		"ConfigMap": ns.ConfigMaps.UnsortedList(), "RuntimeClass": namesOf(ns.RuntimeClasses), "PriorityClass": namesOf(ns.PriorityClasses),
	}
	want := map[string][]string{
		"LimitRange": {"shop/lr"}, "ResourceQuota": {"shop/rq"}, "ServiceAccount": {"shop/sa"}, "ConfigMap": {"cm"}, "RuntimeClass": {"/rc"}, "PriorityClass": {"/pc"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if ns.Name != "shop" || ns.Labels["tier"] != "gold" || len(ns.Unknown) > 0 {
		t.Errorf("namespace %q has the labels %v; %v is unknown", ns.Name, ns.Labels, ns.Unknown)
	}
	if got := c.Annotations(t.Context(), "shop")["reprise.dev/rollback"]; got != "off" {
		t.Errorf("the annotation is %q", got)
	}
	if c.NeedLeaderElection() {
		t.Error("only the leader would know what decides about pods")
	}
}

func TestCache_For_NewNamespace(t *testing.T) {
	c, _ := running(t, newAPIServer(t), time.Minute)
	eventually(t, "ready", func() bool { return c.Ready(nil) == nil })
	ns := c.For(t.Context(), "new")
	for _, kind := range append(inNamespaces[:], effective.KindNamespace) {
		if want := "Namespace new is not in the cache yet"; ns.Unknown[kind] != want {
			t.Errorf("%s: %q, want %q", kind, ns.Unknown[kind], want)
		}
	}
	if len(ns.Unknown) != len(inNamespaces)+1 || len(ns.LimitRanges) > 0 {
		t.Errorf("%v is unknown", ns.Unknown)
	}
	if got := c.Annotations(t.Context(), "new"); got != nil {
		t.Errorf("it has the annotations %v", got)
	}
}

func TestCache_Ready_WaitsForEveryKind(t *testing.T) {
	c, _ := running(t, newAPIServer(t, "priorityclasses"), time.Minute)
	others := func() bool { return len(c.For(t.Context(), "shop").Unknown) == 1 }
	eventually(t, "all others listed", others)
	if err := c.Ready(nil); err == nil || !strings.HasPrefix(err.Error(), string(effective.KindPriorityClass)) {
		t.Errorf("ready: %v", err)
	}
	if got, want := c.For(t.Context(), "shop").Unknown[effective.KindPriorityClass], "PriorityClass objects have not been listed yet"; got != want {
		t.Errorf("unknown is %q, want %q", got, want)
	}
}

func TestCache_For_OutOfContact(t *testing.T) {
	const maxStale = time.Minute
	s := newAPIServer(t)
	c, clock := running(t, s, maxStale)
	eventually(t, "ready", func() bool { return c.Ready(nil) == nil })
	s.down.Store(true)
	s.cut()
	lost := func() bool {
		for _, w := range c.kinds {
			if _, lost := w.contact.lostSince(); !lost {
				return false
			}
		}
		return true
	}
	eventually(t, "out of contact", lost)
	start := *clock.Load()
	clock.Store(new(start.Add(maxStale)))
	if unknown := c.For(t.Context(), "shop").Unknown; len(unknown) > 0 {
		t.Errorf("after %s, %v is unknown", maxStale, unknown)
	}
	clock.Store(new(start.Add(maxStale + 1)))
	ns := c.For(t.Context(), "shop")
	if got, want := ns.Unknown[effective.KindLimitRange], "LimitRange objects could not be read since 2026-11-22T12:00:00Z"; got != want || len(ns.Unknown) != len(lists) {
		t.Errorf("unknown is %v", ns.Unknown)
	}
	if len(ns.LimitRanges) != 1 {
		t.Errorf("what was known is gone: %v", namesOf(ns.LimitRanges))
	}
	if err := c.Ready(nil); err != nil {
		t.Errorf("a replica out of contact is taken out of service: %v", err)
	}
}

func TestNew_RejectsAConfiguration(t *testing.T) {
	if _, err := New(&rest.Config{Host: "://"}, time.Minute, time.Now); err == nil {
		t.Error("a host without a name is accepted")
	}
}

func TestTrim_LeavesTombstones(t *testing.T) {
	tombstone := struct{ Key string }{"shop/a"}
	if got, err := trim(tombstone); err != nil || got != tombstone {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := trim(&corev1.LimitRange{}); err != nil || got == nil {
		t.Errorf("%v, %v", got, err)
	}
}
