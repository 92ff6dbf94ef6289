package deployers

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/wait"

	"reprise.dev/reprise/test/product"
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
			d, p := deployerNamed(t, name), newPlace(t, "loop")
			p.must(d.deploy(p, first))
			p.well(0)
			healthy := p.state()

			// It begins with the bad deploy, and goes on while Reprise puts the first revision back.
			refused := int32(0)
			p.loop(func(context.Context) bool {
				if said, err := d.dryRun(p, bad); err != nil {
					p.Errorf("a dry run fails, and the loop shows no difference any more: %v\n%s", err, said)
				}
				if said, err := d.deploy(p, bad); err != nil {
					if !strings.Contains(said+err.Error(), "failed as revision 2") {
						p.Errorf("it is refused for another reason: %v\n%s", err, said)
					}
					refused++
				}
				return refused == rounds
			})

			if got, want := phases(p.revisions()), "1 Healthy, 2 RolledBack, 3 Healthy"; got != want {
				t.Errorf("after %d rounds the history is %q, want %q", rounds, got, want)
			}
			if got := p.live().GetGeneration(); got != 3 {
				t.Errorf("after %d rounds the generation is %d, want 3: the first, the bad one, the rollback", rounds, got)
			}
			if difference := cmp.Diff(healthy, p.state()); difference != "" {
				t.Errorf("after %d rounds it is not what it was:\n%s", rounds, difference)
			}
			product.Eventually(p, func() (bool, string) {
				told := p.events("Quarantined")
				return len(told) == 1 && told[0].Count == refused, "the refusals are not one event with their count"
			})
			for _, reason := range []string{"RevisionFailed", "RolledBack"} {
				if told := p.events(reason); len(told) != 1 || told[0].Count != 1 {
					t.Errorf("%s was told %d times, want once", reason, len(told))
				}
			}
		})
	}
}

// What Reprise's own annotations say is left alone by a rollback, for a person may have set them meanwhile.
func TestASettingThatTheBadRevisionBroughtGoesWithTheFix(t *testing.T) {
	t.Parallel()
	d := deployerNamed(t, "ArgoCD")
	story, control := newPlace(t, "story"), newPlace(t, "control")
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
