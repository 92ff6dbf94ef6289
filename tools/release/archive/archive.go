// Package archive packs binaries as people of each platform expect them, and sums what is
// published.
package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Write packs files into a zip or a gzipped tar file, whichever the path ends in. They lie in it
// under their base names; all are of one time, so that the same content is the same archive.
func Write(path string, at time.Time, files ...string) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	write := tarTo
	if strings.HasSuffix(path, ".zip") {
		write = zipTo
	}
	if err := write(out, at, files); err != nil {
		return fmt.Errorf("packing %s: %w", filepath.Base(path), err)
	}
	return out.Close()
}

func tarTo(out io.Writer, at time.Time, files []string) error {
	zipped := gzip.NewWriter(out)
	w := tar.NewWriter(zipped)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: info.Name(), Mode: int64(mode(info)), Size: info.Size(), ModTime: at}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if err := copyFrom(w, name); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func zipTo(out io.Writer, at time.Time, files []string) error {
	w := zip.NewWriter(out)
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		header := &zip.FileHeader{Name: info.Name(), Method: zip.Deflate, Modified: at}
		header.SetMode(mode(info))
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if err := copyFrom(entry, name); err != nil {
			return err
		}
	}
	return w.Close()
}

// mode is that of a program or of a text, whatever else the machine's umask made of it.
func mode(info fs.FileInfo) fs.FileMode {
	if info.Mode()&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

func copyFrom(w io.Writer, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// Sums writes the SHA-256 sums of files, a line each as sha256sum -c reads them.
func Sums(path string, files ...string) error {
	var lines strings.Builder
	for _, name := range files {
		sum := sha256.New()
		if err := copyFrom(sum, name); err != nil {
			return fmt.Errorf("summing %s: %w", name, err)
		}
		fmt.Fprintf(&lines, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), filepath.Base(name))
	}
	return os.WriteFile(path, []byte(lines.String()), 0o644)
}
