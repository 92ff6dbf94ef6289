package command

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"reprise.dev/reprise/cli/cluster"
	"reprise.dev/reprise/workload"
)

// deploymentsIn returns the Deployments of workloads among manifests or, with an argument, the one
// that it names.
func deploymentsIn(files []string, argument string, stdin io.Reader) ([]*unstructured.Unstructured, error) {
	wanted, err := cluster.ParseName(argument)
	if err != nil {
		return nil, err
	}
	read, err := manifests(files, false, stdin)
	if err != nil {
		return nil, err
	}
	var found []*unstructured.Unstructured
	var names []string
	for _, m := range read {
		object := &unstructured.Unstructured{Object: m.Object}
		if object.GroupVersionKind().GroupKind() != appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind() {
			continue
		}
		names = append(names, object.GetName())
		marks := &appsv1.Deployment{}
		marks.Labels, marks.Annotations = object.GetLabels(), object.GetAnnotations()
		if object.GetName() == wanted || wanted == "" && workload.IsGuarded(marks) {
			found = append(found, object)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(names) == 0:
		return nil, errors.New("the manifests have no Deployment")
	default:
		slices.Sort(names)
		return nil, fmt.Errorf("no workload to wait for: the manifests have the Deployments %s", strings.Join(names, ", "))
	}
}
