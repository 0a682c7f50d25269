package kubernetes

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"chatapp/internal/secrets"
	"chatapp/libs/config"
	"chatapp/libs/topology"
)

// pinned is an image of a named release, or of this build.
var pinned = regexp.MustCompile(`^[a-z/-]+:(v?[0-9]+\.[0-9][a-z0-9.-]*|dev)$`)

func TestPodsPassTheRestrictedProfile(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, r *rendered) {
		if len(r.namespace) != 1 || r.namespace[0].Labels["pod-security.kubernetes.io/enforce"] != "restricted" {
			t.Error("the namespace does not enforce the restricted profile")
		}
		for _, w := range r.workloads {
			results := evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &w.template.ObjectMeta, w.spec())
			if all := policy.AggregateCheckResults(results); !all.Allowed {
				t.Errorf("%s: %s", w.name, all.ForbiddenDetail())
			}
		}
	})
}

func TestContainersMayDoNothingTheyNeedNot(t *testing.T) {
	each(t, func(t *testing.T, r *rendered) {
		for _, w := range r.workloads {
			bad := func(ok bool, what string) {
				if !ok {
					t.Errorf("%s: %s", w.name, what)
				}
			}
			spec := w.spec()
			account := r.accounts[spec.ServiceAccountName]
			bad(account != nil && off(account.AutomountServiceAccountToken), "no ServiceAccount of its own without a token")
			bad(spec.ServiceAccountName == w.name, "runs with the account of "+spec.ServiceAccountName)
			bad(off(spec.AutomountServiceAccountToken) && off(spec.EnableServiceLinks), "automountServiceAccountToken or enableServiceLinks is on")
			bad(len(spec.InitContainers) == 0, "has init containers, which this test does not look at")
			for _, c := range spec.Containers {
				bad(pinned.MatchString(c.Image), "image "+c.Image+" has no version")
				bad(c.SecurityContext != nil && c.SecurityContext.ReadOnlyRootFilesystem != nil && *c.SecurityContext.ReadOnlyRootFilesystem, "its root can be written to")
				bad(!c.Resources.Limits.Memory().IsZero() && !c.Resources.Requests.Memory().IsZero() && !c.Resources.Requests.Cpu().IsZero(), "requests or the limit of memory are missing")
				for _, e := range c.Env {
					bad(e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil, "secret "+e.Name+" is in the environment")
				}
			}
		}
	})
}

func off(b *bool) bool { return b != nil && !*b }

func TestObjectsAreLabelled(t *testing.T) {
	each(t, func(t *testing.T, r *rendered) {
		for _, o := range r.all {
			if o.GetLabels()["app.kubernetes.io/part-of"] != "chatapp" {
				t.Errorf("%s: no label app.kubernetes.io/part-of", o.GetName())
			}
		}
		for _, w := range r.workloads {
			if w.template.Labels["app.kubernetes.io/name"] != w.name || w.template.Labels["app.kubernetes.io/component"] == "" {
				t.Errorf("%s: its pods are called %q, component %q", w.name, w.template.Labels["app.kubernetes.io/name"], w.template.Labels["app.kubernetes.io/component"])
			}
		}
	})
}

func TestPodsAreProbedAndDrained(t *testing.T) {
	shutdownGrace := int64(config.Default().ShutdownGrace.Seconds())
	each(t, func(t *testing.T, r *rendered) {
		for _, w := range r.workloads {
			c := w.spec().Containers[0]
			if w.job() {
				continue
			}
			if c.ReadinessProbe == nil {
				t.Errorf("%s: no readiness probe", w.name)
			}
			if w.name != topology.BusAdmin && (c.StartupProbe == nil || c.LivenessProbe == nil) {
				t.Errorf("%s: no startup or liveness probe", w.name)
			}
			if !slices.Contains(append(topology.Services(), topology.Gateway), w.name) {
				continue
			}
			grace := w.spec().TerminationGracePeriodSeconds
			if c.Lifecycle == nil || c.Lifecycle.PreStop == nil || c.Lifecycle.PreStop.Sleep == nil {
				t.Errorf("%s: no preStop", w.name)
			} else if drain := c.Lifecycle.PreStop.Sleep.Seconds + shutdownGrace; grace == nil || *grace < drain {
				t.Errorf("%s: terminationGracePeriodSeconds is below preStop and CHAT_SHUTDOWN_GRACE, %d s", w.name, drain)
			}
			if w.name != topology.Gateway && (c.ReadinessProbe.HTTPGet.Port.StrVal != "admin" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz") {
				t.Errorf("%s: not probed where it tells about itself", w.name)
			}
		}
	})
}

