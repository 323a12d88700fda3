package main

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

const (
	// lookAround is how often what surrounds an object is looked at again while it is waited for.
	lookAround = 500 * time.Millisecond
	// reportEvery is how often the pods of a workload that is not ready are asked why.
	reportEvery = 10 * time.Second
)

// verdict is what can be said of an object that is waited for.
type verdict struct {
	done    bool
	failed  bool   // it will never be done
	message string // what it waits for
}

func doneWhen(done bool, message string) verdict { return verdict{done: done, message: message} }

// wait is one object that is waited for.
type wait struct {
	provider *provider
	objects  dynamic.ResourceInterface
	live     *unstructured.Unstructured
	before   *unstructured.Unstructured // what it was before the update; nil after a create
	since    time.Time
	settled  time.Time // when what surrounds it last changed
}

// waiter knows when objects of a kind are ready.
type waiter struct {
	ready     func(live object) verdict        // from the object alone
	surround  func(*wait) verdict              // from what surrounds it as well
	whenRead  bool                             // whether a refresh looks, too
	patience  time.Duration                    // instead of what is asked for
	podLabels func(live object) (object, bool) // how to find the pods that can say more
}

// waiters has the kinds that are more than their creation, by group and kind.
var waiters = map[string]waiter{
	"apps/Deployment":           {ready: deploymentReady, whenRead: true, podLabels: matchLabels},
	"apps/StatefulSet":          {ready: statefulSetReady, whenRead: true, podLabels: matchLabels},
	"apps/DaemonSet":            {ready: daemonSetReady, whenRead: true, podLabels: matchLabels},
	"batch/Job":                 {ready: jobReady, whenRead: true, podLabels: matchLabels},
	"/Pod":                      {ready: podReady, whenRead: true},
	"/Service":                  {ready: serviceReady, surround: serviceSettled, whenRead: true},
	"networking.k8s.io/Ingress": {ready: ingressReady, surround: ingressSettled, whenRead: true},
	"/PersistentVolume":         {ready: volumeReady, patience: 5 * time.Minute},
	"/PersistentVolumeClaim":    {ready: claimReady, surround: claimSettled, patience: 5 * time.Minute},
	"/ReplicationController":    {ready: replicasReady},
	"/ResourceQuota":            {ready: quotaReady, patience: time.Minute},
	"/Secret":                   {ready: tokenReady, patience: 30 * time.Second},
}

// awaitReady waits until an object is ready, as its kind or its annotations define that, and gives back its last state in
// any case.
func (p *provider) awaitReady(
	urn string, inputs, live, before *unstructured.Unstructured, seconds float64,
) (*unstructured.Unstructured, error) {
	if annotated(inputs, skipAwaitAnnotation) {
		return live, nil
	}
	kind := live.GroupVersionKind()
	how, known := waiters[kind.Group+"/"+kind.Kind]
	if expression := annotation(inputs, waitForAnnotation); expression != "" {
		ready, err := parseWaitFor(expression)
		if err != nil {
			return live, err
		}
		how = waiter{ready: ready}
	} else if !known {
		if os.Getenv("PULUMI_K8S_AWAIT_ALL") != "true" {
			return live, nil
		}
		how = waiter{ready: conditionsReady}
	}
	objects, err := p.cluster.resource(kind, live.GetNamespace())
	if err != nil {
		return live, err
	}
	patience := timeout(seconds, inputs)
	if how.patience > 0 && patience == defaultTimeout {
		patience = how.patience
	}
	w := &wait{provider: p, objects: objects, live: live, before: before, since: time.Now(), settled: time.Now()}
	err = w.run(urn, how, patience)
	return w.live, err
}

