package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestTestNames_BeginWithASymbol holds the names of tests to CONTRIBUTING.md: each begins with a
// symbol of the package that it tests. The suites in test/ test behavior, and go vet checks the
// names of examples.
func TestTestNames_BeginWithASymbol(t *testing.T) {
	tests := 0
	for _, name := range packages(t) {
		symbols, found := symbolsAndTests(t, filepath.Join("..", name))
		tests += len(found)
		for _, test := range found {
			if !symbols[lowerFirst(symbolOf(test))] {
				t.Errorf("%s in %s: its name begins with no symbol of the package; rename it to Test<Symbol>_<Case>", test, name)
			}
		}
	}
	if tests < 500 {
		t.Errorf("found only %d tests", tests)
	}
}

// symbolsAndTests returns the functions, methods, types, variables and constants that the folder's
// package declares, with a lower first letter, and the names of its tests.
func symbolsAndTests(t *testing.T, folder string) (symbols map[string]bool, tests []string) {
	t.Helper()
	symbols = map[string]bool{}
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range declared(file) {
			switch isTest := symbolOf(name) != "" && name != "TestMain"; {
			case !strings.HasSuffix(path, "_test.go"):
				symbols[lowerFirst(name)] = true
			case isTest:
				tests = append(tests, name)
			}
		}
	}
	return symbols, tests
}

// symbolOf returns the symbol with which the name of a test, a fuzz test or a benchmark begins. It
// is empty for other names.
func symbolOf(test string) string {
	for _, kind := range []string{"Test", "Fuzz", "Benchmark"} {
		if rest, is := strings.CutPrefix(test, kind); is {
			symbol, _, _ := strings.Cut(rest, "_")
			return symbol
		}
	}
	return ""
}

// lowerFirst returns the symbol with a lower first letter: TestDecide may test Decide or decide.
func lowerFirst(symbol string) string {
	return strings.ToLower(symbol[:1]) + symbol[1:]
}

// declared returns the names that a file declares for its package, with those of methods.
func declared(file *ast.File) []string {
	var names []string
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			names = append(names, d.Name.Name)
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					names = append(names, s.Name.Name)
				case *ast.ValueSpec:
					for _, name := range s.Names {
						names = append(names, name.Name)
					}
				}
			}
		}
	}
	return names
}
