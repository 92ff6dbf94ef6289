package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// RepositoryRoot returns the folder of the product's module, found from the working directory
// upwards.
func RepositoryRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the repository: %w", err)
	}
	for start := dir; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "test", "harness", "cluster", "binaries")); err == nil {
			return dir, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("finding the repository: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("finding the repository: %s is not inside it", start)
		}
	}
}

// sourceFolder returns a folder of this package's source.
func sourceFolder(name string) (string, error) {
	root, err := RepositoryRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "test", "harness", "cluster", name), nil
}
