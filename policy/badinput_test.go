package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestLoad_RejectsOnlyBadSources: each is named with file and reason, and what else
// there is is still evaluated.
func TestLoad_RejectsOnlyBadSources(t *testing.T) {
	rego := func(text string) map[string]string { return map[string]string{"p.rego": text} }
	tests := []struct {
		reason string
		files  map[string]string
		want   string
	}{
		{"syntax", rego("package bad\n\ndeny contains {"), "bad/p.rego:3: "},
		{"no text", rego("\x00\xff"), "bad/p.rego:1: "},
		{"an empty file", rego(""), "bad/p.rego:0: "},
		{"an unknown function", rego("package bad\ndeny contains f(1)"), "bad/p.rego:2: "},
		{"a rule that calls itself", rego("package bad\ndeny contains x if some x in deny"), "recursive"},
		{"10 MB of data", map[string]string{"p.rego": "package bad\ndeny contains \"x\"", "parameters.yaml": "a: " + strings.Repeat("x", 10<<20)}, "bad holds 1048"},
		{"aliases that expand without end", map[string]string{"p.rego": "package bad\ndeny contains \"x\"", "parameters.yaml": billion()}, "bad/parameters.yaml: "},
		{"the package of a built-in policy", rego("package reprise.requests_within_limits\ndeny contains \"x\""), "package reprise.requests_within_limits is used by requests_within_limits.rego"},
		{"the name of a built-in policy", rego("package mine.selector_changed\ndeny contains \"x\""), "selector_changed.rego defines rule selector-changed too"},
		{"a rule where a built-in policy's package is", rego("package reprise\nselector_changed := 1\ndeny contains \"x\""), "conflict"},
		{"the package of another source", rego("package good\ndeny contains \"x\""), "package good is used by a/p.rego"},
		{"an unknown enforcement", rego("# METADATA\n# custom:\n#   enforcement: block\npackage bad\ndeny contains \"x\""), "bad/p.rego: METADATA: custom.enforcement: invalid value block"},
		{"an enforcement that is no word", rego("# METADATA\n# custom:\n#   enforcement: true\npackage bad\ndeny contains \"x\""), "custom.enforcement: invalid value true"},
		{"an unknown key", rego("# METADATA\n# custom:\n#   enforcment: deny\npackage bad\ndeny contains \"x\""), "unknown setting custom.enforcment"},
		{"a fix that is none", rego("# METADATA\n# custom:\n#   fix: [a]\npackage bad\ndeny contains \"x\""), "custom.fix"},
		{"METADATA that is no YAML", rego("# METADATA\n# custom: [\npackage bad\ndeny contains \"x\""), "bad/p.rego:"},
		{"an enforcement at the rule, where it would be ignored", rego("package bad\n\n# METADATA\n# custom:\n#   enforcement: warn\ndeny contains \"x\""), "bad/p.rego: METADATA: line 3: custom.enforcement has an effect only before the package"},
		{"early", rego("# METADATA\n# custom:\n#   early: true\npackage bad\ndeny contains \"x\""), "early is reserved"},
	}
	builtin, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	good, err := ParseSource("a", rego("package good\ndeny contains \"judged\""))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.reason, func(t *testing.T) {
			bad, err := ParseSource("bad", test.files)
			bad.Err = err
			candidates := map[string]Source{"a": good, "bad": bad}
			assembly, err := Load(t.Context(), builtin, candidates, nil, DefaultLimits(), Overrides{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			reason := assembly.Rejected["bad"]
			if len(assembly.Rejected) != 1 || reason == nil || !strings.Contains(reason.Error(), test.want) {
				t.Errorf("rejected %v, want one with %q", assembly.Rejected, test.want)
			}
			verdict := assembly.Engine.Evaluate(t.Context(), Input{Phase: Final, Request: map[string]any{}})
			if got := lines(verdict.Violations); len(got) != 1 || got[0] != "judged" {
				t.Errorf("the good one says %q", got)
			}
		})
	}
}

// TestEngine_Evaluate_EndlessRule: it costs its own time, its own error and no other rule's
// verdict.
func TestEngine_Evaluate_EndlessRule(t *testing.T) {
	for reason, body := range map[string]string{
		"a comprehension":      `count([x | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); x := a + b]) < 0`,
		"a set of pairs":       `count({[a, b] | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000)}) < 0`,
		"one function":         `count([1 | some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i * j < 0]) > 0`,
		"a search in the dark": `{ some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); a * b == -1 }`,
	} {
		t.Run(reason, func(t *testing.T) {
			bad, err := ParseSource("bad", map[string]string{"p.rego": "package bad\ndeny contains \"never\" if " + body})
			if err != nil {
				t.Fatal(err)
			}
			engine := shippedEngine(t, bad.Modules...)
			start := time.Now()
			verdict := engine.Evaluate(t.Context(), Input{Phase: Final, Request: broken(t)})
			if took := time.Since(start); took > 2*(patient.Together+patient.Alone) {
				t.Errorf("it took %s", took)
			}
			if len(verdict.Errors) != 1 || verdict.Errors[0].Rule != "bad" || verdict.Errors[0].Kind != TimedOut {
				t.Errorf("errors %+v, want that rule's own", verdict.Errors)
			}
		})
	}
}

func TestEngine_CheckTimeouts_NamesARuleThatNeverEnds(t *testing.T) {
	bad, err := ParseSource("bad", map[string]string{"p.rego": "package bad\ndeny contains \"never\" if count([1 | some i in numbers.range(1, 90000); some j in numbers.range(1, 90000); i * j < 0]) > 0"})
	if err != nil {
		t.Fatal(err)
	}
	good, err := ParseSource("good", map[string]string{"p.rego": "package good\ndeny contains \"no\""})
	if err != nil {
		t.Fatal(err)
	}
	builtin, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(builtin, bad.Modules, good.Modules)
	timeouts, err := shippedEngine(t, append(bad.Modules, good.Modules...)...).CheckTimeouts(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	if err := timeouts["bad"]; len(timeouts) != 1 || err == nil || !strings.Contains(err.Error(), "bad/p.rego: rule bad did not finish within") {
		t.Errorf("timeouts %v", timeouts)
	}
}

// billion returns a document of a few hundred bytes whose aliases stand for a billion items.
func billion() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}
