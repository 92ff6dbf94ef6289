package install

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/tools/release/image"
	"reprise.dev/reprise/tools/release/stamp"
)

// largest is what the image may take on a node, in bytes.
const largest = 60_000_000

func TestTheImageIsPulledForEachPlatformAndRuns(t *testing.T) {
	root, s := commit(t)
	index := build(t, root, s)
	served := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(served.Close)
	reference := strings.TrimPrefix(served.URL, "http://") + "/reprise:" + s.Version
	if err := image.Push(t.Context(), index, reference); err != nil {
		t.Fatal(err)
	}
	for _, p := range image.Platforms() {
		t.Run(p.String(), func(t *testing.T) {
			pulled := pull(t, reference, v1.Platform{OS: p.OS, Architecture: p.Arch})
			file, err := pulled.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			if file.OS != p.OS || file.Architecture != p.Arch || !file.Created.Equal(s.Time) {
				t.Errorf("it is for %s/%s of %s, want %s of %s", file.OS, file.Architecture, file.Created, p, s.Time)
			}
			if file.Config.User != "65532:65532" || len(file.Config.Entrypoint) != 1 || file.Config.Entrypoint[0] != "/reprise" {
				t.Errorf("it runs %v as %q, want /reprise as 65532:65532", file.Config.Entrypoint, file.Config.User)
			}
			for label, want := range map[string]string{"version": s.Version, "revision": s.Commit, "licenses": "Apache-2.0"} {
				if got := file.Config.Labels["org.opencontainers.image."+label]; got != want {
					t.Errorf("label %s is %q, want %q", label, got, want)
				}
			}
			binary := onlyFile(t, pulled)
			if len(binary) > largest {
				t.Errorf("it takes %d bytes, want at most %d", len(binary), largest)
			}
			t.Logf("%d bytes", len(binary))
			if p.Arch == runtime.GOARCH && p.OS == runtime.GOOS {
				runs(t, binary, "reprise "+s.Version+"\n")
			}
		})
	}
}

func TestOneCommitIsOneDigestAndTheArchiveHoldsIt(t *testing.T) {
	root, s := commit(t)
	first, second := build(t, root, s), build(t, root, s)
	want, err := first.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Digest(); err != nil || got != want {
		t.Errorf("built again it is %s (%v), was %s", got, err, want)
	}
	var archives [][]byte
	for _, index := range []v1.ImageIndex{first, second} {
		path := filepath.Join(t.TempDir(), "image.tar")
		if err := image.Archive(index, "reprise.dev/reprise:"+s.Version, s.Time, path); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, content)
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives of one image differ")
	}
	names := map[string]bool{}
	for r := tar.NewReader(bytes.NewReader(archives[0])); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names[header.Name] = true
	}
	missing := map[string]bool{}
	for _, file := range []string{"oci-layout", "index.json", "blobs/sha256/" + want.Hex} {
		if !names[file] {
			missing[file] = true
		}
	}
	if d := cmp.Diff(map[string]bool{}, missing); d != "" {
		t.Errorf("the archive lacks files (-want +got)\n%s", d)
	}
}

func commit(t *testing.T) (string, stamp.Stamp) {
	t.Helper()
	root, err := cluster.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	s, err := stamp.Of(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	return root, s
}

func build(t *testing.T, root string, s stamp.Stamp) v1.ImageIndex {
	t.Helper()
	index, err := image.Build(t.Context(), os.Stderr, root, s, image.Platforms()...)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func pull(t *testing.T, reference string, p v1.Platform) v1.Image {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref, remote.WithPlatform(p), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return pulled
}

// onlyFile is the content of the one file that an image holds.
func onlyFile(t *testing.T, pulled v1.Image) []byte {
	t.Helper()
	content := mutate.Extract(pulled)
	defer content.Close()
	r := tar.NewReader(content)
	header, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if header.Name != "reprise" || header.Mode != 0o755 || header.Uid != 0 {
		t.Errorf("it holds %s of mode %o and user %d, want reprise of mode 755 and user 0", header.Name, header.Mode, header.Uid)
	}
	binary, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if further, err := r.Next(); err != io.EOF {
		t.Errorf("it holds more than the binary: %v (%v)", further, err)
	}
	return binary
}

func runs(t *testing.T, binary []byte, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "reprise")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), path, "--version").CombinedOutput()
	if err != nil || string(out) != want {
		t.Errorf("--version says %q (%v), want %q", out, err, want)
	}
}
