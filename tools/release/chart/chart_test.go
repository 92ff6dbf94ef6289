package chart_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"helm.sh/helm/v4/pkg/chart/v2/loader"

	"reprise.dev/reprise/tools/release/chart"
	"reprise.dev/reprise/tools/release/stamp"
)

func TestThePackedChartIsOfTheVersionAndTheSameEachTime(t *testing.T) {
	s := stamp.Stamp{Version: "9.8.7-dev.1.gabc", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	root := filepath.Join("..", "..", "..")
	var packed [2][]byte
	for i := range packed {
		path, err := chart.Package(root, s, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if packed[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(path) != "reprise-"+s.Version+".tgz" {
			t.Errorf("it is called %s", path)
		}
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("packed again it differs")
	}
	c, err := loader.LoadArchive(bytes.NewReader(packed[0]))
	if err != nil {
		t.Fatal(err)
	}
	if c.Metadata.Version != s.Version || c.Metadata.AppVersion != s.Version {
		t.Errorf("it is of version %s and installs %s, want %s", c.Metadata.Version, c.Metadata.AppVersion, s.Version)
	}
	if len(c.Schema) == 0 {
		t.Error("it has no schema: wrong values would pass")
	}
	var names []string
	for _, f := range slices.Concat(c.Templates, c.Files) {
		names = append(names, f.Name)
	}
	for _, want := range []string{"README.md", "templates/_check.tpl", "templates/reprise.dev_workloadrevisions.yaml", "templates/deployment.yaml"} {
		if !slices.Contains(names, want) {
			t.Errorf("it lacks %s", want)
		}
	}
}
