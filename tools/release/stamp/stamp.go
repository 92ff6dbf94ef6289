// Package stamp says what is released: the version, the commit and its time, as git knows them.
package stamp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Stamp names what is built. Everything that is released bears it, and no other time or version.
type Stamp struct {
	// Version is a semantic version without a v. It fits the tag of an image: no + in it.
	Version string
	// Commit is the full hash.
	Commit string
	// Time is that of the commit, in UTC: what is built from one commit is the same whenever it is
	// built.
	Time time.Time
}

// Of reads the stamp of the repository at root. A commit that bears a tag v1.2.3 is that version;
// another is a pre-release of the version in the chart, numbered by its commits:
// 1.2.3-dev.45.gabcdef123456, and .dirty where the working tree differs from the commit.
func Of(ctx context.Context, root string) (Stamp, error) {
	commit, err := git(ctx, root, "log", "-1", "--format=%H %ct")
	if err != nil {
		return Stamp{}, err
	}
	hash, seconds, _ := strings.Cut(commit, " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return Stamp{}, fmt.Errorf("reading the time of commit %s: %w", hash, err)
	}
	changes, err := git(ctx, root, "status", "--porcelain", "--untracked-files=no")
	if err != nil {
		return Stamp{}, err
	}
	tag, err := git(ctx, root, "tag", "--points-at", "HEAD", "--list", "v[0-9]*")
	if err != nil {
		return Stamp{}, err
	}
	s := Stamp{Commit: hash, Time: time.Unix(at, 0).UTC()}
	if s.Version = strings.TrimPrefix(tag, "v"); s.Version == "" || changes != "" {
		if s.Version, err = development(ctx, root, hash, changes != ""); err != nil {
			return Stamp{}, err
		}
	}
	if !semantic.MatchString(s.Version) {
		return Stamp{}, fmt.Errorf("version %q is no semantic version that fits an image's tag: is the commit tagged once, as v1.2.3?", s.Version)
	}
	return s, nil
}

var (
	semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	ofChart  = regexp.MustCompile(`(?m)^version: *"?([^"\s]+)"?$`)
)

func development(ctx context.Context, root, hash string, dirty bool) (string, error) {
	chart, err := os.ReadFile(filepath.Join(root, "charts", "reprise", "Chart.yaml"))
	if err != nil {
		return "", fmt.Errorf("reading the version that comes next: %w", err)
	}
	next := ofChart.FindSubmatch(chart)
	if next == nil {
		return "", errors.New("reading the version that comes next: Chart.yaml states none")
	}
	count, err := git(ctx, root, "rev-list", "--count", "HEAD")
	if err != nil {
		return "", err
	}
	version := fmt.Sprintf("%s-dev.%s.g%.12s", next[1], count, hash)
	if dirty {
		version += ".dirty"
	}
	return version, nil
}

func git(ctx context.Context, root string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = root
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("asking git for %s: %w: %s", args[0], err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
