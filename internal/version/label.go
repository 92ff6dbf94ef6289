package version

import (
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Label is that of the leader's Lease by which Reprise says which version runs
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const Label = "app.kubernetes.io/version"

// LabelValue is a version as a label can hold it: another character than a label's is a dash.
func LabelValue(version string) string {
	value := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '-'
	}, version)
	return strings.Trim(value[:min(len(value), validation.LabelValueMaxLength)], "-_.")
}
