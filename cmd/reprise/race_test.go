//go:build race

package main

// raceDetector reports whether the race detector is in the binary. It takes more memory than the
// limit of the process that compiles policies.
const raceDetector = true
