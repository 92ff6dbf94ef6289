package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reprise.dev/reprise/diff"
)

func oneFile(path string, content diff.Content) diff.Revision {
	return diff.Revision{Files: diff.Files{{Container: "main", Path: path}: content}}
}

func text(data string) diff.Content { return diff.Content{Data: []byte(data)} }

func TestRevisions_FilesAreComparedByLines(t *testing.T) {
	tests := map[string]struct {
		reason   string
		path     string
		old, new diff.Content
		short    string
		hunks    string
	}{
		"OneLine": {
			reason: "a single line that changed is shown",
			old:    text("a\nport = 80\nb\n"), new: text("a\nport = 81\nb\n"),
			short: "changed (port = 80 → port = 81)",
			hunks: "@@ -1,3 +1,3 @@\n a\n-port = 80\n+port = 81\n b\n",
		},
		"SeveralLines": {
			reason: "several lines are counted",
			old:    text("a\nb\nc\n"), new: text("a\nB\nC\nd\n"),
			short: "changed (3 added, 2 removed)",
			hunks: "@@ -1,3 +1,4 @@\n a\n-b\n-c\n+B\n+C\n+d\n",
		},
		"Credential": {
			reason: "a credential that changed is a changed line that shows none",
			old:    text("user: me\npassword: hunter2 and more\n"), new: text("user: me\npassword: correct horse\n"),
			short: "changed (1 added, 1 removed)",
			hunks: "@@ -1,2 +1,2 @@\n user: me\n-password: ***\n+password: ***\n",
		},
		"PrivateKey": {
			reason: "of a private key nothing is shown but where it stands, also where only a part of it changed",
			old:    text("-----BEGIN RSA PRIVATE KEY-----\nMIIa\nMIIb\n-----END RSA PRIVATE KEY-----\n"),
			new:    text("-----BEGIN RSA PRIVATE KEY-----\nMIIa\nMIIc\n-----END RSA PRIVATE KEY-----\n"),
			short:  "changed (1 added, 1 removed)",
			hunks: "@@ -1,4 +1,4 @@\n -----BEGIN RSA PRIVATE KEY-----\n ***\n-***\n+***\n" +
				" -----END RSA PRIVATE KEY-----\n",
		},
		"CredentialFile": {
			reason: "a file that is a credential by its name is not shown",
			path:   "/run/secrets/db-password",
			old:    text("hunter2"), new: text("hunter"),
			short: "changed (7 bytes → 6 bytes)",
		},
		"Binary": {
			reason: "of binary content the sizes are told",
			old:    text("\x00\x01"), new: text("\xff\xfe\xfd"),
			short: "changed (binary, 2 bytes → 3 bytes)",
		},
		"FinalNewline": {
			reason: "a newline at the end is a difference that can be seen",
			old:    text("a"), new: text("a\n"),
			short: `changed (a \ No newline at end of file → a)`,
			hunks: "@@ -1 +1 @@\n-a \\ No newline at end of file\n+a\n",
		},
		"LineEndings": {
			reason: "so are other line endings",
			old:    text("a\n"), new: text("a\r\n"),
			short: `changed (a → a\r)`,
			hunks: "@@ -1 +1 @@\n-a\n+a\\r\n",
		},
		"NotKept": {
			reason: "content that was not kept is compared by its digest",
			old:    diff.Content{Digest: "1", Size: 300000}, new: diff.Content{Digest: "2", Size: 400000},
			short: "changed (300000 bytes → 400000 bytes)",
		},
		"KeptOnce": {
			reason: "content that was kept of one revision only is not compared by lines",
			old:    diff.Content{Digest: "1", Size: 300000}, new: diff.Content{Data: []byte("a"), Digest: "2"},
			short: "changed (300000 bytes → 1 byte)",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := tt.path
			if path == "" {
				path = "/etc/app.conf"
			}
			changes := compare(t, oneFile(path, tt.old), oneFile(path, tt.new))
			if d := cmp.Diff("containers.main.files."+path+" "+tt.short, changes.Short(1024)); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
			if d := cmp.Diff(tt.hunks, changes[0].File.Hunks); d != "" {
				t.Errorf("%s: (-want +got)\n%s", tt.reason, d)
			}
			if same := compare(t, oneFile(path, tt.old), oneFile(path, tt.old)); len(same) > 0 {
				t.Errorf("equal content is no change, got %s", same.Short(1024))
			}
		})
	}
}

func TestRevisions_FilesAddedAndRemoved(t *testing.T) {
	old := diff.Revision{Files: diff.Files{{Container: "a", Path: "/gone"}: text("x\n")}}
	new := diff.Revision{Files: diff.Files{{Container: "a", Path: "/come"}: {Data: []byte{}}, {Container: "b", Path: "/bin"}: text("\x00")}}
	want := "containers.a.files./come added (0 bytes), containers.a.files./gone removed, containers.b.files./bin added (binary, 1 byte)"
	if got := compare(t, old, new).Short(1024); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRevisions_LineDiffIsBounded(t *testing.T) {
	lines := func(n int, word string) string {
		var out strings.Builder
		for i := range n {
			fmt.Fprintf(&out, "%s %d %s\n", word, i, strings.Repeat("x", 500))
		}
		return out.String()
	}
	changes := compare(t, oneFile("/f", text(lines(1000, "a"))), oneFile("/f", text(lines(900, "b"))))
	file := changes[0].File
	if file.LinesAdded != 900 || file.LinesRemoved != 1000 {
		t.Errorf("every line counts, got %d added, %d removed", file.LinesAdded, file.LinesRemoved)
	}
	if n := strings.Count(file.Hunks, "\n"); n != 201 || len(file.Hunks) > 201*300 {
		t.Errorf("got %d lines, %d bytes", n, len(file.Hunks))
	}
	if !strings.HasSuffix(file.Hunks, "\n… 1701 more lines\n") {
		t.Errorf("the rest is not told: %q", file.Hunks[len(file.Hunks)-40:])
	}
	changes = compare(t, oneFile("/f", text(lines(6000, "a"))), oneFile("/f", text("b")))
	if file := changes[0].File; file.Hunks != "" || file.OldBytes < 6000*500 {
		t.Errorf("a file of 6000 lines is told by its size, got %+v", file)
	}
}
