package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"reprise.dev/reprise/test/harness/cluster"
	"reprise.dev/reprise/test/harness/product"
)

// sizes is how much is measured.
type sizes struct {
	creates int
}

// run measures and prints the table to out; progress is told what goes on.
func run(ctx context.Context, out, progress io.Writer, s sizes) (err error) {
	if _, err := product.Build(ctx, progress, product.Program, ""); err != nil {
		return err
	}
	c, err := cluster.Start(ctx, cluster.Options{ControlPlaneOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	st, err := open(ctx, c, progress)
	if err != nil {
		return err
	}
	rows, err := st.measure(ctx, s)
	if err != nil {
		return err
	}
	print(out, s, rows)
	return nil
}

// measure measures Reprise with several numbers of rules, each beside the hook that does nothing: a
// machine that others use too is not the same from minute to minute.
func (st *stage) measure(ctx context.Context, s sizes) ([]row, error) {
	nothing, err := st.nothing(ctx)
	if err != nil {
		return nil, err
	}
	bare := hook{name: bareName, namespace: bareNamespace, cpu: func() (time.Duration, error) { return 0, nil }}
	var rows []row
	for _, set := range []struct {
		name    string
		builtin bool
		rules   int
	}{{"1 rule", false, 1}, {"10 rules", false, 10}, {"50 rules", false, 50}, {"the built-in policies", true, 0}} {
		settings, err := values(set.builtin)
		if err != nil {
			return nil, err
		}
		if err := product.Install(ctx, st.cluster, st.port, settings); err != nil {
			return nil, err
		}
		if err := st.bring(ctx, set.rules); err != nil {
			return nil, err
		}
		reprise, stop, err := st.reprise(ctx, "Reprise, "+set.name)
		if err != nil {
			return nil, err
		}
		for _, concurrency := range []int{1, 16} {
			for _, h := range []hook{bare, nothing, reprise} {
				r, err := st.load(ctx, h, concurrency, s.creates)
				if err != nil {
					stop()
					return nil, fmt.Errorf("%s: %w", h.name, err)
				}
				rows = append(rows, r)
			}
		}
		stop()
	}
	return rows, nil
}
