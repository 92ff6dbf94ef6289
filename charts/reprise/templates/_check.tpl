{{/*
Checks of the values that the schema cannot express. Each fails the command with a message.
*/}}
{{- define "reprise.check" -}}
{{- if has .Release.Namespace .Values.protectedNamespaces }}
{{- fail (printf "the release's namespace is %s, which protectedNamespaces lists: install Reprise into its own namespace, such as reprise-system" .Release.Namespace) }}
{{- end }}
{{- if eq .Release.Namespace "default" }}
{{- fail "the release's namespace is default, and Reprise never guards its own namespace: install it with -n reprise-system --create-namespace" }}
{{- end }}
{{- with .Values.certificates.caBundle }}
{{- if not (contains "BEGIN CERTIFICATE" (b64dec .)) }}
{{- fail "certificates.caBundle is not a PEM in base64: expected the output of base64 -w0 ca.crt, which starts with LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS" }}
{{- end }}
{{- end }}
{{- /* Only durations in hours are compared here; Reprise checks the others at its start. */}}
{{- $leaf := .Values.certificates.lifetime }}
{{- $ca := .Values.certificates.caLifetime }}
{{- if and (regexMatch "^[0-9]+h$" $leaf) (regexMatch "^[0-9]+h$" $ca) }}
{{- if lt (int64 (trimSuffix "h" $ca)) (mul 3 (int64 (trimSuffix "h" $leaf))) }}
{{- fail (printf "certificates.caLifetime is %s and certificates.lifetime %s: expected caLifetime to be at least three times as long" $ca $leaf) }}
{{- end }}
{{- end }}
{{- $overridden := list }}
{{- range $i, $o := .Values.policies.overrides }}
{{- if has $o.policy $overridden }}
{{- fail (printf "policies.overrides[%d].policy is %s, which is overridden twice: use one override per policy" $i $o.policy) }}
{{- end }}
{{- $overridden = append $overridden $o.policy }}
{{- end }}
{{- end }}
