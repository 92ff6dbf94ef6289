package command

import (
	"context"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// leaseName is that of the Lease of Reprise's leader.
	leaseName = "reprise"
	// silence is how old the Lease may be: the leader renews it every few seconds, and another takes over in less.
	silence = time.Minute
)

// lease is that of Reprise's leader, nil where it is not there or cannot be read.
func (p *plugin) lease(ctx context.Context, c *connection) *coordinationv1.Lease {
	lease := &coordinationv1.Lease{}
	if err := c.api.Get(ctx, client.ObjectKey{Namespace: p.install, Name: leaseName}, lease); err != nil {
		return nil
	}
	return lease
}

// silent says since when Reprise gives no sign of life, nothing where it does. Where its Lease cannot be read, it is not
// known, and nothing is said.
func (p *plugin) silent(ctx context.Context, c *connection) string {
	lease := p.lease(ctx, c)
	if lease == nil || lease.Spec.RenewTime == nil {
		return ""
	}
	ago := time.Since(lease.Spec.RenewTime.Time)
	if ago < silence {
		return ""
	}
	return fmt.Sprintf("Reprise does not run: its last sign of life in namespace %s was %s ago; nothing is recorded, judged or rolled back until it does",
		p.install, duration.HumanDuration(ago))
}

// warnOfSilence tells on standard error that Reprise does not run.
func (p *plugin) warnOfSilence(ctx context.Context, c *connection) {
	if says := p.silent(ctx, c); says != "" {
		fmt.Fprintln(p.ErrOut, "warning:", says)
	}
}
