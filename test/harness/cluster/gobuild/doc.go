// Package gobuild runs `go build` and shows how far it is: a command of Kubernetes has two thousand
// packages, and `go build` says nothing while it compiles them. It imports the standard library
// alone, so that it is compiled itself in seconds.
package gobuild
