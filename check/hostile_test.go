package check

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"reprise.dev/reprise/policy"
)

// TestReport_Write_HostileNames checks a manifest that no API server would take, and whose names
// try to command a CI system or a terminal, in each format.
func TestReport_Write_HostileNames(t *testing.T) {
	const leak = "Hunter2leakZq9"
	hostile := "x\\n::add-mask::y\\n##[error]z\\r##vso[task.setvariable]\\x1b[31mred\\u202e\\u200b password=" + leak
	content := strings.NewReplacer("name: app,", `name: "`+hostile+`", namespace: "::error::`+hostile+`",`, "name: main", `name: "`+hostile+`"`).
		Replace(app("") + "\n")
	manifests, err := Read("::warning::\n::add-mask::m.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	known, err := NewNamespaceData(nil, manifests)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Run(t.Context(), Options{Manifests: manifests, Engine: shipped(t, policy.Overrides{}), Namespaces: known, Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	w := &report.Workloads[0]
	raw := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\x1b`, "\x1b", `\u202e`, "\u202e", `\u200b`, "\u200b").Replace(hostile)
	if w.Name != raw {
		t.Fatalf("the report is about %q", w.Name)
	}
	v := policy.Violation{Rule: "r", Field: raw, Path: raw, Message: "::error::" + raw, Fix: raw}
	w.Verdict.Violations, w.Verdict.Warnings, w.Verdict.DryRun = []policy.Violation{v}, []policy.Violation{v}, []policy.Violation{v}
	w.Verdict.Exempted = []policy.Exempted{{Violation: v, Reason: raw}}
	w.Verdict.Errors = []policy.RuleError{{Rule: "r", Reason: raw}}
	for _, format := range Formats() {
		var out bytes.Buffer
		if err := report.Write(&out, format, false); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if strings.Contains(text, leak) {
			t.Errorf("%s shows a credential:\n%s", format, text)
		}
		if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); at >= 0 {
			t.Errorf("%s holds %q:\n%s", format, text[at:at+4], text)
		}
		for line := range strings.Lines(text) {
			command := strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[")
			if format == Human && command {
				t.Errorf("a command: %s", line)
			}
			if format == GitHub && !strings.HasPrefix(line, "::error file=") && !strings.HasPrefix(line, "::warning file=") && !strings.HasPrefix(line, "::notice file=") {
				t.Errorf("not our command: %s", line)
			}
		}
	}
	if w.Name != raw {
		t.Error("writing changes the report")
	}
}

func TestRead_ErrorsAreNoCommands(t *testing.T) {
	for reason, content := range map[string]string{
		"an unknown kind in a List": "apiVersion: v1\nkind: List\nitems: [\"##[error]\"]\n",
		"a key that occurs twice":   "\"##[add-mask]x\\n::error::y\": 1\n\"##[add-mask]x\\n::error::y\": 2\n",
	} {
		_, err := Read("f\n::error::x.yaml", []byte(content))
		if err == nil {
			t.Fatalf("%s is no error", reason)
		}
		if strings.ContainsAny(err.Error(), "\n\x1b") || strings.Contains(err.Error(), "##[") {
			t.Errorf("%s: %q", reason, err)
		}
	}
}
