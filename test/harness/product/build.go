package product

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
)

// built are the commands that this process has built. What it starts later is the same, although
// somebody edits meanwhile.
var built struct {
	sync.Mutex
	paths map[string]string
}

// Build builds cmd/NAME of the repository and returns its path, which is in Go's build cache: all
// packages and processes of a run share what was built of one content. A version, where there is
// one, is stamped on it. progress is told that it builds. It is done once by a process.
func Build(ctx context.Context, progress io.Writer, name, version string) (string, error) {
	built.Lock()
	defer built.Unlock()
	key := name + " " + version
	if path, ok := built.paths[key]; ok {
		return path, nil
	}
	start := time.Now()
	fmt.Fprintf(progress, "building %s from cmd/%s (the first time this takes a minute or two)\n", name, name)
	// Go 1.24 and later keep what `go run` linked, and run it from the cache the next time.
	if _, err := goRun(ctx, "true", name, version); err != nil {
		return "", err
	}
	path, err := goRun(ctx, "echo", name, version)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("building %s: Go's build cache does not keep it: %w", name, err)
	}
	fmt.Fprintf(progress, "built %s in %s\n", name, time.Since(start).Round(time.Second))
	if built.paths == nil {
		built.paths = map[string]string{}
	}
	built.paths[key] = path
	return path, nil
}

// goRun builds a command, has another one run with its path in its place, and returns what that
// prints.
func goRun(ctx context.Context, instead, name, version string) (string, error) {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return "", err
	}
	args := []string{"run", "-buildvcs=false", "-exec=" + instead}
	if version != "" {
		args = append(args, "-ldflags=-X reprise.dev/reprise/internal/version.stamp="+version)
	}
	var out, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", append(args, "./cmd/"+name)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", name, err, problems.String())
	}
	return strings.TrimSpace(out.String()), nil
}
