package event

import (
	"encoding/json"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
	"reprise.dev/reprise/internal/oneline"
)

// Limits of what an Event's annotation holds of a denial.
const (
	maxViolations  = 20
	maxChangeLines = 40
	maxChangeBytes = 8 << 10
)

// DenialAnnotations returns the annotation that describes a denial for programs, with credentials
// masked.
func DenialAnnotations(r v1alpha1.Denial, changes diff.Changes) (map[string]string, error) {
	var kept []v1alpha1.Violation
	for _, o := range r.Violations[:min(len(r.Violations), maxViolations)] {
		kept = append(kept, v1alpha1.Violation{Policy: o.Policy, Field: line(o.Field), Message: oneline.CutBytes(line(o.Message), MaxMessage), Fix: oneline.CutBytes(line(o.Fix), MaxMessage)})
	}
	r.More = int32(len(r.Violations) - len(kept))
	r.Violations, r.Changes = kept, changes.Lines(maxChangeLines, maxChangeBytes)
	for i := range r.Changes {
		r.Changes[i] = line(r.Changes[i])
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding the denial: %w", err)
	}
	return map[string]string{v1alpha1.DenialAnnotation: string(encoded)}, nil
}
