package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/internal/fakeapi"
	"reprise.dev/reprise/workload"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// errTimeout is an error of the API server that says nothing about an object.
var errTimeout = errors.New("timeout")

// revision returns a revision of an intent.
func revision(workload string, number int64, intent string, changes ...func(*v1alpha1.WorkloadRevision)) *v1alpha1.WorkloadRevision {
	r := &v1alpha1.WorkloadRevision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: history.Name(workload, number)}}
	r.Spec.Number, r.Spec.WorkloadRef.Name, r.Spec.WorkloadRef.UID, r.Spec.IntentHash = number, workload, "uid", intent
	r.Spec.Snapshot = v1alpha1.Snapshot{Encoding: "gzip+json/v1", Data: "data"}
	for _, change := range changes {
		change(r)
	}
	return r
}

func withFiles(digest string) func(*v1alpha1.WorkloadRevision) {
	return func(r *v1alpha1.WorkloadRevision) { r.Spec.FilesDigest = digest }
}

// failing returns a reader whose every call fails.
func failing(api *fakeapi.API) client.Reader {
	return interceptor.NewClient(api.Client(), interceptor.Funcs{
		Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
			return errTimeout
		},
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errTimeout
		},
	})
}

func name(r *v1alpha1.WorkloadRevision) string {
	if r == nil {
		return ""
	}
	return r.Name
}

func TestList(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 10, "x"), revision("b", 1, "x"), revision("a", 9, "x"))
	h, err := store.List(t.Context(), api.Client(), "shop", "a")
	if err != nil || len(h) != 2 || h[0].Name != "a-9" || h[1].Name != "a-10" {
		t.Errorf("got %d, %v: want a-9 and a-10 in this order", len(h), err)
	}
	if _, err := store.List(t.Context(), failing(api), "shop", "a"); !errors.Is(err, errTimeout) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestLoadFull(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1, "x"))
	h, err := store.List(t.Context(), api.Cached(), "shop", "a")
	if err != nil || h[0].Spec.Snapshot.Data != "" {
		t.Fatalf("the cache holds snapshots: %+v, %v", h, err)
	}
	full, err := store.LoadFull(t.Context(), api.Client(), &h[0])
	if err != nil || full.Spec.Snapshot.Data != "data" {
		t.Errorf("got %+v, %v", full, err)
	}
	if again, err := store.LoadFull(t.Context(), failing(api), full); again != full || err != nil {
		t.Errorf("a full revision is read again: %v", err)
	}
	if _, err := store.LoadFull(t.Context(), api.Client(), revision("a", 2, "x", func(r *v1alpha1.WorkloadRevision) { r.Spec.Snapshot.Data = "" })); !apierrors.IsNotFound(err) {
		t.Errorf("got %v for a deleted revision", err)
	}
}

func TestGet(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1, "x"))
	for reason, tt := range map[string]struct {
		reader   client.Reader
		workload string
		number   int64
		want     string
		err      error
	}{
		"a revision":     {api.Client(), "a", 1, "a-1", nil},
		"no revision":    {api.Client(), "a", 2, "", nil},
		"another error":  {failing(api), "a", 1, "", errTimeout},
		"another spaces": {api.Client(), "b", 1, "", nil},
	} {
		got, err := store.Get(t.Context(), tt.reader, "shop", tt.workload, tt.number)
		if name(got) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v", reason, name(got), err)
		}
	}
}

// TestGet_OfAnotherWorkload reads under a name that another workload's revision has taken.
func TestGet_OfAnotherWorkload(t *testing.T) {
	one, other := strings.Repeat("a", 252)+"b", strings.Repeat("a", 252)+"c"
	taken := revision(other, 1, "x", func(r *v1alpha1.WorkloadRevision) { r.Name = history.Name(one, 1) })
	api := fakeapi.New(t, fakeapi.Options{}, taken)
	if got, err := store.Get(t.Context(), api.Client(), "shop", one, 1); got != nil || err == nil {
		t.Errorf("got %q, %v", name(got), err)
	}
	if got, err := store.Get(t.Context(), api.Client(), "shop", other, 1); got != nil || err != nil {
		t.Errorf("got %q, %v", name(got), err)
	}
}

