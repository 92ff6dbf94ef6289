package node

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"reprise.dev/reprise/test/harness/cluster"
)

// pauseImage is what holds a pod's namespaces: the sample application, told to do nothing.
const pauseImage = "registry.k8s.io/pause:0"

// SampleImages are the names under which the sample application is pushed. It answers to the
// commands of the fixtures, since it is their shell, too. podinfo is what Score's tutorial deploys.
var SampleImages = []string{
	"registry.example.com/app:1", "registry.example.com/app:2",
	"ghcr.io/stefanprodan/podinfo:6.7.0", "ghcr.io/stefanprodan/podinfo:6.7.1", "ghcr.io/stefanprodan/podinfo:latest",
	"registry.example.com/placeholder:1.0.0", "busybox:latest", "busybox:1.36",
}

// NewImage makes an image of executables on nothing: files are their paths on this machine by their
// paths in the image.
func NewImage(files map[string]string, config v1.Config) (v1.Image, error) {
	content := map[string][]byte{}
	for path, source := range files {
		data, err := os.ReadFile(source)
		if err != nil {
			return nil, fmt.Errorf("making an image: %w", err)
		}
		content[path] = data
	}
	var archive bytes.Buffer
	if err := pack(&archive, content); err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("making an image: %w", err)
	}
	file = file.DeepCopy()
	file.Config, file.OS, file.Architecture = config, "linux", runtime.GOARCH
	return mutate.ConfigFile(image, file)
}

func pack(w io.Writer, content map[string][]byte) error {
	archive := tar.NewWriter(w)
	for _, path := range slices.Sorted(maps.Keys(content)) {
		header := &tar.Header{Name: path, Mode: 0o755, Size: int64(len(content[path])), Typeflag: tar.TypeReg}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(content[path]); err != nil {
			return err
		}
	}
	return archive.Close()
}

// sampleFile is where the sample application's binary is in the node's folder.
func sampleFile(folder string) string { return filepath.Join(folder, "sample") }

func buildSample(ctx context.Context, folder string) error {
	root, err := cluster.RepositoryRoot()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w", "-o", sampleFile(folder),
		"./harness/node/sample")
	cmd.Dir = filepath.Join(root, "test")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the sample application: %w\n%s", err, out)
	}
	return nil
}

// Sample is an image of the sample application, told to do what the flags say unless a pod has its
// own.
func (n *Node) Sample(flags ...string) (v1.Image, error) {
	binary := sampleFile(n.folder)
	return NewImage(map[string]string{"app": binary, "bin/sh": binary}, v1.Config{
		Entrypoint: append([]string{"/app"}, flags...), Env: []string{"PATH=/bin"}, WorkingDir: "/",
	})
}

func (n *Node) pushSamples(ctx context.Context) error {
	pause, err := n.Sample("--pause")
	if err != nil {
		return err
	}
	if err := n.Registry.Push(ctx, pauseImage, pause); err != nil {
		return err
	}
	sample, err := n.Sample()
	if err != nil {
		return err
	}
	for _, name := range SampleImages {
		if err := n.Registry.Push(ctx, name, sample); err != nil {
			return err
		}
	}
	return nil
}
