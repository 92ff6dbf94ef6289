{{/*
The user that Reprise is to the API server.
*/}}
{{- define "reprise.username" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{/*
The condition under which a policy binds Reprise's own account and nobody else.
*/}}
{{- define "reprise.ownAccount" -}}
- name: reprise-itself
  expression: request.userInfo.username == '{{ include "reprise.username" . }}'
{{- end }}

{{/*
Puts the ValidatingAdmissionPolicy of the name in force, in every namespace.
*/}}
{{- define "reprise.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "reprise.labels" .root | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end }}

{{/*
A CEL expression: every entry under reprise.dev/ that the first object has among its labels or annotations, the
second has too.
*/}}
{{- define "reprise.settingsKept" -}}
{{- $here := printf "%s.metadata.%s" (index . 0) (index . 2) -}}
{{- $there := printf "%s.metadata.%s" (index . 1) (index . 2) -}}
(!has({{ $here }}) || {{ $here }}.all(k, !k.startsWith('reprise.dev/') || (has({{ $there }}) && k in {{ $there }} && {{ $there }}[k] == {{ $here }}[k])))
{{- end }}

{{/*
A CEL expression: the ConfigMap named by the argument holds one file as Score writes it.
*/}}
{{- define "reprise.scoreFile" -}}
((has({{ . }}.data) ? {{ . }}.data.size() : 0) + (has({{ . }}.binaryData) ? {{ . }}.binaryData.size() : 0) == 1 && ((has({{ . }}.data) && 'file' in {{ . }}.data) || (has({{ . }}.binaryData) && 'file' in {{ . }}.binaryData)))
{{- end }}
