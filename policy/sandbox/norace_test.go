//go:build !race

package sandbox

// raceDetector reports whether the race detector is in the binary. It takes more memory than the
// limit of the child process.
const raceDetector = false
