package deployers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/product"
)

const (
	// everyRound is how often a loop compares and heals; Argo CD and Flux take minutes.
	everyRound = time.Second
	// rounds are how many refusals a loop goes through; they lie within one quarantine.
	rounds = 20
)

// loop heals once every round until it is told to end, or the test fails.
func (p place) loop(heal func(ctx context.Context) (done bool)) {
	p.Helper()
	err := wait.PollUntilContextTimeout(p.Context(), everyRound, product.Patience, true, func(ctx context.Context) (bool, error) {
		return heal(ctx), nil
	})
	if err != nil {
		p.Fatalf("the loop has not come to its end: %v", err)
	}
}

func deployerNamed(t *testing.T, name string) deployer {
	t.Helper()
	all := deployers()
	i := slices.IndexFunc(all, func(d deployer) bool { return d.name == name })
	if i < 0 {
		t.Fatalf("there is no deployer %s", name)
	}
	return all[i]
}

func TestALoopThatHealsItselfNeitherFlapsNorFloods(t *testing.T) {
	for _, name := range []string{"ArgoCD", "ArgoCDClientSide", "Flux"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, p := deployerNamed(t, name), newPlace(t)
			p.must(d.deploy(p, first))
			p.well(0)
			healthy := p.state()

			// It begins with the bad deploy, and goes on while Reprise puts the first revision back. Between
			// the rollback's two writes one apply may come through, as another pod template; it is put back
			// too.
			var refused, inARow int32
			var generation int64
			p.loop(func(context.Context) bool {
				if said, err := d.dryRun(p, bad); err != nil {
					p.Errorf("a dry run fails, and the loop shows no difference any more: %v\n%s", err, said)
				}
				said, err := d.deploy(p, bad)
				if err == nil {
					inARow = 0
					return false
				}
				if !strings.Contains(said+err.Error(), "failed as revision") {
					p.Errorf("it is refused for another reason: %v\n%s", err, said)
				}
				refused++
				if inARow++; inARow == 1 {
					generation = p.live().GetGeneration()
				}
				return inARow == rounds
			})

			h := p.revisions()
			if len(h) > 5 || h.Newest().Spec.RestoredFrom == 0 || h.Newest().Status.Phase != v1alpha1.PhaseHealthy {
				t.Errorf("after %d rounds the history is %q, want one rollback that is healthy, two at most", rounds, product.Phases(h))
			}
			if got := p.live().GetGeneration(); got != generation {
				t.Errorf("in %d refused rounds the generation went from %d to %d", rounds, generation, got)
			}
			if difference := cmp.Diff(healthy, p.state()); difference != "" {
				t.Errorf("after %d rounds it is not what it was:\n%s", rounds, difference)
			}
			// The API server asks twice where what it held of the object was not the newest.
			product.Eventually(p, func() (bool, string) {
				told, count := p.events("TemplateQuarantined"), int32(0)
				for _, e := range told {
					count += e.Count
				}
				return len(told) <= 2 && count >= refused, fmt.Sprintf("%d refusals are %d events that count %d", refused, len(told), count)
			})
			for _, reason := range []string{"RevisionFailed", "RolledBack"} {
				if told := p.events(reason); len(told) == 0 || len(told) > 2 || told[0].Count != 1 {
					t.Errorf("%s was told %d times, want once for each failure", reason, len(told))
				}
			}
		})
	}
}

// What Reprise's own annotations say is left alone by a rollback, for a person may have set them
// meanwhile.
func TestASettingThatTheBadRevisionBroughtGoesWithTheFix(t *testing.T) {
	t.Parallel()
	d := deployerNamed(t, "ArgoCD")
	story, control := newPlace(t), newPlace(t)
	for _, p := range []place{story, control} {
		p.must(d.deploy(p, first))
		p.well(0)
	}
	withSetting := bad
	const setting = "reprise.dev/history-limit"
	withSetting.annotations = map[string]string{"owner": bad.annotations["owner"], setting: "20"}
	story.must(d.deploy(story, withSetting))
	story.restored(1)
	if got := story.live().GetAnnotations()[setting]; got != "20" {
		t.Errorf("after the rollback %s is %q", setting, got)
	}
	for _, p := range []place{story, control} {
		p.must(d.deploy(p, fix))
	}
	story.asIfNever(control, "after the fix")
}