func TestNewest(t *testing.T) {
	for test, tt := range map[string]struct {
		reason string
		cached []int64 // The revisions when the cache froze.
		after  func(t *testing.T, api *fakeapi.API)
		want   string
	}{
		"None":        {"nothing is recorded", nil, func(*testing.T, *fakeapi.API) {}, ""},
		"Current":     {"the cache holds all", []int64{1, 2}, func(*testing.T, *fakeapi.API) {}, "a-2"},
		"First":       {"the cache does not hold the first", nil, func(t *testing.T, api *fakeapi.API) { api.Create(t, revision("a", 1, "x")) }, "a-1"},
		"Behind":      {"the cache lags by two", []int64{1}, func(t *testing.T, api *fakeapi.API) { api.Create(t, revision("a", 2, "x"), revision("a", 3, "x")) }, "a-3"},
		"Pruned":      {"the first ones are pruned", []int64{7, 8}, func(t *testing.T, api *fakeapi.API) { api.Create(t, revision("a", 9, "x")) }, "a-9"},
		"Deleted":     {"the newest was deleted, which the cache does not know", []int64{7, 8}, remove(8), "a-7"},
		"AllDeleted":  {"all were deleted, which the cache does not know", []int64{7}, remove(7), ""},
		"OtherIsGone": {"an older one was deleted", []int64{7, 8}, remove(7), "a-8"},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{})
			for _, number := range tt.cached {
				api.Create(t, revision("a", number, "x"))
			}
			api.Freeze(t)
			tt.after(t, api)
			got, err := store.Newest(t.Context(), api.Cached(), api.Client(), "shop", "a")
			if err != nil || name(got) != tt.want {
				t.Errorf("%s: got %q, %v, want %q", tt.reason, name(got), err, tt.want)
			}
			if got != nil && got.Spec.Snapshot.Data == "" {
				t.Errorf("%s: it is not full", tt.reason)
			}
		})
	}
}

func TestNewest_Errors(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 7, "x"))
	if _, err := store.Newest(t.Context(), failing(api), api.Client(), "shop", "a"); !errors.Is(err, errTimeout) {
		t.Errorf("the cache fails: %v", err)
	}
	if _, err := store.Newest(t.Context(), api.Cached(), failing(api), "shop", "a"); !errors.Is(err, errTimeout) {
		t.Errorf("the API server fails: %v", err)
	}
	api.Freeze(t)
	remove(7)(t, api)
	noLists := interceptor.NewClient(api.Client(), interceptor.Funcs{
		List: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) error {
			return errTimeout
		},
	})
	if _, err := store.Newest(t.Context(), api.Cached(), noLists, "shop", "a"); !errors.Is(err, errTimeout) {
		t.Errorf("the list fails: %v", err)
	}
}

