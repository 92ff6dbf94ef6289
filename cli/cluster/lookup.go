package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/story"
	"reprise.dev/reprise/workload"
)

// kinds are how the kind of a workload may be written before a slash.
var kinds = []string{"deploy", "deployment", "deployments", "deployment.apps", "deployments.apps"}

// IsKind reports whether a word names the kind of a workload, as in deploy/NAME.
func IsKind(word string) bool { return slices.Contains(kinds, strings.ToLower(word)) }

// ParseName returns the name in an argument: NAME, deploy/NAME or deployment/NAME. It is empty
// where the argument is.
func ParseName(argument string) (string, error) {
	kind, name, found := strings.Cut(argument, "/")
	if !found {
		return argument, nil
	}
	if !IsKind(kind) || name == "" {
		return "", fmt.Errorf("%q does not name a workload: expected NAME or deploy/NAME", argument)
	}
	return name, nil
}

// Find returns the workload that an argument names or, where it is empty, the only one of the
// namespace. An error says which workloads there are.
func (r *Workloads) Find(ctx context.Context, namespace, argument string) (story.Workload, error) {
	name, err := ParseName(argument)
	if err != nil {
		return story.Workload{}, err
	}
	if name == "" {
		names, err := r.Names(ctx, namespace)
		if err != nil {
			return story.Workload{}, err
		}
		switch len(names) {
		case 1:
			name = names[0]
		case 0:
			return story.Workload{}, fmt.Errorf("namespace %s has no workload that Reprise guards; use -n to name another namespace", namespace)
		default:
			return story.Workload{}, fmt.Errorf("namespace %s has %d workloads; name one of %s", namespace, len(names), strings.Join(names, ", "))
		}
	}
	w, err := r.Load(ctx, namespace, name)
	if err != nil {
		return w, err
	}
	if w.Deployment == nil && len(w.History) == 0 {
		return w, r.notFound(ctx, namespace, name)
	}
	if w.Deployment != nil && !workload.IsGuarded(w.Deployment) && len(w.History) == 0 {
		return w, fmt.Errorf("deployment/%s in namespace %s is not guarded by Reprise: it has neither Score's annotation %s nor the label %s: %s",
			name, namespace, workload.NameAnnotation, v1alpha1.GuardLabel, workload.GuardEnabled)
	}
	return w, nil
}

// FindWithEvents returns the workload as Find does, with what Events tell of admission.
func (r *Workloads) FindWithEvents(ctx context.Context, namespace, argument string) (story.Workload, error) {
	w, err := r.Find(ctx, namespace, argument)
	if err != nil {
		return w, err
	}
	all, err := r.addEvents(ctx, namespace, []story.Workload{w})
	if err != nil {
		return w, err
	}
	return all[0], nil
}

// Names returns the names of the workloads of a namespace, as List orders them.
func (r *Workloads) Names(ctx context.Context, namespace string) ([]string, error) {
	workloads, err := r.List(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, w := range workloads {
		names = append(names, w.Name)
	}
	return names, nil
}

// notFound returns the error that there is no such workload, with the nearest name.
func (r *Workloads) notFound(ctx context.Context, namespace, name string) error {
	names, err := r.Names(ctx, namespace)
	if err != nil {
		return err
	}
	if nearest := story.Nearest(name, names); nearest != "" {
		return fmt.Errorf("namespace %s has no workload %q; did you mean %s?", namespace, name, nearest)
	}
	return fmt.Errorf("namespace %s has no workload %q that Reprise guards; use -n to name another namespace", namespace, name)
}
