// Package quantity compares Kubernetes quantities as they stand in decoded objects.
package quantity

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Equal reports whether two decoded values, strings or numbers, are quantities of the same amount,
// such as 0.5Gi and 512Mi. A value that is no quantity equals none.
func Equal(a, b any) bool {
	left, err := resource.ParseQuantity(fmt.Sprint(a))
	if err != nil {
		return false
	}
	right, err := resource.ParseQuantity(fmt.Sprint(b))
	return err == nil && left.Cmp(right) == 0
}
