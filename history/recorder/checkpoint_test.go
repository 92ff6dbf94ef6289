package recorder

import (
	"errors"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"reprise.dev/reprise/api/v1alpha1"
)

// lease returns a Lease with a checkpoint.
func lease(version string) *coordinationv1.Lease {
	return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Namespace: "reprise", Name: "reprise-recorder", Annotations: map[string]string{v1alpha1.CheckpointAnnotation: version},
	}}
}

func newCheckpoint(clients *fake.Clientset) *checkpoint {
	return &checkpoint{leases: clients.CoordinationV1().Leases("reprise"), name: "reprise-recorder"}
}

// stored returns the checkpoint that another process would load.
func storedCheckpoint(t *testing.T, clients *fake.Clientset) string {
	t.Helper()
	got, err := newCheckpoint(clients).load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// writes counts the writes of a client.
func writes(clients *fake.Clientset) int {
	n := 0
	for _, action := range clients.Actions() {
		if action.GetVerb() != "get" {
			n++
		}
	}
	return n
}

func TestCheckpoint(t *testing.T) {
	clients := fake.NewClientset()
	point := newCheckpoint(clients)
	if got, err := point.load(t.Context()); got != "" || err != nil {
		t.Fatalf("at first: %q, %v", got, err)
	}
	for _, step := range []struct {
		reason, version, want string
		writes                int
	}{
		{"nothing is recorded", "", "", 0},
		{"the first one creates the Lease", "5", "5", 1},
		{"it has not changed", "5", "5", 1},
		{"it has changed", "7", "7", 2},
	} {
		if err := point.save(t.Context(), step.version); err != nil {
			t.Fatalf("%s: %v", step.reason, err)
		}
		if got := storedCheckpoint(t, clients); got != step.want || writes(clients) != step.writes {
			t.Errorf("%s: %q is stored after %d writes, want %q after %d", step.reason, got, writes(clients), step.want, step.writes)
		}
	}
}

func TestCheckpoint_save_OtherWrites(t *testing.T) {
	resource := coordinationv1.Resource("leases")
	for test, tt := range map[string]struct {
		reason string
		loaded bool
		verb   string
		err    error
	}{
		"Conflict":      {"another leader updated it", true, "update", apierrors.NewConflict(resource, "x", errors.New("modified"))},
		"Deleted":       {"a user deleted it", true, "update", apierrors.NewNotFound(resource, "x")},
		"AlreadyExists": {"another leader created it", false, "create", apierrors.NewAlreadyExists(resource, "x")},
	} {
		t.Run(test, func(t *testing.T) {
			clients := fake.NewClientset()
			point := newCheckpoint(clients)
			if tt.loaded {
				if err := point.save(t.Context(), "1"); err != nil {
					t.Fatal(err)
				}
			}
			failed := false
			clients.PrependReactor(tt.verb, "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
				if failed {
					return false, nil, nil
				}
				failed = true
				if !tt.loaded { // The other leader's Lease.
					if err := clients.Tracker().Add(lease("3")); err != nil {
						t.Error(err)
					}
				}
				return true, nil, tt.err
			})
			if err := point.save(t.Context(), "9"); err != nil {
				t.Errorf("%s: %v", tt.reason, err)
			}
			if got := storedCheckpoint(t, clients); got == "9" {
				t.Errorf("%s: overwritten without a look", tt.reason)
			}
			if err := point.save(t.Context(), "9"); err != nil {
				t.Errorf("%s: the next call: %v", tt.reason, err)
			}
			if got := storedCheckpoint(t, clients); got != "9" {
				t.Errorf("%s: %q after the next call", tt.reason, got)
			}
		})
	}
}

func TestCheckpoint_Errors(t *testing.T) {
	for _, verb := range []string{"get", "create", "update"} {
		clients := fake.NewClientset()
		point := newCheckpoint(clients)
		if verb == "update" {
			if err := point.save(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
		}
		clients.PrependReactor(verb, "leases", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errTimeout })
		var err error
		if verb == "get" {
			_, err = point.load(t.Context())
		} else {
			err = point.save(t.Context(), "9")
		}
		if !errors.Is(err, errTimeout) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}
