package installed

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// script writes a command into folder that prints text and exits with code.
func script(t *testing.T, folder, name, text, code string) string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+text+"'\nexit "+code+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFind(t *testing.T) {
	root := t.TempDir()
	older, newer, broken := filepath.Join(root, "older"), filepath.Join(root, "newer"), filepath.Join(root, "broken")
	script(t, older, "kube-apiserver", "Kubernetes v1.36.3", "0")
	script(t, newer, "kube-apiserver", "Kubernetes v1.37.0", "0")
	script(t, older, "etcd", "etcd Version: 3.7.1", "0")
	script(t, broken, "kube-apiserver", "v1.37.2 is what this would be", "1")
	script(t, newer, "cert-manager", "v1.37.0", "0")
	commands := []Command{{"etcd", "v3.7.0"}, {"kube-apiserver", "v1.37.2"}, {"kubectl", "v1.37.2"}, {"cert-manager", ""}}
	link := filepath.Join(root, "link")
	if err := os.Symlink(older, link); err != nil {
		t.Fatal(err)
	}
	paths, used, unfit := Find(t.Context(), commands, []string{"", broken, older, link, newer, filepath.Join(root, "none")})
	want := map[string]string{"etcd": filepath.Join(older, "etcd"), "kube-apiserver": filepath.Join(newer, "kube-apiserver")}
	if difference := cmp.Diff(want, paths); difference != "" {
		t.Errorf("paths: -want +got:\n%s", difference)
	}
	if difference := cmp.Diff([]string{"etcd v3.7.1 (" + older + "/etcd)", "kube-apiserver v1.37.0 (" + newer + "/kube-apiserver)"}, used); difference != "" {
		t.Errorf("used: -want +got:\n%s", difference)
	}
	if difference := cmp.Diff([]string{broken + "/kube-apiserver (of an unknown version, not v1.37)",
		older + "/kube-apiserver (v1.36.3, not v1.37)"}, unfit); difference != "" {
		t.Errorf("unfit: -want +got:\n%s", difference)
	}
}

func TestDescribe(t *testing.T) {
	folder := t.TempDir()
	script(t, folder, "kube-apiserver", "Kubernetes v1.36.3", "0")
	script(t, folder, "etcd", "etcd Version: 3.7.1", "0")
	got := Describe(t.Context(), []Command{{"etcd", "v3.7.0"}, {"kube-apiserver", "v1.37.2"}}, folder)
	want := []string{"etcd v3.7.1", "kube-apiserver v1.36.3 (the tests are written for v1.37)"}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("-want +got:\n%s", difference)
	}
}

func TestParseVersion(t *testing.T) {
	tests := map[string]struct {
		reason, text, want string
	}{
		"etcd":       {"it has no v", "etcd Version: 3.7.0\nGit SHA: 1a2b3c\nGo Version: go1.26.8\n", "v3.7.0"},
		"Kubernetes": {"it has a name before", "Kubernetes v1.37.2\n", "v1.37.2"},
		"kubectl":    {"the first one counts, Kustomize comes after", "Client Version: v1.37.2\nKustomize Version: v5.8.1\n", "v1.37.2"},
		"Vendor":     {"a vendor adds to it", "Client Version: v1.32.4-dispatcher\n", "v1.32.4"},
		"helm":       {"it has a commit behind", "v4.3.1+g7a8b9c0\n", "v4.3.1"},
		"NoPatch":    {"Helm knows only the minor when it was built from its module", "v4.3\n", "v4.3"},
		"KWOK":       {"Go's version comes after", "kwok version v0.8.0 go1.25.3 (linux/amd64)\n", "v0.8.0"},
		"Unstamped":  {"Go's version alone is none", "kwok version unknown go1.25.3 (linux/amd64)\n", ""},
		"None":       {"there is none", "usage: etcd\n", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := parseVersion(tt.text); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.reason, got, tt.want)
			}
		})
	}
}

func TestFits(t *testing.T) {
	tests := map[string]struct {
		reason, version, want string
		fits                  bool
	}{
		"Same":       {"it is the same", "v1.37.2", "v1.37.2", true},
		"OtherPatch": {"patches fix bugs only", "v1.37.0", "v1.37.2", true},
		"NoPatch":    {"the minor is what counts", "v4.3", "v4.3.1", true},
		"OtherMinor": {"other fields and defaults", "v1.36.9", "v1.37.2", false},
		"LikeMinor":  {"3 is not 37", "v1.3.0", "v1.37.2", false},
		"OtherMajor": {"another program", "v3.37.2", "v4.37.2", false},
		"Unknown":    {"it may be any", "", "v1.37.2", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := fits(tt.version, tt.want); got != tt.fits {
				t.Errorf("%s: got %t, want %t", tt.reason, got, tt.fits)
			}
		})
	}
}

func TestPlaces(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Setenv("HOME", data)
	t.Setenv("PATH", "/first:/second")
	if runtime.GOOS != "linux" {
		t.Skip("the store of other systems is elsewhere")
	}
	const store = "kubebuilder-envtest/k8s"
	platform := "-" + runtime.GOOS + "-" + runtime.GOARCH
	for _, folder := range []string{"1.9.1" + platform, "1.37.0" + platform, "1.37.10" + platform, "1.38.0-plan9-386"} {
		if err := os.MkdirAll(filepath.Join(data, store, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{filepath.Join(data, store, "1.37.10"+platform), filepath.Join(data, store, "1.37.0"+platform),
		filepath.Join(data, store, "1.9.1"+platform), "/usr/local/kubebuilder/bin", "/first", "/second"}
	if difference := cmp.Diff(want, Places()); difference != "" {
		t.Errorf("-want +got:\n%s", difference)
	}
}
