// Package chart packs the Helm chart as `helm package` does, with the version of what is released.
package chart

import (
	"fmt"
	"path/filepath"
	"time"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"

	"reprise.dev/reprise/tools/release/stamp"
)

// Package writes reprise-VERSION.tgz into the folder dir and returns its path. The chart's version
// and the version of what it installs are both the stamp's: the image's tag follows from it.
func Package(root string, s stamp.Stamp, dir string) (string, error) {
	c, err := loader.LoadDir(filepath.Join(root, "charts", "reprise"))
	if err != nil {
		return "", fmt.Errorf("loading the chart: %w", err)
	}
	c.Metadata.Version, c.Metadata.AppVersion = s.Version, s.Version
	// The archive is the same whenever the commit was checked out.
	c.ModTime, c.SchemaModTime = s.Time, s.Time
	for _, files := range [][]*common.File{c.Raw, c.Templates, c.Files} {
		at(files, s.Time)
	}
	path, err := util.Save(c, dir)
	if err != nil {
		return "", fmt.Errorf("packing the chart: %w", err)
	}
	return path, nil
}

func at(files []*common.File, t time.Time) {
	for _, f := range files {
		f.ModTime = t
	}
}
