package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	controllerevent "sigs.k8s.io/controller-runtime/pkg/event"

	"reprise.dev/reprise/event"
	"reprise.dev/reprise/policy"
)

// quiet is how long ConfigMaps of policies must rest before all are compiled anew: a Helm upgrade writes many.
const quiet = 200 * time.Millisecond

// NeedLeaderElection says that every replica follows the policies: every replica serves admission.
func (*policySet) NeedLeaderElection() bool { return false }

// Start follows the ConfigMaps until ctx is done.
func (s *policySet) Start(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(s.clients, 0, informers.WithNamespace(s.namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = selector().String() }))
	configMaps := factory.Core().V1().ConfigMaps()
	notify := func() {
		select {
		case s.wake <- struct{}{}:
		default: // One more is on its way already.
		}
	}
	if _, err := configMaps.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { notify() }, UpdateFunc: func(any, any) { notify() }, DeleteFunc: func(any) { notify() },
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
		if !settled(ctx, s.wake) {
			return nil
		}
		stored, err := configMaps.Lister().ConfigMaps(s.namespace).List(labels.Everything())
		if err == nil {
			err = s.reload(ctx, stored)
		}
		if err != nil {
			s.metrics.Policies.Failed()
			s.log.Error(err, "Compiling the policies anew; those in force stay")
		}
	}
}

// settled waits until nothing has changed for a while. It is false where ctx is done before.
func settled(ctx context.Context, changed <-chan struct{}) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		case <-time.After(quiet):
			return true
		}
	}
}

// again puts what is stored in force, under the terms that are. It returns why some is not.
func (s *policySet) again(ctx context.Context, stored []*corev1.ConfigMap) (map[string]error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	assembly, err := s.assemble(ctx, stored, s.terms)
	if err != nil {
		return nil, err
	}
	s.put(assembly, s.terms)
	return assembly.Rejected, nil
}

// reload puts what is stored in force and tells of what cannot be.
func (s *policySet) reload(ctx context.Context, stored []*corev1.ConfigMap) error {
	rejected, err := s.again(ctx, stored)
	if err != nil {
		return err
	}
	select {
	case s.changed <- controllerevent.GenericEvent{Object: &corev1.ConfigMap{}}:
	default: // The audit has not begun with the change before.
	}
	engine := s.engine.Load()
	s.log.Info("Policies are in force", "configMaps", len(stored)-len(rejected), "rules", len(engine.Rules(policy.Final)), "policies", engine.Hash())
	if unknown := engine.Unknown(); unknown != nil {
		s.log.Error(unknown, "Reading the configuration's policies")
	}
	for _, c := range stored {
		reason, invalid := rejected[c.Name]
		if !invalid {
			continue
		}
		s.log.Error(reason, "A ConfigMap of policies cannot be used; its last good state stays in force", "configMap", c.Name)
		if err := s.events.Write(ctx, invalidEvent(c, reason)); err != nil {
			s.log.Error(err, "Telling of an invalid policy", "configMap", c.Name)
		}
	}
	return nil
}

func invalidEvent(c *corev1.ConfigMap, reason error) event.Event {
	return event.Event{
		Reason: event.PolicyInvalid, Warning: true,
		Regarding: corev1.ObjectReference{
			APIVersion: "v1", Kind: "ConfigMap",
			Namespace: c.Namespace, Name: c.Name, UID: c.UID, ResourceVersion: c.ResourceVersion,
		},
		Key:     c.ResourceVersion,
		Message: event.Message("not in force: "+reason.Error(), nil, "what was in force of it stays; correct the ConfigMap"),
		At:      time.Now(),
	}
}
