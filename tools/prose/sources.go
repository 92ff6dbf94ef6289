package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// goFiles calls visit with each Go file under root, parsed, and its path relative to root.
func goFiles(root string, visit func(path string, files *token.FileSet, file *ast.File)) error {
	return walk(root, ".go", func(path string, content []byte) error {
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, content, 0)
		if err != nil {
			return fmt.Errorf("parsing %s: %w", path, err)
		}
		visit(path, files, file)
		return nil
	})
}

// walk calls visit with each file under root whose name ends in suffix. Hidden folders, what is
// built and the data of tests are left out.
func walk(root, suffix string, visit func(path string, content []byte) error) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if relative != "." && skipped(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, suffix) {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(relative), content)
	})
}

func skipped(folder string) bool {
	switch folder {
	case "bin", "dist", "node_modules":
		return true
	case ".github":
		return false
	}
	return strings.HasPrefix(folder, ".")
}
