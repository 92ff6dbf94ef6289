package deployers

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// deployer is a way to bring a manifest to the cluster.
type deployer struct {
	name string
	// deploy brings a manifest to the cluster and returns what the tool said, and its error.
	deploy func(p place, m manifest) (string, error)
	// dryRun asks the API server what would become of it, as some tools do first; nil where the tool
	// does not.
	dryRun func(p place, m manifest) (string, error)
	// other is what somebody else does to the workload once it is there, nil where nobody does.
	other func(p place) (string, error)
	// imageOnly says that it changes the image and nothing else, so that the bad revision is the first
	// with a bad image.
	imageOnly bool
	// forces says that it takes fields from whoever owns them.
	forces bool
	// remembers says that it keeps what it applied last outside of the object: the one that cannot be
	// mended.
	remembers bool
}

// deployers are the rows of the matrix.
func deployers() []deployer {
	clientSide, serverSide := kubectlApply(), kubectlApply("--server-side")
	argo := serverSideApply("argocd-controller", func(p place, d *unstructured.Unstructured) {
		annotate(d, "argocd.argoproj.io/tracking-id", "shop:apps/Deployment:"+p.Namespace+"/"+name)
	})
	return []deployer{
		clientSide.as("KubectlApply"),
		serverSide.as("KubectlApplyServerSide"),
		{name: "KubectlCreateAndSetImage", deploy: createAndSet, imageOnly: true, forces: true},
		{name: "Helm4", deploy: helmUpgrade("--server-side=true")},
		// What Helm 3 does: a three-way merge with the release's Secret as the original. Helm 4 has it
		// still.
		{name: "Helm3Style", deploy: helmUpgrade("--server-side=false"), forces: true, remembers: true},
		argo.as("ArgoCD"),
		// Argo CD's default: kubectl's client-side apply under a manager of its own.
		kubectlApply("--field-manager=argocd-controller").as("ArgoCDClientSide"),
		serverSideApply("kustomize-controller", nil).afterADryRun().as("Flux"),
		serverSide.beside(anotherManager).as("TwoServerSideManagers"),
		clientSide.beside(byHand).as("KubectlApplyAndByHand"),
	}
}

func (d deployer) as(name string) deployer {
	d.name = name
	return d
}

func (d deployer) beside(other func(place) (string, error)) deployer {
	d.other = other
	return d
}

// afterADryRun has every deploy preceded by a dry run, which must not be refused.
func (d deployer) afterADryRun() deployer {
	apply := d.deploy
	d.deploy = func(p place, m manifest) (string, error) {
		if said, err := d.dryRun(p, m); err != nil {
			return said, fmt.Errorf("dry run: %w", err)
		}
		return apply(p, m)
	}
	return d
}

// kubectlApply is `kubectl apply` with flags.
func kubectlApply(flags ...string) deployer {
	apply := func(more ...string) func(p place, m manifest) (string, error) {
		return func(p place, m manifest) (string, error) {
			return p.TryKubectl(m.yaml(), slices.Concat([]string{"apply", "-f", "-"}, flags, more)...)
		}
	}
	return deployer{deploy: apply(), dryRun: apply("--dry-run=server"), forces: !slices.Contains(flags, "--server-side")}
}

// serverSideApply is a controller that applies server-side and takes every field that it names, as
// Argo CD and Flux do.
func serverSideApply(manager string, mark func(place, *unstructured.Unstructured)) deployer {
	apply := func(options ...client.ApplyOption) func(p place, m manifest) (string, error) {
		return func(p place, m manifest) (string, error) {
			d := m.object()
			d.SetNamespace(p.Namespace)
			if mark != nil {
				mark(p, d)
			}
			p.Warnings.Take()
			err := p.API.Apply(p.Context(), client.ApplyConfigurationFromUnstructured(d),
				append(options, client.FieldOwner(manager), client.ForceOwnership)...)
			return p.Warnings.Take(), err
		}
	}
	return deployer{deploy: apply(), dryRun: apply(client.DryRunAll), forces: true}
}

func annotate(d *unstructured.Unstructured, key, value string) {
	annotations := d.GetAnnotations()
	annotations[key] = value
	d.SetAnnotations(annotations)
}

// createAndSet is a script that creates a workload and later sets its image, and its variables
// where they differ from what is live.
func createAndSet(p place, m manifest) (string, error) {
	if len(p.revisions()) == 0 {
		return p.TryKubectl(m.yaml(), "create", "-f", "-")
	}
	if said, err := p.TryKubectl(nil, "set", "image", "deployment/"+name, container+"="+m.image); err != nil {
		return said, err
	}
	live, set := p.environment(), []string{}
	for _, key := range slices.Sorted(maps.Keys(m.env)) {
		if live[key] != m.env[key] {
			set = append(set, key+"="+m.env[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(live)) {
		if _, wanted := m.env[key]; !wanted {
			set = append(set, key+"-")
		}
	}
	if len(set) == 0 {
		return "", nil
	}
	return p.TryKubectl(nil, append([]string{"set", "env", "deployment/" + name}, set...)...)
}

// environment are the variables of the live container.
func (p place) environment() map[string]string {
	p.Helper()
	containers, _, err := unstructured.NestedSlice(p.live().Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		p.Fatalf("the containers are %v: %v", containers, err)
	}
	env := map[string]string{}
	variables, _ := containers[0].(map[string]any)["env"].([]any)
	for _, v := range variables {
		variable := v.(map[string]any)
		env[variable["name"].(string)] = variable["value"].(string)
	}
	return env
}

// anotherManager owns a variable and a label of a workload whose other fields are somebody else's.
func anotherManager(p place) (string, error) {
	d := &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": name, "namespace": p.Namespace, "labels": map[string]any{"cost-centre": "42"}},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{
			map[string]any{"name": container, "env": []any{map[string]any{"name": "PROXY", "value": "proxy:3128"}}},
		}}}},
	}}
	d.SetGroupVersionKind(p.live().GroupVersionKind())
	return "", p.API.Apply(p.Context(), client.ApplyConfigurationFromUnstructured(d), client.FieldOwner("platform"))
}

// byHand is somebody who sets a variable and a label of a workload that a pipeline deploys.
func byHand(p place) (string, error) {
	if said, err := p.TryKubectl(nil, "set", "env", "deployment/"+name, "PROXY=proxy:3128"); err != nil {
		return said, err
	}
	return p.TryKubectl(nil, "label", "deployment/"+name, "cost-centre=42")
}
