//go:build race

package sandbox

// The race detector takes more memory than the limit of the child process.
const raceDetector = true
