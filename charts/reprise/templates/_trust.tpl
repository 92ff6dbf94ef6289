{{/*
The username of Reprise.
*/}}
{{- define "reprise.username" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ .Release.Name }}
{{- end }}

{{/*
The condition that restricts a policy to the account of Reprise.
*/}}
{{- define "reprise.ownAccount" -}}
- name: reprise-itself
  expression: request.userInfo.username == '{{ include "reprise.username" . }}'
{{- end }}

{{/*
A binding that enforces the ValidatingAdmissionPolicy of this name in every namespace.
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
A CEL expression: the second object has every label or annotation of the first one with the prefix reprise.dev/.
*/}}
{{- define "reprise.settingsKept" -}}
{{- $here := printf "%s.metadata.%s" (index . 0) (index . 2) -}}
{{- $there := printf "%s.metadata.%s" (index . 1) (index . 2) -}}
(!has({{ $here }}) || {{ $here }}.all(k, !k.startsWith('reprise.dev/') || (has({{ $there }}) && k in {{ $there }} && {{ $there }}[k] == {{ $here }}[k])))
{{- end }}

{{/*
A CEL expression: the ConfigMap that the argument names has one file, in the form that Score writes.
*/}}
{{- define "reprise.scoreFile" -}}
((has({{ . }}.data) ? {{ . }}.data.size() : 0) + (has({{ . }}.binaryData) ? {{ . }}.binaryData.size() : 0) == 1 && ((has({{ . }}.data) && 'file' in {{ . }}.data) || (has({{ . }}.binaryData) && 'file' in {{ . }}.binaryData)))
{{- end }}

{{/*
A CEL expression: two objects have the same values in the fields of a list.
*/}}
{{- define "reprise.sameFields" -}}
{{- $new := index . 0 -}}
{{- $old := index . 1 -}}
{{- range $i, $field := index . 2 -}}
{{- if $i }} && {{ end -}}
dyn({{ $new }}).?{{ $field | replace "." ".?" }} == dyn({{ $old }}).?{{ $field | replace "." ".?" }}
{{- end -}}
{{- end }}
