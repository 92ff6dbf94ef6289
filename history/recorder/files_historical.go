package recorder

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/history"
	"reprise.dev/reprise/history/store"
	"reprise.dev/reprise/workload"
)

// filesOf reads the files of a Deployment: as they were at a resourceVersion, or as they are now if
// that is empty.
func (r *Recorder) filesOf(ctx context.Context, d *appsv1.Deployment, asOf string) (*history.Files, error) {
	files := history.NewFiles()
	for _, file := range workload.FilesOf(&d.Spec.Template) {
		key := client.ObjectKey{Namespace: d.Namespace, Name: file.ConfigMap}
		stored, err := store.ConfigMap(ctx, r.Live, key)
		if err != nil {
			return nil, err
		}
		writtenAfter := false
		if asOf != "" && !notAfter(stored, asOf) {
			if stored, writtenAfter, err = fileAt(ctx, r.Live, key, asOf, stored); err != nil {
				return nil, err
			}
		}
		if !history.OwnsFile(d, file, stored) {
			files.AddForeign(file, stored)
			continue
		}
		files.Add(file, stored, writtenAfter)
	}
	return files, nil
}

// notAfter reports whether a file was last written at or before a resourceVersion of the same
// counter.
func notAfter(stored *corev1.ConfigMap, version string) bool {
	if stored == nil {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(stored.ResourceVersion, version)
	return err == nil && order <= 0
}

// fileAt reads a file as it was at a resourceVersion, which the API server knows for some minutes,
// until it compacts etcd. After that, it returns the current file, and writtenAfter. It returns the
// current file also if there was none at that resourceVersion: no pod could start without it.
func fileAt(ctx context.Context, live client.Reader, key client.ObjectKey, version string, now *corev1.ConfigMap) (file *corev1.ConfigMap, writtenAfter bool, err error) {
	var list corev1.ConfigMapList
	err = live.List(ctx, &list, client.InNamespace(key.Namespace), client.MatchingFields{"metadata.name": key.Name}, &client.ListOptions{
		Raw: &metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact},
	})
	switch {
	case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
		return now, now != nil, nil
	case err != nil:
		return nil, false, fmt.Errorf("reading file %s as it was when the Deployment was stored: %w", key.Name, err)
	case len(list.Items) == 0:
		return now, false, nil
	}
	return &list.Items[0], false, nil
}

// sharedResourceVersions reports whether the resourceVersions of Deployments and ConfigMaps come
// from one counter and can be compared. They do if one etcd holds both, which the API does not
// promise. With two etcds, a version of one kind does not lie between two of the other kind that
// were read before and after it.
func sharedResourceVersions(ctx context.Context, live client.Reader) (bool, error) {
	var versions []string
	for _, kind := range []string{"DeploymentList", "ConfigMapList", "DeploymentList"} {
		list := &metav1.PartialObjectMetadataList{}
		group := corev1.SchemeGroupVersion
		if kind == "DeploymentList" {
			group = appsv1.SchemeGroupVersion
		}
		list.SetGroupVersionKind(group.WithKind(kind))
		if err := live.List(ctx, list, client.Limit(1)); err != nil {
			return false, fmt.Errorf("comparing the resourceVersions of Deployments and ConfigMaps: %w", err)
		}
		versions = append(versions, list.ResourceVersion)
	}
	for i := range versions[1:] {
		if order, err := resourceversion.CompareResourceVersion(versions[i], versions[i+1]); err != nil || order > 0 {
			return false, nil
		}
	}
	return true, nil
}
