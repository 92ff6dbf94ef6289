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

// digest identifies the modules and overrides of an engine, regardless of the order of its modules.
func digest(modules []Module, terms Overrides) string {
	sum := sha256.New()
	sorted := slices.SortedFunc(slices.Values(modules), func(a, b Module) int { return cmp.Compare(a.File, b.File) })
	for _, part := range []any{sorted, terms} {
		if err := json.NewEncoder(sum).Encode(part); err != nil {
			fmt.Fprintf(sum, "%v", part) // Parameters come from YAML, which may hold what JSON does not.
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:digestLength]
}
