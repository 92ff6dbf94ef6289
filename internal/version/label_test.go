package version_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"reprise.dev/reprise/internal/version"
)

func TestLabelValue(t *testing.T) {
	for given, want := range map[string]string{
		"0.1.0":         "0.1.0",
		"devel 1234abc": "devel-1234abc",
		"v0.0.0-20270331121000-0123456789ab+dirty": "v0.0.0-20270331121000-0123456789ab-dirty",
		"devel":                  "devel",
		strings.Repeat("a", 100): strings.Repeat("a", 63),
		"1.0.0-é+":               "1.0.0",
		"":                       "",
	} {
		got := version.LabelValue(given)
		if problems := validation.IsValidLabelValue(got); got != want || len(problems) > 0 {
			t.Errorf("of %q it is %q, want %q: %v", given, got, want, problems)
		}
	}
}
