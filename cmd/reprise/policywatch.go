package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"

	"reprise.dev/reprise/api/v1alpha1"
	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
	"reprise.dev/reprise/policy/sandbox"
)

// debounce is how long the policy ConfigMaps must be unchanged before they are compiled, since a
// Helm upgrade changes many.
const debounce = 200 * time.Millisecond

// NeedLeaderElection returns false: every replica serves admission and needs the policies.
func (*policySet) NeedLeaderElection() bool { return false }

// Start watches the ConfigMaps until ctx is done.
func (s *policySet) Start(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.clients, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector().String() }))
	configMaps := factory.Core().V1().ConfigMaps()
	if _, err := configMaps.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { s.notify() }, UpdateFunc: func(any, any) { s.notify() }, DeleteFunc: func(any) { s.notify() },
	}); err != nil {
		return fmt.Errorf("watching ConfigMaps of policies: %w", err)
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	factory.WaitForCacheSync(ctx.Done())
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		}
		if !waitUntilStable(ctx, s.wake) {
			return nil
		}
		stored, err := configMaps.Lister().ConfigMaps(s.namespace).List(labels.Everything())
		if err == nil {
			err = s.reload(ctx, stored)
		}
		if err != nil {
			s.metrics.Policies.Failed()
			s.log.Error(err, "Compiling the policies; the previous ones stay active")
		}
	}
}

// notify makes the watch compile the policies again.
func (s *policySet) notify() {
	select {
	case s.wake <- struct{}{}:
	default: // The watch has not yet started on the previous message.
	}
}

// waitUntilStable waits until there was no change for a while. It returns false if ctx is done
// before.
func waitUntilStable(ctx context.Context, changed <-chan struct{}) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		case <-time.After(debounce):
			return true
		}
	}
}

// recompile activates the stored ConfigMaps with the current overrides. It returns the error of
// each invalid ConfigMap, and the warnings.
func (s *policySet) recompile(ctx context.Context, stored []*corev1.ConfigMap) (map[string]error, []policy.Warning, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	s.mu.Lock()
	overrides := s.overrides
	s.mu.Unlock()
	bundle, err := s.compile(ctx, stored, overrides)
	if err != nil {
		return nil, nil, err
	}
	s.activate(bundle, overrides)
	return bundle.Rejected, bundle.Warnings, nil
}

// reload activates the stored ConfigMaps and reports the invalid ones.
func (s *policySet) reload(ctx context.Context, stored []*corev1.ConfigMap) error {
	rejected, warnings, err := s.recompile(ctx, stored)
	if err != nil {
		return err
	}
	select {
	case s.changed <- controllerevent.GenericEvent{Object: &corev1.ConfigMap{}}:
	default: // The audit has not yet started on the previous message.
	}
	engine := s.engine.Load()
	s.log.Info("Policies loaded", "configMaps", len(stored)-len(rejected), "rules", len(engine.Rules(policy.Final)), "policies", engine.Hash())
	if unknown := engine.Unknown(); unknown != nil {
		s.log.Error(unknown, "Applying the overrides and exemptions of the configuration")
	}
	s.warn(ctx, stored, warnings)
	for _, c := range stored {
		reason, invalid := rejected[c.Name]
		if !invalid {
			continue
		}
		if errors.Is(reason, sandbox.ErrDeadline) || errors.Is(reason, sandbox.ErrBusy) {
			time.AfterFunc(retryInterval, s.notify)
		}
		s.log.Error(reason, "Policy ConfigMap is invalid; its last valid policies stay active", "configMap", c.Name)
		if err := s.events.Write(ctx, invalidEvent(c, reason)); err != nil {
			s.log.Error(err, "Writing the Event about an invalid policy", "configMap", c.Name)
		}
	}
	return nil
}

// warn reports the parts of ConfigMaps that have no effect.
func (s *policySet) warn(ctx context.Context, stored []*corev1.ConfigMap, warnings []policy.Warning) {
	own := bySource(warnings)
	for _, c := range stored {
		for _, w := range own[c.Name] {
			s.log.Info("A part of a policy has no effect", "configMap", c.Name, "warning", w.String())
		}
		if len(own[c.Name]) == 0 {
			continue
		}
		if err := s.events.Write(ctx, ineffectiveEvent(c, own[c.Name])); err != nil {
			s.log.Error(err, "Writing the Event about a policy without an effect", "configMap", c.Name)
		}
	}
}

func ineffectiveEvent(c *corev1.ConfigMap, warnings []policy.Warning) event.Event {
	next := ""
	if more := len(warnings) - 1; more > 0 {
		next = fmt.Sprintf("%d more are in the log and in the warnings of the next apply", more)
	}
	return policyEvent(c, v1alpha1.EventPolicyIneffective, event.Message(warnings[0].String(), nil, next))
}

func invalidEvent(c *corev1.ConfigMap, reason error) event.Event {
	return policyEvent(c, v1alpha1.EventPolicyInvalid,
		event.Message("policies not loaded: "+reason.Error(), nil, "the last valid ones stay active; correct the ConfigMap"))
}

func policyEvent(c *corev1.ConfigMap, reason v1alpha1.EventReason, message string) event.Event {
	return event.Event{
		Reason: reason, Warning: true,
		Regarding: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap",
			Namespace: c.Namespace, Name: c.Name, UID: c.UID, ResourceVersion: c.ResourceVersion,
		},
		Key:     c.ResourceVersion,
		Message: message,
		At:      time.Now(),
	}
}
