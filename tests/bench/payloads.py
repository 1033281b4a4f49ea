"""What is sent: AdmissionReviews as an API server writes them, and manifests for `check`."""

import json

CLASSIC = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
SIZE = 8800  # bytes of the review that most figures are about

# Linkerd's chart values, as far as an injected proxy cannot start without them; the rest is standard.
LINKERD_VALUES = """\
identityTrustAnchorsPEM: |
  -----BEGIN CERTIFICATE-----
%s  -----END CERTIFICATE-----
linkerdVersion: edge-26.8.1
clusterDomain: cluster.local
identityTrustDomain: cluster.local
""" % "".join(f"  MIIBbenchmark{'A' * 50}{line}\n" for line in range(9))


def _container(number, variables):
    name = "web" if number == 0 else f"worker-{number}"
    return {
        "name": name, "image": f"registry.example/shop/{name}:1.14.2", "args": ["--listen", f":{8080 + number}"],
        "ports": [{"name": "http" if number == 0 else f"http-{number}", "containerPort": 8080 + number,
                   "protocol": "TCP"}],
        "env": [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}]
               + [{"name": f"SHOP_SETTING_{i:03}", "value": f"https://service-{i:03}.shop.svc.cluster.local:8443/v1"}
                  for i in range(variables)],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "configuration", "readOnly": True, "mountPath": "/etc/shop"},
                         {"name": "kube-api-access-x7x2p", "readOnly": True,
                          "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}],
        "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080 + number, "scheme": "HTTP"},
                          "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10,
                          "successThreshold": 1, "failureThreshold": 3},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080 + number, "scheme": "HTTP"},
                           "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
                            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}}


