package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead_Positions(t *testing.T) {
	tests := []struct {
		reason, content string
		want            []Position
	}{
		{"one document", "apiVersion: v1\nkind: A", []Position{{Document: 1, Line: 1}}},
		{"nothing", "", nil},
		{"comments are nothing", "# a\n---\n# b\n---\n", nil},
		{"a separator before and after", "---\napiVersion: v1\nkind: A\n---\n", []Position{{Document: 1, Line: 2}}},
		{"empty documents do not count", "apiVersion: v1\nkind: A\n---\n---\n\n# b\napiVersion: v1\nkind: B\n", []Position{{Document: 1, Line: 1}, {Document: 2, Line: 7}}},
		{"a comment behind the separator, and lines of Windows", "apiVersion: v1\r\nkind: A\r\n--- # b\r\napiVersion: v1\r\nkind: B\r\n", []Position{{Document: 1, Line: 1}, {Document: 2, Line: 4}}},
		{"three dashes in a text are none", "apiVersion: v1\nkind: A\ntext: |\n  ---\n  b\n", []Position{{Document: 1, Line: 1}}},
		{"null is nothing", "null\n---\napiVersion: v1\nkind: A", []Position{{Document: 2, Line: 3}}},
		{"a List", "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A}\n- {apiVersion: v1, kind: B}", []Position{{Document: 1, Line: 1, Item: 1}, {Document: 1, Line: 1, Item: 2}}},
		{"an empty List", "apiVersion: v1\nkind: DeploymentList\nitems: []", nil},
		{"JSON, one after the other", "{\"apiVersion\":\"v1\",\n\"kind\":\"A\"}\n{\"apiVersion\":\"v1\",\"kind\":\"B\"}", []Position{{Document: 1, Line: 1}, {Document: 2, Line: 3}}},
		{"YAML in braces", "{apiVersion: v1, kind: A}\n---\n{apiVersion: v1, kind: B}", []Position{{Document: 1, Line: 1}, {Document: 2, Line: 3}}},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			manifests, err := Read("m.yaml", []byte(test.content))
			if err != nil {
				t.Fatal(err)
			}
			var got []Position
			for _, m := range manifests {
				if m.Place.File != "m.yaml" {
					t.Errorf("file %q", m.Place.File)
				}
				m.Place.File = ""
				got = append(got, m.Place)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("places differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRead_ErrorsNameThePosition(t *testing.T) {
	tests := []struct{ reason, content, want string }{
		{"no YAML", "apiVersion: v1\nkind: A\n---\na: [", "m.yaml: document 2 (line 4) is no YAML: "},
		{"a template that is not rendered", "{{- if .Values.on }}\na: b\n{{- end }}", "m.yaml: document 1 (line 1) is no YAML"},
		{"a template within", "a: {{ .Values.a }}\n", "m.yaml: document 1 (line 1) is no YAML"},
		{"a key twice would be read as the last", "apiVersion: v1\nkind: A\nkind: B", "m.yaml: document 1 (line 1) is no YAML: "},
		{"a Score file", "apiVersion: score.dev/v1b1\nmetadata: {name: a}", "document 1 (line 1) is a Score file: run score-k8s generate"},
		{"no kind", "apiVersion: v1", "document 1 (line 1) has no apiVersion or no kind; expected manifests"},
		{"no version", "kind: A", "has no apiVersion or no kind"},
		{"a list", "- a\n- b", "document 1 (line 1) is no object"},
		{"a text", "hello", "is no object"},
		{"an item that is none", "apiVersion: v1\nkind: List\nitems: [1]", "document 1 (line 1), item 1 is no object"},
		{"an item without a kind", "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: A}, {}]", "document 1 (line 1), item 2 has no apiVersion"},
		{"JSON that is cut off", `{"apiVersion":"v1"`, "m.yaml: document 1 (line 1) is no YAML"},
		{"bytes that are no text", "\x00\xff", "m.yaml: document 1 (line 1) is no YAML"},
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			manifests, err := Read("m.yaml", []byte(test.content))
			if err == nil {
				t.Fatalf("it was read: %v", manifests)
			}
			if !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, test.want)
			}
		})
	}
}

// FuzzRead: whatever a file holds, it is read or rejected in one line.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", "---\n---", "{", "apiVersion: v1\nkind: List\nitems: [{}]", "a: &a [*a, *a]", "\x00", "? {}\n: b", "!!binary x", "- - -", "{}{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		manifests, err := Read("m.yaml", content)
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %q", err)
		}
		for _, m := range manifests {
			if m.Place.Document < 1 || m.Place.Line < 1 || m.Object == nil {
				t.Errorf("place %+v", m.Place)
			}
		}
	})
}
