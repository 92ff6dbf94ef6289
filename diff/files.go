package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"reprise.dev/reprise/internal/mask"
)

// File names one of Score's files by where a container sees it.
type File struct {
	// Container is the container's name.
	Container string
	// Path is the file's absolute path in the container.
	Path string
}

// Content is what a file holds.
type Content struct {
	Data []byte
	// Digest identifies the content where Data was not kept, for its size. Without it, Data counts.
	Digest string
	// Size is the content's in bytes, where Data was not kept.
	Size int
	// ConfigMap is the name of the one that holds the file, under the key file; for people to read.
	ConfigMap string
}

// Files are those of one revision.
type Files map[File]Content

// FileChange is how a file's content changed.
type FileChange struct {
	// OldBytes and NewBytes are sizes; 0 where there is no file.
	OldBytes int `json:"oldBytes"`
	NewBytes int `json:"newBytes"`
	// Binary says that one of them is no text: it is not compared by lines.
	Binary bool `json:"binary,omitempty"`
	// LinesAdded and LinesRemoved count lines, also where Hunks shows only some of them.
	LinesAdded   int `json:"linesAdded,omitempty"`
	LinesRemoved int `json:"linesRemoved,omitempty"`
	// Hunks is the difference in the unified format, without the names' header, at most 200 lines,
	// with credentials masked. Empty where the content cannot be shown: it is binary, was not kept,
	// has more than 5,000 lines, or is a credential by its name.
	Hunks string `json:"hunks,omitempty"`
}

// compareFiles compares the files of two revisions.
func compareFiles(old, new Files) Changes {
	all := maps.Clone(old)
	if all == nil {
		all = Files{}
	}
	maps.Copy(all, new)
	byName := func(a, b File) int { return cmp.Or(cmp.Compare(a.Container, b.Container), cmp.Compare(a.Path, b.Path)) }
	var changes Changes
	for _, file := range slices.SortedFunc(maps.Keys(all), byName) {
		before, inOld := old[file]
		after, inNew := new[file]
		if inOld && inNew && before.equal(after) {
			continue
		}
		change := Change{
			Field: fmt.Sprintf("containers.%s.files.%s", file.Container, file.Path),
			Kind:  Modified,
			File:  fileChange(file.Path, before, after),
		}
		change.Path = change.Field
		if name := all[file].ConfigMap; name != "" {
			change.Path = "ConfigMap/" + name + ".file"
		}
		switch {
		case !inOld:
			change.Kind = Added
		case !inNew:
			change.Kind = Removed
		}
		changes = append(changes, change)
	}
	return changes
}

func (c Content) equal(other Content) bool {
	if c.Digest != "" && c.Digest == other.Digest {
		return true
	}
	return c.kept() && other.kept() && bytes.Equal(c.Data, other.Data)
}

// kept reports whether the content is at hand, and not only its digest.
func (c Content) kept() bool { return c.Data != nil || c.Digest == "" }

func (c Content) size() int {
	if c.kept() {
		return len(c.Data)
	}
	return c.Size
}

func fileChange(name string, old, new Content) *FileChange {
	change := &FileChange{OldBytes: old.size(), NewBytes: new.size(), Binary: binary(old.Data) || binary(new.Data)}
	if !change.Binary && old.kept() && new.kept() && !credentialFile(name) {
		lines := compareLines(string(old.Data), string(new.Data))
		change.LinesAdded, change.LinesRemoved, change.Hunks = lines.added, lines.removed, lines.hunks
	}
	return change
}

// binary reports that a content is no text that could be shown.
func binary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) }

// credentialFile reports that a whole file is a credential: /run/secrets/password, tls.key, id_rsa.
func credentialFile(name string) bool {
	base := path.Base(name)
	extension := path.Ext(base)
	switch {
	case extension == ".key", extension == ".p12", extension == ".jks", base == ".netrc", base == ".pgpass":
		return true
	case strings.HasPrefix(base, "id_") && extension != ".pub":
		return true
	default:
		return mask.Named(strings.TrimSuffix(base, ".txt")) && (extension == "" || extension == ".txt")
	}
}

// brief returns of a changed file what fits into a few words, behind its name.
func (f *FileChange) brief(kind Kind) string {
	sort := ""
	if f.Binary {
		sort = "binary, "
	}
	switch {
	case kind == Added:
		return fmt.Sprintf(" (%s%s)", sort, byteCount(f.NewBytes))
	case kind == Removed:
		return ""
	case f.LinesAdded+f.LinesRemoved == 0:
		return fmt.Sprintf(" (%s%s → %s)", sort, byteCount(f.OldBytes), byteCount(f.NewBytes))
	}
	if old, new, ok := f.onlyLine(); ok {
		old, new = briefPair(old, new)
		return fmt.Sprintf(" (%s → %s)", old, new)
	}
	return fmt.Sprintf(" (%d added, %d removed)", f.LinesAdded, f.LinesRemoved)
}

// onlyLine returns the one line that changed, where it is one and can be told from the one before.
func (f *FileChange) onlyLine() (old, new string, ok bool) {
	if f.LinesAdded != 1 || f.LinesRemoved != 1 {
		return "", "", false
	}
	for _, line := range splitLines(f.Hunks) {
		switch line[0] {
		case '-':
			old = escapedLine(line[1:])
		case '+':
			new = escapedLine(line[1:])
		}
	}
	return old, new, old != new
}

func byteCount(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
