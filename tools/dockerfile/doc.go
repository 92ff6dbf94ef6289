// Package dockerfile holds the checks of the Dockerfile: those of `docker build --check`, by the
// code that docker runs, and that it says what the released image says.
package dockerfile
