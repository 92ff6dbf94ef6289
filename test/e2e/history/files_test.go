package history

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/test/harness/product"
)

// fileName is one that Score gives to a file.
const fileName = product.FiledConfigMap

// writeFile stores a file as Score writes it.
func writeFile(t *testing.T, api client.Client, namespace, content string) {
	t.Helper()
	c := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fileName}, BinaryData: map[string][]byte{"file": []byte(content)},
	}
	err := api.Create(t.Context(), c)
	if client.IgnoreAlreadyExists(err) == nil && err != nil {
		err = api.Update(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// newFiledWorkload makes a workload that mounts the file.
func newFiledWorkload(t *testing.T, api client.Client, namespace string) *appsv1.Deployment {
	t.Helper()
	d := product.Idle(namespace, "filed")
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "file", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: fileName}, Items: []corev1.KeyToPath{{Key: "file", Path: "app.conf"}},
	}}}}
	d.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "file", MountPath: "/etc/app"}}
	if err := api.Create(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	return d
}

func setImage(t *testing.T, api client.Client, d *appsv1.Deployment, tag string) {
	t.Helper()
	patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"example.com/app:%s"}]`, tag)
	if err := api.Patch(t.Context(), d.DeepCopy(), client.RawPatch(types.JSONPatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// contents are the images of a workload's revisions with what their files held.
func contents(t *testing.T, api client.Client, d *appsv1.Deployment) string {
	t.Helper()
	h, err := store.List(t.Context(), api, d.Namespace, d.Name)
	if err != nil {
		return err.Error()
	}
	var all []string
	for i := range h {
		r := &h[i]
		if r.Status.Phase == "" {
			continue
		}
		held, err := history.DecodeSnapshot(r)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %q", r.Spec.Images, held.Files[fileName].Content)
		for _, f := range r.Spec.Files {
			if f.State == v1alpha1.FileKeptLate {
				line += " written after"
			}
		}
		if r.FilesOnly() {
			line += " files only"
		}
		all = append(all, line)
	}
	return strings.Join(all, ", ")
}

func hasContents(t *testing.T, api client.Client, d *appsv1.Deployment, want string) {
	t.Helper()
	product.Eventually(t, func() (bool, string) {
		got := contents(t, api, d)
		return got == want, fmt.Sprintf("recorded %s\nwant     %s", got, want)
	})
}

// TestARevisionsFilesAreThoseThatWereLiveWhenItWasStored has the recorder look long after the
// deploys.
func TestARevisionsFilesAreThoseThatWereLiveWhenItWasStored(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	writeFile(t, api, namespace, "one")
	d := newFiledWorkload(t, api, namespace)
	hasContents(t, api, d, `app:0 "one"`)
	stop()

	writeFile(t, api, namespace, "two") // No revision ever ran with the file alone.
	setImage(t, api, d, "1")
	setImage(t, api, d, "2")
	writeFile(t, api, namespace, "three")
	setImage(t, api, d, "3")
	writeFile(t, api, namespace, "four")

	start(t)
	hasContents(t, api, d, `app:0 "one", app:1 "two", app:2 "two", app:3 "three", app:3 "four" files only`)
}

// TestAFileThatIsGoneByNowIsRecordedAsItWas deletes what the deploy ran with.
func TestAFileThatIsGoneByNowIsRecordedAsItWas(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	sameHistory(t, api, newWorkload(t, api, namespace, "before"), 1)
	stop()

	writeFile(t, api, namespace, "one")
	d := newFiledWorkload(t, api, namespace)
	file := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fileName}}
	if err := api.Delete(t.Context(), file); err != nil {
		t.Fatal(err)
	}

	start(t)
	hasContents(t, api, d, `app:0 "one"`)
}

// TestAFileThatCameAfterItsWorkloadIsTheWorkloads applies in the wrong order: no pod starts without
// the file.
func TestAFileThatCameAfterItsWorkloadIsTheWorkloads(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	sameHistory(t, api, newWorkload(t, api, namespace, "before"), 1)
	stop()

	d := newFiledWorkload(t, api, namespace)
	writeFile(t, api, namespace, "one")

	start(t)
	hasContents(t, api, d, `app:0 "one"`)
}

// TestWhatAFileHeldIsSaidToBeUnknownWhereTheAPIServerForgotIt has etcd compacted between the deploy
// and the recorder's look. The API server's own cache still replays the deploy.
func TestWhatAFileHeldIsSaidToBeUnknownWhereTheAPIServerForgotIt(t *testing.T) {
	stop := start(t)
	api := newClient(t)
	namespace := newNamespace(t, api)
	writeFile(t, api, namespace, "one")
	d := newFiledWorkload(t, api, namespace)
	hasContents(t, api, d, `app:0 "one"`)
	stop()

	setImage(t, api, d, "1")
	writeFile(t, api, namespace, "two")
	if err := shared.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	start(t)
	hasContents(t, api, d, `app:0 "one", app:1 "two" written after`)
}
