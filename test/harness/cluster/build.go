package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// signOfLife is how often a running build says that it still runs.
const signOfLife = 5 * time.Second

// build is one command being built into target.
type build struct {
	command
	sources  string // the folder of the tool modules
	target   string
	title    string
	progress io.Writer
}

func (b build) run(ctx context.Context) error {
	dir := filepath.Join(b.sources, b.module)
	flags, err := b.linkerFlags(ctx, dir)
	if err != nil {
		return err
	}
	unfinished := fmt.Sprintf("%s.%d", b.target, os.Getpid())
	defer os.Remove(unfinished)
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags", flags, "-o", unfinished, b.pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := b.watch(cmd); err != nil {
		return fmt.Errorf("building %s: %w\n%s", b.name, err, lastLines(output.String(), 20))
	}
	if err := os.Rename(unfinished, b.target); err != nil {
		return fmt.Errorf("building %s: %w", b.name, err)
	}
	return nil
}

// linkerFlags strips the command and, for Kubernetes, sets the version that clients see: without it
// the API server would call itself v0.0.0 (k8s.io/component-base/version).
func (b build) linkerFlags(ctx context.Context, dir string) (string, error) {
	const strip = "-s -w"
	if !strings.HasPrefix(b.module, "kubernetes") {
		return strip, nil
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("finding the version of Kubernetes: %w", err)
	}
	version := strings.TrimSpace(string(out))
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("finding the version of Kubernetes: %q is no version", version)
	}
	const variable = " -X k8s.io/component-base/version."
	return strip + variable + "gitVersion=" + version + variable + "gitMajor=" + parts[0] +
		variable + "gitMinor=" + parts[1] + variable + "gitTreeState=clean", nil
}

// watch runs cmd and tells progress what is being built, and again every few seconds.
func (b build) watch(cmd *exec.Cmd) error {
	start := time.Now()
	fmt.Fprintf(b.progress, "building %s: the first time this takes minutes, later it is cached\n", b.title)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	ticker := time.NewTicker(signOfLife)
	defer ticker.Stop()
	for {
		select {
		case err := <-done:
			if err == nil {
				fmt.Fprintf(b.progress, "built %s in %s\n", b.title, time.Since(start).Round(time.Second))
			}
			return err
		case <-ticker.C:
			fmt.Fprintf(b.progress, "  still building %s, %s so far\n", b.title, time.Since(start).Round(time.Second))
		}
	}
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
