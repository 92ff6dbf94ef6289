package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/test/harness/cluster"
)

// workloadName is the Deployment of all fixtures.
const workloadName = "sample-app"

// story is the exercise in one namespace, with one way to apply.
type story struct {
	terminal
	cluster   *cluster.Cluster
	api       client.Client
	fixtures  string // folder of what Score wrote for each step
	scratch   string // folder for what the demo writes itself
	namespace string
	applyFlag string
	steps     int
}

// play tells the whole story and returns the first expectation that was not met, with its step.
func (s *story) play(ctx context.Context) error {
	for _, chapter := range []struct {
		title string
		play  func(context.Context) error
	}{
		{"Prepare a namespace. To keep the demo short, a rollout counts as healthy after 3 seconds.", s.prepare},
		{"Deploy a healthy version. Reprise records it as revision 1.", s.healthy},
		{"Break it: the new version requests more memory than its limit.", s.broken},
		{"Break it in a way that the API server does not see: the manifest has only a request, and the team's LimitRange sets the limit.", s.brokenByLimitRange},
		{"Deploy a version that every rule allows, but that crashes.", s.crashLoop},
		{"Deploy a version whose image does not exist.", s.badImage},
		{"Fix it: raise the limit.", s.fixed},
	} {
		s.steps++
		s.step(s.steps, chapter.title)
		if err := chapter.play(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", s.steps, strings.TrimSuffix(chapter.title, "."), err)
		}
	}
	return nil
}

func (s *story) prepare(ctx context.Context) error {
	if _, err := s.kubectl(ctx, "create", "namespace", s.namespace); err != nil {
		return err
	}
	_, err := s.kubectl(ctx, "annotate", "namespace", s.namespace, "reprise.dev/bake-time=3s")
	return err
}

func (s *story) healthy(ctx context.Context) error {
	if err := s.admitted(ctx, "1-healthy/manifests.yaml"); err != nil {
		return err
	}
	if _, err := s.awaitRevision(ctx, 1, v1alpha1.PhaseHealthy); err != nil {
		return err
	}
	if err := s.history(ctx); err != nil {
		return err
	}
	s.good("revision 1 is Healthy: Reprise rolls a failure back to it")
	return nil
}

func (s *story) broken(ctx context.Context) error {
	if err := s.denied(ctx, "2-broken/manifests.yaml", "frontend", "memory", "250Mi", "200Mi"); err != nil {
		return err
	}
	if err := s.event(ctx, "AdmissionDenied", "250Mi", "200Mi", "6.7.1"); err != nil {
		return err
	}
	return s.serves(ctx, "ghcr.io/stefanprodan/podinfo:6.7.0")
}

