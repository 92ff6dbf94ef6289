// Package image makes the product's image without a container engine: the static binary on an empty
// base, with what the Dockerfile says of user, entrypoint and labels, for every platform, under one
// index.
package image

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"reprise.dev/reprise/tools/release/compile"
	"reprise.dev/reprise/tools/release/stamp"
)

// binary is the only file of the image, and what it runs.
const binary = "/reprise"

// Platforms returns those of a release.
func Platforms() []compile.Platform {
	return []compile.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
}

// Build compiles the product of the repository at root for the platforms and returns the index of
// its images. The same commit gives the same digest. progress is told what is built, since the
// first time takes minutes.
func Build(ctx context.Context, progress io.Writer, root string, s stamp.Stamp, platforms ...compile.Platform) (v1.ImageIndex, error) {
	dir, err := os.MkdirTemp("", "reprise-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		start := time.Now()
		fmt.Fprintf(progress, "building reprise %s for %s: the first time this takes minutes\n", s.Version, p)
		path, err := compile.Command(ctx, root, "reprise", p, s, dir)
		if err != nil {
			return nil, err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading what was built: %w", err)
		}
		one, err := of(content, p, s)
		if err != nil {
			return nil, fmt.Errorf("making the image for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: one, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.OS, Architecture: p.Arch}},
		})
		fmt.Fprintf(progress, "built it in %s, %d MB\n", time.Since(start).Round(time.Second), len(content)>>20)
	}
	annotated, ok := mutate.Annotations(index, labels(s)).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("annotating the index: it became a %T", annotated)
	}
	return annotated, nil
}

// of returns the image of one binary.
func of(content []byte, p compile.Platform, s stamp.Stamp) (v1.Image, error) {
	layer, err := layerOf(content, s.Time)
	if err != nil {
		return nil, err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: v1.History{
		Created: v1.Time{Time: s.Time}, CreatedBy: "go build ./cmd/reprise", Comment: "the static binary",
	}})
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = p.OS, p.Arch, v1.Time{Time: s.Time}
	file.Config = Config(s)
	return mutate.ConfigFile(image, file)
}

// Config returns what the image says of how it runs and what it is, as the Dockerfile does.
func Config(s stamp.Stamp) v1.Config {
	return v1.Config{User: "65532:65532", Entrypoint: []string{binary}, Labels: labels(s)}
}

// labels returns those of the Dockerfile.
func labels(s stamp.Stamp) map[string]string {
	const prefix = "org.opencontainers.image."
	return map[string]string{
		prefix + "title":       "reprise",
		prefix + "description": "Keeps bad Score deployments out of a cluster and puts the last good one back",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     s.Version,
		prefix + "revision":    s.Commit,
		prefix + "created":     s.Time.Format(time.RFC3339),
	}
}

// layerOf holds the binary, owned by root, so that the process cannot write to itself.
func layerOf(content []byte, at time.Time) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(binary, "/"), Mode: 0o755, Size: int64(len(content)), ModTime: at}
	if err := w.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}
