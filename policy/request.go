package policy

// Request returns the request of an admission review that would create a Deployment, or update old
// to it if that is not nil. Whoever evaluates a Deployment outside of admission uses it, so that
// policies see the same fields everywhere. It has no uid and no userInfo, since nobody asks:
// references to them are undefined.
func Request(namespace, name string, object, old map[string]any) map[string]any {
	kind, resource := groupVersion("kind", "Deployment"), groupVersion("resource", "deployments")
	request := map[string]any{
		"kind": kind, "requestKind": kind, "resource": resource, "requestResource": resource,
		"operation": "CREATE", "namespace": namespace, "name": name, "object": object, "oldObject": nil, "dryRun": false,
	}
	if old != nil {
		request["operation"], request["oldObject"] = "UPDATE", old
	}
	return request
}

// groupVersion returns the kind or resource of Deployments as a review has it.
func groupVersion(key, value string) map[string]any {
	return map[string]any{"group": "apps", "version": "v1", key: value}
}
