package archive_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"reprise.dev/reprise/tools/release/archive"
)

func TestTheSameContentIsTheSameArchiveAndItsSumHolds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)
	for _, ending := range []string{".tar.gz", ".zip"} {
		dir := t.TempDir()
		binary, text := filepath.Join(dir, "tool"), filepath.Join(dir, "LICENSE")
		var archives [2][]byte
		for i := range archives {
			for path, mode := range map[string]os.FileMode{binary: 0o755, text: 0o600} {
				os.Remove(path) // The file is another one, of another time.
				if err := os.WriteFile(path, []byte("of "+filepath.Base(path)), mode); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(path, time.Time{}, at.Add(time.Duration(i)*time.Hour)); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, "tool-1.2.3"+ending)
			if err := archive.Write(path, at, binary, text); err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			archives[i] = content
		}
		if !bytes.Equal(archives[0], archives[1]) {
			t.Errorf("%s: two archives of the same differ", ending)
		}
		sums := filepath.Join(dir, "SHA256SUMS")
		if err := archive.Sums(sums, filepath.Join(dir, "tool-1.2.3"+ending), binary); err != nil {
			t.Fatal(err)
		}
		check := exec.Command("sha256sum", "-c", "--strict", "SHA256SUMS")
		check.Dir = dir
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", ending, err, out)
		}
	}
}
