package history

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxName is the longest name of an object, in bytes.
const maxName = 253

// Name returns a revision's name: <workload>-<number>, or a shortened one with a hash if that is
// too long for a name. Only shortened names are as long as a name may be, so no workload can be
// called so that its revisions take the names of another's.
func Name(workload string, number int64) string {
	name := fmt.Sprintf("%s-%d", workload, number)
	if len(name) < maxName {
		return name
	}
	sum := sha256.Sum256([]byte(workload))
	suffix := fmt.Sprintf("-%s-%d", hex.EncodeToString(sum[:16]), number)
	prefix := workload[:maxName-len(suffix)]
	kept := strings.TrimRight(prefix, "-.") // A hyphen cannot follow a dot.
	return kept + strings.Repeat("x", len(prefix)-len(kept)) + suffix
}
