// Package compile builds the product's commands as they are released: static, stripped, stamped,
// and byte for byte the same whenever and wherever one Go version builds one commit.
package compile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"reprise.dev/reprise/tools/release/stamp"
)

// Platform is what a binary runs on, in Go's words.
type Platform struct {
	OS, Arch string
}

// String is os/arch.
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Binary names the file of a command on the platform.
func (p Platform) Binary(command string) string {
	if p.OS == "windows" {
		return command + ".exe"
	}
	return command
}

// Command builds cmd/NAME of the repository at root for a platform into the folder dir and returns
// the file's path.
func Command(ctx context.Context, root, name string, p Platform, s stamp.Stamp, dir string) (string, error) {
	binary := filepath.Join(dir, p.Binary(name))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X reprise.dev/reprise/internal/version.stamp="+s.Version, "-o", binary, "./cmd/"+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOOS="+p.OS, "GOARCH="+p.Arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building %s for %s: %w\n%s", name, p, err, out)
	}
	return binary, nil
}
