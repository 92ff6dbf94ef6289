{{- define "reprise.labels" -}}
app.kubernetes.io/name: reprise
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "reprise.selector" -}}
app.kubernetes.io/name: reprise
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "reprise.clientConfig" -}}
{{- if .root.Values.webhook.url -}}
url: {{ .root.Values.webhook.url }}{{ .path }}
{{- else -}}
service:
  name: {{ .root.Release.Name }}
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
{{- end }}
{{- with include "reprise.caBundle" .root }}
{{ . }}
{{- end }}
{{- end }}

{{/*
The namespaces that Reprise never touches, its own included.
*/}}
{{- define "reprise.protectedNamespaces" -}}
{{- toYaml (append .Values.protectedNamespaces .Release.Namespace | uniq) }}
{{- end }}

{{- define "reprise.namespaceSelector" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      {{- include "reprise.protectedNamespaces" . | nindent 6 }}
{{- end }}

{{/*
A CEL expression: the object named by the argument bears Score's marker or is opted in.
*/}}
{{- define "reprise.marked" -}}
((has({{ . }}.metadata.annotations) && 'k8s.score.dev/workload-name' in {{ . }}.metadata.annotations && {{ . }}.metadata.annotations['k8s.score.dev/workload-name'] != '') || (has({{ . }}.metadata.labels) && 'reprise.dev/guard' in {{ . }}.metadata.labels && {{ . }}.metadata.labels['reprise.dev/guard'] == 'enabled'))
{{- end }}

{{/*
The conditions under which a webhook is called at all, judged by the API server: a workload, now or before this
request, whose spec, labels or marker changed. Every level is guarded, since an expression that fails refuses
the request with an error that no one understands.
*/}}
{{- define "reprise.matchConditions" -}}
- name: workload
  expression: >-
    {{ include "reprise.marked" "object" }}
    || (request.operation == 'UPDATE' && {{ include "reprise.marked" "oldObject" }})
- name: changed
  expression: >-
    request.operation == 'CREATE'
    || has(object.spec) != has(oldObject.spec)
    || (has(object.spec) && object.spec != oldObject.spec)
    || has(object.metadata.labels) != has(oldObject.metadata.labels)
    || (has(object.metadata.labels) && object.metadata.labels != oldObject.metadata.labels)
    || {{ include "reprise.marked" "object" }} != {{ include "reprise.marked" "oldObject" }}
{{- end }}

{{/*
A CEL expression: one of the containers in the list named by the argument requests more than its own limit. A
template without containers has a null for them, which has() takes for a value.
*/}}
{{- define "reprise.overLimit" -}}
(has(object.spec.template.spec.{{ . }}) && object.spec.template.spec.{{ . }} != null && object.spec.template.spec.{{ . }}.exists(c, has(c.resources) && has(c.resources.requests) && has(c.resources.limits) && c.resources.requests.exists(r, r in c.resources.limits && isQuantity(c.resources.requests[r]) && isQuantity(c.resources.limits[r]) && quantity(c.resources.requests[r]).isGreaterThan(quantity(c.resources.limits[r])))))
{{- end }}

{{/*
A CEL expression: the selector changes. Nothing else of an update reaches the early check by it.
*/}}
{{- define "reprise.selectorChanged" -}}
(request.operation == 'UPDATE' && has(object.spec) && has(oldObject.spec) && has(object.spec.selector) && has(oldObject.spec.selector) && object.spec.selector != oldObject.spec.selector)
{{- end }}

{{/*
A CEL expression: two volumes have one name. Comparing each with each is bounded, since the cost of an expression
is: with very many volumes it says yes, and the check itself finds out.
*/}}
{{- define "reprise.duplicateVolumes" -}}
(has(object.spec.template.spec.volumes) && object.spec.template.spec.volumes != null && (object.spec.template.spec.volumes.size() > 64 || object.spec.template.spec.volumes.exists(v, has(v.name) && !object.spec.template.spec.volumes.exists_one(w, has(w.name) && w.name == v.name))))
{{- end }}
