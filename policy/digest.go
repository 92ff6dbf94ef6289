package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// digestLength is how many hex digits of the digest are used. It identifies sets for people and is
// no proof.
const digestLength = 12

// Digest identifies the content of modules.
func Digest(modules []Module) string { return sum(modules, Overrides{}) }

// digest identifies the modules and overrides of an engine for people.
func digest(modules []Module, overrides Overrides) string {
	return sum(modules, overrides)[:digestLength]
}

// sum is independent of the order of the modules.
func sum(modules []Module, overrides Overrides) string {
	hash := sha256.New()
	sorted := slices.SortedFunc(slices.Values(modules), func(a, b Module) int { return cmp.Compare(a.File, b.File) })
	for _, part := range []any{sorted, overrides} {
		if err := json.NewEncoder(hash).Encode(part); err != nil {
			fmt.Fprintf(hash, "%v", part) // Parameters come from YAML, which may hold what JSON does not.
		}
	}
	return hex.EncodeToString(hash.Sum(nil))
}
