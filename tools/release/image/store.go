package image

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push writes the index with all that it names to a registry, under a reference such as
// registry.example.com/reprise:0.1.0. It logs in as `docker login` has left it; a registry on
// localhost may speak plain HTTP.
func Push(ctx context.Context, index v1.ImageIndex, reference string) error {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return fmt.Errorf("reading where to push to: %w", err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("pushing to %s: %w", ref, err)
	}
	return nil
}

// Archive writes an OCI layout that holds the index to one tar file, which containerd, podman,
// skopeo and docker load. It appears as a whole or not at all.
func Archive(index v1.ImageIndex, reference string, at time.Time, path string) error {
	dir, err := os.MkdirTemp(filepath.Dir(path), ".image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store, err := layout.Write(filepath.Join(dir, "layout"), empty.Index)
	if err != nil {
		return fmt.Errorf("writing the image's layout: %w", err)
	}
	err = store.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": reference,
		"io.containerd.image.name":          reference,
	}))
	if err != nil {
		return fmt.Errorf("writing the image's layout: %w", err)
	}
	unfinished := filepath.Join(dir, "image.tar")
	if err := pack(filepath.Join(dir, "layout"), at, unfinished); err != nil {
		return fmt.Errorf("packing the image: %w", err)
	}
	return os.Rename(unfinished, path)
}

// pack writes a folder's files to a tar file in the order of their names, all of one time.
func pack(dir string, at time.Time, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := tar.NewWriter(file)
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return add(w, dir, name, at)
	})
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return file.Close()
}

func add(w *tar.Writer, dir, name string, at time.Time) error {
	from, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size(), ModTime: at}); err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return err
}
