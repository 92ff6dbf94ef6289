// Package docs holds the pages, and the tests that compare them with the code.
package docs

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the path of the product's module.
const module = "reprise.dev/reprise/"

// clients are the modules that no pure package reaches, as depguard in .golangci.yaml states it for
// direct imports.
var clients = []string{"k8s.io/client-go", "sigs.k8s.io/controller-runtime"}

// dataOfClients are imports that are data or computation, although their packages import clients
// for other uses: the schema of a Deployment in client-go's apply configurations, the certificates
// of cert-controller, and kubectl's tables.
var dataOfClients = map[string]string{
	module + "diff":                 "k8s.io/client-go/applyconfigurations",
	module + "internal/certificate": "github.com/open-policy-agent/cert-controller/pkg/rotator",
	module + "cli/terminal":         "k8s.io/cli-runtime/pkg/printers",
}

// TestArchitecture_PackageTable compares the table of packages with the folders: it lists each
// package once, and calls none pure that reaches a client, however indirectly.
func TestArchitecture_PackageTable(t *testing.T) {
	listed := packageTable(t)
	found := packages(t)
	imports := importGraph(t)
	for _, name := range found {
		kind, isListed := listed[name]
		if !isListed {
			t.Errorf("architecture.md does not list %s: add a row to its table of packages", name)
		}
		if !strings.HasPrefix(kind, "pure") {
			continue
		}
		if _, isGo := imports[module+name]; !isGo {
			t.Errorf("go list does not know %s, which architecture.md calls pure", name)
		}
		if path := pathToClient(imports, module+name, map[string]bool{}); path != nil {
			t.Errorf("architecture.md calls %s pure, but it reaches a client: %s", name, strings.Join(path, " → "))
		}
	}
	for name := range listed {
		if !slices.Contains(found, name) {
			t.Errorf("architecture.md lists %s, which does not exist", name)
		}
	}
}

// TestPathToClient_NamesEachStep shows that the walk finds a client behind other packages, and that
// an import of data hides only itself.
func TestPathToClient_NamesEachStep(t *testing.T) {
	imports := map[string][]string{
		module + "story":                       {module + "diff", module + "history"},
		module + "diff":                        {"k8s.io/client-go/applyconfigurations"},
		module + "history":                     {module + "history/store"},
		module + "history/store":               {"sigs.k8s.io/controller-runtime/pkg/client"},
		"k8s.io/client-go/applyconfigurations": {"k8s.io/client-go/rest"},
	}
	if path := pathToClient(imports, module+"diff", map[string]bool{}); path != nil {
		t.Errorf("diff reaches %v", path)
	}
	want := []string{module + "story", module + "history", module + "history/store", "sigs.k8s.io/controller-runtime/pkg/client"}
	if path := pathToClient(imports, module+"story", map[string]bool{}); !slices.Equal(path, want) {
		t.Errorf("story reaches %v, want %v", path, want)
	}
}

// pathToClient returns the imports that lead from the package to a client, or nil. seen are the
// packages that lead to none, or that it looks at.
func pathToClient(imports map[string][]string, name string, seen map[string]bool) []string {
	seen[name] = true
	for _, next := range imports[name] {
		isClient := slices.ContainsFunc(clients, func(client string) bool { return strings.HasPrefix(next, client) })
		switch {
		case dataOfClients[name] == next:
		case isClient:
			return []string{name, next}
		case !seen[next]:
			if path := pathToClient(imports, next, seen); path != nil {
				return append([]string{name}, path...)
			}
		}
	}
	return nil
}

// importGraph returns what each package of the product, and each package behind it, imports.
func importGraph(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "./...")
	list.Dir = ".."
	output, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var listed struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&listed); err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		imports[listed.ImportPath] = listed.Imports
	}
	return imports
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

// packages returns the folders of the product with Go or Rego.
func packages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(filepath.Dir(folder))
		isCode := strings.HasSuffix(path, ".rego") || strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		switch {
		case entry.IsDir():
			isHidden := strings.HasPrefix(folder, ".") && folder != "."
			if isHidden || slices.Contains([]string{"testdata", "test", "tools"}, entry.Name()) {
				return filepath.SkipDir
			}
		case isCode && !slices.Contains(found, name):
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
