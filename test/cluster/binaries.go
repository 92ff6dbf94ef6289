package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// The commands that Binaries can provide, each named like its file.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	Kubectl           = "kubectl"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	KWOK              = "kwok"
)

// command is one program of the control plane and where its source is.
type command struct {
	name   string
	module string // folder below binaries/
	pkg    string
}

// commands lists every command in the order of building: what the smallest cluster needs comes first.
func commands() []command {
	return []command{
		{Etcd, "kubernetes", "go.etcd.io/etcd/server/v3"},
		{APIServer, "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"},
		{Kubectl, "kubernetes", "k8s.io/kubernetes/cmd/kubectl"},
		{ControllerManager, "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"},
		{Scheduler, "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"},
		{KWOK, "kwok", "sigs.k8s.io/kwok/cmd/kwok"},
	}
}

// Binaries returns the path of each named command, or of all when no name is given. What
// KUBEBUILDER_ASSETS or the cache holds is used; the rest is built from its Go module into the cache,
// which takes minutes the first time, so progress is told what goes on. The cache is $REPRISE_CACHE, else
// "reprise" in the user's cache folder; it is keyed by the modules' versions and the platform.
// Concurrent processes wait for one another instead of building twice.
func Binaries(ctx context.Context, progress io.Writer, names ...string) (map[string]string, error) {
	wanted, err := choose(names)
	if err != nil {
		return nil, err
	}
	paths := map[string]string{}
	missing := provided(os.Getenv("KUBEBUILDER_ASSETS"), wanted, paths)
	if len(missing) == 0 {
		return paths, nil
	}
	sources, err := sourceFolder("binaries")
	if err != nil {
		return nil, err
	}
	cache, err := cacheFolder(sources)
	if err != nil {
		return nil, err
	}
	if missing = provided(cache, missing, paths); len(missing) == 0 {
		return paths, nil
	}
	unlock, err := lock(ctx, progress, filepath.Join(cache, ".lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	// Another process may have built them while this one waited.
	missing = provided(cache, missing, paths)
	for i, c := range missing {
		b := build{command: c, sources: sources, target: filepath.Join(cache, c.name), progress: progress,
			title: fmt.Sprintf("%s (%d of %d)", c.name, i+1, len(missing))}
		if err := b.run(ctx); err != nil {
			return nil, err
		}
		paths[c.name] = b.target
	}
	return paths, nil
}

// choose returns the named commands in the order of building.
func choose(names []string) ([]command, error) {
	if len(names) == 0 {
		return commands(), nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		wanted[name] = true
	}
	var chosen []command
	for _, c := range commands() {
		if wanted[c.name] {
			chosen = append(chosen, c)
			delete(wanted, c.name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("no command %q in the control plane", name)
	}
	return chosen, nil
}

// provided adds to paths what folder holds and returns the commands that it lacks.
func provided(folder string, wanted []command, paths map[string]string) (missing []command) {
	for _, c := range wanted {
		path := filepath.Join(folder, c.name)
		if info, err := os.Stat(path); folder == "" || err != nil || !info.Mode().IsRegular() {
			missing = append(missing, c)
			continue
		}
		paths[c.name] = path
	}
	return missing
}

// cacheFolder creates and returns the folder for what is built from the module files in sources.
func cacheFolder(sources string) (string, error) {
	root := os.Getenv("REPRISE_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding a cache folder (set REPRISE_CACHE to choose one): %w", err)
		}
		root = filepath.Join(user, "reprise")
	}
	key := sha256.New()
	for _, file := range []string{"kubernetes/go.mod", "kubernetes/go.sum", "kwok/go.mod", "kwok/go.sum"} {
		data, err := os.ReadFile(filepath.Join(sources, file))
		if err != nil {
			return "", fmt.Errorf("reading the versions of the control plane: %w", err)
		}
		fmt.Fprintf(key, "%s %d\n%s", file, len(data), data)
	}
	folder := filepath.Join(root, fmt.Sprintf("controlplane-%.6x-%s-%s", key.Sum(nil), runtime.GOOS, runtime.GOARCH))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	return folder, nil
}
