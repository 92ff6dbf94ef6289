{{/*
The mode of the serving certificate, which is never guessed.
*/}}
{{- define "reprise.certificateMode" -}}
{{- $mode := .Values.certificates.mode -}}
{{- if not (has $mode (list "self-signed" "cert-manager" "existing")) -}}
{{- fail (printf "certificates.mode is %q: expected self-signed, cert-manager or existing" $mode) -}}
{{- end -}}
{{- $mode -}}
{{- end }}

{{/*
The flags of the serving certificate.
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
The mounted Secret. In self-signed mode there is none, since each replica watches the Secret.
*/}}
{{- define "reprise.mountedSecret" -}}
{{- $mode := include "reprise.certificateMode" . -}}
{{- if eq $mode "cert-manager" -}}
{{ .Release.Name }}-tls
{{- else if eq $mode "existing" -}}
{{ required "certificates.secretName is required with certificates.mode=existing: the Secret of type kubernetes.io/tls with the serving certificate" .Values.certificates.secretName }}
{{- end }}
{{- end }}

{{/*
The caBundle of a webhook, which the chart only sets in the mode existing. In the other modes Reprise or cert-manager writes
it, and an upgrade of the chart keeps it.
*/}}
{{- define "reprise.caBundle" -}}
{{- if eq (include "reprise.certificateMode" .) "existing" -}}
caBundle: {{ required "certificates.caBundle is required with certificates.mode=existing: the PEM of the CA that signed the serving certificate, in base64" .Values.certificates.caBundle }}
{{- end }}
{{- end }}

{{/*
The annotation that makes cert-manager write the caBundle with the CA.
*/}}
{{- define "reprise.injection" -}}
{{- if eq (include "reprise.certificateMode" .) "cert-manager" -}}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}
{{- end }}
