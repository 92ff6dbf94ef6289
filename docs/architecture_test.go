// Package docs holds the pages, and the tests that compare them with the code.
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// clients are the modules that no pure package imports, as depguard in .golangci.yaml states it.
var clients = []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"}

// dataOfClients are pure although they import such a module: diff reads the schema of a Deployment
// in client-go's apply configurations, which are data.
var dataOfClients = []string{"diff"}

// TestArchitecture_PackageTable compares the table of packages with the folders: it lists each
// package once, and calls none pure that imports a client.
func TestArchitecture_PackageTable(t *testing.T) {
	listed := packageTable(t)
	found := packages(t)
	for name, importsClient := range found {
		kind, isListed := listed[name]
		switch isPure := strings.HasPrefix(kind, "pure"); {
		case !isListed:
			t.Errorf("architecture.md does not list %s: add a row to its table of packages", name)
		case isPure && importsClient:
			t.Errorf("architecture.md calls %s pure, but it imports a client", name)
		}
	}
	for name := range listed {
		if _, isThere := found[name]; !isThere {
			t.Errorf("architecture.md lists %s, which does not exist", name)
		}
	}
}

// packageTable returns the kind of each package in the table of architecture.md.
func packageTable(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## Packages\n")
	section, _, ends := strings.Cut(section, "\n## ")
	if !found || !ends {
		t.Fatal("architecture.md has no section Packages")
	}
	rows := regexp.MustCompile("(?m)^\\| (`.*?) \\| .* \\| (.*?) \\|$").FindAllStringSubmatch(section, -1)
	names := regexp.MustCompile("`([^`]+)`")
	listed := map[string]string{}
	for _, row := range rows {
		for _, name := range names.FindAllStringSubmatch(row[1], -1) {
			if _, twice := listed[name[1]]; twice {
				t.Errorf("architecture.md lists %s twice", name[1])
			}
			listed[name[1]] = row[2]
		}
	}
	return listed
}

// packages returns the folders of the product with Go or Rego, and whether each imports a client.
func packages(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(filepath.Dir(folder))
		switch {
		case entry.IsDir():
			isHidden := strings.HasPrefix(folder, ".") && folder != "."
			if isHidden || slices.Contains([]string{"testdata", "test", "tools"}, entry.Name()) {
				return filepath.SkipDir
			}
		case strings.HasSuffix(path, ".rego"):
			found[name] = false
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
			if err != nil {
				return err
			}
			found[name] = found[name] || importsClient(file) && !slices.Contains(dataOfClients, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsClient(file *ast.File) bool {
	return slices.ContainsFunc(file.Imports, func(spec *ast.ImportSpec) bool {
		return slices.ContainsFunc(clients, func(client string) bool {
			return strings.HasPrefix(strings.Trim(spec.Path.Value, `"`), client)
		})
	})
}