// remove returns a function that deletes a revision of workload a.
func remove(number int64) func(*testing.T, *fakeapi.API) {
	return func(t *testing.T, api *fakeapi.API) {
		t.Helper()
		if err := api.Direct().Delete(t.Context(), revision("a", number, "x")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCreate(t *testing.T) {
	phase := func(p v1alpha1.Phase) func(*v1alpha1.WorkloadRevision) {
		return func(r *v1alpha1.WorkloadRevision) { r.Status.Phase = p }
	}
	recreated := func(r *v1alpha1.WorkloadRevision) { r.Spec.WorkloadRef.UID = "other" }
	for test, tt := range map[string]struct {
		reason string
		stored *v1alpha1.WorkloadRevision
		r      *v1alpha1.WorkloadRevision
		// phase and files are what the revision holds afterwards.
		phase v1alpha1.Phase
		files string
		fails bool
	}{
		"New": {"there is none", nil, revision("a", 1, "x", phase(v1alpha1.PhaseProgressing)), v1alpha1.PhaseProgressing, "", false},
		"Incomplete": {
			"it was begun before a crash", revision("a", 1, "x"), revision("a", 1, "x", phase(v1alpha1.PhaseHealthy)),
			v1alpha1.PhaseHealthy, "", false,
		},
		"Complete": {
			"another leader completed it, and its verdict stands", revision("a", 1, "x", phase(v1alpha1.PhaseFailed)),
			revision("a", 1, "x", phase(v1alpha1.PhaseProgressing)), v1alpha1.PhaseFailed, "", false,
		},
		"OtherFilesIncomplete": {
			"it was begun with other files, which stand", revision("a", 1, "x", withFiles("one")),
			revision("a", 1, "x", withFiles("two"), phase(v1alpha1.PhaseProgressing)), v1alpha1.PhaseProgressing, "one", false,
		},
		"OtherFilesHealthy": {
			"Healthy is inherited for files that are not stored", revision("a", 1, "x", withFiles("one")),
			revision("a", 1, "x", withFiles("two"), phase(v1alpha1.PhaseHealthy)), v1alpha1.PhaseProgressing, "one", false,
		},
		"OtherFilesComplete": {
			"another leader recorded other files", revision("a", 1, "x", withFiles("one"), phase(v1alpha1.PhaseProgressing)),
			revision("a", 1, "x", withFiles("two"), phase(v1alpha1.PhaseProgressing)), "", "", true,
		},
		"OtherIntent": {
			"another leader recorded another intent", revision("a", 1, "y"), revision("a", 1, "x", phase(v1alpha1.PhaseProgressing)), "", "", true,
		},
		"OtherWorkload": {
			"another leader recorded another Deployment of that name", revision("a", 1, "x", recreated),
			revision("a", 1, "x", phase(v1alpha1.PhaseProgressing)), "", "", true,
		},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{})
			if tt.stored != nil {
				status := tt.stored.Status
				api.Create(t, tt.stored)
				fakeapi.ChangeStatus(t, api, tt.stored, func(r *v1alpha1.WorkloadRevision) { r.Status = status })
			}
			err := store.Create(t.Context(), api.Client(), api.Client(), tt.r)
			if tt.fails {
				if err == nil {
					t.Errorf("%s: no error", tt.reason)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.reason, err)
			}
			if tt.r.Status.Phase != tt.phase || tt.r.Spec.FilesDigest != tt.files || tt.r.ResourceVersion == "" {
				t.Errorf("%s: %s with files %q at %q", tt.reason, tt.r.Status.Phase, tt.r.Spec.FilesDigest, tt.r.ResourceVersion)
			}
			if err := api.Client().Status().Update(t.Context(), tt.r); err != nil {
				t.Errorf("%s: its status cannot be written: %v", tt.reason, err)
			}
		})
	}
}

func TestCreate_Errors(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{})
	for reason, err := range fakeapi.Errors() {
		api.Refuse(fakeapi.Nth(1, err))
		if got := store.Create(t.Context(), api.Client(), api.Client(), revision("a", 1, "x")); !errors.Is(got, err) && !apierrors.IsAlreadyExists(err) {
			t.Errorf("%s: got %v", reason, got)
		}
		api.Revive()
	}
	exists := apierrors.NewAlreadyExists(v1alpha1.GroupVersion.WithResource("workloadrevisions").GroupResource(), "a-1")
	api.Refuse(fakeapi.Nth(1, exists))
	if err := store.Create(t.Context(), api.Client(), api.Client(), revision("a", 1, "x")); !apierrors.IsNotFound(err) {
		t.Errorf("it was deleted after the create: got %v, want an error to retry", err)
	}
}

