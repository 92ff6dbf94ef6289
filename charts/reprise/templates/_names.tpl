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
The namespaces that Reprise never touches, including its own.
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
A CEL expression: the object that the argument names has Score's annotation or is opted in.
*/}}
{{- define "reprise.marked" -}}
((has({{ . }}.metadata.annotations) && 'k8s.score.dev/workload-name' in {{ . }}.metadata.annotations && {{ . }}.metadata.annotations['k8s.score.dev/workload-name'] != '') || (has({{ . }}.metadata.labels) && 'reprise.dev/guard' in {{ . }}.metadata.labels && {{ . }}.metadata.labels['reprise.dev/guard'] == 'enabled'))
{{- end }}

{{/*
The match conditions of a webhook. The object is a workload, or was one before this request, and its spec, labels or Score's
annotation changed. Every level has a has(), because an expression that fails rejects the request with an obscure error.
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
    || !{{ include "reprise.annotationsKept" (list "object" "oldObject") }}
    || !{{ include "reprise.annotationsKept" (list "oldObject" "object") }}
{{- end }}

{{/*
A CEL expression: the second object has every annotation of the first one, except those of the deployment controller.
*/}}
{{- define "reprise.annotationsKept" -}}
{{- $here := printf "%s.metadata.annotations" (index . 0) -}}
{{- $there := printf "%s.metadata.annotations" (index . 1) -}}
(!has({{ $here }}) || {{ $here }}.all(k, k.startsWith('deployment.kubernetes.io/') || (has({{ $there }}) && k in {{ $there }} && {{ $there }}[k] == {{ $here }}[k])))
{{- end }}

{{/*
A CEL expression: a container in the list that the argument names has a quantity with a large exponent or many digits. It
comes before every comparison of quantities: the API server would compute with all digits.
*/}}
{{- define "reprise.longQuantity" -}}
(has(object.spec.template.spec.{{ . }}) && object.spec.template.spec.{{ . }} != null && object.spec.template.spec.{{ . }}.exists(c, has(c.resources) && ((has(c.resources.limits) && c.resources.limits.exists(r, isQuantity(c.resources.limits[r]) && c.resources.limits[r].matches('[eE]-?[0-9]{3}|.{30}'))) || (has(c.resources.requests) && c.resources.requests.exists(r, isQuantity(c.resources.requests[r]) && c.resources.requests[r].matches('[eE]-?[0-9]{3}|.{30}'))))))
{{- end }}

{{/*
A CEL expression: a container in the list that the argument names requests more than its own limit. In a template without
containers the list is null, for which has() is true.
*/}}
{{- define "reprise.overLimit" -}}
(has(object.spec.template.spec.{{ . }}) && object.spec.template.spec.{{ . }} != null && object.spec.template.spec.{{ . }}.exists(c, has(c.resources) && has(c.resources.requests) && has(c.resources.limits) && c.resources.requests.exists(r, r in c.resources.limits && isQuantity(c.resources.requests[r]) && isQuantity(c.resources.limits[r]) && quantity(c.resources.requests[r]).isGreaterThan(quantity(c.resources.limits[r])))))
{{- end }}

{{/*
A CEL expression: the request changes the selector.
*/}}
{{- define "reprise.selectorChanged" -}}
(request.operation == 'UPDATE' && has(object.spec) && has(oldObject.spec) && has(object.spec.selector) && has(oldObject.spec.selector) && object.spec.selector != oldObject.spec.selector)
{{- end }}

{{/*
A CEL expression: two volumes have the same name. The API server limits the cost of an expression, so it is true without a
comparison if there are many volumes; then the early phase compares them.
*/}}
{{- define "reprise.duplicateVolumes" -}}
(has(object.spec.template.spec.volumes) && object.spec.template.spec.volumes != null && (object.spec.template.spec.volumes.size() > 64 || object.spec.template.spec.volumes.exists(v, has(v.name) && !object.spec.template.spec.volumes.exists_one(w, has(w.name) && w.name == v.name))))
{{- end }}
