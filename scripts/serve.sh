#!/bin/sh
# Serves the webhook on loopback with a certificate made on the spot, for a person with curl.
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat <<TEXT
webhook      https://127.0.0.1:8443/mutate and /validate
management   http://127.0.0.1:8080/livez /readyz /metrics
CA           $folder/ca.pem

  curl --cacert $folder/ca.pem -H 'Content-Type: application/json' --data-binary @review.json https://127.0.0.1:8443/mutate
  curl http://127.0.0.1:8080/metrics

Ctrl-C stops it.
TEXT
# Ctrl-C goes to the program too; this shell only cleans up behind it.
trap : INT
"$program" serve --listen 127.0.0.1:8443 --management-listen 127.0.0.1:8080 \
  --write-ca "$folder/ca.pem" --log-format text --shutdown-delay 1s