def pod(containers=1, variables=14):
    """A pod of a Deployment's, to be injected with a classic proxy that waits 20 s; its grace is long enough."""
    return {
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "generateName": "web-6d4cf56db6-", "creationTimestamp": None,
            "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop",
                       "pod-template-hash": "6d4cf56db6"},
            "annotations": {"linkerd.io/inject": "enabled", CLASSIC: "20",
                            "config.linkerd.io/proxy-enable-native-sidecar": "false",
                            "config.linkerd.io/shutdown-grace-period": "30s",
                            "kubectl.kubernetes.io/restartedAt": "2026-01-31T12:00:00Z"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4cf56db6",
                                 "uid": "2f1c7a52-93f0-4a5c-8a53-1f3f8ce0d111", "controller": True,
                                 "blockOwnerDeletion": True}],
            "managedFields": [{
                "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
                "time": "2026-01-31T12:00:00Z", "fieldsType": "FieldsV1",
                "fieldsV1": {
                    "f:metadata": {
                        "f:annotations": {".": {}, "f:linkerd.io/inject": {}, f"f:{CLASSIC}": {}},
                        "f:generateName": {},
                        "f:labels": {".": {}, "f:app.kubernetes.io/name": {}, "f:pod-template-hash": {}},
                        "f:ownerReferences": {
                            ".": {}, 'k:{"uid":"2f1c7a52-93f0-4a5c-8a53-1f3f8ce0d111"}': {}}},
                    "f:spec": {
                        "f:containers": {'k:{"name":"web"}': {
                            ".": {}, "f:args": {}, "f:env": {".": {}, **{
                                f'k:{{"name":"SHOP_SETTING_{i:03}"}}': {".": {}, "f:name": {}, "f:value": {}}
                                for i in range(variables)}},
                            "f:image": {}, "f:imagePullPolicy": {}, "f:lifecycle": {".": {}, "f:preStop": {}},
                            "f:livenessProbe": {}, "f:name": {}, "f:ports": {}, "f:readinessProbe": {},
                            "f:resources": {}, "f:securityContext": {}, "f:volumeMounts": {}}},
                        "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {},
                        "f:terminationGracePeriodSeconds": {}, "f:volumes": {}}}}]},
        "spec": {
            "volumes": [
                {"name": "configuration", "configMap": {"name": "shop", "defaultMode": 420}},
                {"name": "kube-api-access-x7x2p", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {
                        "apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}]}}],
            "containers": [_container(i, variables if i == 0 else 1) for i in range(containers)],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 90, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "web", "serviceAccount": "web", "securityContext": {"fsGroup": 2000},
            "schedulerName": "default-scheduler",
            "tolerations": [{"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute",
                             "tolerationSeconds": 300} for key in ("not-ready", "unreachable")],
            "priority": 0, "enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"},
        "status": {}}


def review(thing):
    """The AdmissionReview that an API server sends when the pod is created."""
    kind = {"group": "", "version": "v1", "kind": "Pod"}
    resource = {"group": "", "version": "v1", "resource": "pods"}
    return {
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "7c2f5a6e-06a0-4b6e-9d0a-41a3c60a12ab", "kind": kind, "resource": resource,
            "requestKind": kind, "requestResource": resource, "namespace": "shop", "operation": "CREATE",
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller",
                         "uid": "e7a6f9d1-6f4e-4f49-8a9d-5d2a7a2a5a11",
                         "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system",
                                    "system:authenticated"]},
            "object": thing, "oldObject": None, "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}}}


def encode(document):
    return json.dumps(document, separators=(",", ":")).encode()


def sized_review(size=SIZE):
    """A review of exactly that many bytes: by its number of variables, the rest by one annotation."""
    smallest, one_more = (len(encode(review(pod(variables=n)))) for n in (0, 1))
    each = one_more - smallest + 2
    count = max(0, (size - smallest - 100) // each)
    while count >= 0:
        thing = pod(variables=count)
        thing["metadata"]["annotations"]["shop.example/note"] = ""
        missing = size - len(encode(review(thing)))
        if missing >= 0:
            thing["metadata"]["annotations"]["shop.example/note"] = "n" * missing
            return encode(review(thing))
        count -= max(1, -missing // each)
    raise ValueError(f"no review is as small as {size} bytes: the smallest has {smallest}")


MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{number}
  namespace: shop
  labels: {{app: web-{number}, team: checkout}}
spec:
  replicas: 3
  selector:
    matchLabels: {{app: web-{number}}}
  template:
    metadata:
      labels: {{app: web-{number}, team: checkout}}
      annotations:
        linkerd.io/inject: enabled
        config.alpha.linkerd.io/proxy-wait-before-exit-seconds: "20"
        config.linkerd.io/shutdown-grace-period: "{grace}s"
    spec:
      serviceAccountName: web
      terminationGracePeriodSeconds: 90
      containers:
      - name: web
        image: registry.example/shop/web:1.14.{number}
        args: ["--listen", ":8080"]
        ports:
        - {{name: http, containerPort: 8080}}
        env:
        - name: POD_NAME
          valueFrom:
            fieldRef: {{fieldPath: metadata.name}}
        - {{name: SHOP_DATABASE, value: "postgres://database.shop.svc:5432/shop"}}
        - {{name: SHOP_QUEUE, value: "amqp://queue.shop.svc:5672/orders"}}
        - {{name: SHOP_LOG_LEVEL, value: "info"}}
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits: {{cpu: 500m, memory: 256Mi}}
        livenessProbe:
          httpGet: {{path: /livez, port: 8080}}
          periodSeconds: 10
        readinessProbe:
          httpGet: {{path: /readyz, port: 8080}}
          periodSeconds: 5
        lifecycle:
          preStop:
            sleep: {{seconds: 5}}
        securityContext:
          runAsNonRoot: true
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: false
          capabilities: {{drop: [ALL]}}
        volumeMounts:
        - {{name: configuration, mountPath: /etc/shop, readOnly: true}}
      volumes:
      - name: configuration
        configMap: {{name: shop}}
"""


def manifest(number):
    """One Deployment as YAML; every hundredth has a grace that does not fit."""
    return MANIFEST.format(number=number, grace=120 if number % 100 == 0 else 30)


def write_manifests(folder, documents, per_file):
    """The files, in order."""
    folder.mkdir(parents=True)
    files = []
    for first in range(0, documents, per_file):
        path = folder / f"{first // per_file:05}.yaml"
        last = min(first + per_file, documents)
        path.write_text("---\n".join(manifest(number) for number in range(first, last)))
        files.append(path)
    return files
