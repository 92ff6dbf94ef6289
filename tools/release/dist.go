package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"reprise.dev/reprise/tools/release/archive"
	"reprise.dev/reprise/tools/release/chart"
	"reprise.dev/reprise/tools/release/compile"
	"reprise.dev/reprise/tools/release/image"
	"reprise.dev/reprise/tools/release/stamp"
)

// program is a command that is published, and what lies beside it.
type program struct {
	name      string
	platforms []compile.Platform
	beside    []string
}

func programs() []program {
	var desks []compile.Platform
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			desks = append(desks, compile.Platform{OS: system, Arch: arch})
		}
	}
	return []program{
		{"reprise", image.Platforms(), nil},
		// kubectl completes the plugin's arguments by a script of this name on the PATH.
		{"kubectl-reprise", desks, []string{"cmd/kubectl-reprise/kubectl_complete-reprise"}},
	}
}

// makeDist writes every archive, the chart and their sums to the folder.
func makeDist(ctx context.Context, out io.Writer, root, dir string, s stamp.Stamp) error {
	var made []string
	for _, p := range programs() {
		for _, platform := range p.platforms {
			fmt.Fprintf(out, "building %s %s for %s: the first time this takes minutes\n", p.name, s.Version, platform)
			path, err := p.pack(ctx, root, dir, platform, s)
			if err != nil {
				return err
			}
			made = append(made, path)
		}
	}
	packed, err := chart.Package(root, s, dir)
	if err != nil {
		return err
	}
	made = append(made, packed)
	sums := filepath.Join(dir, "reprise-"+s.Version+"-SHA256SUMS")
	if err := archive.Sums(sums, made...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%d files and their sums are in %s\n", len(made), dir)
	return err
}

func (p program) pack(ctx context.Context, root, dir string, platform compile.Platform, s stamp.Stamp) (string, error) {
	work, err := os.MkdirTemp("", "reprise-dist-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	binary, err := compile.Command(ctx, root, p.name, platform, s, work)
	if err != nil {
		return "", err
	}
	files := []string{binary, filepath.Join(root, "LICENSE")}
	ending := ".tar.gz"
	if platform.OS == "windows" {
		ending = ".zip"
	}
	for _, name := range p.beside {
		files = append(files, filepath.Join(root, name))
	}
	path := filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%s%s", p.name, s.Version, platform.OS, platform.Arch, ending))
	return path, archive.Write(path, s.Time, files...)
}
