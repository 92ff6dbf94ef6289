package dockerfile_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"reprise.dev/reprise/tools/release/image"
	"reprise.dev/reprise/tools/release/stamp"
)

var stamped = stamp.Stamp{Version: "1.2.3", Commit: "0123456789abcdef", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}

func TestTheDockerfileHasNoWarningOfDockerBuildCheck(t *testing.T) {
	results, err := dockerfile2llb.DockerfileLint(t.Context(), dockerfile(t), options())
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		t.Errorf("it does not build: %s", results.Error.Message)
	}
	for _, w := range results.Warnings {
		t.Errorf("line %d: %s (%s, %s)", w.Location.Ranges[0].Start.Line, w.Detail, w.RuleName, w.URL)
	}
}

func TestTheCheckSeesAMistake(t *testing.T) {
	results, err := dockerfile2llb.DockerfileLint(t.Context(), []byte("FROM scratch as a\nENTRYPOINT /reprise\n"), options())
	if err != nil {
		t.Fatal(err)
	}
	if len(results.Warnings) < 2 {
		t.Errorf("got %v, want warnings of the casing and of the form of the entrypoint", results.Warnings)
	}
}

func TestTheDockerfileSaysWhatTheReleasedImageSays(t *testing.T) {
	result, err := dockerfile2llb.Dockerfile2LLB(t.Context(), dockerfile(t), options())
	if err != nil {
		t.Fatal(err)
	}
	built, want := result.Image, image.Config(stamped)
	if d := cmp.Diff(want.Labels, built.Config.Labels); d != "" {
		t.Errorf("labels (-image +Dockerfile)\n%s", d)
	}
	if built.Config.User != want.User || !cmp.Equal(built.Config.Entrypoint, want.Entrypoint) {
		t.Errorf("the Dockerfile runs %v as %s, the image %v as %s", built.Config.Entrypoint, built.Config.User, want.Entrypoint, want.User)
	}
}

func dockerfile(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// options are those of a build of the stamped version, which asks no registry for the base of the
// stage that compiles.
func options() dockerfile2llb.ConvertOpt {
	return dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildArgs: map[string]string{
				"VERSION": stamped.Version, "REVISION": stamped.Commit, "CREATED": stamped.Time.Format(time.RFC3339),
			},
		},
		TargetPlatform: &ocispecs.Platform{OS: "linux", Architecture: "arm64"},
		MetaResolver:   offline{},
		SourceMap:      source(),
	}
}

// source is where warnings point to.
func source() *llb.SourceMap {
	m := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", nil)
	m.Definition = &llb.Definition{}
	return m
}

// offline knows no image: a base has no settings of its own.
type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, "", []byte("{}"), nil
}
