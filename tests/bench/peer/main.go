// The peer of the benchmark: the same mutation as gracekeeper's, written the way one writes a webhook
// in Go: controller-runtime's webhook server, the pod decoded into corev1.Pod, changed in place,
// encoded, and the patch computed by controller-runtime from the two texts.
//
// What is added to a pod comes from a file that the benchmark derives from gracekeeper's own answer
// (containers, volumes, annotations, labels), decoded once into typed values. What depends on the pod
// is computed per request: the annotations that ask for injection, the wait as a preStop hook, the
// grace, and the check that terminationGracePeriodSeconds holds app + wait + grace. The benchmark
// compares the two answers: the pod with the peer's patch is the pod with gracekeeper's.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	injectAnnotation = "linkerd.io/inject"
	waitAnnotation   = "config.alpha.linkerd.io/proxy-wait-before-exit-seconds"
	graceAnnotation  = "config.linkerd.io/shutdown-grace-period"
	graceVariable    = "LINKERD2_PROXY_SHUTDOWN_GRACE_PERIOD"
	appShutdown      = 10 * time.Second // where nothing says how long the app takes
	defaultGrace     = 120 * time.Second
	kubernetesGrace  = 30 // terminationGracePeriodSeconds where it is not written
)

// What is added to every pod.
type additions struct {
	Proxy          corev1.Container   `json:"proxy"`
	InitContainers []corev1.Container `json:"initContainers"`
	Volumes        []corev1.Volume    `json:"volumes"`
	Annotations    map[string]string  `json:"annotations"`
	Labels         map[string]string  `json:"labels"`
}

type injector struct {
	decoder admission.Decoder
	add     additions
}

// How long a container takes to stop: its preStop sleep and its shutdown.
func stopTime(container *corev1.Container) time.Duration {
	length := appShutdown
	if hook := container.Lifecycle; hook != nil && hook.PreStop != nil && hook.PreStop.Sleep != nil {
		length += time.Duration(hook.PreStop.Sleep.Seconds) * time.Second
	}
	return length
}

func (i *injector) Handle(_ context.Context, request admission.Request) admission.Response {
	pod := &corev1.Pod{}
	if err := i.decoder.Decode(request, pod); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if pod.Annotations[injectAnnotation] != "enabled" || pod.Spec.HostNetwork {
		return admission.Allowed("")
	}
	var wait time.Duration
	if text, ok := pod.Annotations[waitAnnotation]; ok {
		seconds, err := strconv.Atoi(text)
		if err != nil || seconds < 0 {
			return admission.Denied(fmt.Sprintf("%s: expected a number of seconds, got %q", waitAnnotation, text))
		}
		wait = time.Duration(seconds) * time.Second
	}
	grace := defaultGrace
	if text, ok := pod.Annotations[graceAnnotation]; ok {
		parsed, err := time.ParseDuration(text)
		if err != nil || parsed < 0 {
			return admission.Denied(fmt.Sprintf("%s: expected a duration, got %q", graceAnnotation, text))
		}
		grace = parsed
	}
	var app time.Duration
	for at := range pod.Spec.Containers {
		app = max(app, stopTime(&pod.Spec.Containers[at]))
	}
	total := time.Duration(kubernetesGrace) * time.Second
	if pod.Spec.TerminationGracePeriodSeconds != nil {
		total = time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second
	}
	if total < app+wait+grace {
		return admission.Denied(fmt.Sprintf("terminationGracePeriodSeconds %v is less than %v = app %v + wait %v + grace %v",
			total.Seconds(), (app + wait + grace).Seconds(), app.Seconds(), wait.Seconds(), grace.Seconds()))
	}

	proxy := *i.add.Proxy.DeepCopy()
	for at := range proxy.Env {
		if proxy.Env[at].Name == graceVariable {
			proxy.Env[at].Value = fmt.Sprintf("%dms", grace.Milliseconds())
		}
	}
	if wait > 0 {
		if proxy.Lifecycle == nil {
			proxy.Lifecycle = &corev1.Lifecycle{}
		}
		proxy.Lifecycle.PreStop = &corev1.LifecycleHandler{
			Sleep: &corev1.SleepAction{Seconds: int64(wait / time.Second)}}
	}
	pod.Spec.Containers = append([]corev1.Container{proxy}, pod.Spec.Containers...)
	pod.Spec.InitContainers = append(append([]corev1.Container{}, i.add.InitContainers...), pod.Spec.InitContainers...)
	pod.Spec.Volumes = append(pod.Spec.Volumes, i.add.Volumes...)
	for key, value := range i.add.Annotations {
		pod.Annotations[key] = value
	}
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	for key, value := range i.add.Labels {
		pod.Labels[key] = value
	}
	changed, err := json.Marshal(pod)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, changed)
}

func main() {
	port := flag.Int("port", 9443, "HTTPS on 127.0.0.1")
	certificates := flag.String("certificates", "", "folder with tls.crt and tls.key")
	file := flag.String("additions", "", "what is added to a pod, JSON")
	flag.Parse()
	ctrl.SetLogger(zap.New())

	injector := &injector{}
	text, err := os.ReadFile(*file)
	if err == nil {
		err = json.Unmarshal(text, &injector.add)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "peer: %s: %v\n", *file, err)
		os.Exit(2)
	}
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		fmt.Fprintf(os.Stderr, "peer: %v\n", err)
		os.Exit(2)
	}
	injector.decoder = admission.NewDecoder(scheme)
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certificates})
	server.Register("/mutate", &admission.Webhook{Handler: injector})
	if err := server.Start(ctrl.SetupSignalHandler()); err != nil {
		fmt.Fprintf(os.Stderr, "peer: %v\n", err)
		os.Exit(2)
	}
}
