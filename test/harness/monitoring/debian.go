// Package monitoring has what the chart gives a cluster's monitoring read by the real thing:
// Debian's Prometheus, whose promtool checks and plays the alerts, and whose server scrapes a
// running Reprise.
package monitoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
)

// The programs of Debian's package prometheus.
const (
	Server = "prometheus"
	Tool   = "promtool"
)

// fetchWithin bounds Fetch: the package has 20 MB, and a mirror may be slow.
const fetchWithin = 4 * time.Minute

// Find returns the path of a program: what Fetch has unpacked, else what is installed. The error
// says what to do.
func Find(name string) (string, error) {
	folder, err := cacheFolder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "usr", "bin", name)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path, nil
	}
	if path, err = exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is not on this machine: on Debian and its like `make prometheus` fetches it, elsewhere install Prometheus", name)
}

// Fetch unpacks Debian's package into the cache, where neither program is there yet. It installs
// nothing and starts nothing; apt and dpkg-deb must be there, and root where apt has no lists yet.
// progress is told what goes on.
func Fetch(ctx context.Context, progress io.Writer) error {
	if _, err := Find(Server); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	folder, err := cacheFolder()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return fmt.Errorf("creating the cache: %w", err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(folder), "prometheus-")
	if err != nil {
		return fmt.Errorf("creating the cache: %w", err)
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(progress, "fetching Debian's package prometheus (20 MB)")
	if err := download(ctx, dir); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(dir, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("fetching prometheus: found %q, want one package", packages)
	}
	unpacked := filepath.Join(dir, "unpacked")
	if err := run(ctx, dir, "dpkg-deb", "-x", packages[0], unpacked); err != nil {
		return err
	}
	if err := os.Rename(unpacked, folder); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("keeping prometheus: %w", err)
	}
	return nil
}

// download has apt fetch the package, after its lists where it has none and may write them.
func download(ctx context.Context, dir string) error {
	fetch := func() error { return run(ctx, dir, "apt-get", "download", "-qq", "prometheus") }
	err := fetch()
	if err == nil || os.Getuid() != 0 {
		return err
	}
	if updated := run(ctx, dir, "apt-get", "update", "-qq"); updated != nil {
		return errors.Join(err, updated)
	}
	return fetch()
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching prometheus by %s: %w\n%s", name, err, out)
	}
	return nil
}

func cacheFolder() (string, error) {
	root, err := cluster.CacheRoot()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, "prometheus-debian"), nil
}
