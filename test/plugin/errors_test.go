package plugin

import (
	"regexp"
	"strings"
	"testing"
)

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*[mK]|\r")

// plain is a text without colours.
func plain(text string) string { return escapes.ReplaceAllString(text, "") }

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	p := newPlace(t, quick)
	p.reprise("status").says(p, 0, "no workload that Reprise guards in namespace "+p.namespace)
	p.reprise("history").says(p, 2, "has no workload that Reprise guards; -n names another namespace")
	p.apply(tutorial("1-healthy"))
	p.becomes("sample-app", "1 Healthy")
	p.reprise("history", "sample-ap").says(p, 2, `has no workload "sample-ap"; did you mean sample-app?`)
	p.reprise("history", "svc/sample-app").says(p, 2, "expected NAME or deploy/NAME")
	p.reprise("history", "-o", "xml").says(p, 2, "--output xml is not known")
	p.kubectl("create", "deployment", "plain", "--image=x")
	p.reprise("history", "plain").says(p, 2, "deployment/plain in namespace", "is not guarded by Reprise", "k8s.score.dev/workload-name")
	p.reprise("why").says(p, 0, "sample-app #1 has been Healthy")
	p.reprise("diff").says(p, 2, "a diff needs two")
	p.reprise("status", "--server", "https://127.0.0.1:1").says(p, 2, "https://127.0.0.1:1 cannot be reached")
	p.reprise("history", "sample-app", "--as", "nobody").says(p, 2, "nobody")
}

// saved says whether logs came out of what was saved.
func saved(t typed) bool {
	return strings.Contains(t.errors, "its pods are gone; this was saved when it failed")
}
