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

	"reprise.dev/reprise/workload"
)

// filesOf reads the files of a capture: as they were when the Deployment was stored, where that was watched; as they
// are now, where it was not or only the files changed.
func (r *Recorder) filesOf(ctx context.Context, c observedIntent) (*files, error) {
	version := c.deployment.ResourceVersion
	if c.files || c.adopted != "" || !r.sharedResourceVersions {
		version = ""
	}
	all := newFiles()
	for _, file := range workload.FilesOf(&c.deployment.Spec.Template) {
		key := client.ObjectKey{Namespace: c.deployment.Namespace, Name: file.ConfigMap}
		stored, err := readFile(ctx, r.Live, key)
		if err != nil {
			return nil, err
		}
		writtenAfter := false
		if version != "" && !notAfter(stored, version) {
			if stored, writtenAfter, err = fileAt(ctx, r.Live, key, version, stored); err != nil {
				return nil, err
			}
		}
		all.add(file, stored, writtenAfter)
	}
	return all, nil
}

// readFile reads a file from the API server, nil where there is none.
func readFile(ctx context.Context, live client.Reader, key client.ObjectKey) (*corev1.ConfigMap, error) {
	stored := &corev1.ConfigMap{}
	err := live.Get(ctx, key, stored)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading file %s: %w", key.Name, err)
	}
	return stored, nil
}

// notAfter says whether a file, as it is now, was what it is at a resourceVersion of the same counter.
func notAfter(stored *corev1.ConfigMap, version string) bool {
	if stored == nil {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(stored.ResourceVersion, version)
	return err == nil && order <= 0
}

// fileAt reads a file as it was at a resourceVersion, which the API server knows for some minutes (until it compacts
// etcd). After that, what it is now stands for it, and writtenAfter says so. A file that did not exist yet is what it
// became: no pod started without it.
func fileAt(ctx context.Context, live client.Reader, key client.ObjectKey, version string, now *corev1.ConfigMap) (then *corev1.ConfigMap, writtenAfter bool, err error) {
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

// sharedResourceVersions says whether the resourceVersions of Deployments and ConfigMaps come from one counter and can be compared.
// They do where one etcd holds both, which the API does not promise: with two etcds, a version of one kind does not
// lie between two of the other that were read around it.
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
