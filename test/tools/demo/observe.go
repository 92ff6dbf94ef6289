package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"reprise.dev/reprise/api/v1alpha1"
)

// patience bounds every wait; most take seconds.
const patience = 60 * time.Second

// apply runs kubectl apply in the folder of the fixtures, with what it prints shown.
func (s *story) apply(ctx context.Context, manifests string) (stderr string, err error) {
	args := []string{"apply", "-n", s.namespace, "-f", manifests}
	if s.applyFlag != "" {
		args = append(args, s.applyFlag)
	}
	return s.kubectl(ctx, args...)
}

// kubectl runs kubectl, shows the command and its output, and returns its standard error.
func (s *story) kubectl(ctx context.Context, args ...string) (stderr string, err error) {
	s.command(shorten("kubectl "+strings.Join(args, " "), s.scratch))
	var stdout, errOut strings.Builder
	cmd := s.cluster.KubectlCommand(ctx, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.fixtures, &stdout, &errOut
	err = cmd.Run()
	if args[0] == "get" && args[1] != "events" {
		s.table(stdout.String())
	} else if stdout.Len() > 0 {
		s.prose(stdout.String())
	}
	if errOut.Len() > 0 {
		s.prose(shorten(errOut.String(), s.scratch))
	}
	if err != nil {
		err = fmt.Errorf("kubectl %s: %w", args[0], err)
	}
	return errOut.String(), err
}

// shorten leaves out the folder of the demo's own files.
func shorten(text, folder string) string {
	return strings.ReplaceAll(text, folder+string(filepath.Separator), "")
}

// history shows the revisions as a developer asks for them.
func (s *story) history(ctx context.Context) error {
	_, err := s.kubectl(ctx, "get", "workloadrevisions", "-n", s.namespace)
	return err
}

// event waits for an event of the reason on the Deployment that holds all the words, and shows it.
func (s *story) event(ctx context.Context, reason string, words ...string) error {
	err := s.await(ctx, func() error {
		var list corev1.EventList
		if err := s.api.List(ctx, &list, client.InNamespace(s.namespace)); err != nil {
			return err
		}
		missing := "there is none"
		for _, e := range list.Items {
			if e.Reason != reason || e.InvolvedObject.Name != workloadName {
				continue
			}
			if missing = lacking(e.Message, words); missing == "" {
				return nil
			}
			missing = "it lacks " + missing + ": " + e.Message
		}
		return fmt.Errorf("event %s: %s", reason, missing)
	})
	if err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "get", "events", "-n", s.namespace, "--field-selector", "reason="+reason)
	return err
}

// serves waits until the Deployment runs the image with every replica available.
func (s *story) serves(ctx context.Context, image string) error {
	err := s.await(ctx, func() error {
		var d appsv1.Deployment
		if err := s.api.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: workloadName}, &d); err != nil {
			return err
		}
		if got := d.Spec.Template.Spec.Containers[0].Image; got != image {
			return fmt.Errorf("the Deployment's image is %s, expected %s", got, image)
		}
		if d.Status.ObservedGeneration != d.Generation || d.Status.UpdatedReplicas != 1 || d.Status.AvailableReplicas != 1 {
			return fmt.Errorf("the Deployment has %d updated and %d available replicas, expected 1 of each",
				d.Status.UpdatedReplicas, d.Status.AvailableReplicas)
		}
		return nil
	})
	if err == nil {
		s.good("the pods serve " + image)
	}
	return err
}

// clean checks that the Deployment holds the memory limit and nothing of the versions that failed.
func (s *story) clean(ctx context.Context, memoryLimit string) error {
	var d appsv1.Deployment
	if err := s.api.Get(ctx, client.ObjectKey{Namespace: s.namespace, Name: workloadName}, &d); err != nil {
		return err
	}
	container := d.Spec.Template.Spec.Containers[0]
	if len(container.Command) > 0 || len(container.Args) > 0 {
		return fmt.Errorf("the Deployment still holds the crashing version's command %q %q", container.Command, container.Args)
	}
	if got := container.Resources.Limits.Memory().String(); got != memoryLimit {
		return fmt.Errorf("the Deployment's memory limit is %s, expected %s", got, memoryLimit)
	}
	return nil
}

// awaitRevision waits until the workload's revision of the number is in the phase.
func (s *story) awaitRevision(ctx context.Context, number int64, phase v1alpha1.Phase) (found *v1alpha1.WorkloadRevision, err error) {
	err = s.await(ctx, func() error {
		revisions, err := s.revisions(ctx)
		if err != nil {
			return err
		}
		for i, r := range revisions {
			if r.Spec.Number != number {
				continue
			}
			if r.Status.Phase != phase {
				return fmt.Errorf("revision %d is %s, expected %s (error %q, hold %q)", number, r.Status.Phase, phase,
					r.FailureMessage(), r.HoldMessage())
			}
			found = &revisions[i]
			return nil
		}
		return fmt.Errorf("there is no revision %d", number)
	})
	return found, err
}

// latest returns the highest number of the workload's revisions.
func (s *story) latest(ctx context.Context) (number int64, err error) {
	revisions, err := s.revisions(ctx)
	for _, r := range revisions {
		number = max(number, r.Spec.Number)
	}
	return number, err
}

func (s *story) revisions(ctx context.Context) ([]v1alpha1.WorkloadRevision, error) {
	var list v1alpha1.WorkloadRevisionList
	err := s.api.List(ctx, &list, client.InNamespace(s.namespace), client.MatchingFields{"spec.workloadRef.name": workloadName})
	if err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	return list.Items, nil
}

// await calls check until it returns no error, and returns its last one when patience is over.
func (s *story) await(ctx context.Context, check func() error) error {
	deadline := time.After(patience)
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return fmt.Errorf("after %s: %w", patience, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// evidence renders what was saved of a failed revision.
func evidence(r *v1alpha1.WorkloadRevision) string {
	var lines []string
	for _, e := range r.SavedEvidence() {
		line := fmt.Sprintf("container %s: %s %s", e.ContainerName, e.Reason, e.Message)
		if e.ExitCode != nil {
			line += fmt.Sprintf(" (exit code %d, %d restarts)", *e.ExitCode, e.RestartCount)
		}
		lines = append(append(lines, line), e.Log...)
	}
	return strings.Join(lines, "\n")
}

// lacking returns the words that text does not hold, or nothing.
func lacking(text string, words []string) string {
	var missing []string
	for _, word := range words {
		if !strings.Contains(text, word) {
			missing = append(missing, fmt.Sprintf("%q", word))
		}
	}
	return strings.Join(missing, ", ")
}
