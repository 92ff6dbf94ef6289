package story

import (
	"fmt"
	"maps"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/workload"
)

// LatestUserRevision returns the newest revision that is not a rollback. The history must hold all
// that was deployed. It returns an error where Reprise made all stored revisions.
func (w Workload) LatestUserRevision() (*v1alpha1.WorkloadRevision, error) {
	r := w.newest(func(r *v1alpha1.WorkloadRevision) bool { return r.Spec.RollbackOf == 0 })
	if r == nil {
		return nil, fmt.Errorf("every stored revision of %s was made by Reprise; see %s", w.Name, w.command("history"))
	}
	return r, nil
}

// ByIntentHash returns the newest revision with the intent of that hash, nil where there is none.
func (w Workload) ByIntentHash(hash string) *v1alpha1.WorkloadRevision {
	return w.newest(func(r *v1alpha1.WorkloadRevision) bool { return r.Spec.IntentHash == hash })
}

// MatchManifest returns the newest revision that equals a manifest, nil where there is none. The
// revision may have more labels and annotations: Helm, for example, adds some. MatchManifest
// ignores snapshots that cannot be read.
func (w Workload) MatchManifest(manifest workload.Intent) *v1alpha1.WorkloadRevision {
	return w.newest(func(r *v1alpha1.WorkloadRevision) bool {
		contents, err := history.DecodeSnapshot(r)
		if err != nil || !within(manifest.Labels, contents.Intent.Labels) || !within(manifest.Annotations, contents.Intent.Annotations) {
			return false
		}
		completed := workload.Intent{Labels: contents.Intent.Labels, Annotations: contents.Intent.Annotations, Spec: manifest.Spec}
		return completed.Hash() == r.Spec.IntentHash
	})
}

// NotRecorded returns the error that no revision matches a manifest.
func (w Workload) NotRecorded() error {
	return fmt.Errorf("no revision of %s matches the file: it was not applied, it was rejected, or somebody changed the Deployment since; see %s", w.Name, w.command("history"))
}

func (w Workload) newest(wanted func(*v1alpha1.WorkloadRevision) bool) *v1alpha1.WorkloadRevision {
	for i := len(w.History) - 1; i >= 0; i-- {
		if r := &w.History[i]; wanted(r) {
			return r
		}
	}
	return nil
}

// within reports whether a map holds all of another, but for what tools rewrite.
func within(part, whole map[string]string) bool {
	rest := maps.Clone(part)
	maps.DeleteFunc(rest, func(key, value string) bool {
		got, found := whole[key]
		return workload.IsToolKey(key) || found && got == value
	})
	return len(rest) == 0
}
