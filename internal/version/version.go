// Package version returns the version of the binary.
package version

import (
	"runtime/debug"
	"strings"
)

// stamp is the version of a release, set by the linker (tools/release/compile).
var stamp string

// String returns the released version, such as 0.1.0, or else the version of Go's build
// information: "devel" with the commit if it is known.
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
