package command

import (
	"fmt"
	"io"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/cli/terminal"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/history"
	"reprise.dev/reprise/story"
)

// writeRevision writes one revision as kubectl get NAME does.
func writeRevision(w io.Writer, format string, r *v1alpha1.WorkloadRevision) error {
	r.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevision"))
	return terminal.WriteObject(w, format, r)
}

// writeRevisions writes revisions as kubectl get does.
func writeRevisions(w io.Writer, format string, revisions []v1alpha1.WorkloadRevision) error {
	list := &v1alpha1.WorkloadRevisionList{Items: revisions}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevisionList"))
	for i := range list.Items {
		list.Items[i].SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("WorkloadRevision"))
	}
	if format != terminal.Name {
		return terminal.WriteObject(w, format, list)
	}
	for _, r := range list.Items {
		if _, err := fmt.Fprintf(w, "workloadrevision.%s/%s\n", v1alpha1.GroupVersion.Group, r.Name); err != nil {
			return err
		}
	}
	return nil
}

// changesBetween compares the intents and files of two revisions.
func changesBetween(from, to *v1alpha1.WorkloadRevision) (diff.Changes, error) {
	before, err := history.ToDiffRevision(from)
	if err != nil {
		return nil, err
	}
	after, err := history.ToDiffRevision(to)
	if err != nil {
		return nil, err
	}
	return diff.Revisions(before, after)
}

// diagnosis reads what a revision changed. Where that cannot be read any more, the recorded summary
// is shown.
func diagnosis(w story.Workload, r *v1alpha1.WorkloadRevision) story.Diagnosis {
	d := story.Diagnosis{Workload: w, Revision: r}
	if r.Status.Failure == nil {
		return d
	}
	healthy := w.History.Number(r.Status.Failure.ComparedWith)
	if healthy == nil {
		return d
	}
	if changes, err := changesBetween(healthy, r); err == nil {
		if d.Changes = changes; changes == nil {
			d.Changes = diff.Changes{}
		}
	}
	return d
}
