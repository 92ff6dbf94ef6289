package main

import (
	"context"
	"fmt"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/webhook"
)

// setupAdmission registers both phases of the webhook.
func (p *process) setupAdmission(ctx context.Context) error {
	username, err := p.username(ctx)
	if err != nil {
		return err
	}
	recorded := revisions{cached: p.manager.GetClient(), live: p.manager.GetAPIReader()}
	denials := webhook.NewEventQueue(p.events, recorded, workloads{live: p.manager.GetAPIReader()}, ctrl.Log.WithName("admission"))
	if err := p.manager.Add(denials); err != nil {
		return fmt.Errorf("adding the queue of admission Events: %w", err)
	}
	intake := webhook.NewIntake(webhook.IntakeConfig{
		Unevaluated: p.metrics.Admission.Unevaluated, Now: time.Now, Log: ctrl.Log.WithName("admission"),
	})
	for path, phase := range map[string]policy.Phase{webhook.EarlyPath: policy.Early, webhook.ValidatePath: policy.Final} {
		handler, err := webhook.NewHandler(phase, webhook.Config{
			Policies:      p.policies,
			Namespaces:    p.namespaces,
			Revisions:     recorded,
			Denials:       denials,
			Observer:      p.metrics.Admission,
			FailurePolicy: admissionregistrationv1.FailurePolicyType(p.config.FailurePolicy),
			Username:      username,
			Defaults:      p.live.defaults,
			Intake:        intake,
			Now:           time.Now,
			Log:           ctrl.Log.WithName("admission"),
		})
		if err != nil {
			return err
		}
		p.manager.GetWebhookServer().Register(path, p.drain.closing(p.options.clients.require(handler)))
	}
	p.manager.GetWebhookServer().Register(webhook.PolicyPath, p.drain.closing(p.options.clients.require(&webhook.PolicyHandler{
		Checker: p.policies, Intake: intake,
	})))
	return nil
}

// username returns the API server's name for this process, by which admission recognizes its
// writes.
func (p *process) username(ctx context.Context) (string, error) {
	review, err := p.clients.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("asking the API server for the own username: %w", err)
	}
	return review.Status.UserInfo.Username, nil
}
