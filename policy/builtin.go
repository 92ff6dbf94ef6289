package policy

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed rego
var pack embed.FS

// Builtin returns the built-in policies, in the order of their file names.
func Builtin() ([]Module, error) {
	files, err := fs.Glob(pack, "rego/*.rego")
	if err != nil {
		return nil, fmt.Errorf("listing the built-in policies: %w", err)
	}
	var modules []Module
	for _, file := range files {
		if strings.HasSuffix(file, "_test.rego") {
			continue
		}
		text, err := pack.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading a built-in policy: %w", err)
		}
		modules = append(modules, Module{File: path.Base(file), Rego: string(text), Builtin: true})
	}
	return modules, nil
}
