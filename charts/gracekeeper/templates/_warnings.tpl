{{/* What a value may cost, said at installation. One paragraph each; nothing for the defaults. */}}
{{- define "gracekeeper.warnings" -}}
{{- $webhooks := .Values.webhooks }}
{{- $replicas := .Values.replicas }}
{{- if .Values.autoscaling.enabled }}{{ $replicas = .Values.autoscaling.minReplicas }}{{ end }}
{{- if eq .Release.Namespace "default" }}
WARNING: the release's own namespace is always left out, and this one is named default: give Gracekeeper its own.
{{- end }}
{{- if lt (int $replicas) 2 }}
WARNING: with one replica the webhook is away whenever its node is.
{{- end }}
{{- if and $webhooks.mutate.enabled (eq $webhooks.mutate.failurePolicy "Fail") }}
WARNING: webhooks.mutate.failurePolicy is Fail: while no replica answers, no pod starts in any namespace that is looked at.
{{- end }}
{{- if and $webhooks.validate.enabled (eq $webhooks.validate.failurePolicy "Fail") }}
WARNING: webhooks.validate.failurePolicy is Fail: while no replica answers, pods and workloads cannot be created there.
{{- end }}
{{- if gt (int $webhooks.timeoutSeconds) 10 }}
WARNING: webhooks.timeoutSeconds is {{ $webhooks.timeoutSeconds }}: a replica that hangs holds up each pod for that long.
{{- end }}
{{- if and (not .Values.linkerdConfig.enabled) (not (hasKey .Values.config "linkerd")) }}
NOTE: no settings of Linkerd are given (linkerdConfig.enabled or config.linkerd). Pods that Linkerd's injector injects
are looked after all the same; a proxy that is injected here has no trust anchors and cannot join the mesh.
{{- end }}
{{- if and .Values.networkPolicy.enabled .Values.hostNetwork }}
WARNING: networkPolicy.enabled has no effect on pods of the host's network.
{{- end }}
{{- if not .Values.podDisruptionBudget.enabled }}
WARNING: without a PodDisruptionBudget a drain may take all replicas at a time.
{{- end }}
{{- if $webhooks.onlyAnnotatedPods }}
NOTE: webhooks.onlyAnnotatedPods leaves out pods that get their settings from a Namespace's annotations.
{{- end }}
{{- end }}
