package event

import (
	"encoding/json"
	"fmt"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/diff"
)

// The bounds of what an event keeps of a refusal beside its one line.
const (
	maxObjections  = 20
	maxChangeLines = 40
	maxChangeBytes = 8 << 10
)

// Refused is the annotation by which an event tells programs what was refused. Credentials are masked.
func Refused(r v1alpha1.Refusal, changes diff.Changes) (map[string]string, error) {
	var kept []v1alpha1.Objection
	for _, o := range r.Objections[:min(len(r.Objections), maxObjections)] {
		kept = append(kept, v1alpha1.Objection{Policy: o.Policy, Field: line(o.Field), Message: cut(line(o.Message), MaxMessage), Fix: cut(line(o.Fix), MaxMessage)})
	}
	r.More = len(r.Objections) - len(kept)
	r.Objections, r.Changes = kept, changes.Lines(maxChangeLines, maxChangeBytes)
	for i := range r.Changes {
		r.Changes[i] = line(r.Changes[i])
	}
	encoded, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding what was refused: %w", err)
	}
	return map[string]string{v1alpha1.RefusalAnnotation: string(encoded)}, nil
}
