package cluster

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Older returns a folder that holds the API server, the controllers and the scheduler of an older
// minor of Kubernetes, such as 1.36, and builds them into the cache where they are missing. A test
// that is started with KUBEBUILDER_ASSETS naming the folder runs on them. The minors are the
// folders binaries/kubernetes-MINOR; docs/versions.md says what ran.
func Older(ctx context.Context, progress io.Writer, minor string) (folder string, err error) {
	module := "kubernetes-" + minor
	sources, err := sourceFolder("binaries")
	if err != nil {
		return "", err
	}
	source := filepath.Join(sources, module)
	if _, err := os.Stat(source); err != nil || strings.ContainsAny(minor, "/\\") {
		return "", fmt.Errorf("no module builds Kubernetes %s: expected a folder %s", minor, source)
	}
	s := shelf{name: module, modules: []string{module}}
	for _, name := range []string{APIServer, ControllerManager, Scheduler} {
		s.commands = append(s.commands, command{name, module, "k8s.io/kubernetes/cmd/" + name})
	}
	cache, err := s.cacheFolder(sources)
	if err != nil {
		return "", err
	}
	return cache, s.fill(ctx, progress, sources, cache, s.commands, map[string]string{})
}
