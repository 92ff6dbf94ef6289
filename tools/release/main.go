// Command release makes what is published of a commit, without a container engine: the image, and
// the binaries and the chart with their checksums.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"reprise.dev/reprise/tools/release/image"
	"reprise.dev/reprise/tools/release/stamp"
)

func main() { os.Exit(release()) }

// release returns the code to exit with.
func release() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		return 1
	}
	return 0
}

const usage = `usage: release [-root DIR] [-out DIR] [-push REGISTRY/NAME] image|dist|version`

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	root := flags.String("root", ".", "the repository")
	dir := flags.String("out", "dist", "the folder to write to")
	push := flags.String("push", "", "where an image is pushed to, without its tag; nowhere where it is empty")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w\n%s", err, usage)
	}
	s, err := stamp.Of(ctx, *root)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		return err
	}
	switch flags.Arg(0) {
	case "version":
		_, err = fmt.Fprintln(out, s.Version)
		return err
	case "image":
		return makeImage(ctx, out, *root, *dir, *push, s)
	case "dist":
		return makeDist(ctx, out, *root, *dir, s)
	default:
		return fmt.Errorf("%q is nothing to release\n%s", flags.Arg(0), usage)
	}
}

// makeImage writes the image to the folder, and pushes it where it is asked to.
func makeImage(ctx context.Context, out io.Writer, root, dir, push string, s stamp.Stamp) error {
	index, err := image.Build(ctx, out, root, s, image.Platforms()...)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return fmt.Errorf("reading the image's digest: %w", err)
	}
	reference := "reprise.dev/reprise:" + s.Version
	if push != "" {
		reference = push + ":" + s.Version
	}
	path := filepath.Join(dir, "reprise-"+s.Version+"-image.tar")
	if err := image.Archive(index, reference, s.Time, path); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is in %s\n", digest, path)
	if push == "" {
		return nil
	}
	if err := image.Push(ctx, index, reference); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "pushed %s@%s\n", reference, digest)
	return err
}
