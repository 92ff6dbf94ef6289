// Package diff says what changed between two revisions of a workload, field by field, in Score's
// terms and in Kubernetes', with credentials masked.
package diff

import (
	"slices"
	"strings"

	"reprise.dev/reprise/workload"
)

// Kind is how a field changed.
type Kind string

const (
	// Added means that only the new revision has the field.
	Added Kind = "added"
	// Removed means that only the old revision has the field.
	Removed Kind = "removed"
	// Modified means that both have it, with other values.
	Modified Kind = "modified"
)

// Change is one field's. Its JSON is an interface for tools: names stay, and only new ones come.
type Change struct {
	// Field is the field in Score's terms where Score has one, such as containers.frontend.image;
	// else the path without the parts that every reader of a Deployment knows.
	Field string `json:"field"`
	// Path is the field in Kubernetes' terms: in the Deployment, or in the ConfigMap that holds a
	// file.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Old and New are the values as JSON has them, without defaults in structures, and with
	// credentials masked: equal values of a Modified field mean that what was masked changed. An
	// environment variable is its value as a string, or its valueFrom. Strings over 4 KiB are cut.
	Old any `json:"old,omitempty"`
	New any `json:"new,omitempty"`
	// File is set instead of values where one of Score's files changed.
	File *FileChange `json:"file,omitempty"`
}

// Changes are those between two revisions; what matters most when a rollout fails comes first.
type Changes []Change

// Revision is what can be compared of a revision: what was asked for, and what Score's files held.
type Revision struct {
	Intent workload.Intent
	Files  Files
}

// Intents compares two intents, without Score's files. It fails as Revisions does.
func Intents(old, new workload.Intent) (Changes, error) {
	return Revisions(Revision{Intent: old}, Revision{Intent: new})
}

// Revisions compares two revisions. Lists are matched by the API's own keys, quantities by value,
// and a default of the API server equals a field that is not set. It fails only on objects that no
// API server would store.
func Revisions(old, new Revision) (Changes, error) {
	changes, err := compareIntents(old.Intent, new.Intent)
	if err != nil {
		return nil, err
	}
	changes = append(changes, compareFiles(old.Files, new.Files)...)
	slices.SortFunc(changes, func(a, b Change) int {
		if byRank := rank(a.Field) - rank(b.Field); byRank != 0 {
			return byRank
		}
		return strings.Compare(a.Field+"\x00"+a.Path, b.Field+"\x00"+b.Path)
	})
	return changes, nil
}
