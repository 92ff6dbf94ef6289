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
{{- $overridden := list }}
{{- range $i, $o := .Values.policies.overrides }}
{{- if has $o.policy $overridden }}
{{- fail (printf "policies.overrides[%d].policy is %s, which is overridden twice: say all of a policy in one override" $i $o.policy) }}
{{- end }}
{{- $overridden = append $overridden $o.policy }}
{{- end }}
{{- end }}
