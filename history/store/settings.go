package store

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/workload"
)

// Settings reads a workload's settings, as workload.SettingsOf does. Settings that cannot be parsed
// are ignored: admission warns about them.
func Settings(ctx context.Context, reader client.Reader, d *appsv1.Deployment, defaults workload.Settings) (workload.Settings, error) {
	annotations, err := NamespaceAnnotations(ctx, reader, d.Namespace)
	if err != nil {
		return workload.Settings{}, err
	}
	settings, _ := workload.SettingsOf(d, annotations, defaults)
	return settings, nil
}

// NamespaceAnnotations reads the annotations of a namespace, which are settings of its workloads.
func NamespaceAnnotations(ctx context.Context, reader client.Reader, name string) (map[string]string, error) {
	namespace := &corev1.Namespace{}
	if err := reader.Get(ctx, client.ObjectKey{Name: name}, namespace); err != nil {
		return nil, fmt.Errorf("reading namespace %s for its settings: %w", name, err)
	}
	return namespace.Annotations, nil
}
