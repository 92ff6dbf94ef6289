{{/*
Where the serving certificate comes from: explicit, never guessed.
*/}}
{{- define "reprise.certificateMode" -}}
{{- $mode := .Values.certificates.mode -}}
{{- if not (has $mode (list "self-signed" "cert-manager" "existing")) -}}
{{- fail (printf "certificates.mode is %q: expected self-signed, cert-manager or existing" $mode) -}}
{{- end -}}
{{- $mode -}}
{{- end }}

{{/*
The flags about the serving certificate.
*/}}
{{- define "reprise.certificateArgs" -}}
{{- $mode := include "reprise.certificateMode" . -}}
- --release={{ .Release.Name }}
- --cert-mode={{ $mode }}
{{- if eq $mode "self-signed" }}
- --cert-lifetime={{ .Values.certificates.lifetime }}
- --ca-lifetime={{ .Values.certificates.caLifetime }}
{{- else }}
- --tls-cert-file=/etc/reprise-tls/tls.crt
- --tls-private-key-file=/etc/reprise-tls/tls.key
{{- end }}
{{- end }}

{{/*
The Secret that is mounted; none in self-signed mode, where each replica reads it as soon as it changes.
*/}}
{{- define "reprise.mountedSecret" -}}
{{- $mode := include "reprise.certificateMode" . -}}
{{- if eq $mode "cert-manager" -}}
{{ .Release.Name }}-tls
{{- else if eq $mode "existing" -}}
{{ required "certificates.secretName is required with certificates.mode=existing: the Secret of type kubernetes.io/tls that holds the serving certificate" .Values.certificates.secretName }}
{{- end }}
{{- end }}

{{/*
The caBundle of a webhook, which only the mode existing writes: the others' is written by Reprise or by cert-manager, and
an upgrade of the chart leaves it as it is.
*/}}
{{- define "reprise.caBundle" -}}
{{- if eq (include "reprise.certificateMode" .) "existing" -}}
caBundle: {{ required "certificates.caBundle is required with certificates.mode=existing: the PEM of the authority that signed the serving certificate, in base64" .Values.certificates.caBundle }}
{{- end }}
{{- end }}

{{/*
The annotation by which cert-manager writes the caBundle: that of the authority, which outlives the renewals of what it
signs.
*/}}
{{- define "reprise.injection" -}}
{{- if eq (include "reprise.certificateMode" .) "cert-manager" -}}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}
{{- end }}
