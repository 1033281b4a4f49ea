"""deploy/ is the chart with its default values."""

import copy
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import yaml
from chart import SOURCE, TestCase, render, tool

DEPLOY = SOURCE / "deploy"


def without_helm(thing):
    """The object without the labels that only helm reads."""
    thing = copy.deepcopy(thing)
    for label in ("helm.sh/chart", "app.kubernetes.io/managed-by"):
        thing["metadata"]["labels"].pop(label)
    return thing


class Manifests(TestCase):
    def test_the_file_is_what_the_script_writes(self):
        done = subprocess.run([SOURCE / "scripts" / "manifests.sh",
                               pathlib.Path(os.environ["TOOLS"]) / "helm"],
                              check=True, capture_output=True, text=True, timeout=60)
        self.assertEqual((DEPLOY / "gracekeeper.yaml").read_text(), done.stdout,
                         "run make manifests")

    def test_kustomize_gives_the_chart_s_objects_and_the_webhooks_last(self):
        built = list(yaml.safe_load_all(tool("kubectl", "kustomize", DEPLOY)))
        kinds = [o["kind"] for o in built]
        self.assertEqual((built[0]["kind"], built[0]["metadata"]["name"]),
                         ("Namespace", "gracekeeper"))
        self.assertEqual(kinds[-2:], ["MutatingWebhookConfiguration",
                                      "ValidatingWebhookConfiguration"])
        self.assertEqual({o["kind"]: o for o in built[1:]},
                         {o["kind"]: without_helm(o) for o in render()})
        self.assertEqual(len(built), len(render()) + 1)

    def test_the_documented_kustomization_names_one_image_for_both_uses(self):
        text = (SOURCE / "docs" / "install.md").read_text()
        overlay = text.split("cat > kustomization.yaml <<'TEXT'\n", 1)[1].split("TEXT\n", 1)[0]
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(DEPLOY, pathlib.Path(folder, "deploy"))
            pathlib.Path(folder, "kustomization.yaml").write_text(overlay)
            built = list(yaml.safe_load_all(tool("kubectl", "kustomize", folder)))
        container = next(o for o in built if o["kind"] == "Deployment")[
            "spec"]["template"]["spec"]["containers"][0]
        self.assertTrue(container["image"].startswith("registry.example/gracekeeper:"))
        self.assertEqual(container["env"], [{"name": "HELPER_IMAGE", "value": container["image"]}])

    def test_nothing_of_helm_is_left(self):
        text = (DEPLOY / "gracekeeper.yaml").read_text()
        self.assertNotIn("helm.sh/", text)
        self.assertNotIn("managed-by", text)

    def test_its_namespace_allows_its_pods(self):
        # The restricted level, as far as it looks at fields that the pods set (Pod Security Standards).
        namespace = next(yaml.safe_load_all((DEPLOY / "gracekeeper.yaml").read_text()))
        self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
                         "restricted")
        pod = render().pod
        self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
        self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertLessEqual({key for v in pod["volumes"] for key in v} - {"name"},
                             {"configMap", "secret", "projected", "emptyDir"})


if __name__ == "__main__":
    unittest.main()
