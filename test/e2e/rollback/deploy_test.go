package rollback

import (
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/workload"
)

// app is the workload of every story.
const app = "app"

// configMaps are those of its two files, as Score names them.
var configMaps = []string{"app-main-file-00000000aa", "app-main-file-00000000bb"}

// version is what is deployed.
type version struct {
	// name is in the image, in a variable and in the files.
	name string
	// bad is what makes it fail; empty where it does not.
	bad change
}

// change is what makes a version fail.
type change string

const (
	byImage    change = "an image that does not exist"
	byVariable change = "a variable from a Secret that does not exist"
)

// deployment is the manifest of a version. A bad one removes a variable and a label too, which a
// rollback has to put back.
func (v version) deployment(namespace string, files bool) *appsv1.Deployment {
	labels := map[string]string{"app": app}
	main := corev1.Container{
		Name: "main", Image: "example.com/app:" + v.name,
		Env: []corev1.EnvVar{{Name: "VERSION", Value: v.name}, {Name: "OPTION", Value: "on"}},
	}
	d := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: app, Labels: map[string]string{"team": "music"},
			Annotations: map[string]string{workload.NameAnnotation: app, "example.com/version": v.name},
		},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
	}
	switch v.bad {
	case byImage:
		main.Image, main.Env, d.Labels = "example.com/app:does-not-exist", main.Env[:1], nil
	case byVariable:
		main.Image = "example.com/app:good" // Nothing but the variable changes.
		main.Env = []corev1.EnvVar{{Name: "VERSION", Value: v.name}, {Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "missing"}, Key: "password"},
		}}}
	}
	var volumes []corev1.Volume
	if files {
		for i, name := range configMaps {
			volume := fmt.Sprintf("file-%d", i)
			volumes = append(volumes, corev1.Volume{Name: volume, VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: []corev1.KeyToPath{{Key: workload.FileKey, Path: volume}},
			}}})
			main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: volume, MountPath: "/etc/" + volume, SubPath: volume})
		}
	}
	d.Spec.Template = corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{main}, Volumes: volumes},
	}
	return d
}

// files are the manifests of a version's files.
func (v version) files(namespace string) []client.Object {
	var all []client.Object
	for _, name := range configMaps {
		all = append(all, &corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, BinaryData: map[string][]byte{workload.FileKey: []byte(v.name)},
		})
	}
	return all
}

// objects are all manifests of a version, in the order in which they are applied.
func (v version) objects(namespace string, files bool) []client.Object {
	var all []client.Object
	if files {
		all = v.files(namespace)
	}
	return append(all, v.deployment(namespace, files))
}

// apply applies a manifest as kubectl does.
func (r *run) apply(manifest client.Object) error {
	modified, err := plain(manifest)
	if err != nil {
		return err
	}
	if r.serverSide {
		return r.api.Apply(r.Context(), client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: modified}), client.FieldOwner("kubectl"))
	}
	memory, err := json.Marshal(modified)
	if err != nil {
		return err
	}
	remembering := manifest.DeepCopyObject().(client.Object)
	annotations := map[string]string{workload.LastApplied: string(memory)}
	for key, value := range manifest.GetAnnotations() {
		annotations[key] = value
	}
	remembering.SetAnnotations(annotations)
	stored := manifest.DeepCopyObject().(client.Object)
	owner := client.FieldOwner("kubectl-client-side-apply")
	if err = r.api.Get(r.Context(), client.ObjectKeyFromObject(manifest), stored); apierrors.IsNotFound(err) {
		return r.api.Create(r.Context(), remembering, owner)
	}
	if err != nil {
		return err
	}
	patch, err := threeWay(stored, remembering, manifest)
	if err != nil {
		return err
	}
	return r.api.Patch(r.Context(), stored, client.RawPatch(types.StrategicMergePatchType, patch), owner)
}

// threeWay is what kubectl sends: the way from what it applied last, by what is stored, to the
// manifest.
func threeWay(stored, remembering, empty client.Object) ([]byte, error) {
	schema, err := strategicpatch.NewPatchMetaFromStruct(empty)
	if err != nil {
		return nil, err
	}
	var encoded [2][]byte
	for i, object := range []client.Object{remembering, stored} {
		fields, err := plain(object)
		if err != nil {
			return nil, err
		}
		if encoded[i], err = json.Marshal(fields); err != nil {
			return nil, err
		}
	}
	return strategicpatch.CreateThreeWayMergePatch([]byte(stored.GetAnnotations()[workload.LastApplied]), encoded[0], encoded[1], schema, true)
}

// plain is a manifest without what the API server sets.
func plain(o client.Object) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
	unstructured.RemoveNestedField(fields, "metadata", "managedFields")
	unstructured.RemoveNestedField(fields, "spec", "strategy")
	unstructured.RemoveNestedField(fields, "spec", "template", "metadata", "creationTimestamp")
	return fields, nil
}
