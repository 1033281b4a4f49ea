{{/* What all webhooks share. Arguments: root, name, path, failurePolicy. */}}
{{- define "gracekeeper.webhook" -}}
{{- $root := .root -}}
{{- $webhooks := $root.Values.webhooks -}}
name: {{ .name }}.gracekeeper.dev
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "gracekeeper.fullname" $root }}
    namespace: {{ $root.Release.Namespace }}
    path: {{ .path }}
    port: 443
  {{- if eq $root.Values.certificates.mode "files" }}
  caBundle: {{ required "certificates.files.caBundle: the CA's PEM is needed when certificates.mode is files" $root.Values.certificates.files.caBundle | b64enc }}
  {{- end }}
# No side effects: dry runs get the same answer.
sideEffects: None
failurePolicy: {{ .failurePolicy }}
timeoutSeconds: {{ $webhooks.timeoutSeconds }}
# Other versions of the same resources too: the API server converts them.
matchPolicy: Equivalent
namespaceSelector:
  matchExpressions:
  # Never the namespaces that a cluster needs to recover, nor this one: the webhook must not wait for itself.
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ concat (list "kube-system" "kube-public" "kube-node-lease" $root.Release.Namespace) $webhooks.excludedNamespaces | uniq | toJson }}
  - key: config.linkerd.io/admission-webhooks
    operator: NotIn
    values: [disabled]
  - key: gracekeeper.dev/admission
    {{- if $webhooks.optIn }}
    operator: In
    values: [enabled]
    {{- else }}
    operator: NotIn
    values: [disabled]
    {{- end }}
  {{- with $webhooks.namespaceMatchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
objectSelector:
  matchExpressions:
  - key: linkerd.io/control-plane-component
    operator: DoesNotExist
  - key: linkerd.io/cni-resource
    operator: DoesNotExist
  # The way out for a single object.
  - key: gracekeeper.dev/admission
    operator: NotIn
    values: [disabled]
  {{- with $webhooks.objectMatchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Conditions must never fail: one that does counts as a failing webhook. Hence has() before every optional field. */}}
{{- define "gracekeeper.podConditions" -}}
# The mirror of a static pod cannot be changed.
- name: not-a-mirror-pod
  expression: >-
    !has(object.metadata.annotations) ||
    !("kubernetes.io/config.mirror" in object.metadata.annotations)
{{- if .Values.webhooks.onlyAnnotatedPods }}
{{- $proxies := list "linkerd-proxy" }}
{{- $keys := list }}
{{- range .Values.sidecarProfiles }}
{{- $proxies = append $proxies .container }}
{{- range list .inject .wait .grace .native }}
{{- if kindIs "map" . }}{{ with .annotation }}{{ $keys = append $keys . }}{{ end }}{{ end }}
{{- end }}
{{- end }}
- name: annotated-or-with-a-proxy
  expression: >-
    (has(object.metadata.annotations) && object.metadata.annotations.exists(key,
    key.startsWith("linkerd.io/") || key.startsWith("config.linkerd.io/") ||
    key.startsWith("config.alpha.linkerd.io/") || key.startsWith("config.beta.linkerd.io/") ||
    key.startsWith("gracekeeper.dev/"){{ if $keys }} || key in {{ toJson $keys }}{{ end }})) ||
    (has(object.spec.containers) && object.spec.containers.exists(c, c.name in {{ toJson $proxies }})) ||
    (has(object.spec.initContainers) && object.spec.initContainers.exists(c, c.name in {{ toJson $proxies }}))
{{- end }}
{{- with .Values.webhooks.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "gracekeeper.workloadConditions" -}}
# What does not change the template is never in the way: scaling, a roll-back's clean-up, removing a finalizer.
- name: template-is-new
  expression: >-
    request.operation != "UPDATE" || (request.kind.kind == "CronJob" ?
    object.spec.jobTemplate != oldObject.spec.jobTemplate :
    (has(object.spec.template) && has(oldObject.spec.template) && object.spec.template != oldObject.spec.template))
# A Deployment's ReplicaSets and a CronJob's Jobs: the owner's template was judged, and nobody reads a controller's warnings.
- name: not-made-by-a-judged-workload
  expression: >-
    !has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(o,
    (request.kind.kind == "ReplicaSet" && o.kind == "Deployment") || (request.kind.kind == "Job" && o.kind == "CronJob"))
{{- with .Values.webhooks.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* cert-manager writes its CA into what is annotated so. */}}
{{- define "gracekeeper.webhookAnnotations" -}}
{{- if eq .Values.certificates.mode "cert-manager" }}
  annotations:
    cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "gracekeeper.fullname" . }}
{{- end }}
{{- end }}

{{- define "gracekeeper.mutatingWebhookConfiguration" -}}
{{- $mutate := .Values.webhooks.mutate -}}
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata:
  name: {{ include "gracekeeper.webhookName" . }}
  labels:
    {{- include "gracekeeper.labels" . | nindent 4 }}
  {{- include "gracekeeper.webhookAnnotations" . }}
webhooks:
- {{ include "gracekeeper.webhook" (dict "root" . "name" "pods.mutate" "path" "/mutate" "failurePolicy" $mutate.failurePolicy) | indent 2 | trim }}
  # Another webhook's containers, or Linkerd's proxy, may come after this call: it sees the pod again.
  reinvocationPolicy: IfNeeded
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    operations: [CREATE]
    scope: Namespaced
  matchConditions:
  {{- include "gracekeeper.podConditions" . | nindent 2 }}
{{- if $mutate.services }}
- {{ include "gracekeeper.webhook" (dict "root" . "name" "services.mutate" "path" "/mutate" "failurePolicy" $mutate.failurePolicy) | indent 2 | trim }}
  reinvocationPolicy: IfNeeded
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [services]
    operations: [CREATE]
    scope: Namespaced
{{- end }}
{{- end }}

{{- define "gracekeeper.validatingWebhookConfiguration" -}}
{{- $validate := .Values.webhooks.validate -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: {{ include "gracekeeper.webhookName" . }}
  labels:
    {{- include "gracekeeper.labels" . | nindent 4 }}
  {{- include "gracekeeper.webhookAnnotations" . }}
webhooks:
- {{ include "gracekeeper.webhook" (dict "root" . "name" "pods.validate" "path" "/validate" "failurePolicy" $validate.failurePolicy) | indent 2 | trim }}
  # Not UPDATE: what decides about a pod's termination cannot be changed afterwards.
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    operations: [CREATE]
    scope: Namespaced
  matchConditions:
  {{- include "gracekeeper.podConditions" . | nindent 2 }}
{{- if $validate.workloads }}
- {{ include "gracekeeper.webhook" (dict "root" . "name" "workloads.validate" "path" "/validate" "failurePolicy" $validate.failurePolicy) | indent 2 | trim }}
  rules:
  - apiGroups: [apps]
    apiVersions: [v1]
    resources: [deployments, statefulsets, daemonsets, replicasets]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  - apiGroups: [batch]
    apiVersions: [v1]
    resources: [jobs, cronjobs]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  - apiGroups: [""]
    apiVersions: [v1]
    resources: [replicationcontrollers]
    operations: [CREATE, UPDATE]
    scope: Namespaced
  matchConditions:
  {{- include "gracekeeper.workloadConditions" . | nindent 2 }}
{{- end }}
{{- end }}
