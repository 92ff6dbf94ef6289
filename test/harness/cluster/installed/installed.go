// Package installed finds commands of a control plane that this machine has already, so that they
// need not be built. It takes only those of the minor version that a build would have: an API
// server of another minor has other fields and defaults.
package installed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Command is one that is looked for.
type Command struct {
	// Name is that of its file.
	Name string
	// Version is the one that a build would have, such as v1.37.2. Without one the command is not
	// looked for.
	Version string
}

// Places returns the folders where Find looks by default, in this order: setup-envtest's store,
// Kubebuilder's folder and PATH. What kind, k3d and minikube bring is not among them: their control
// planes are inside of container images, or one program that is no kube-apiserver.
func Places() []string {
	var folders []string
	// An error means that there can be no such folder.
	if store, err := envtest.SetupEnvtestDefaultBinaryAssetsDirectory(); err == nil {
		folders = storeFolders(store)
	}
	folders = append(folders, "/usr/local/kubebuilder/bin")
	return append(folders, filepath.SplitList(os.Getenv("PATH"))...)
}

// storeFolders returns the folders of setup-envtest's store for this platform, the newest version
// first.
func storeFolders(store string) []string {
	suffix := "-" + runtime.GOOS + "-" + runtime.GOARCH
	folders, err := filepath.Glob(filepath.Join(store, "*"+suffix))
	if err != nil {
		return nil // The path of the store is no pattern.
	}
	slices.SortFunc(folders, func(a, b string) int {
		version := func(folder string) string { return "v" + strings.TrimSuffix(filepath.Base(folder), suffix) }
		return semver.Compare(version(b), version(a))
	})
	return folders
}

// Find returns the paths, by name, of those commands that a folder holds in the wanted minor
// version: of each the first. used says of each one which it is, unfit of those that were passed
// over why.
func Find(ctx context.Context, commands []Command, folders []string) (paths map[string]string, used, unfit []string) {
	paths = map[string]string{}
	for _, c := range commands {
		if c.Version == "" {
			continue
		}
		for _, path := range candidates(c.Name, folders) {
			version := versionOf(ctx, c.Name, path)
			if fits(version, c.Version) {
				paths[c.Name] = path
				used = append(used, fmt.Sprintf("%s %s (%s)", c.Name, version, path))
				break
			}
			unfit = append(unfit, fmt.Sprintf("%s (%s, not %s)", path, orUnknown(version), semver.MajorMinor(c.Version)))
		}
	}
	return paths, used, unfit
}

// Describe says of commands in one folder which versions they have, and which of them are not of
// the wanted minor.
func Describe(ctx context.Context, commands []Command, folder string) []string {
	var said []string
	for _, c := range commands {
		version := versionOf(ctx, c.Name, filepath.Join(folder, c.Name))
		one := c.Name + " " + orUnknown(version)
		if c.Version != "" && !fits(version, c.Version) {
			one += " (the tests are written for " + semver.MajorMinor(c.Version) + ")"
		}
		said = append(said, one)
	}
	return said
}

// candidates returns the files in the folders that have the name and may be run, each file once.
func candidates(name string, folders []string) []string {
	var paths []string
	var files []os.FileInfo
	for _, folder := range folders {
		path := filepath.Join(folder, name)
		file, err := os.Stat(path)
		if err != nil || !filepath.IsAbs(path) || !file.Mode().IsRegular() || file.Mode()&0o111 == 0 {
			continue
		}
		if !slices.ContainsFunc(files, func(other os.FileInfo) bool { return os.SameFile(file, other) }) {
			paths, files = append(paths, path), append(files, file)
		}
	}
	return paths
}

// fits reports whether a version may stand in for the wanted one.
func fits(version, want string) bool {
	return version != "" && semver.MajorMinor(version) == semver.MajorMinor(want)
}

// answerWithin is how long a command may take to say its version.
const answerWithin = 10 * time.Second

// versionOf asks a command for its version and returns it like v1.37.2, or "" if it does not say
// one.
func versionOf(ctx context.Context, name, path string) string {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, versionArgs(name)...)
	cmd.WaitDelay = time.Second // A script may leave a process behind that holds the pipe.
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return parseVersion(string(out))
}

func versionArgs(name string) []string {
	switch name {
	case "kubectl":
		return []string{"version", "--client"}
	case "helm":
		return []string{"version", "--short"}
	default:
		return []string{"--version"}
	}
}

// versionPattern asks for no patch: a Helm that was built from its module says v4.3.
var versionPattern = regexp.MustCompile(`(?:^|\s)v?(\d+\.\d+(?:\.\d+)?)`)

// parseVersion returns the first version that a text holds.
func parseVersion(text string) string {
	found := versionPattern.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return "v" + found[1]
}

func orUnknown(version string) string {
	if version == "" {
		return "of an unknown version"
	}
	return version
}