func TestProductionScalesAndSpreads(t *testing.T) {
	r := render(t, "production")
	metrics, err := os.ReadFile(root + "/docs/metrics.md") // made from the code
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range r.workloads {
		if w.job() || w.name == topology.BusAdmin { // one is enough, and may be late
			continue
		}
		if len(w.spec().TopologySpreadConstraints) == 0 {
			t.Errorf("%s: its pods may all be on one node", w.name)
		}
		if !slices.ContainsFunc(r.budgets, func(b *policyv1.PodDisruptionBudget) bool { return matches(b.Spec.Selector, w.template.Labels) }) {
			t.Errorf("%s: no PodDisruptionBudget", w.name)
		}
		scaler := r.scalers[w.name]
		switch {
		case !slices.Contains(topology.Services(), w.name):
			if w.replicas == nil || *w.replicas < 2 {
				t.Errorf("%s: less than two replicas", w.name)
			}
		case scaler == nil || w.replicas != nil:
			t.Errorf("%s: the autoscaler is missing, or replicas are set beside it", w.name)
		case *scaler.Spec.MinReplicas < 2 || len(scaler.Spec.Metrics) == 0:
			t.Errorf("%s: less than two replicas, or no metric", w.name)
		}
	}
	for name, metric := range map[string]string{topology.Notify: "chat_notify_connections", topology.Messages: "chat_messages_commit_queued"} {
		if !slices.ContainsFunc(r.scalers[name].Spec.Metrics, func(m autoscalingv2.MetricSpec) bool { return m.Pods != nil && m.Pods.Metric.Name == metric }) {
			t.Errorf("%s: not scaled by %s", name, metric)
		}
		if !strings.Contains(string(metrics), "| `"+metric+"` |") {
			t.Errorf("%s: there is no metric %s in docs/metrics.md", name, metric)
		}
	}
}

// Each mounts the secret of its own name, read-only, and no other.
func TestEachReadsItsOwnSecretOnly(t *testing.T) {
	each(t, func(t *testing.T, r *rendered) {
		want := map[string]string{} // secret by workload
		for _, c := range secrets.Consumers() {
			want[c] = "chatapp-" + c
		}
		want[topology.BusAdmin], want["bus"] = want["bus"], ""
		if r.overlay == "production" {
			want[topology.MySQL] = "" // operated by others
		}
		got := map[string]string{}
		for _, w := range r.workloads {
			for _, v := range w.spec().Volumes {
				if v.Secret != nil {
					got[w.name] += v.Secret.SecretName
				}
				if v.Projected != nil || v.HostPath != nil {
					t.Errorf("%s: volume %s is of a kind that nobody needs", w.name, v.Name)
				}
			}
			for _, m := range w.spec().Containers[0].VolumeMounts {
				if strings.HasPrefix(m.Name, "secret") && !m.ReadOnly {
					t.Errorf("%s may write to its secrets", w.name)
				}
			}
		}
		maps.DeleteFunc(want, func(_, s string) bool { return s == "" })
		if !maps.Equal(got, want) {
			t.Errorf("secrets by workload:\n%v, want\n%v", got, want)
		}
	})
}

// A Service that selects nothing, or a port without a name there, is a typing
// error that no schema sees.
func TestServicesLeadToPods(t *testing.T) {
	each(t, func(t *testing.T, r *rendered) {
		for name, s := range r.services {
			i := slices.IndexFunc(r.workloads, func(w workload) bool { return subset(s.Spec.Selector, w.template.Labels) })
			if len(s.Spec.Selector) == 0 || i < 0 {
				t.Errorf("%s selects no pods", name)
				continue
			}
			for _, p := range s.Spec.Ports {
				if !slices.ContainsFunc(r.workloads[i].spec().Containers[0].Ports, func(c corev1.ContainerPort) bool { return c.Name == p.TargetPort.StrVal }) {
					t.Errorf("%s: no port %s", name, p.TargetPort.String())
				}
			}
		}
	})
}
