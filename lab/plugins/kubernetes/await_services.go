package main

import (
	"fmt"
	"time"
)

const (
	// endpointsSettle is how long a Service's endpoints have to stay as they are before they are believed.
	endpointsSettle = 2 * time.Second
	// backendPatience is how long an Ingress waits for the Services that it names, which may be nobody's to create.
	backendPatience = 10 * time.Second
)

// serviceReady holds when a load balancer has an address; another type of Service needs none.
func serviceReady(live object) verdict {
	if text(dig(live, "spec", "type")) != "LoadBalancer" {
		return doneWhen(true, "")
	}
	addresses, _ := dig(live, "status", "loadBalancer", "ingress").([]any)
	return doneWhen(len(addresses) > 0, "Waiting for the load balancer's address")
}

// serviceSettled holds when no pod behind the Service is on its way to be ready. Services that choose no pods do not
// wait.
func serviceSettled(w *wait) verdict {
	selector, _ := dig(w.live.Object, "spec", "selector").(object)
	if len(selector) == 0 || dig(w.live.Object, "spec", "clusterIP") == "None" ||
		dig(w.live.Object, "spec", "type") == "ExternalName" {
		return doneWhen(true, "")
	}
	endpoints := w.related("", "v1", "Endpoints", w.live.GetNamespace(), w.live.GetName())
	pending := endpoints == nil
	subsets, _ := endpoints["subsets"].([]any)
	for _, subset := range subsets {
		notReady, _ := dig(subset, "notReadyAddresses").([]any)
		pending = pending || len(notReady) > 0
	}
	if pending {
		w.settled = time.Now()
	}
	return doneWhen(time.Since(w.settled) >= endpointsSettle, "Waiting for the pods behind the Service")
}

// ingressReady holds when a controller has given the Ingress an address.
func ingressReady(live object) verdict {
	addresses, _ := dig(live, "status", "loadBalancer", "ingress").([]any)
	return doneWhen(len(addresses) > 0, "Waiting for the Ingress's address")
}

// ingressSettled holds when the Services that the Ingress leads to are there, or have been waited for long enough.
func ingressSettled(w *wait) verdict {
	for _, name := range backends(w.live.Object) {
		if w.related("", "v1", "Service", w.live.GetNamespace(), name) == nil {
			return doneWhen(time.Since(w.since) > backendPatience,
				fmt.Sprintf("Waiting for the Service %s that the Ingress leads to", name))
		}
	}
	return doneWhen(true, "")
}

// backends are the names of the Services in an Ingress's rules.
func backends(live object) []string {
	var services []string
	rules, _ := dig(live, "spec", "rules").([]any)
	for _, rule := range rules {
		paths, _ := dig(rule, "http", "paths").([]any)
		for _, path := range paths {
			if name := text(dig(path, "backend", "service", "name")); name != "" {
				services = append(services, name)
			}
		}
	}
	return services
}
