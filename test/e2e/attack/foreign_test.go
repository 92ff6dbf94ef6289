package attack

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/test/harness/product"
)

// TestAForeignConfigMapIsNeitherKeptNorWritten mounts ConfigMaps of other owners whose names look
// like those of Score's files: Reprise neither copies their content nor restores it.
func TestAForeignConfigMapIsNeitherKeptNorWritten(t *testing.T) {
	t.Parallel()
	p := newTenant(t, product.Quick)
	names := []string{"x-file-0123456789", "app-main-file-0123456789"} // The second is named for the workload.
	var foreign []*corev1.ConfigMap
	for _, name := range names {
		c := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: name}, Data: map[string]string{"file": "content of another owner"}}
		if err := p.Place.API.Create(t.Context(), c, client.FieldOwner("operator")); err != nil {
			t.Fatal(err)
		}
		foreign = append(foreign, c)
	}
	d := product.Idle(p.Namespace, "app")
	d.Spec.Replicas = new(int32(1))
	main := &d.Spec.Template.Spec.Containers[0]
	for _, name := range names {
		volume, _, _ := strings.Cut(name, "-")
		d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{
			ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: []corev1.KeyToPath{{Key: "file", Path: "f"}},
			},
		}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/" + volume})
	}
	if err := p.API.Create(t.Context(), d, client.FieldOwner("tenant")); err != nil {
		t.Fatal(err)
	}
	h := p.Becomes("app", "1 Healthy")
	contents, err := history.DecodeSnapshot(&h[0])
	if err != nil || len(contents.Files) > 0 || len(h[0].Spec.Files) != 2 {
		t.Errorf("the snapshot holds the files %v of %+v (%v)", contents.Files, h[0].Spec.Files, err)
	}
	for _, f := range h[0].Spec.Files {
		if f.State != v1alpha1.FileForeign || f.Hash == "" {
			t.Errorf("recorded as %+v", f)
		}
	}
	for _, c := range foreign {
		c.Data["file"] = "newer content"
		if err := p.Place.API.Update(t.Context(), c, client.FieldOwner("operator")); err != nil {
			t.Fatal(err)
		}
	}
	fail := func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = "nginx:does-not-exist" }
	live := p.Deployment("app")
	before := live.DeepCopy()
	fail(live)
	if err := p.API.Patch(t.Context(), live, client.MergeFrom(before), client.FieldOwner("tenant")); err != nil {
		t.Fatal(err)
	}
	p.Becomes("app", "1 Healthy, 2 RolledBack, 3 Healthy")
	for _, c := range foreign {
		version := c.ResourceVersion
		if err := p.API.Get(t.Context(), client.ObjectKeyFromObject(c), c); err != nil || c.ResourceVersion != version {
			t.Errorf("ConfigMap %s was written: %v (%v)", c.Name, c.Data, err)
		}
	}
}
