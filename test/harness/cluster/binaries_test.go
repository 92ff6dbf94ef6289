package cluster

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGivenBinariesAreUsedAsTheyAre(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, Etcd), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBEBUILDER_ASSETS", folder)
	t.Setenv("REPRISE_CACHE", filepath.Join(folder, "cache"))
	var progress strings.Builder
	paths, err := Binaries(t.Context(), &progress, Etcd)
	if err != nil {
		t.Fatal(err)
	}
	said := "Using KUBEBUILDER_ASSETS=" + folder + ": etcd of an unknown version (the tests are written for v3.7).\n"
	if want := filepath.Join(folder, Etcd); paths[Etcd] != want || progress.String() != said {
		t.Errorf("got %v and %q, want %s and %q", paths, progress.String(), want, said)
	}
}

func TestUnknownBinaryIsAnError(t *testing.T) {
	if _, err := Binaries(t.Context(), io.Discard, "kube-dns"); err == nil {
		t.Error("no error for a command that is not among them")
	}
}

func TestOnlyWhoNamesHelmGetsIt(t *testing.T) {
	names := func(shelves []shelf) []string {
		var all []string
		for _, s := range shelves {
			for _, c := range s.commands {
				all = append(all, c.name)
			}
		}
		return all
	}
	tests := map[string]struct {
		names, want []string
	}{
		"Nothing":       {want: []string{Etcd, APIServer, Kubectl, ControllerManager, Scheduler, KWOK}},
		"Helm":          {names: []string{Helm}, want: []string{Helm}},
		"InOrderOfNeed": {names: []string{Helm, Kubectl, Etcd}, want: []string{Etcd, Kubectl, Helm}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			chosen, err := choose(tt.names)
			if err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(tt.want, names(chosen)); difference != "" {
				t.Errorf("-want +got:\n%s", difference)
			}
		})
	}
}

func TestLockIsHeldByOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), io.Discard, path)
	if err != nil {
		t.Fatal(err)
	}
	var progress strings.Builder
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lock(short, &progress, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second lock: %v, want to wait until the deadline", err)
	}
	if !strings.Contains(progress.String(), "waiting for another process") {
		t.Errorf("while it waited it said %q", progress.String())
	}
	unlock()
	unlock, err = lock(t.Context(), io.Discard, path)
	if err != nil {
		t.Fatalf("a lock after the first was given back: %v", err)
	}
	unlock()
}
