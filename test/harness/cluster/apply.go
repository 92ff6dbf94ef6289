package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// fieldManager owns the fields that Apply writes: it stands for helm.
const fieldManager = "helm"

// Apply applies the objects server-side, namespaces first, then CRDs, which are waited for, then
// the rest in the given order. Objects that name no namespace go into the given one.
func (c *Cluster) Apply(ctx context.Context, namespace string, objects []*unstructured.Unstructured) error {
	config := c.RESTConfig()
	config.WarningHandler = rest.NoWarnings{} // the library would log them, and complain about a missing logger
	api, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	ordered := slices.Clone(objects)
	slices.SortStableFunc(ordered, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	waited := false
	for _, object := range ordered {
		if rank(object) == rankOther && !waited {
			waited = true
			if err := c.waitForDefinitions(ctx, api, ordered); err != nil {
				return err
			}
		}
		if err := applyObject(ctx, api, namespace, object); err != nil {
			return err
		}
	}
	if waited {
		return nil
	}
	return c.waitForDefinitions(ctx, api, ordered)
}

func applyObject(ctx context.Context, api client.Client, namespace string, object *unstructured.Unstructured) error {
	namespaced, err := api.IsObjectNamespaced(object)
	if err == nil && namespaced && object.GetNamespace() == "" {
		object.SetNamespace(namespace)
	}
	if err == nil {
		err = api.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(fieldManager), client.ForceOwnership)
	}
	if err != nil {
		return fmt.Errorf("applying %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

const (
	rankNamespace = iota
	rankDefinition
	rankOther
)

func rank(object *unstructured.Unstructured) int {
	switch object.GroupVersionKind().GroupKind().String() {
	case "Namespace":
		return rankNamespace
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return rankDefinition
	}
	return rankOther
}

// waitForDefinitions returns when the API server serves every CRD among the objects.
func (c *Cluster) waitForDefinitions(ctx context.Context, api client.Client, objects []*unstructured.Unstructured) error {
	for _, object := range objects {
		if rank(object) != rankDefinition {
			continue
		}
		err := c.waitFor(ctx, c.running(APIServer), func(ctx context.Context) error {
			live := object.DeepCopy()
			if err := api.Get(ctx, client.ObjectKeyFromObject(object), live); err != nil {
				return err
			}
			conditions, _, err := unstructured.NestedSlice(live.Object, "status", "conditions")
			if err != nil {
				return err
			}
			for _, condition := range conditions {
				fields, _ := condition.(map[string]any)
				if fields["type"] == "Established" && fields["status"] == "True" {
					return nil
				}
			}
			return fmt.Errorf("CustomResourceDefinition %s is not established", object.GetName())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// appendObjects appends the objects of a YAML stream. source is named in errors.
func appendObjects(objects []*unstructured.Unstructured, source string, data []byte) ([]*unstructured.Unstructured, error) {
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", source, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

func namespaceObject(name string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("v1")
	object.SetKind("Namespace")
	object.SetName(name)
	return object
}
