#include <gtest/gtest.h>

#include "explain_pods.h"
#include "report/explain_report.h"

namespace gracekeeper {
namespace {

TEST(ExplainJson, IsTheContract) {
  const auto pod = test::contract_pod();
  EXPECT_EQ("\n" + render_explain_json({&pod, 1}), R"json(
{
  "pods": [
    {
      "object": "Deployment/web",
      "namespace": "shop",
      "terminationGracePeriodSeconds": 30,
      "effectiveGracePeriodSeconds": 30,
      "sidecar": "classic",
      "budget": {
        "app": 15,
        "wait": 0,
        "grace": 120,
        "need": 135,
        "exactNeed": 120,
        "fits": false,
        "complete": true
      },
      "containers": [
        {
          "name": "web",
          "role": "app",
          "preStopEnd": 5,
          "sigterm": 5,
          "exit": 15,
          "sigkill": 30,
          "killed": false
        },
        {
          "name": "linkerd-proxy",
          "role": "proxy",
          "preStopEnd": 0,
          "sigterm": 0,
          "exit": 30,
          "sigkill": 30,
          "killed": true
        }
      ],
      "hazards": [
        {
          "kind": "new-connections-refused",
          "from": 0,
          "to": 15,
          "containers": [
            "web"
          ],
          "cause": "the proxy gets SIGTERM at 0 s and takes no new connection from then on, while web runs until 15 s"
        },
        {
          "kind": "killed",
          "from": 30,
          "to": 30,
          "containers": [
            "linkerd-proxy"
          ],
          "cause": "SIGKILL at 30 s ends linkerd-proxy, which had not finished; connections still open through the proxy are cut"
        }
      ],
      "advice": [
        {
          "option": "native-sidecar",
          "text": "Run the proxy as a native sidecar: it is stopped only after web is gone, so it needs no wait. terminationGracePeriodSeconds 30 is enough (app 15 + grace 15): the pod is gone after 30 s at the latest, no new connection is refused and nothing is killed.",
          "annotations": {
            "config.linkerd.io/proxy-enable-native-sidecar": "true",
            "config.linkerd.io/shutdown-grace-period": "15s"
          }
        },
        {
          "option": "longer-wait",
          "text": "Delay the proxy's SIGTERM by 15 s: so long web takes to stop (preStop 5 + shutdown 10, which is assumed). terminationGracePeriodSeconds must be 35 (app 15 + wait 15 + grace 5): the pod is gone after 20 s at the latest, no new connection is refused and nothing is killed. (With 20 nothing would be killed either: not all of it follows one after the other.)",
          "annotations": {
            "config.alpha.linkerd.io/proxy-wait-before-exit-seconds": "15",
            "config.linkerd.io/shutdown-grace-period": "5s"
          },
          "terminationGracePeriodSeconds": 35
        },
        {
          "option": "shorter-grace",
          "text": "Shorten the proxy's grace from 120s to 15s: it ends earlier anyway when no connection is open, and cuts those that are open for longer. terminationGracePeriodSeconds 30 is enough (app 15 + wait 0 + grace 15): the pod is gone after 15 s at the latest, but new connections of web are refused from 0 to 15 s.",
          "annotations": {
            "config.linkerd.io/shutdown-grace-period": "15s"
          }
        },
        {
          "option": "longer-termination-grace-period",
          "text": "Give the pod the time that its settings ask for. terminationGracePeriodSeconds must be 135 (app 15 + wait 0 + grace 120): the pod is gone after 120 s at the latest, but new connections of web are refused from 0 to 15 s. (With 120 nothing would be killed either: not all of it follows one after the other.)",
          "annotations": {},
          "terminationGracePeriodSeconds": 135
        },
        {
          "option": "linkerd-await",
          "text": "`linkerd-await --shutdown` does nothing here: it stops the proxy when the command ends by itself, as a Job's does, and does not keep the proxy alive after SIGTERM.",
          "annotations": {}
        }
      ]
    }
  ]
}
)json");
}

TEST(ExplainJson, WritesUnknownAndEndlessTimesAsNullAndFractionsShortly) {
  auto job =
      test::workload(Subject::Kind::Job, "Job", "import",
                     {test::container("import", Millis{700}), test::container("odd", Millis{1})},
                     {{annotation::kInject, "enabled"},
                      {annotation::kNative, "false"},
                      {annotation::kAppShutdown, "100ms"},
                      {annotation::kGrace, "1005ms"}},
                     0);
  job.namespace_name.clear();
  job.pod.containers[1].pre_stop->length.reset();
  auto pod = test::explained(job);
  pod.advice.clear();
  EXPECT_EQ("\n" + render_explain_json({&pod, 1}), R"json(
{
  "pods": [
    {
      "object": "Job/import",
      "namespace": "",
      "terminationGracePeriodSeconds": 0,
      "effectiveGracePeriodSeconds": 1,
      "sidecar": "classic",
      "budget": {
        "app": 0.8,
        "wait": 0,
        "grace": 1.005,
        "need": 2,
        "exactNeed": 1,
        "fits": false,
        "complete": false
      },
      "containers": [
        {
          "name": "import",
          "role": "app",
          "preStopEnd": 0.7,
          "sigterm": 0.7,
          "exit": 0.8,
          "sigkill": 2.7,
          "killed": false
        },
        {
          "name": "odd",
          "role": "app",
          "preStopEnd": null,
          "sigterm": 0,
          "exit": 0.1,
          "sigkill": 2,
          "killed": false
        },
        {
          "name": "linkerd-proxy",
          "role": "proxy",
          "preStopEnd": 0,
          "sigterm": 0,
          "exit": 1.005,
          "sigkill": 2,
          "killed": false
        }
      ],
      "hazards": [
        {
          "kind": "new-connections-refused",
          "from": 0,
          "to": 0.8,
          "containers": [
            "import",
            "odd"
          ],
          "cause": "the proxy gets SIGTERM at 0 s and takes no new connection from then on, while import, odd run until 0.8 s"
        },
        {
          "kind": "never-ends",
          "from": 0,
          "to": null,
          "containers": [
            "linkerd-proxy"
          ],
          "cause": "the work ends but the classic proxy runs on, so the Job never completes"
        }
      ],
      "advice": []
    }
  ]
}
)json");
}

TEST(ExplainJson, HoldsAnEmptyListWithoutPods) {
  EXPECT_EQ(render_explain_json({}), "{\n  \"pods\": []\n}\n");
}

TEST(ExplainJson, TakesTheOverrideForTheEffectiveGracePeriod) {
  const auto subject =
      test::deployment("web", {test::container("web", Millis{5000})},
                       {{annotation::kInject, "enabled"}, {annotation::kGrace, "10s"}});
  const auto pod = test::explained(subject, {}, Seconds{24});
  EXPECT_EQ(pod.termination_grace_period_seconds, 30);
  EXPECT_EQ(pod.effective_grace_period, Millis{24'000});
  EXPECT_FALSE(pod.budget.fits);
  EXPECT_EQ(pod.budget.need, 25);
  EXPECT_EQ(pod.budget.exact_need, 25);
  EXPECT_TRUE(test::explained(subject, {}, Seconds{25}).budget.fits);
}

}  // namespace
}  // namespace gracekeeper
