"""docs/install.md and the README say what the chart does."""

import re
import unittest

import yaml
from chart import SOURCE, VALUES, TestCase, leaves, merged, nested, render

TEXT = (SOURCE / "docs" / "install.md").read_text()
README = (SOURCE / "README.md").read_text()


def table(heading):
    """The cells of each row of the first table under a heading."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]


class Install(TestCase):
    def test_every_set_is_taken(self):
        commands = re.findall(r"helm install gracekeeper(?:.*\\\n)*.*", TEXT + README)
        self.assertEqual(len(commands), 3)
        for command in commands:
            values = {}
            for path, value in re.findall(r"--set ([\w.]+)=([\w./-]+)", command):
                values = merged(values, nested(path, yaml.safe_load(value)))
            with self.subTest(command):
                self.assertNotEqual(values, {})
                render(values)

    def test_the_values_exist_and_have_these_defaults(self):
        known = set(leaves(VALUES)) | {".".join(p.split(".")[:n]) for p in leaves(VALUES)
                                       for n in (1, 2)}
        for names, default, _ in table("Values"):
            for name in re.findall(r"`([^`]+)`", names):
                self.assertIn(name, known)
                value = VALUES
                for key in name.split("."):
                    value = value[key]
                if isinstance(value, (bool, int)):
                    self.assertEqual(default, str(value).lower(), name)
        for name in re.findall(r"`((?:webhooks|certificates|networkPolicy|linkerdConfig)\.[\w.]+)", TEXT):
            self.assertIn(name, known)

    def test_the_rights_are_those_of_the_chart(self):
        objects = render({"linkerdConfig": {"enabled": True}})
        rules = [[role["metadata"].get("namespace", "cluster"), rule["apiGroups"][0] or "core",
                  rule["resources"][0], ", ".join(rule.get("resourceNames", ["all"])),
                  ", ".join(rule["verbs"])]
                 for role in objects.all("ClusterRole") + objects.all("Role")
                 for rule in role["rules"]]
        self.assertEqual(sorted(table("What it may do")), sorted(rules))

    def test_the_alerts_are_those_of_the_chart(self):
        group, = render({"prometheusRule": {"enabled": True}}).one("PrometheusRule")["spec"]["groups"]
        self.assertEqual([row[0].strip("`") for row in table("Monitoring")],
                         [rule["alert"] for rule in group["rules"]])

    def test_the_removal_names_the_configurations(self):
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            self.assertIn(f"webhookconfiguration {render().one(kind)['metadata']['name']}\n", TEXT)

    def test_its_files_exist(self):
        paths = set(re.findall(r"(?:-f|-k) (deploy/[\w./-]*)", TEXT + README)) | {"charts/gracekeeper"}
        self.assertGreater(len(paths), 4)
        for path in paths:
            self.assertTrue((SOURCE / path).exists(), path)


if __name__ == "__main__":
    unittest.main()
