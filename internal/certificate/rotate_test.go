package certificate_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"reprise.dev/reprise/internal/certificate"
)

func TestIssuer_Next(t *testing.T) {
	good := begun(t, start)
	for name, tt := range map[string]struct {
		material certificate.Bundle
		now      time.Time
		want     certificate.Step
	}{
		"empty":              {certificate.Bundle{}, start, certificate.Init},
		"garbage":            {certificate.Bundle{CA: certificate.Pair{Certificate: []byte("x"), Key: []byte("y")}}, start, certificate.Init},
		"no authority":       {certificate.Bundle{CA: good.Serving, Serving: good.Serving}, start, certificate.Init},
		"expired":            {good, start.Add(issuer.CALifetime + time.Minute), certificate.Init},
		"another's serving":  {certificate.Bundle{CA: good.CA, Serving: begun(t, start).Serving}, start, certificate.Renew},
		"nothing served":     {certificate.Bundle{CA: good.CA}, start, certificate.Renew},
		"as it was made":     {good, start, certificate.Keep},
		"in its last third":  {good, start.Add(issuer.Lifetime*2/3 + time.Minute), certificate.Renew},
		"authority aged":     {good, start.Add(issuer.CALifetime - 2*issuer.Lifetime + time.Minute), certificate.StageCA},
		"made in the future": {begun(t, start.Add(48*time.Hour)), start, certificate.Renew},
	} {
		if got := issuer.Next(tt.material, []string{host}, nil, tt.now); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := issuer.Next(good, []string{host, "localhost"}, nil, start); got != certificate.Renew {
		t.Errorf("with another name: %s, want renew", got)
	}
	if back := certificate.FromSecret(good.Data()); string(back.Serving.Key) != string(good.Serving.Key) {
		t.Error("what is stored is not what is read")
	}
}

// replicas are how many look at the Secret, each with a delay of its own.
const replicas = 3

// TestIssuer_RotateKeepsEveryReplicaTrusted plays three authorities, and the Secret emptied in the
// middle. What the API server trusts and what each replica sees lags behind by up to the time that
// changes are given to settle; at no moment may it meet a certificate that it does not trust.
func TestIssuer_RotateKeepsEveryReplicaTrusted(t *testing.T) {
	issuer := certificate.Issuer{Lifetime: 2 * time.Hour, CALifetime: 10 * time.Hour}
	lag := issuer.PropagationDelay() * 9 / 10
	chance := rand.New(rand.NewPCG(1, 2))
	stored, err := issuer.Rotate(certificate.Init, certificate.Bundle{}, []string{host}, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	hooks := func(bundle []byte) []certificate.Webhook {
		return []certificate.Webhook{{Configuration: where, Host: host, CABundle: bundle}}
	}
	published := stored.CABundle(start)
	var seen [replicas]certificate.Serving
	for i := range seen {
		seen[i].PropagationDelay = issuer.PropagationDelay()
		seen[i].Propose(stored.Serving, hooks(published), start)
	}
	steps, former := map[certificate.Step]int{}, time.Time{}
	for now := start; now.Before(start.Add(35 * time.Hour)); now = now.Add(lag) {
		// What was stored and published a lag ago is seen everywhere now.
		for i := range seen {
			seen[i].Propose(stored.Serving, hooks(published), now)
		}
		trusted := published
		if now.Sub(start) >= 14*time.Hour && former.IsZero() {
			stored, former = certificate.Bundle{}, now
		}
		step := issuer.Next(stored, []string{host}, hooks(published), now)
		if step == certificate.Keep {
			continue
		}
		steps[step]++
		if stored, err = issuer.Rotate(step, stored, []string{host}, certificate.Signers(seen[0].Served(), hooks(published)), now); err != nil {
			t.Fatal(err)
		}
		published = stored.CABundle(now)
		// Within the lag any of them may be a step ahead of any other.
		for range 4 {
			for i := range seen {
				if chance.IntN(2) == 0 {
					seen[i].Propose(stored.Serving, hooks(published), now)
				}
				for _, bundle := range [][]byte{trusted, published} {
					if v := certificate.Verify(seen[i].Served(), hooks(bundle), now); !v.Serves() {
						t.Fatalf("%s after %s: %s", step, now.Sub(start), v.Reason)
					}
				}
			}
		}
	}
	for _, step := range []certificate.Step{certificate.Init, certificate.StageCA, certificate.ActivateCA, certificate.Renew, certificate.RetireCA} {
		if steps[step] == 0 {
			t.Errorf("no step was to %s: the play shows nothing of it", step)
		}
	}
	t.Logf("%v", steps)
}
