package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"reprise.dev/reprise/test/harness/cluster/gobuild"
)

// signOfLife is how often a process that waits for another one says so.
const signOfLife = 15 * time.Second

// buildAll builds the commands into folder, whose lock the caller holds.
func buildAll(ctx context.Context, progress io.Writer, sources, folder string, commands []command) error {
	var steps []gobuild.Step
	for _, c := range commands {
		s := gobuild.Step{Name: c.name, Dir: filepath.Join(sources, c.module), Package: c.pkg,
			Target: filepath.Join(folder, c.name), Env: []string{"CGO_ENABLED=0", "GOWORK=off"}}
		version, err := c.version(sources)
		if err != nil {
			return err
		}
		s.LinkerFlags = "-s -w"
		if strings.HasPrefix(c.pkg, "k8s.io/kubernetes/") {
			s.LinkerFlags = linkerFlags(version)
		}
		if err := removeUnfinished(s.Target); err != nil {
			return err
		}
		steps = append(steps, s)
	}
	return gobuild.Run(ctx, progress, steps)
}

// removeUnfinished removes what a build that was killed has left of a target.
func removeUnfinished(target string) error {
	left, err := filepath.Glob(target + ".*")
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing an unfinished build: %w", err)
		}
	}
	return nil
}

// version returns the version of the module that the command's package belongs to, such as v1.37.2,
// or "" when it belongs to the module in sources itself.
func (c command) version(sources string) (string, error) {
	path := filepath.Join(sources, c.module, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the version of what is built: %w", err)
	}
	file, err := modfile.Parse(path, data, nil)
	if err != nil {
		return "", fmt.Errorf("reading the version of what is built: %w", err)
	}
	for _, r := range file.Require {
		if c.pkg == r.Mod.Path || strings.HasPrefix(c.pkg, r.Mod.Path+"/") {
			return r.Mod.Version, nil
		}
	}
	return "", nil
}

// linkerFlags strips a command of Kubernetes and sets the version that clients see: without it the
// API server would call itself v0.0.0 (k8s.io/component-base/version).
func linkerFlags(version string) string {
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(version), "v"), ".")
	flags := "-s -w"
	for _, variable := range []string{"gitVersion=" + version, "gitMajor=" + major, "gitMinor=" + minor, "gitTreeState=clean"} {
		flags += " -X k8s.io/component-base/version." + variable
	}
	return flags
}

// lock takes the file lock at path, waiting for whoever holds it, and returns how to give it back.
func lock(ctx context.Context, progress io.Writer, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("locking the cache: %w", err)
	}
	start := time.Now()
	var told time.Time
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			file.Close()
			return nil, fmt.Errorf("locking the cache: %w", err)
		}
		if time.Since(told) > signOfLife {
			told = time.Now()
			fmt.Fprintf(progress, "waiting for another process that builds the control plane, %s so far\n",
				time.Since(start).Round(time.Second))
		}
		select {
		case <-ctx.Done():
			file.Close()
			return nil, fmt.Errorf("waiting for another process that builds the control plane: %w", ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
