package cluster

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	release "helm.sh/helm/v4/pkg/release/v1/util"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
)

// InstallChart renders the product's chart (charts/reprise) as `helm install` does and applies it.
// See InstallChartFrom.
func (c *Cluster) InstallChart(ctx context.Context, name, namespace string, values map[string]any) error {
	root, err := RepositoryRoot()
	if err != nil {
		return err
	}
	return c.InstallChartFrom(ctx, filepath.Join(root, "charts", "reprise"), name, namespace, values)
}

// InstallChartFrom renders the chart in folder with Helm's own engine, values checked against its
// schema and .Capabilities those of this API server, and applies the result server-side in Helm's
// order, the namespace and the CRDs first. Hooks are left out. It may be repeated, with other
// values.
func (c *Cluster) InstallChartFrom(ctx context.Context, folder, name, namespace string, values map[string]any) error {
	chart, err := loader.LoadDir(folder)
	if err != nil {
		return fmt.Errorf("loading chart %s: %w", folder, err)
	}
	capabilities, err := c.capabilities()
	if err != nil {
		return err
	}
	options := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	rendering, err := util.ToRenderValues(chart, values, options, capabilities)
	if err != nil {
		return fmt.Errorf("checking the values of chart %s: %w", folder, err)
	}
	// As the client can look up objects, `lookup` works as it does in helm install.
	files, err := engine.RenderWithClient(chart, rendering, c.RESTConfig())
	if err != nil {
		return fmt.Errorf("rendering chart %s: %w", folder, err)
	}
	maps.DeleteFunc(files, func(name, _ string) bool { return filepath.Base(name) == "NOTES.txt" })
	_, manifests, err := release.SortManifests(files, capabilities.APIVersions, release.InstallOrder)
	if err != nil {
		return fmt.Errorf("sorting the manifests of chart %s: %w", folder, err)
	}
	objects := []*unstructured.Unstructured{namespaceObject(namespace)}
	for _, crd := range chart.CRDObjects() {
		if objects, err = appendObjects(objects, crd.Filename, crd.File.Data); err != nil {
			return err
		}
	}
	for _, manifest := range manifests {
		if objects, err = appendObjects(objects, manifest.Name, []byte(manifest.Content)); err != nil {
			return err
		}
	}
	return c.Apply(ctx, namespace, objects)
}

// capabilities are what a chart may ask about the API server.
func (c *Cluster) capabilities() (*common.Capabilities, error) {
	client, err := discovery.NewDiscoveryClientForConfig(c.RESTConfig())
	if err != nil {
		return nil, fmt.Errorf("creating a client: %w", err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	kubeVersion, err := common.ParseKubeVersion(version.GitVersion)
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its version: %w", err)
	}
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return nil, fmt.Errorf("asking the API server for its resources: %w", err)
	}
	capabilities := common.DefaultCapabilities.Copy()
	capabilities.KubeVersion, capabilities.APIVersions = *kubeVersion, nil
	for _, list := range lists {
		capabilities.APIVersions = append(capabilities.APIVersions, list.GroupVersion)
		for _, resource := range list.APIResources {
			capabilities.APIVersions = append(capabilities.APIVersions, list.GroupVersion+"/"+resource.Kind)
		}
	}
	return capabilities, nil
}
