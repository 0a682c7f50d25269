package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"chatapp/internal/archtest"
	"chatapp/libs/topology"
)

func matches(selector *metav1.LabelSelector, of map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(of))
}

func subset(selector, of map[string]string) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

// parts are all that the table knows, as pods: some, as prometheus, are not ours
// to roll out, and are known by their label.
func parts() []string {
	var list []string
	for _, e := range topology.Edges() {
		list = append(list, e.From, e.To)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func pod(part string) map[string]string { return map[string]string{"app.kubernetes.io/name": part} }

// open tells whether the policies let a connection through on both its ends.
func open(r *rendered, e topology.Edge) bool {
	return lets(r, e, networkingv1.PolicyTypeEgress) && lets(r, e, networkingv1.PolicyTypeIngress)
}

// lets evaluates one end as the API is defined: a pod that a policy of that
// direction selects may only do what one of them allows.
func lets(r *rendered, e topology.Edge, end networkingv1.PolicyType) bool {
	own, other := pod(e.From), pod(e.To)
	if end == networkingv1.PolicyTypeIngress {
		own, other = other, own
	}
	selected := false
	for _, p := range r.policies {
		if !slices.Contains(p.Spec.PolicyTypes, end) || !matches(&p.Spec.PodSelector, own) {
			continue
		}
		selected = true
		if end == networkingv1.PolicyTypeIngress {
			for _, rule := range p.Spec.Ingress {
				if passes(rule.From, rule.Ports, other, e.Port) {
					return true
				}
			}
			continue
		}
		for _, rule := range p.Spec.Egress {
			if passes(rule.To, rule.Ports, other, e.Port) {
				return true
			}
		}
	}
	return !selected
}

func passes(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, other map[string]string, port int) bool {
	return (len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		return p.NamespaceSelector == nil && p.PodSelector != nil && matches(p.PodSelector, other)
	})) && (len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port == nil || p.Port.IntValue() == port
	}))
}

// Of all connections between the parts exactly those of the table are possible,
// besides people's to the gateway. A part that the overlay does not roll out,
// such as Prometheus, has no policy of ours at its own end; there only the other
// end counts.
func TestNetworkPoliciesAreTheEdgesOfTheTable(t *testing.T) {
	ports := []int{topology.PortPublic, topology.PortAdmin, topology.PortNATS, topology.PortCluster, topology.PortMySQL, topology.PortOTLP, 8222, 443}
	each(t, func(t *testing.T, r *rendered) {
		for _, from := range parts() {
			for _, to := range parts() {
				if to == topology.Mail {
					continue // outside, by address: the test below
				}
				for _, port := range ports {
					e := topology.Edge{From: from, To: to, Port: port}
					want := slices.Contains(topology.Edges(), e)
					got := open(r, e)
					if to == topology.Gateway && port == topology.PortPublic {
						want = lets(r, e, networkingv1.PolicyTypeEgress) // people come from anywhere
					}
					if foreign(r, from) {
						got = lets(r, e, networkingv1.PolicyTypeIngress)
						want = want || to == topology.Gateway && port == topology.PortPublic
					} else if foreign(r, to) {
						got = lets(r, e, networkingv1.PolicyTypeEgress)
					}
					if foreign(r, from) && foreign(r, to) {
						continue
					}
					if got != want {
						t.Errorf("%s to %s:%d: possible %v, in the table %v", from, to, port, got, want)
					}
				}
			}
		}
		for _, part := range parts() {
			out, in := topology.Edge{From: "stranger", To: part, Port: 1}, topology.Edge{From: part, To: "stranger", Port: 1}
			if lets(r, out, networkingv1.PolicyTypeEgress) || lets(r, in, networkingv1.PolicyTypeIngress) {
				t.Fatal("a pod without a policy of its own is not closed")
			}
		}
	})
}

// foreign tells whether a part is not rolled out by this overlay.
func foreign(r *rendered, part string) bool {
	return !slices.ContainsFunc(r.workloads, func(w workload) bool { return w.name == part })
}

// What leads out of the namespace: to names, mail servers and sign-in providers, in production also to MySQL and
// from the Gateway.
func TestOnlyTheseLeaveTheNamespace(t *testing.T) {
	want := map[string][]string{
		"dev":        {"to auth 587,465,443", "to names 53,53"},
		"production": {"from from-gateway 8080", "to auth 587,465,443", "to names 53,53", "to to-mysql 3306"},
	}
	each(t, func(t *testing.T, r *rendered) {
		var got []string
		note := func(direction, name string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
			if slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return p.NamespaceSelector != nil || p.IPBlock != nil }) {
				var list []string
				for _, p := range ports {
					list = append(list, p.Port.String())
				}
				got = append(got, fmt.Sprintf("%s %s %s", direction, name, strings.Join(list, ",")))
			}
		}
		for _, p := range r.policies {
			for _, rule := range p.Spec.Ingress {
				note("from", p.Name, rule.From, rule.Ports)
			}
			for _, rule := range p.Spec.Egress {
				note("to", p.Name, rule.To, rule.Ports)
				if len(rule.To) == 0 {
					t.Errorf("%s: to anybody", p.Name)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want[r.overlay]) {
			t.Errorf("%v, want %v", got, want[r.overlay])
		}
	})
}

// The HTTPRoutes send to each service what it serves, and sockets and streams
// have no timeout.
func TestRoutesAreWhatTheServicesServe(t *testing.T) {
	files, err := archtest.GoFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	served := archtest.Routes(files)
	got := map[string][]string{}
	for _, route := range render(t, "production").routes {
		for _, rule := range route.Spec.Rules {
			service := string(rule.BackendRefs[0].Name)
			for _, m := range rule.Matches {
				got[service] = append(got[service], string(*m.Path.Type)+" "+*m.Path.Value)
			}
			if service == topology.Notify && (rule.Timeouts == nil || rule.Timeouts.Request == nil || *rule.Timeouts.Request != "0s") {
				t.Error("sockets are cut off by a timeout")
			}
		}
	}
	want := map[string][]string{topology.Gateway: {"PathPrefix /"}}
	for service, paths := range served {
		for _, path := range paths {
			if prefix, ok := strings.CutSuffix(path, "/"); ok {
				want[service] = append(want[service], "PathPrefix "+prefix)
			} else if !slices.Contains(paths, path+"/") {
				want[service] = append(want[service], "Exact "+path)
			}
		}
	}
	for service := range want {
		slices.Sort(got[service])
		slices.Sort(want[service])
		if !slices.Equal(got[service], want[service]) {
			t.Errorf("%s: routed %v, serves %v", service, got[service], want[service])
		}
	}
}
