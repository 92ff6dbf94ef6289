package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"reprise.dev/reprise/test/harness/cluster/installed"
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

// shelf is a folder of the cache. It is keyed by the versions of the modules whose commands it
// holds.
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

// Binaries returns the path of each named command, or of the whole control plane when no name is
// given. What KUBEBUILDER_ASSETS or the cache holds is used, then what this machine has elsewhere
// of the same minor version (installed.Places). The rest is built from its Go module into the
// cache, which takes minutes the first time. progress is told what is used of others and how far a
// build is. The cache is $REPRISE_CACHE, else "reprise" in the user's cache folder; it is keyed by
// the modules' versions and the platform. Concurrent processes wait for one another instead of
// building twice.
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
	if len(s.commands) == 0 {
		return nil
	}
	sources, err := sourceFolder("binaries")
	if err != nil {
		return err
	}
	missing := s.commands
	if assets := os.Getenv("KUBEBUILDER_ASSETS"); assets != "" {
		if _, err := os.Stat(assets); err != nil {
			return fmt.Errorf("using KUBEBUILDER_ASSETS: %w", err)
		}
		missing = provided(assets, s.commands, paths)
		given, err := wanted(sources, slices.DeleteFunc(slices.Clone(s.commands), func(c command) bool { return paths[c.name] == "" }))
		if err != nil {
			return err
		}
		tell(progress, "Using KUBEBUILDER_ASSETS="+assets+": ", installed.Describe(ctx, given, assets))
	}
	cache, err := s.cacheFolder(sources)
	if err != nil {
		return err
	}
	if missing = provided(cache, missing, paths); len(missing) == 0 {
		return nil
	}
	looked, err := wanted(sources, missing)
	if err != nil {
		return err
	}
	found, used, unfit := installed.Find(ctx, looked, installed.Places())
	maps.Copy(paths, found)
	tell(progress, "Using what is installed: ", used)
	missing = slices.DeleteFunc(slices.Clone(missing), func(c command) bool { return found[c.name] != "" })
	if len(missing) == 0 {
		return nil
	}
	tell(progress, "Not using what is installed: ", unfit)
	return s.fill(ctx, progress, sources, cache, missing, paths)
}

// wanted returns the commands with the versions that a build would have.
func wanted(sources string, commands []command) ([]installed.Command, error) {
	var all []installed.Command
	for _, c := range commands {
		version, err := c.version(sources)
		if err != nil {
			return nil, err
		}
		all = append(all, installed.Command{Name: c.name, Version: version})
	}
	return all, nil
}

// told holds the lines that tell has said.
var told sync.Map

// tell says in one line what the items are, if there are any, and once in the life of the program:
// the tests ask for the same commands again and again.
func tell(progress io.Writer, text string, items []string) {
	if len(items) == 0 {
		return
	}
	line := text + strings.Join(items, ", ") + "."
	if _, said := told.LoadOrStore(line, true); !said {
		fmt.Fprintln(progress, line)
	}
}

// fill builds into the cache those of the missing commands that it does not hold, and adds them to
// paths.
func (s shelf) fill(ctx context.Context, progress io.Writer, sources, cache string, missing []command, paths map[string]string) error {
	if missing = provided(cache, missing, paths); len(missing) == 0 {
		return nil
	}
	unlock, err := lock(ctx, progress, filepath.Join(cache, ".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	// Another process may have built them while this one waited.
	missing = provided(cache, missing, paths)
	if err := buildAll(ctx, progress, sources, cache, missing); err != nil {
		return err
	}
	provided(cache, missing, paths)
	return nil
}

// provided adds to paths what folder holds and returns the commands that it lacks.
func provided(folder string, wanted []command, paths map[string]string) (missing []command) {
	for _, c := range wanted {
		path := filepath.Join(folder, c.name)
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
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

// cacheFolder creates and returns the shelf's folder for what is built from the module files in
// sources.
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
