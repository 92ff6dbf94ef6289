// Package version says what a binary was built from.
package version

import (
	"runtime/debug"
	"strings"
)

// stamp is set by the linker in what is released (tools/release/compile).
var stamp string

// String is the released version, such as 0.1.0, else what Go knows of the build: "devel" with the commit where
// there is one.
func String() string {
	if stamp != "" {
		return stamp
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := strings.Trim(info.Main.Version, "()")
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" && version == "devel" {
			version += " " + setting.Value[:min(len(setting.Value), 12)]
		}
	}
	return version
}