func TestPatchStatus(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, revision("a", 1, "x"))
	h, err := store.List(t.Context(), api.Cached(), "shop", "a")
	if err != nil {
		t.Fatal(err)
	}
	fail := func(s *v1alpha1.WorkloadRevisionStatus) {
		s.Phase, s.PhaseTransitionTime = v1alpha1.PhaseFailed, &metav1.Time{Time: now}
	}
	stale := h[0].DeepCopy()
	if err := store.PatchStatus(t.Context(), api.Client(), &h[0], fail); err != nil {
		t.Fatal(err)
	}
	stored := fakeapi.Load(t, api, revision("a", 1, "x"))
	if stored.Status.Phase != v1alpha1.PhaseFailed || stored.Spec.Snapshot.Data != "data" || h[0].Spec.Snapshot.Data != "data" {
		t.Errorf("stored %s with snapshot %q, read back %q", stored.Status.Phase, stored.Spec.Snapshot.Data, h[0].Spec.Snapshot.Data)
	}
	before := stale.DeepCopy()
	err = store.PatchStatus(t.Context(), api.Client(), stale, func(s *v1alpha1.WorkloadRevisionStatus) { s.Phase = v1alpha1.PhaseHealthy })
	if !apierrors.IsConflict(err) {
		t.Errorf("a stale revision: %v, want a conflict", err)
	}
	if d := cmp.Diff(before, stale); d != "" {
		t.Errorf("it is not as before (-want +got):\n%s", d)
	}
	remove(1)(t, api)
	if err := store.PatchStatus(t.Context(), api.Client(), &h[0], fail); !apierrors.IsNotFound(err) {
		t.Errorf("a deleted revision: %v", err)
	}
}

func TestTrim(t *testing.T) {
	r := revision("a", 1, "x")
	r.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "reprise"}}
	r.Status.Failure = &v1alpha1.Failure{Message: "exit 1", Evidence: []v1alpha1.Evidence{{}}}
	if _, err := store.Trim(r); err != nil || r.Spec.Snapshot.Data != "" || r.ManagedFields != nil || r.Status.Failure.Evidence != nil {
		t.Errorf("%v: %+v", err, r)
	}
	if r.Spec.Snapshot.Encoding == "" || r.FailureMessage() == "" || r.Spec.IntentHash != "x" {
		t.Error("more than needed is dropped")
	}
	other := &corev1.ConfigMap{Data: map[string]string{"a": "b"}}
	if got, err := store.Trim(other); got != other || err != nil || other.Data["a"] != "b" {
		t.Errorf("another object: %v, %v", got, err)
	}
}

func TestSettings(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "shop", Annotations: map[string]string{v1alpha1.HistoryLimitAnnotation: "3", v1alpha1.BakeTimeAnnotation: "soon"},
	}})
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
	got, err := store.Settings(t.Context(), api.Cached(), d, workload.DefaultSettings())
	want := workload.DefaultSettings()
	want.HistoryLimit = 3
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	d.Namespace = "gone"
	if _, err := store.Settings(t.Context(), api.Cached(), d, workload.DefaultSettings()); !apierrors.IsNotFound(err) {
		t.Errorf("a namespace that is gone: %v", err)
	}
}

// configMap returns a ConfigMap that holds a Score file.
func configMap(name, content string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}, Data: map[string]string{"file": content}}
}

func TestConfigMaps(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, configMap("one", "1"), configMap("same", "1"), configMap("two", "2"))
	got, err := store.ConfigMaps(t.Context(), api.Client(), "shop", []string{"one", "same", "two", "none"})
	if err != nil || len(got) != 4 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got[0].Hash == "" || got[0].Hash != got[1].Hash || got[0].Hash == got[2].Hash || got[3].Hash != "" || got[3].Name != "none" {
		t.Errorf("got %+v", got)
	}
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprint("c", i))
	}
	if got, err := store.ConfigMaps(t.Context(), api.Client(), "shop", many); err != nil || len(got) != 32 {
		t.Errorf("%d of 40, %v: want 32", len(got), err)
	}
	if _, err := store.ConfigMaps(t.Context(), failing(api), "shop", many); !errors.Is(err, errTimeout) {
		t.Errorf("got %v", err)
	}
}

