#!/bin/sh
# Prints the chart's objects with its default values, as plain manifests: deploy/gracekeeper.yaml.
#   scripts/manifests.sh HELM
set -eu
helm=$1
cd "$(dirname "$0")/.."
cat <<'TEXT'
# Gracekeeper as the chart installs it with its default values, for kubectl apply -k deploy/.
# Written by `make manifests`: change charts/gracekeeper instead.
apiVersion: v1
kind: Namespace
metadata:
  name: gracekeeper
  labels:
    app.kubernetes.io/name: gracekeeper
    pod-security.kubernetes.io/enforce: restricted
TEXT
# Without what only helm reads. The newest Kubernetes that the tests know; the chart renders the same for all.
"$helm" template gracekeeper charts/gracekeeper --namespace gracekeeper --no-hooks --kube-version 1.34 |
  sed -e '/^# Source: /d' -e '/^ *helm\.sh\/chart: /d' -e '/^ *app\.kubernetes\.io\/managed-by: Helm$/d'
