{{/*
What a schema cannot say of the values, each in a sentence that fails the command.
*/}}
{{- define "reprise.check" -}}
{{- if has .Release.Namespace .Values.protectedNamespaces }}
{{- fail (printf "the release's namespace is %s, which protectedNamespaces lists: install Reprise into a namespace of its own, such as reprise-system" .Release.Namespace) }}
{{- end }}
{{- if eq .Release.Namespace "default" }}
{{- fail "the release's namespace is default, and Reprise never guards its own namespace: install it into one of its own, by -n reprise-system --create-namespace" }}
{{- end }}
{{- with .Values.certificates.caBundle }}
{{- if not (contains "BEGIN CERTIFICATE" (b64dec .)) }}
{{- fail "certificates.caBundle is no PEM in base64: expected what base64 -w0 ca.crt prints, which begins with LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS" }}
{{- end }}
{{- end }}
{{- /* Durations of whole hours are compared; others the process itself refuses at its start. */}}
{{- $leaf := .Values.certificates.lifetime }}
{{- $authority := .Values.certificates.caLifetime }}
{{- if and (regexMatch "^[0-9]+h$" $leaf) (regexMatch "^[0-9]+h$" $authority) }}
{{- if lt (int64 (trimSuffix "h" $authority)) (mul 3 (int64 (trimSuffix "h" $leaf))) }}
{{- fail (printf "certificates.caLifetime is %s and certificates.lifetime %s: expected the first to be at least three times the second" $authority $leaf) }}
{{- end }}
{{- end }}
{{- $overridden := list }}
{{- range $i, $o := .Values.policies.overrides }}
{{- if has $o.policy $overridden }}
{{- fail (printf "policies.overrides[%d].policy is %s, which is overridden twice: say all of a policy in one override" $i $o.policy) }}
{{- end }}
{{- $overridden = append $overridden $o.policy }}
{{- end }}
{{- end }}
