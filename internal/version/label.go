package version

import (
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Label is the label of the leader's Lease with the version of Reprise
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/).
const Label = "app.kubernetes.io/version"

// LabelValue returns a version as a label value: characters that labels do not allow become dashes.
func LabelValue(version string) string {
	value := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '-'
	}, version)
	return strings.Trim(value[:min(len(value), validation.LabelValueMaxLength)], "-_.")
}
