// Package effectivepod holds the judge of package effective: seeded random pod
// templates in random namespaces, each posted to a real API server as a
// ReplicaSet would post its pod (a server-side dry run), and compared with what
// effective.Compute says of it: accepted or rejected, for which reasons, and every
// value that the effective pod claims.
//
//	go test ./conformance/effectivepod -count=1 -cases=5000 -seed=7
//	go test ./conformance/effectivepod -count=1 -seed=7 -only=12/3 -v    one case, with its objects
//	go test ./conformance/effectivepod -count=1 -judge=$HOME/.kube/config       another API server
package effectivepod
