package main

import (
	"context"
	"fmt"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const revisionAnnotation = "deployment.kubernetes.io/revision"

// observed holds once the controller has seen the object as it is now: its status means nothing before.
func observed(live object) bool {
	seen := dig(live, "status", "observedGeneration")
	return seen != nil && integer(seen) >= integer(dig(live, "metadata", "generation"))
}

// condition finds an entry of `status.conditions` by type, in any case of letters.
func condition(live object, kind string) object {
	conditions, _ := dig(live, "status", "conditions").([]any)
	for _, entry := range conditions {
		if entry, ok := entry.(object); ok && strings.EqualFold(text(entry["type"]), kind) {
			return entry
		}
	}
	return nil
}

func conditionIs(live object, kind, status string) bool {
	return strings.EqualFold(text(condition(live, kind)["status"]), status)
}

// conditionMessages are the messages of those of the conditions that hold.
func conditionMessages(live object, kinds ...string) []string {
	var messages []string
	for _, kind := range kinds {
		if entry := condition(live, kind); text(entry["status"]) == "True" {
			messages = append(messages, text(entry["message"]))
		}
	}
	return messages
}

// replicas is how many there should be: one where nothing is said.
func replicas(live object) int64 {
	if wanted := dig(live, "spec", "replicas"); wanted != nil {
		return integer(wanted)
	}
	return 1
}

func statusNumber(live object, field string) int64 { return integer(dig(live, "status", field)) }

// deploymentReady holds when the rollout of the present template is complete and available.
func deploymentReady(live object) verdict {
	if !observed(live) || text(dig(live, "metadata", "annotations", revisionAnnotation)) == "" {
		return doneWhen(false, "Waiting for the Deployment's controller to see it")
	}
	wanted, updated, available := replicas(live), statusNumber(live, "updatedReplicas"), statusNumber(live, "availableReplicas")
	message := fmt.Sprintf("Waiting for the Deployment's pods: %d of %d updated, %d available", updated, wanted, available)
	for _, kind := range []string{"Progressing", "Available"} {
		if entry := condition(live, kind); text(entry["status"]) == "False" {
			message += fmt.Sprintf("; [%s] %s", text(entry["reason"]), text(entry["message"]))
		}
	}
	progressing := condition(live, "Progressing")
	rolledOut := progressing == nil ||
		(text(progressing["status"]) == "True" && text(progressing["reason"]) == "NewReplicaSetAvailable")
	return doneWhen(rolledOut && conditionIs(live, "Available", "True") && updated >= wanted && available >= wanted &&
		statusNumber(live, "replicas") <= updated, message)
}

// statefulSetReady holds when all pods are there and ready, and of the present revision unless they are only replaced
// when somebody deletes them.
func statefulSetReady(live object) verdict {
	wanted, ready := replicas(live), statusNumber(live, "readyReplicas")
	if !observed(live) {
		return doneWhen(false, "Waiting for the StatefulSet's controller to see it")
	}
	complete := wanted == statusNumber(live, "replicas") && wanted == ready
	if integer(dig(live, "metadata", "generation")) > 1 &&
		text(dig(live, "spec", "updateStrategy", "type")) == "OnDelete" {
		return doneWhen(complete, fmt.Sprintf("Waiting for the StatefulSet's pods: %d of %d ready", ready, wanted))
	}
	current, update := text(dig(live, "status", "currentRevision")), text(dig(live, "status", "updateRevision"))
	return doneWhen(complete && wanted == statusNumber(live, "currentReplicas") && current != "" && current == update,
		fmt.Sprintf("Waiting for the StatefulSet's pods: %d of %d ready, revision %q of %q", ready, wanted, current, update))
}

// daemonSetReady holds when every node that should has an updated, available pod.
func daemonSetReady(live object) verdict {
	wanted, updated := statusNumber(live, "desiredNumberScheduled"), statusNumber(live, "updatedNumberScheduled")
	ready := min(statusNumber(live, "numberAvailable"), statusNumber(live, "numberReady"))
	return doneWhen(observed(live) && statusNumber(live, "currentNumberScheduled") >= wanted && updated >= wanted &&
		ready >= wanted,
		fmt.Sprintf("Waiting for the DaemonSet's pods: %d of %d updated, %d ready", updated, wanted, ready))
}

// jobReady holds when a Job has completed.
func jobReady(live object) verdict {
	if entry := condition(live, "Failed"); text(entry["status"]) == "True" {
		return verdict{failed: true, message: fmt.Sprintf("[%s] %s", text(entry["reason"]), text(entry["message"]))}
	}
	return doneWhen(dig(live, "status", "startTime") != nil && conditionIs(live, "Complete", "True"),
		fmt.Sprintf("Waiting for the Job to complete: %d active, %d succeeded, %d failed",
			statusNumber(live, "active"), statusNumber(live, "succeeded"), statusNumber(live, "failed")))
}

// podReady holds when a pod runs and is ready, or has run to its end.
func podReady(live object) verdict {
	if text(dig(live, "status", "phase")) == "Succeeded" {
		return doneWhen(true, "")
	}
	for _, kind := range []string{"PodScheduled", "Initialized", "Ready"} {
		if !conditionIs(live, kind, "True") {
			message := fmt.Sprintf("Waiting for the pod's condition %s", kind)
			return doneWhen(false, strings.Join(append([]string{message}, podTroubles(live)...), "; "))
		}
	}
	return doneWhen(true, "")
}

// replicasReady holds when a ReplicationController has the pods that it should.
func replicasReady(live object) verdict {
	wanted, available := replicas(live), statusNumber(live, "availableReplicas")
	return doneWhen(observed(live) && wanted == available,
		fmt.Sprintf("Waiting for the pods: %d of %d available", available, wanted))
}

// podTroubles are the reasons, as far as a pod says them, why it does not run.
func podTroubles(pod object) []string {
	var troubles []string
	if entry := condition(pod, "PodScheduled"); text(entry["status"]) == "False" {
		troubles = append(troubles, text(entry["message"]))
	}
	for _, list := range []string{"initContainerStatuses", "containerStatuses"} {
		containers, _ := dig(pod, "status", list).([]any)
		for _, container := range containers {
			for _, state := range []string{"waiting", "terminated"} {
				details, _ := dig(container, "state", state).(object)
				reason := text(details["reason"])
				if reason != "" && reason != "ContainerCreating" && reason != "PodInitializing" && reason != "Completed" {
					troubles = append(troubles, strings.TrimSpace(fmt.Sprintf("container %s: %s %s",
						text(dig(container, "name")), reason, text(details["message"]))))
				}
			}
		}
	}
	return troubles
}

func matchLabels(live object) (object, bool) {
	selector, present := dig(live, "spec", "selector", "matchLabels").(object)
	return selector, present
}

// podProblems asks the pods of a workload why they are not ready.
func (p *provider) podProblems(live *unstructured.Unstructured, how waiter) []string {
	if how.podLabels == nil {
		return nil
	}
	selector, present := how.podLabels(live.Object)
	pods, err := p.cluster.resource(schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, live.GetNamespace())
	if err != nil || !present {
		return nil
	}
	wanted := labels.Set{}
	for name, value := range selector {
		wanted[name] = text(value)
	}
	list, err := pods.List(context.Background(), metav1.ListOptions{LabelSelector: wanted.String(), Limit: 50})
	if err != nil {
		return nil
	}
	var problems []string
	for _, pod := range list.Items {
		for _, trouble := range podTroubles(pod.Object) {
			problems = append(problems, fmt.Sprintf("pod %s: %s", pod.GetName(), trouble))
		}
	}
	sort.Strings(problems)
	return problems
}