// readiness looks once whether an object that is read is ready.
func (p *provider) readiness(inputs, live *unstructured.Unstructured) error {
	how := waiters[live.GroupVersionKind().Group+"/"+live.GetKind()]
	if !how.whenRead || annotated(inputs, skipAwaitAnnotation) {
		return nil
	}
	state := how.ready(live.Object)
	if state.done {
		return nil
	}
	problems := append([]string{state.message}, p.podProblems(live, how)...)
	return &awaitError{fmt.Sprintf("%s is in the cluster at %s, but not ready: %s",
		named(live), p.cluster.server(), state.message), problems, live}
}

// run follows the object until it is ready, has failed, or nobody waits any longer.
func (w *wait) run(urn string, how waiter, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(w.provider.waiting, patience)
	defer cancel()
	waits := &progress{engine: &w.provider.engine, urn: urn}
	defer waits.clear()
	around, report := time.NewTicker(lookAround), time.NewTicker(reportEvery)
	defer around.Stop()
	defer report.Stop()
	var events watch.Interface
	defer func() {
		if events != nil {
			events.Stop()
		}
	}()
	for {
		state := w.look(how)
		if state.done {
			return nil
		}
		if state.failed {
			return w.failure("%s failed: %s", state, how, named(w.live), state.message)
		}
		waits.show(state.message)
		if events == nil {
			events = w.follow(ctx)
		}
		var changes <-chan watch.Event
		if events != nil {
			changes = events.ResultChan()
		}
		select {
		case <-ctx.Done():
			if w.provider.waiting.Err() != nil {
				return w.failure("waiting for %s was cancelled: %s", state, how, named(w.live), state.message)
			}
			return w.failure("%s was not ready after %s: %s", state, how, named(w.live), patience, state.message)
		case event, open := <-changes:
			if !open || !w.take(event) {
				events.Stop()
				events = nil
			}
		case <-around.C:
		case <-report.C:
			for _, problem := range w.provider.podProblems(w.live, how) {
				waits.show(problem)
			}
		}
	}
}

func (w *wait) look(how waiter) verdict {
	state := how.ready(w.live.Object)
	if state.done && how.surround != nil {
		return how.surround(w)
	}
	return state
}

// follow opens a watch on the object, or none when the server has no time for it just now.
func (w *wait) follow(ctx context.Context) watch.Interface {
	events, err := watchOne(ctx, w.objects, w.live)
	if err != nil {
		return nil
	}
	return events
}

// take learns from an event what the object is like, and reports whether the watch is of further use.
func (w *wait) take(event watch.Event) bool {
	live, isObject := event.Object.(*unstructured.Unstructured)
	if isObject && (event.Type == watch.Added || event.Type == watch.Modified) {
		w.live = live
		return true
	}
	if event.Type == watch.Error {
		// The version that is known is too old to follow from.
		if live, err := w.objects.Get(w.provider.waiting, w.live.GetName(), metav1.GetOptions{}); err == nil {
			w.live = live
		}
		return false
	}
	return true
}

func (w *wait) failure(format string, state verdict, how waiter, arguments ...any) error {
	problems := append([]string{state.message}, w.provider.podProblems(w.live, how)...)
	return &awaitError{fmt.Sprintf(format, arguments...), problems, w.live}
}

// awaitDefinition waits until the server serves what a CRD defines.
func (p *provider) awaitDefinition(urn string, live *unstructured.Unstructured) error {
	objects, err := p.cluster.resource(live.GroupVersionKind(), "")
	if err != nil {
		return err
	}
	w := &wait{provider: p, objects: objects, live: live, since: time.Now()}
	return w.run(urn, waiter{ready: definitionReady}, time.Minute)
}

func definitionReady(live object) verdict {
	return doneWhen(conditionIs(live, "Established", "True"), "Waiting for the server to take up the definition")
}

// related reads an object beside the one that is waited for; nil when it is not there or cannot be read.
func (w *wait) related(group, version, kind, namespace, name string) object {
	objects, err := w.provider.cluster.resource(
		schema.GroupVersionKind{Group: group, Version: version, Kind: kind}, namespace)
	if err != nil {
		return nil
	}
	item, err := objects.Get(w.provider.waiting, name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return item.Object
}
