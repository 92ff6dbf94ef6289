package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestHeadsOf_Conventions has policies in the ways of Conftest and plain OPA.
func TestHeadsOf_Conventions(t *testing.T) {
	for reason, test := range map[string]struct {
		files               map[string]string
		denies, warns, dryr []string
	}{
		"names with a suffix": {map[string]string{"p.rego": `package main
deny_root[msg] { msg := "root" }
violation_tag[{"msg": msg}] { msg := "tag" }
warn_probe[msg] { msg := "probe" }`}, []string{"root", "tag"}, []string{"probe"}, nil},
		"exceptions": {map[string]string{"p.rego": `package main
deny_root[msg] { msg := "root" }
deny_tag[msg] { msg := "tag" }
deny[msg] { msg := "plain" }
exception[rules] {
	input.metadata.name == "cart"
	rules := ["root", ""]
}`}, []string{"tag"}, nil, nil},
		"an exception for another": {map[string]string{"p.rego": `package main
deny_root[msg] { msg := "root" }
exception[rules] {
	input.metadata.name == "other"
	rules := ["root"]
}`}, []string{"root"}, nil, nil},
		"a list":            {map[string]string{"p.rego": "package p\nviolation := [msg | some c in input.spec.template.spec.containers; msg := c.name]"}, []string{"main", "sidecar"}, nil, nil},
		"one message":       {map[string]string{"p.rego": "package p\nwarn := \"old\" if input.spec"}, nil, []string{"old"}, nil},
		"no message":        {map[string]string{"p.rego": "package p\ndeny if input.spec"}, []string{"the policy denies it, without a message"}, nil, nil},
		"false":             {map[string]string{"p.rego": "package p\ndefault deny := false\ndeny if input.nothing"}, nil, nil, nil},
		"undefined":         {map[string]string{"p.rego": "package p\ndeny := \"x\" if input.nothing", "q.rego": "package q\ndeny contains \"other\""}, []string{"other"}, nil, nil},
		"allow":             {map[string]string{"p.rego": "package p\ndefault allow := false\nallow if input.metadata.name == \"cart\""}, nil, nil, nil},
		"not allowed":       {map[string]string{"p.rego": "package p\ndefault allow := false\nallow if input.metadata.name == \"other\""}, []string{"the policy does not allow it"}, nil, nil},
		"allow undefined":   {map[string]string{"p.rego": "package p\nallow if input.metadata.name == \"other\""}, []string{"the policy does not allow it"}, nil, nil},
		"allow as a helper": {map[string]string{"p.rego": "package p\nallow if false\ndeny contains \"no\" if not allow"}, []string{"no"}, nil, nil},
		"documents": {map[string]string{"data.yaml": "images:\n  allowed: [quay.io/]\n", "data.json": `{"owners": {"cart": "shop"}}`, "p.rego": `package p
import data.owners
deny contains msg if {
	some c in input.spec.template.spec.containers
	not startswith(c.image, data.images.allowed[0])
	msg := sprintf("%s of %s", [c.image, owners[input.metadata.name]])
}`}, []string{"docker.io/cart:1 of shop", "docker.io/proxy:1 of shop"}, nil, nil},
		"parameters by every path": {map[string]string{"parameters.yaml": "word: yes-it-is\n", "p.rego": `package p
deny contains object.get(input, "parameters", {}).word
deny contains sprintf("%s by a variable", [input[key].word]) if { key := "parameters" }
deny contains sprintf("%s as a whole", [whole.parameters.word]) if { whole := input }
deny contains sprintf("%s walked", [value]) if { walk(input, [["parameters", "word"], value]) }`},
			[]string{"yes-it-is", "yes-it-is as a whole", "yes-it-is by a variable", "yes-it-is walked"}, nil, nil},
		"METADATA of other tools": {map[string]string{"p.rego": "# METADATA\n# scope: package\n# custom:\n#   severity: high\n#   id: KSV001\npackage p\ndeny contains \"no\""}, []string{"no"}, nil, nil},
	} {
		t.Run(reason, func(t *testing.T) {
			source, err := ParseSource("own", test.files)
			if err != nil {
				t.Fatal(err)
			}
			verdict := engineOf(t, source.Modules...).Evaluate(t.Context(), reviewed(t))
			if len(verdict.Errors) > 0 {
				t.Fatal(verdict.Errors)
			}
			got := [][]string{lines(verdict.Violations), lines(verdict.Warnings), lines(verdict.DryRun)}
			if diff := cmp.Diff([][]string{test.denies, test.warns, test.dryr}, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("denies, warns, dryruns (-want +got):\n%s", diff)
			}
		})
	}
}
