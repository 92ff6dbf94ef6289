package stamp_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"reprise.dev/reprise/tools/release/stamp"
)

func TestTheVersionFollowsFromTheTagOrFromWhatComesNext(t *testing.T) {
	root := t.TempDir()
	chart := filepath.Join(root, "charts", "reprise", "Chart.yaml")
	if err := os.MkdirAll(filepath.Dir(chart), 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(chart, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("name: reprise\nversion: 0.4.0\n")
	git(t, root, "init", "-q")
	git(t, root, "add", ".")
	git(t, root, "commit", "-qm", "first")

	is := func(reason, pattern string) {
		t.Helper()
		s, err := stamp.Of(t.Context(), root)
		if err != nil {
			t.Fatalf("%s: %v", reason, err)
		}
		if !regexp.MustCompile(pattern).MatchString(s.Version) || len(s.Commit) != 40 || s.Time.IsZero() {
			t.Errorf("%s: got %+v, want a version like %s", reason, s, pattern)
		}
	}
	is("no tag", `^0\.4\.0-dev\.1\.g[0-9a-f]{12}$`)
	git(t, root, "tag", "v0.4.0")
	is("a tag", `^0\.4\.0$`)
	write("name: reprise\nversion: 0.4.1\n")
	is("a tag, but the working tree differs", `^0\.4\.1-dev\.1\.g[0-9a-f]{12}\.dirty$`)
	git(t, root, "checkout", "-q", ".")
	git(t, root, "tag", "v0.4.1")
	if _, err := stamp.Of(t.Context(), root); err == nil || !strings.Contains(err.Error(), "is the commit tagged once") {
		t.Errorf("two tags: got %v", err)
	}
}

func git(t *testing.T, root string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}
