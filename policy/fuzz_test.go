package policy

import (
	"strings"
	"testing"

	kjson "sigs.k8s.io/json"
)

// FuzzEvaluate feeds requests of any shape to both phases: whatever JSON
// decodes to is judged, and every line of a verdict stays one line.
func FuzzEvaluate(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"object":null}`, `{"object":{"metadata":{"managedFields":[]},"spec":{"template":{"spec":{"containers":[{"name":"a","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]}}}}}`,
		`{"object":{"spec":{"template":{"spec":{"containers":{"0":null}}}}}}`,
		`{"object":{"spec":{"template":{"spec":{"containers":[{"resources":{"requests":{"cpu":true},"limits":{"cpu":[]}}}]}}}}}`,
		`{"object":{"spec":{"template":{"spec":{"containers":[{"resources":{"requests":{"cpu":1e300},"limits":{"cpu":"1e"}}}]}}}}}`,
		`{"object":[1,2],"oldObject":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	engine := shippedEngine(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var request map[string]any
		if kjson.UnmarshalCaseSensitivePreserveInts(text, &request) != nil {
			return
		}
		for _, phase := range []Phase{Early, Final} {
			verdict := engine.Evaluate(t.Context(), Input{Phase: phase, Request: request})
			for _, line := range append(lines(verdict.Violations), lines(verdict.Warnings)...) {
				if strings.ContainsAny(line, "\n\r") {
					t.Errorf("line %q", line)
				}
			}
			if (verdict.Decision == Allow) != (len(verdict.Violations)+len(verdict.Warnings)+len(verdict.Errors) == 0) {
				t.Errorf("verdict %+v", verdict)
			}
		}
	})
}
