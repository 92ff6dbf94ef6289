package policy

import (
	"io/fs"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"
)

// TestBuiltin_PassesItsOwnTests runs every _test.rego, with the compiler that serves.
func TestBuiltin_PassesItsOwnTests(t *testing.T) {
	modules := map[string]*ast.Module{}
	for file, text := range regoFiles(t) {
		modules[file] = ast.MustParseModuleWithOpts(text, ast.ParserOptions{
			RegoVersion: ast.RegoV1, Capabilities: capabilities(), ProcessAnnotation: true,
		})
	}
	runner := tester.NewRunner().
		SetCompiler(NewCompiler(true)).
		AddCustomBuiltins([]*tester.Builtin{{Decl: QuantityCompare, Func: QuantityBuiltin()}}).
		RaiseBuiltinErrors(true).
		SetModules(modules)
	results, err := runner.RunTests(t.Context(), nil)
	if err != nil {
		t.Fatalf("running Rego tests: %v", err)
	}
	ran := map[string]int{}
	for result := range results {
		ran[result.Package]++
		if !result.Pass() {
			t.Errorf("%s", result)
		}
	}
	builtin, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range builtin {
		_, policy, err := load(module)
		if err != nil {
			t.Fatal(err)
		}
		if policy != nil && ran[policy.pkg.String()+"_test"] == 0 {
			t.Errorf("%s has no tests beside it", module.File)
		}
	}
}

// TestBuiltin_IsFormatted checks what `opa fmt` would check.
func TestBuiltin_IsFormatted(t *testing.T) {
	for file, text := range regoFiles(t) {
		formatted, err := format.SourceWithOpts(file, []byte(text), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatalf("formatting %s: %v", file, err)
		}
		if string(formatted) != text {
			t.Errorf("%s is not formatted; want:\n%s", file, formatted)
		}
	}
}

// TestBuiltin_IsDescribed keeps every shipped rule's METADATA complete.
func TestBuiltin_IsDescribed(t *testing.T) {
	modules, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range modules {
		_, policy, err := load(module)
		if err != nil {
			t.Fatal(err)
		}
		if policy == nil {
			continue
		}
		rule := policy.rule
		if rule.Title == "" || rule.Description == "" || rule.Fix == "" {
			t.Errorf("%s lacks a title, a description or custom.fix in its METADATA", module.File)
		}
	}
}

func regoFiles(t *testing.T) map[string]string {
	t.Helper()
	names, err := fs.Glob(pack, "rego/*.rego")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := pack.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}
