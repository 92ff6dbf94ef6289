// Package diff says what changed between two intents, field by field, in Score's terms and in Kubernetes'.
package diff

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"reprise.dev/reprise/workload"
)

// Kind is how a field changed.
type Kind string

const (
	// Added means that only the new intent has the field.
	Added Kind = "added"
	// Removed means that only the old intent has the field.
	Removed Kind = "removed"
	// Modified means that both have it, with other values.
	Modified Kind = "modified"
)

// Change is one field's.
type Change struct {
	// Field is the field in Score's terms where Score has one, such as containers.frontend.image; else the
	// path without the parts that every reader of a Deployment knows.
	Field string `json:"field"`
	// Path is the field in Kubernetes' terms.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Old and New are the values, masked where they look like credentials; empty where there is none or
	// where a whole structure came or went.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
}

// Changes are those between two intents, sorted by field.
type Changes []Change

// Intents compares two intents. Lists are matched by the API's own keys. It fails only on objects that no API
// server would store.
func Intents(old, new workload.Intent) (Changes, error) {
	before, err := treeOf(old)
	if err != nil {
		return nil, fmt.Errorf("reading the old intent: %w", err)
	}
	after, err := treeOf(new)
	if err != nil {
		return nil, fmt.Errorf("reading the new intent: %w", err)
	}
	comparison, err := before.typed.Compare(after.typed)
	if err != nil {
		return nil, fmt.Errorf("comparing intents: %w", err)
	}
	units := map[string]Change{}
	collect := func(set *fieldpath.Set) {
		set.Iterate(func(path fieldpath.Path) {
			if change, ok := unit(path, before.object, after.object); ok {
				units[change.Path] = change
			}
		})
	}
	collect(comparison.Removed)
	collect(comparison.Modified)
	collect(comparison.Added)
	var changes Changes
	for _, change := range units {
		changes = append(changes, change)
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return strings.Compare(a.Field+"\x00"+a.Path, b.Field+"\x00"+b.Path)
	})
	return changes, nil
}

type tree struct {
	object map[string]any
	typed  *typed.TypedValue
}

// converter knows the API's list keys; building it parses the whole schema, so it is built once.
var converter = sync.OnceValue(func() managedfields.TypeConverter {
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		panic(fmt.Sprintf("registering apps/v1: %v", err))
	}
	return applyconfigurations.NewTypeConverter(scheme)
})

func treeOf(intent workload.Intent) (tree, error) {
	d := appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Labels: intent.Labels, Annotations: comparable(intent.Annotations)},
		Spec:       intent.Spec,
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&d)
	if err != nil {
		return tree{}, err
	}
	value, err := converter().ObjectToTyped(&d, typed.AllowDuplicates)
	if err != nil {
		return tree{}, err
	}
	return tree{object: object, typed: value}, nil
}

// comparable leaves out kubectl's memory of an apply, which repeats the whole object.
func comparable(annotations map[string]string) map[string]string {
	out := make(map[string]string, len(annotations))
	for key, value := range annotations {
		if key != workload.LastApplied {
			out[key] = value
		}
	}
	return out
}
