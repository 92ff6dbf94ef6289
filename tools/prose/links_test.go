package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestDeadLinks(t *testing.T) {
	for _, test := range []struct {
		name, page string
		want       []string
		reason     string
	}{
		{name: "file", page: "[a](docs/b.md)", reason: "the file is there"},
		{name: "folder", page: "[a](docs/)", reason: "so is the folder"},
		{name: "gone", page: "[a](docs/c.md)", want: []string{"docs/c.md: there is no such file"}, reason: "a page was renamed"},
		{name: "heading", page: "[a](docs/b.md#roll-back-by-hand)", reason: "an anchor is a heading in lower case"},
		{name: "second", page: "[a](docs/b.md#twice-1)", reason: "the second heading of one name has a number"},
		{name: "lost", page: "[a](docs/b.md#x)", want: []string{"docs/b.md#x: there is no such heading"}, reason: "a heading was renamed"},
		{name: "own", page: "# A\n[a](#a) [b](#b)", want: []string{"#b: there is no such heading"}, reason: "a page links to itself"},
		{name: "reference", page: "[a][b]\n\n[b]: docs/c.md", want: []string{"docs/c.md: there is no such file"}, reason: "a link by name"},
		{name: "code", page: "`[a](c.md)`\n```\n[a](c.md)\n```", reason: "code links nowhere"},
		{name: "web", page: "[a](https://score.dev/c.md)", reason: "nothing depends on the network"},
		{name: "two", page: "[a](docs/b.md), [c](c.md)", want: []string{"c.md: there is no such file"}, reason: "each link of a line"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, "page.md", test.page)
			write(t, root, "docs/b.md", "# Roll back, by hand\n## Twice\n## Twice\n")
			found, err := deadLinks(root)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.text)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%s: got %q, want %q", test.reason, got, test.want)
			}
		})
	}
}

func write(t *testing.T, root, path, content string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
