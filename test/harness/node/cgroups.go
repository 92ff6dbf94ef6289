package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// hierarchies are the folders where cgroups are mounted: one with cgroups v2, several with v1.
func hierarchies() ([]string, error) {
	data, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("finding cgroups: %w", err)
	}
	var found []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") && !slices.Contains(found, fields[1]) {
			found = append(found, fields[1])
		}
	}
	return found, nil
}

// canHaveCgroups says why no cgroup can be made here, or nothing. What it tries leaves no trace.
func canHaveCgroups() error {
	name := fmt.Sprintf("%strial-%d", namePrefix, os.Getpid())
	err := makeCgroups(name)
	if err := errors.Join(err, removeCgroups(name)); err != nil {
		return fmt.Errorf("a real node needs cgroups of its own, which cannot be made here: %w", err)
	}
	return nil
}

// makeCgroups makes the cgroup of a node in every hierarchy; the kubelet makes those of its pods
// below it. What is there already is not touched, so that several nodes and whatever else runs on
// the machine stay apart.
func makeCgroups(name string) error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	if len(folders) == 0 {
		return errors.New("no cgroups are mounted at /sys/fs/cgroup")
	}
	for _, folder := range folders {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// removeCgroups removes the cgroups of a node, whose processes have ended.
func removeCgroups(name string) error {
	folders, err := hierarchies()
	if err != nil {
		return err
	}
	var failed []error
	for _, folder := range folders {
		var all []string
		_ = filepath.WalkDir(filepath.Join(folder, name), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				all = append(all, path)
			}
			return nil // what is gone already needs no removal
		})
		for _, path := range slices.Backward(all) { // those below come after those above
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}
