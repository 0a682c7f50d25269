// Package kubernetes holds what deploy/k8s renders against what it promises,
// without a cluster: types, the restricted profile, who can reach whom, who
// reads which secret, where requests go. scripts/try-kubernetes runs it for real.
package kubernetes

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../.."

var overlays = []string{"dev", "production"}

// rendered is an overlay as typed objects.
type rendered struct {
	overlay   string
	all       []metav1.Object
	namespace []*corev1.Namespace
	workloads []workload
	services  map[string]*corev1.Service
	accounts  map[string]*corev1.ServiceAccount
	policies  []*networkingv1.NetworkPolicy
	scalers   map[string]*autoscalingv2.HorizontalPodAutoscaler
	budgets   []*policyv1.PodDisruptionBudget
	routes    []*gatewayv1.HTTPRoute
}

// workload is what makes pods.
type workload struct {
	kind, name string
	replicas   *int32
	template   corev1.PodTemplateSpec
}

func (w workload) spec() *corev1.PodSpec { return &w.template.Spec }

// job tells whether it ends.
func (w workload) job() bool { return w.kind == "Job" }

// each runs a test on every overlay.
func each(t *testing.T, test func(*testing.T, *rendered)) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) { test(t, render(t, overlay)) })
	}
}

// render is `kubectl kustomize`, decoded strictly: a field that the API does not
// know, one that is there twice or has another type fails the test. So does a
// kind that this test does not know.
func render(t *testing.T, overlay string) *rendered {
	t.Helper()
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), root+"/deploy/k8s/overlays/"+overlay)
	if err != nil {
		t.Fatal(err)
	}
	r := &rendered{
		overlay: overlay, services: map[string]*corev1.Service{}, accounts: map[string]*corev1.ServiceAccount{},
		scalers: map[string]*autoscalingv2.HorizontalPodAutoscaler{},
	}
	for _, resource := range resources.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		if !r.add(t, resource.GetApiVersion()+" "+resource.GetKind(), text) {
			t.Errorf("%s: a kind that this test does not know", resource.CurId())
		}
	}
	return r
}

// add decodes one object and tells whether its kind is known.
func (r *rendered) add(t *testing.T, kind string, text []byte) bool {
	switch kind {
	case "v1 Namespace":
		r.namespace = append(r.namespace, strict[corev1.Namespace](t, r, text))
	case "v1 ConfigMap":
		strict[corev1.ConfigMap](t, r, text)
	case "v1 Service":
		o := strict[corev1.Service](t, r, text)
		r.services[o.Name] = o
	case "v1 ServiceAccount":
		o := strict[corev1.ServiceAccount](t, r, text)
		r.accounts[o.Name] = o
	case "apps/v1 Deployment":
		o := strict[appsv1.Deployment](t, r, text)
		r.workloads = append(r.workloads, workload{o.Kind, o.Name, o.Spec.Replicas, o.Spec.Template})
	case "apps/v1 StatefulSet":
		o := strict[appsv1.StatefulSet](t, r, text)
		r.workloads = append(r.workloads, workload{o.Kind, o.Name, o.Spec.Replicas, o.Spec.Template})
	case "batch/v1 Job":
		o := strict[batchv1.Job](t, r, text)
		r.workloads = append(r.workloads, workload{o.Kind, o.Name, nil, o.Spec.Template})
	case "networking.k8s.io/v1 NetworkPolicy":
		r.policies = append(r.policies, strict[networkingv1.NetworkPolicy](t, r, text))
	case "autoscaling/v2 HorizontalPodAutoscaler":
		o := strict[autoscalingv2.HorizontalPodAutoscaler](t, r, text)
		r.scalers[o.Spec.ScaleTargetRef.Name] = o
	case "policy/v1 PodDisruptionBudget":
		r.budgets = append(r.budgets, strict[policyv1.PodDisruptionBudget](t, r, text))
	case "gateway.networking.k8s.io/v1 HTTPRoute":
		r.routes = append(r.routes, strict[gatewayv1.HTTPRoute](t, r, text))
	default:
		return false
	}
	return true
}

// strict decodes an object and remembers it.
func strict[T any](t *testing.T, r *rendered, text []byte) *T {
	t.Helper()
	o := new(T)
	if err := yaml.UnmarshalStrict(text, o); err != nil {
		t.Errorf("%v in\n%s", err, text)
	}
	if object, ok := any(o).(metav1.Object); ok {
		r.all = append(r.all, object)
	} else {
		t.Errorf("%T has no name", o)
	}
	return o
}
