package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// The commands that Binaries can provide, each named like its file.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	Kubectl           = "kubectl"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	KWOK              = "kwok"
	// Kubelet and KubeProxy make a real node, see the folder node: only who names them gets them.
	Kubelet   = "kubelet"
	KubeProxy = "kube-proxy"
	// Helm deploys to a cluster and is no part of it: only who names it gets it.
	Helm = "helm"
	// CertManager runs cert-manager's own controllers and its cainjector, see binaries/certmanager.
	CertManager = "cert-manager"
)

// command is one program and where its source is.
type command struct {
	name   string
	module string // folder below binaries/
	pkg    string
}

// shelf is a folder of the cache. It is keyed by the versions of the modules whose commands it holds.
type shelf struct {
	name    string
	modules []string
	// commands are in the order of building.
	commands []command
}

// controlPlane is what a cluster is made of; what the smallest one needs comes first.
func controlPlane() shelf {
	return shelf{"controlplane", []string{"kubernetes", "kwok"}, []command{
		{Etcd, "kubernetes", "go.etcd.io/etcd/server/v3"},
		{APIServer, "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver"},
		{Kubectl, "kubernetes", "k8s.io/kubernetes/cmd/kubectl"},
		{ControllerManager, "kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager"},
		{Scheduler, "kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler"},
		{KWOK, "kwok", "sigs.k8s.io/kwok/cmd/kwok"},
	}}
}

// shelves are all that Binaries can provide.
func shelves() []shelf {
	return []shelf{
		controlPlane(),
		{"node", []string{"kubernetes"}, []command{
			{Kubelet, "kubernetes", "k8s.io/kubernetes/cmd/kubelet"},
			{KubeProxy, "kubernetes", "k8s.io/kubernetes/cmd/kube-proxy"},
		}},
		{"helm", []string{"helm"}, []command{{Helm, "helm", "helm.sh/helm/v4/cmd/helm"}}},
		{"cert-manager", []string{"certmanager"}, []command{{CertManager, "certmanager", "."}}},
	}
}

// Binaries returns the path of each named command, or of the whole control plane when no name is given. What
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
	for _, s := range wanted {
		if err := s.provide(ctx, progress, paths); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// choose returns the shelves with only the named commands.
func choose(names []string) ([]shelf, error) {
	if len(names) == 0 {
		return []shelf{controlPlane()}, nil
	}
	missing := slices.Clone(names)
	chosen := shelves()
	for i := range chosen {
		chosen[i].commands = slices.DeleteFunc(chosen[i].commands, func(c command) bool { return !slices.Contains(names, c.name) })
		for _, c := range chosen[i].commands {
			missing = slices.DeleteFunc(missing, func(name string) bool { return name == c.name })
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("no command %q among those that can be built", missing[0])
	}
	return chosen, nil
}

// provide adds the shelf's commands to paths and builds those that are not there yet.
func (s shelf) provide(ctx context.Context, progress io.Writer, paths map[string]string) error {
	missing := provided(os.Getenv("KUBEBUILDER_ASSETS"), s.commands, paths)
	if len(missing) == 0 {
		return nil
	}
	_, err := s.fill(ctx, progress, missing, paths)
	return err
}

// fill adds the missing commands to paths out of the cache, and returns the folder in which it builds them.
func (s shelf) fill(ctx context.Context, progress io.Writer, missing []command, paths map[string]string) (cache string, err error) {
	sources, err := sourceFolder("binaries")
	if err != nil {
		return "", err
	}
	if cache, err = s.cacheFolder(sources); err != nil {
		return "", err
	}
	if missing = provided(cache, missing, paths); len(missing) == 0 {
		return cache, nil
	}
	unlock, err := lock(ctx, progress, filepath.Join(cache, ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	// Another process may have built them while this one waited.
	missing = provided(cache, missing, paths)
	for i, c := range missing {
		b := build{command: c, sources: sources, target: filepath.Join(cache, c.name), progress: progress,
			title: fmt.Sprintf("%s (%d of %d)", c.name, i+1, len(missing))}
		if err := b.run(ctx); err != nil {
			return "", err
		}
		paths[c.name] = b.target
	}
	return cache, nil
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

// CacheRoot is the folder of all that is built or fetched once for the tests; it need not be there.
func CacheRoot() (string, error) {
	if root := os.Getenv("REPRISE_CACHE"); root != "" {
		return root, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a cache folder (set REPRISE_CACHE to choose one): %w", err)
	}
	return filepath.Join(user, "reprise"), nil
}

// cacheFolder creates and returns the shelf's folder for what is built from the module files in sources.
func (s shelf) cacheFolder(sources string) (string, error) {
	root, err := CacheRoot()
	if err != nil {
		return "", err
	}
	key := sha256.New()
	for _, module := range s.modules {
		own, err := filepath.Glob(filepath.Join(sources, module, "*.go"))
		if err != nil {
			return "", err
		}
		files := []string{module + "/go.mod", module + "/go.sum"}
		for _, file := range own {
			files = append(files, module+"/"+filepath.Base(file))
		}
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(sources, file))
			if err != nil {
				return "", fmt.Errorf("reading the versions of what is built: %w", err)
			}
			fmt.Fprintf(key, "%s %d\n%s", file, len(data), data)
		}
	}
	folder := filepath.Join(root, fmt.Sprintf("%s-%.6x-%s-%s", s.name, key.Sum(nil), runtime.GOOS, runtime.GOARCH))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("creating the cache: %w", err)
	}
	return folder, nil
}
