package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const sample = `# How many run.
# @schema {minimum: 1}
count: 2

# Who is called.
hook:
  # What becomes of a failure:
  # pass it, or not | so.
  # @schema {enum: [Ignore, Fail]}
  policy: Ignore
  # How long.
  # @schema duration
  wait: 3s
  # The URL.
  url: ""

# What pods ask for.
resources:
  limits: {memory: 1Gi}

# Where they run.
selector: {}

# Labels.
# @schema {additionalProperties: {type: string}}
labels:
  a: b

# Names.
# @schema {items: {type: string}}
names: [a, b]
`

func TestTheSchemaHoldsTypesCommentsAndRules(t *testing.T) {
	values, err := parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	written, err := schemaOf(values)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		AdditionalProperties bool
		Properties           map[string]map[string]any
	}
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if got.AdditionalProperties {
		t.Error("a key that is misspelt would pass")
	}
	for key, want := range map[string]map[string]any{
		"count":     {"type": "integer", "minimum": 1.0, "description": "How many run."},
		"resources": {"type": "object", "additionalProperties": true, "description": "What pods ask for."},
		"selector":  {"type": "object", "additionalProperties": true, "description": "Where they run."},
		"labels":    {"type": "object", "additionalProperties": map[string]any{"type": "string"}, "description": "Labels."},
		"names":     {"type": "array", "items": map[string]any{"type": "string"}, "description": "Names."},
		"hook": {"type": "object", "additionalProperties": false, "description": "Who is called.", "properties": map[string]any{
			"policy": map[string]any{"type": "string", "enum": []any{"Ignore", "Fail"}, "description": "What becomes of a failure: pass it, or not | so."},
			"wait":   map[string]any{"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$`, "description": "How long."},
			"url":    map[string]any{"type": "string", "description": "The URL."},
		}},
	} {
		if !reflect.DeepEqual(got.Properties[key], want) {
			t.Errorf("%s is\n%v, want\n%v", key, got.Properties[key], want)
		}
	}
	if got.Properties["global"] == nil {
		t.Error("the chart could not be part of another")
	}
}

func TestTheTableStandsBetweenItsMarks(t *testing.T) {
	values, err := parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	page, err := between([]byte("before\n"+begin+"old\n"+end+"after\n"), table(values))
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + begin + `| value | default | meaning |
|---|---|---|
| ` + "`count` | `2`" + ` | How many run. At least 1. |
| **` + "`hook`" + `** | | Who is called. |
| ` + "`hook.policy` | `Ignore`" + ` | What becomes of a failure: pass it, or not \| so. One of ` + "`Ignore`, `Fail`" + `. |
| ` + "`hook.wait` | `3s`" + ` | How long. |
| ` + "`hook.url` | `\"\"`" + ` | The URL. |
| ` + "`resources` | `{\"limits\":{\"memory\":\"1Gi\"}}`" + ` | What pods ask for. |
| ` + "`selector` | `{}`" + ` | Where they run. |
| ` + "`labels` | `{\"a\":\"b\"}`" + ` | Labels. |
| ` + "`names` | `[\"a\",\"b\"]`" + ` | Names. |
` + end + "after\n"
	if string(page) != want {
		t.Errorf("got\n%s\nwant\n%s", page, want)
	}
	if _, err := between([]byte("no marks"), nil); err == nil {
		t.Error("a page without marks would lose its values")
	}
}

func TestAValueThatSaysNothingOfItselfIsAnError(t *testing.T) {
	_, err := parse([]byte("# Known.\na: 1\nb: 2\nc:\n  d: 3\n"))
	for _, want := range []string{"line 3: b has no comment", "line 5: c.d has no comment"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
	if _, err := parse([]byte("# A.\n# @schema durations\na: 1s\n")); err == nil || !strings.Contains(err.Error(), "a: @schema durations is neither") {
		t.Errorf("an unknown shorthand: got %v", err)
	}
}
