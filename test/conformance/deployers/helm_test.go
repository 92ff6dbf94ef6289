package deployers

// helmUpgrade is `helm upgrade --install` of a chart that holds the manifest and nothing else.
func helmUpgrade(flags ...string) func(p place, m manifest) (string, error) {
	return func(p place, m manifest) (string, error) {
		return shared.HelmUpgrade(p.Context(), p.TempDir(), p.Namespace, name, string(m.yaml()), flags...)
	}
}