func TestConfigMapsChanged(t *testing.T) {
	for test, tt := range map[string]struct {
		change func(t *testing.T, api *fakeapi.API)
		want   bool
	}{
		"Unchanged": {func(*testing.T, *fakeapi.API) {}, false},
		"Changed": {func(t *testing.T, api *fakeapi.API) {
			fakeapi.Change(t, api, configMap("one", ""), "ci", func(c *corev1.ConfigMap) { c.Data["file"] = "2" })
		}, true},
		"Restored": {func(t *testing.T, api *fakeapi.API) {
			fakeapi.Change(t, api, configMap("one", ""), "reprise", func(c *corev1.ConfigMap) { c.Data["file"] = "0" })
		}, false},
		"Labelled": {func(t *testing.T, api *fakeapi.API) {
			fakeapi.Change(t, api, configMap("one", ""), "ci", func(c *corev1.ConfigMap) { c.Labels = map[string]string{"a": "b"} })
		}, false},
		"Deleted": {func(t *testing.T, api *fakeapi.API) {
			if err := api.Direct().Delete(t.Context(), configMap("one", "")); err != nil {
				t.Fatal(err)
			}
		}, true},
		"Created": {func(t *testing.T, api *fakeapi.API) { api.Create(t, configMap("none", "")) }, true},
	} {
		t.Run(test, func(t *testing.T) {
			api := fakeapi.New(t, fakeapi.Options{}, configMap("one", "1"))
			failed, target := revision("a", 2, "x"), revision("a", 1, "w")
			failed.Status.Rollback = &v1alpha1.Rollback{ToRevision: 1}
			target.Spec.Files = []v1alpha1.RevisionFile{{ConfigMapName: "one", State: v1alpha1.FileKept, Hash: history.HashContent([]byte("0"))}}
			h := history.History{*target, *failed}
			if changed, err := store.ConfigMapsChanged(t.Context(), failing(api), h, failed); changed || err != nil {
				t.Errorf("without a failure: changed %v, %v", changed, err)
			}
			failed.Status.Failure = &v1alpha1.Failure{}
			var err error
			if failed.Status.Failure.ConfigMaps, err = store.ConfigMaps(t.Context(), api.Client(), "shop", []string{"one", "none"}); err != nil {
				t.Fatal(err)
			}
			tt.change(t, api)
			if got, err := store.ConfigMapsChanged(t.Context(), api.Client(), h, failed); err != nil || got != tt.want {
				t.Errorf("changed %v, %v", got, err)
			}
			if got, err := store.ConfigMapsChanged(t.Context(), failing(api), h, failed); got || !errors.Is(err, errTimeout) {
				t.Errorf("what cannot be read has changed %v, %v", got, err)
			}
		})
	}
}

func TestChangedFiles(t *testing.T) {
	api := fakeapi.New(t, fakeapi.Options{}, configMap("same", "1"), configMap("other", "2"), configMap("new", ""))
	r := revision("a", 1, "x")
	for _, f := range []v1alpha1.RevisionFile{
		{ConfigMapName: "same", Mounts: mounts("main", "/same")}, {ConfigMapName: "other", Mounts: mounts("main", "/other", "side", "/o")},
		{ConfigMapName: "gone", Mounts: mounts("main", "/gone")}, {ConfigMapName: "new", Mounts: mounts("main", "/new"), State: v1alpha1.FileMissing},
		{ConfigMapName: "never", Mounts: mounts("main", "/never"), State: v1alpha1.FileMissing},
	} {
		f.Hash = history.HashContent([]byte("1"))
		r.Spec.Files = append(r.Spec.Files, f)
	}
	got, err := store.ChangedFiles(t.Context(), api.Client(), r)
	want := []string{"containers.main.files./other", "containers.side.files./o", "containers.main.files./gone", "containers.main.files./new"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
	if _, err := store.ChangedFiles(t.Context(), failing(api), r); !errors.Is(err, errTimeout) {
		t.Errorf("got %v", err)
	}
}

// mounts returns mounts by pairs of a container and a path.
func mounts(pairs ...string) []v1alpha1.FileMount {
	var all []v1alpha1.FileMount
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, v1alpha1.FileMount{ContainerName: pair[0], Path: pair[1]})
	}
	return all
}
