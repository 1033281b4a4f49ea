{{- define "gracekeeper.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "gracekeeper.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "gracekeeper.labels" -}}
{{ include "gracekeeper.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gracekeeper.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "gracekeeper.fullname" .) -}}
{{- end }}

{{- define "gracekeeper.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* Mutating webhooks are called in the order of their configurations' names. Linkerd's is
     linkerd-proxy-injector-webhook-config: "webhook-…" comes after it, so that a proxy that Linkerd injected is
     there to be adopted at the first call. Any other order works too, by reinvocation. */}}
{{- define "gracekeeper.webhookName" -}}
{{- printf "webhook-%s" (include "gracekeeper.fullname" .) -}}
{{- end }}

{{/* The Secret that holds the served certificate. */}}
{{- define "gracekeeper.certificateSecret" -}}
{{- if eq .Values.certificates.mode "files" -}}
{{- required "certificates.files.secretName: the name of a Secret with tls.crt and tls.key is needed when certificates.mode is files" .Values.certificates.files.secretName -}}
{{- else -}}
{{- printf "%s-tls" (include "gracekeeper.fullname" .) -}}
{{- end -}}
{{- end }}

{{/* What the API server's requests, and nobody's else, depend on: refused here rather than found out later. */}}
{{- define "gracekeeper.check" -}}
{{- if not (or .Values.webhooks.mutate.enabled .Values.webhooks.validate.enabled) -}}
{{- fail "webhooks.mutate.enabled and webhooks.validate.enabled are both false: nothing would ever call the program" -}}
{{- end -}}
{{- if and .Values.linkerdConfig.enabled (hasKey .Values.config "linkerd") -}}
{{- fail "linkerdConfig.enabled and config.linkerd exclude each other: Linkerd's settings come from its ConfigMap or from the values" -}}
{{- end -}}
{{- if eq (int .Values.ports.webhook) (int .Values.ports.management) -}}
{{- fail "ports.webhook and ports.management must differ" -}}
{{- end -}}
{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" -}}
{{- end -}}
{{- end }}

{{- define "gracekeeper.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "gracekeeper.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: {{ .Values.seccompProfile.type }}
  {{- if eq .Values.seccompProfile.type "Localhost" }}
  localhostProfile: {{ .Values.seccompProfile.localhostProfile }}
  {{- end }}
{{- end }}
