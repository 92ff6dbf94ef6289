package webhook

import (
	"fmt"
	"unicode/utf8"

	"reprise.dev/reprise/internal/oneline"
)

// The API server's limits in runes. If all warnings of a request exceed the total, it cuts each to
// the limit of one and drops those that still exceed the total
// (k8s.io/apiserver/pkg/endpoints/filters/warning.go).
const (
	maxWarning  = 256
	maxWarnings = 4096
)

// limitWarnings fits warnings into these limits, so that none is dropped silently. They stay as
// they are if all of them fit. Otherwise each is cut, and the last counts the omitted ones.
func limitWarnings(warnings []string) []string {
	total := 0
	for _, warning := range warnings {
		total += utf8.RuneCountInString(warning)
	}
	if total <= maxWarnings {
		return warnings
	}
	var fitting []string
	total = 0
	for i, warning := range warnings {
		warning = oneline.CutRunes(warning, maxWarning)
		total += utf8.RuneCountInString(warning)
		if total > maxWarnings-maxWarning && i < len(warnings)-1 {
			return append(fitting, fmt.Sprintf("%d more warnings", len(warnings)-i))
		}
		fitting = append(fitting, warning)
	}
	return fitting
}
