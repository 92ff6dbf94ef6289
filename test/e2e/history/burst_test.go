package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
)

// stored are the images of a workload in the order in which the API server stored them, by its
// audit log. A write that changed nothing else than who wrote it does not count.
func stored(t *testing.T, d *appsv1.Deployment) []string {
	t.Helper()
	file, err := os.Open(shared.AuditLog())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	byVersion := map[int]string{}
	last := 0
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event auditv1.Event
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil || event.ResponseStatus == nil || event.ResponseStatus.Code >= 300 ||
			event.ObjectRef == nil || event.ObjectRef.Namespace != d.Namespace || event.ObjectRef.Subresource != "" || event.ResponseObject == nil {
			continue
		}
		var object appsv1.Deployment
		if err := json.Unmarshal(event.ResponseObject.Raw, &object); err != nil || object.Name != d.Name {
			continue
		}
		var version int
		if _, err := fmt.Sscan(object.ResourceVersion, &version); err != nil {
			t.Fatal(err)
		}
		image := object.Spec.Template.Spec.Containers[0].Image
		byVersion[version] = image[strings.LastIndex(image, "/")+1:]
		last = max(last, version)
	}
	var all []string
	for version := 0; version <= last; version++ {
		if image, ok := byVersion[version]; ok && (len(all) == 0 || all[len(all)-1] != image) {
			all = append(all, image)
		}
	}
	return all
}

// tags makes every image another.
var tags atomic.Int64

// deploy stores n images as fast as the API server takes them, from several clients at once.
// between is called halfway.
func deploy(t *testing.T, api client.Client, d *appsv1.Deployment, n int, between func()) {
	t.Helper()
	const clients = 4
	var group sync.WaitGroup
	for worker := range clients {
		group.Go(func() {
			for i := range n / clients {
				tag := tags.Add(1)
				patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"example.com/app:%d"}]`, tag)
				object := d.DeepCopy()
				if err := api.Patch(t.Context(), object, client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
					t.Errorf("deploying: %v", err)
					return
				}
				if worker == 0 && i == n/clients/2 && between != nil {
					between()
				}
			}
		})
	}
	group.Wait()
}

// sameHistory waits until the history is what the API server's own account says.
func sameHistory(t *testing.T, api client.Client, d *appsv1.Deployment, atLeast int) {
	t.Helper()
	product.Eventually(t, func() (bool, string) {
		want, got := stored(t, d), images(t, api, d.Namespace, d.Name)
		return len(want) >= atLeast && cmp.Equal(want, got), fmt.Sprintf("%d stored, %d recorded (-stored +recorded)\n%s", len(want), len(got), cmp.Diff(want, got))
	})
}

func TestThreeHundredUpdatesAtOnceAreThreeHundredRevisionsInOrder(t *testing.T) {
	start(t)
	api := newClient(t)
	d := newWorkload(t, api, newNamespace(t, api), "app")
	deploy(t, api, d, 300, nil)
	sameHistory(t, api, d, 301)
}

func TestAKillInMidBurstLosesNothingAndRepeatsNothing(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	d := newWorkload(t, api, newNamespace(t, api), "app")
	deploy(t, api, d, 40, stop)
	start(t)
	deploy(t, api, d, 40, nil)
	sameHistory(t, api, d, 80)
}

func TestTheNextLeaderGoesOnFromTheCheckpoint(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	sameHistory(t, api, newWorkload(t, api, namespace, "before"), 1)
	stop()
	d := newWorkload(t, api, namespace, "while-away")
	deploy(t, api, d, 4, nil)
	start(t)
	sameHistory(t, api, d, 5)
	h, err := store.List(t.Context(), api, namespace, d.Name)
	if err != nil {
		t.Fatal(err)
	}
	for i := range h {
		if h[i].IsAdopted() {
			t.Errorf("revision %d was replayed in order, and is adopted", h[i].Spec.Number)
		}
	}
}

func TestARestartOfTheAPIServerInMidBurstLosesNothing(t *testing.T) {
	start(t)
	api := newClient(t)
	d := newWorkload(t, api, newNamespace(t, api), "app")
	deploy(t, api, d, 40, nil)
	if err := shared.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	api = newClient(t)
	deploy(t, api, d, 40, nil)
	sameHistory(t, api, d, 80)
}
