package policy

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSource(t *testing.T) {
	source, err := ParseSource("own", map[string]string{
		"b.rego": "package b", "a.rego": "package a", "a_test.rego": "package a_test", "parameters.yaml": "repos: [x]",
	})
	if err != nil {
		t.Fatal(err)
	}
	parameters := map[string]any{"repos": []any{"x"}}
	want := []Module{
		{File: "own/a.rego", Rego: "package a", Source: "own", Parameters: parameters, Data: map[string]any{}},
		{File: "own/b.rego", Rego: "package b", Source: "own", Parameters: parameters, Data: map[string]any{}},
	}
	if diff := cmp.Diff(want, source.Modules); diff != "" {
		t.Errorf("modules differ (-want +got):\n%s", diff)
	}
}

func TestParseSource_Errors(t *testing.T) {
	tests := []struct {
		reason string
		files  map[string]string
		want   string
	}{
		{"no Rego enforces nothing", map[string]string{"parameters.yaml": "a: 1"}, "own has no policies"},
		{"a misspelt key would be parameters that are missing", map[string]string{"a.rego": "package a", "parameter.yaml": "a: 1"}, "own/parameter.yaml"},
		{"parameters that are no YAML", map[string]string{"a.rego": "package a", "parameters.yaml": "a: ["}, "own/parameters.yaml: "},
		{"more than an object can hold", map[string]string{"a.rego": strings.Repeat("#", 10<<20)}, "at most 1048576 are read"},
	}
	for _, test := range tests {
		if _, err := ParseSource("own", test.files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", test.reason, err, test.want)
		}
	}
}

func TestLoad_KeepsThePreviousVersionOfABadSource(t *testing.T) {
	source := func(name, rego string) Source {
		source, err := ParseSource(name, map[string]string{"p.rego": rego})
		source.Err = err
		return source
	}
	good := func(name, message string) Source {
		return source(name, "package "+name+"\ndeny contains \""+message+"\"")
	}
	assemble := func(candidates map[string]Source, before map[string][]Module) Bundle {
		t.Helper()
		assembly, err := Load(t.Context(), nil, candidates, before, DefaultLimits(), Overrides{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return assembly
	}
	said := func(a Bundle) []string {
		return lines(a.Engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}}).Violations)
	}

	first := assemble(map[string]Source{"a": good("a", "a1"), "b": good("b", "b1")}, nil)
	if diff := cmp.Diff([]string{"a1", "b1"}, said(first)); diff != "" || len(first.Rejected) > 0 {
		t.Errorf("rejected %v (-want +got):\n%s", first.Rejected, diff)
	}
	second := assemble(map[string]Source{
		"a": source("a", "package a\ndeny contains {"), // The last good state stays.
		"b": good("b", "b2"),
		"c": source("c", "package b\ndeny contains \"c\""), // It was never good.
		"d": {Err: errors.New("unreadable")},
	}, first.Active)
	if diff := cmp.Diff([]string{"a1", "b2"}, said(second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "c", "d"}, slices.Sorted(maps.Keys(second.Rejected))); diff != "" {
		t.Errorf("rejected (-want +got):\n%s", diff)
	}
	third := assemble(map[string]Source{"b": good("b", "b2")}, second.Active)
	if diff := cmp.Diff([]string{"b2"}, said(third)); diff != "" || len(third.Rejected) > 0 {
		t.Errorf("what is deleted is gone: %v (-want +got):\n%s", third.Rejected, diff)
	}
}

// FuzzSource feeds the loader: whatever a ConfigMap holds, it is used or rejected in one line, and
// never panics.
func FuzzSource(f *testing.F) {
	for _, seed := range []string{
		"package a\ndeny contains \"no\"", "package a\ndeny[msg] { msg := \"no\" }", "", "package", "# METADATA\n# scope: package\n# custom: 1\npackage a\ndeny contains 1",
		"package a.b[\"c d\"]\nviolation contains {} if input.parameters.x", "package a\nimport input.parameters as p\ndeny contains p",
		"package a\ndeny.b contains 1", "package a\ndefault deny := false", "package __parameters\ndeny contains 1",
	} {
		f.Add(seed, "a: 1")
	}
	f.Fuzz(func(t *testing.T, rego, parameters string) {
		source, err := ParseSource("own", map[string]string{"p.rego": rego, "parameters.yaml": parameters})
		if err == nil {
			var engine *Engine
			if engine, err = New(t.Context(), source.Modules, DefaultLimits(), Overrides{}); err == nil {
				engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
				return
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("error of several lines: %q", err)
		}
	})
}
