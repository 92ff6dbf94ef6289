package diff

import (
	"fmt"
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

// compareIntents compares what is left of two intents without the API server's defaults, and words
// the differences by what the intents really hold.
func compareIntents(old, new workload.Intent) (Changes, error) {
	oldBare, oldTyped, err := bareOf(old)
	if err != nil {
		return nil, fmt.Errorf("reading the old intent: %w", err)
	}
	newBare, newTyped, err := bareOf(new)
	if err != nil {
		return nil, fmt.Errorf("reading the new intent: %w", err)
	}
	comparison, err := oldTyped.Compare(newTyped)
	if err != nil {
		return nil, fmt.Errorf("comparing intents: %w", err)
	}
	if comparison.IsSame() {
		return nil, nil
	}
	var p pair
	if p.old, err = treeOf(old, oldBare); err != nil {
		return nil, fmt.Errorf("reading the old intent: %w", err)
	}
	if p.new, err = treeOf(new, newBare); err != nil {
		return nil, fmt.Errorf("reading the new intent: %w", err)
	}
	return p.changes(comparison), nil
}

// changes turns compared paths into changes, each named once.
func (p pair) changes(comparison *typed.Comparison) Changes {
	var changes Changes
	seen := map[string]bool{}
	for _, set := range []*fieldpath.Set{comparison.Removed, comparison.Modified, comparison.Added} {
		set.Leaves().Iterate(func(path fieldpath.Path) {
			for _, change := range p.at(path) {
				if !seen[change.Path] {
					seen[change.Path] = true
					changes = append(changes, change)
				}
			}
		})
	}
	return changes
}

// converter knows the API's list keys; building it parses the whole schema, so it is built once.
var converter = sync.OnceValue(func() managedfields.TypeConverter {
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		panic(fmt.Sprintf("registering apps/v1: %v", err))
	}
	return applyconfigurations.NewTypeConverter(scheme)
})

// bareOf returns the intent as a Deployment without defaults.
func bareOf(intent workload.Intent) (*appsv1.Deployment, *typed.TypedValue, error) {
	d := deployment(intent)
	d.Spec = *d.Spec.DeepCopy()
	unsetDefaults(&d.Spec)
	value, err := converter().ObjectToTyped(d, typed.AllowDuplicates)
	return d, value, err
}

func treeOf(intent workload.Intent, bare *appsv1.Deployment) (tree, error) {
	var t tree
	var err error
	if t.raw, err = runtime.DefaultUnstructuredConverter.ToUnstructured(deployment(intent)); err != nil {
		return tree{}, err
	}
	t.bare, err = runtime.DefaultUnstructuredConverter.ToUnstructured(bare)
	return t, err
}

func deployment(intent workload.Intent) *appsv1.Deployment {
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Labels: intent.Labels, Annotations: withoutLastApplied(intent.Annotations)},
		Spec:       intent.Spec,
	}
}

// withoutLastApplied leaves out kubectl's memory of an apply, which repeats the whole object.
func withoutLastApplied(annotations map[string]string) map[string]string {
	out := make(map[string]string, len(annotations))
	for key, value := range annotations {
		if key != workload.LastApplied {
			out[key] = value
		}
	}
	return out
}