func (s *story) brokenByLimitRange(ctx context.Context) error {
	const limits = "            limits:\n              cpu: 150m\n              memory: 200Mi\n"
	manifests, err := os.ReadFile(filepath.Join(s.fixtures, "2-broken", "manifests.yaml"))
	if err != nil {
		return err
	}
	if !strings.Contains(string(manifests), limits) {
		return errors.New("the fixture 2-broken has no limits to leave out")
	}
	const limitRange = `apiVersion: v1
kind: LimitRange
metadata:
  name: team-defaults
spec:
  limits:
  - type: Container
    default:
      memory: 200Mi
`
	for name, content := range map[string]string{
		"limitrange.yaml": limitRange, "no-limit.yaml": strings.Replace(string(manifests), limits, "", 1),
	} {
		if err := os.WriteFile(filepath.Join(s.scratch, name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	s.table(limitRange)
	if _, err := s.kubectl(ctx, "apply", "-n", s.namespace, "-f", filepath.Join(s.scratch, "limitrange.yaml")); err != nil {
		return err
	}
	if err := s.denied(ctx, filepath.Join(s.scratch, "no-limit.yaml"), "frontend", "250Mi", "200Mi", "team-defaults"); err != nil {
		return err
	}
	if err := s.event(ctx, "AdmissionDenied", "team-defaults"); err != nil {
		return err
	}
	if err := s.serves(ctx, "ghcr.io/stefanprodan/podinfo:6.7.0"); err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "delete", "limitrange", "-n", s.namespace, "team-defaults")
	return err
}

func (s *story) crashLoop(ctx context.Context) error {
	return s.rolledBack(ctx, "6-crashloop/manifests.yaml", "boom", "exits 1", "args")
}

func (s *story) badImage(ctx context.Context) error {
	return s.rolledBack(ctx, "5-bad-image/manifests.yaml", "not found", "6.7.1-does-not-exist")
}

// rolledBack applies a version that is admitted and fails, and follows it until the last healthy
// one is back. proof is in the saved evidence, words are in the event.
func (s *story) rolledBack(ctx context.Context, manifests, proof string, words ...string) error {
	before, err := s.latest(ctx)
	if err != nil {
		return err
	}
	if err := s.admitted(ctx, manifests); err != nil {
		return err
	}
	failed, err := s.awaitRevision(ctx, before+1, v1alpha1.PhaseRolledBack)
	if err != nil {
		return err
	}
	restored, err := s.awaitRevision(ctx, before+2, v1alpha1.PhaseHealthy)
	if err != nil {
		return err
	}
	if restored.Spec.RestoredFrom == 0 || restored.Spec.RollbackOf != failed.Spec.Number {
		return fmt.Errorf("revision %d restores #%d instead of #%d, expected the rollback of #%d", restored.Spec.Number,
			restored.Spec.RestoredFrom, restored.Spec.RollbackOf, failed.Spec.Number)
	}
	if !strings.Contains(evidence(failed), proof) {
		return fmt.Errorf("the evidence of revision %d lacks %q: %s", failed.Spec.Number, proof, evidence(failed))
	}
	if err := s.event(ctx, "RolledBack", append(words, fmt.Sprintf("#%d → #%d", failed.Spec.Number, restored.Spec.RestoredFrom))...); err != nil {
		return err
	}
	if err := s.history(ctx); err != nil {
		return err
	}
	s.good(fmt.Sprintf("revision %d failed and was rolled back; its evidence is saved:", failed.Spec.Number))
	s.prose(evidence(failed))
	return s.serves(ctx, "ghcr.io/stefanprodan/podinfo:6.7.0")
}

func (s *story) fixed(ctx context.Context) error {
	before, err := s.latest(ctx)
	if err != nil {
		return err
	}
	if err := s.admitted(ctx, "3-fixed-limit/manifests.yaml"); err != nil {
		return err
	}
	if _, err := s.awaitRevision(ctx, before+1, v1alpha1.PhaseHealthy); err != nil {
		return err
	}
	if err := s.history(ctx); err != nil {
		return err
	}
	if err := s.clean(ctx, "300Mi"); err != nil {
		return err
	}
	s.good("the fix went through without a conflict and without fields left behind, and is Healthy")
	return s.serves(ctx, "ghcr.io/stefanprodan/podinfo:6.7.1")
}

// admitted applies the manifests and expects success.
func (s *story) admitted(ctx context.Context, manifests string) error {
	_, err := s.apply(ctx, manifests)
	return err
}

// denied applies the manifests and expects a denial by Reprise with all the words.
func (s *story) denied(ctx context.Context, manifests string, words ...string) error {
	stderr, err := s.apply(ctx, manifests)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("the API server accepted it, expected a denial")
	case !errors.As(err, &exit):
		return err
	case !strings.Contains(stderr, "denied the request"):
		return errors.New("kubectl failed without a denial by Reprise")
	}
	if missing := lacking(stderr, words); missing != "" {
		return fmt.Errorf("the denial lacks %s", missing)
	}
	s.good(fmt.Sprintf("denied, kubectl ended with exit code %d: a pipeline stops here", exit.ExitCode()))
	return nil
}
