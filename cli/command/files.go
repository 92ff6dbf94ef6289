package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"reprise.dev/reprise/check"
)

// manifestNames are the endings of files that are read in a folder.
var manifestNames = []string{".yaml", ".yml", ".json"}

// manifests reads files, the manifests in folders, and - for standard input, in the order in which
// they are given.
func manifests(paths []string, recursive bool, stdin io.Reader) ([]check.Manifest, error) {
	var all []check.Manifest
	read := func(name string, content []byte, err error) error {
		if err != nil {
			return fmt.Errorf("reading manifests: %w", err)
		}
		found, err := check.Read(name, content)
		all = append(all, found...)
		return err
	}
	paths, err := expand(paths)
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if path == "-" {
			content, err := io.ReadAll(stdin)
			if err := read(path, content, err); err != nil {
				return nil, err
			}
			continue
		}
		files, err := filesIn(path, recursive, manifestNames...)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			err = read(file, content, err)
			if file != path && errors.Is(err, check.ErrScoreFile) {
				continue // A folder may hold Score files beside what was generated of them.
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// expand returns the files that patterns match. A shell on Windows expands none. A path that exists
// is no pattern.
func expand(paths []string) ([]string, error) {
	var all []string
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil || !strings.ContainsAny(path, "*?[") {
			all = append(all, path)
			continue
		}
		found, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("reading the pattern %s: %w", path, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no file matches %s", path)
		}
		all = append(all, found...)
	}
	return all, nil
}

// filesIn returns the files of a folder with one of the endings, sorted. A path of a file is
// returned as it is.
func filesIn(path string, recursive bool, endings ...string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != path && (!recursive || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir // A hidden folder is another tool's state, such as .score-k8s.
		case !entry.IsDir() && slices.Contains(endings, filepath.Ext(file)):
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading folder %s: %w", path, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("folder %s has no file that ends in %s", path, strings.Join(endings, " or "))
	}
	return files, nil
}
