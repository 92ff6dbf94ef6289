package mask_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"reprise.dev/reprise/internal/mask"
)

// FuzzText plants a credential in a wrapper, the wrapper in a form, and that between any two texts
// on lines of their own: no output shows the credential or what controls a terminal, and masking
// again shows no more.
func FuzzText(f *testing.F) {
	for i := range wrappers {
		f.Add("a: b", uint(i), uint(i), "c")
	}
	f.Fuzz(func(t *testing.T, before string, wrapper, form uint, after string) {
		w, changed := wrappers[wrapper%uint(len(wrappers))], forms[form%uint(len(forms))]
		if strings.Contains(before+after, "Hunter2") {
			return
		}
		text := before + "\n\n" + changed.of(plant(w.text, leak)) + "\n\n" + after
		for where, got := range everywhere(text) {
			if strings.Contains(got, leak) {
				t.Errorf("%s, %s: %s of %q shows %q", w.reason, changed.reason, where, text, got)
			}
			if utf8.ValidString(text) && !utf8.ValidString(got) {
				t.Errorf("%s of %q is not valid: %q", where, text, got)
			}
		}
		line := mask.Line(text)
		if strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
			t.Errorf("of %q the line is %q", text, line)
		}
		if lines := mask.Lines(text); len(lines) != len(strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")) {
			t.Errorf("of %q %d lines", text, len(lines))
		}
	})
}
