package main

import (
	"context"
	"sort"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Diff compares the new inputs with what the last operation saw in the cluster, as far as the program has a say in it.
// It asks the cluster nothing: drift is found by a refresh, and is in the state then.
func (p *provider) Diff(_ context.Context, request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	urn := request.GetUrn()
	p.recorded.Store(urn, true)
	if urnType(urn) == releaseType {
		return p.diffRelease(request)
	}
	inputs := normalize(manifest(decode(request.GetNews())))
	oldInputs, live := recalled(decode(request.GetOlds()))
	old := p.comparable(inputs, live, oldInputs)

	response := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true,
		Replaces: []string{}, Stables: []string{},
	}
	if patch := mergePatch(old.Object, inputs.Object); len(patch) > 0 {
		replacing := identity
		if !isPatch(urn, inputs.GetKind()) {
			replacing = p.replacing(inputs)
		}
		changes := detail(patch, old.Object, inputs.Object, old.Object, replacing)
		dropIgnored(changes, request.GetIgnoreChanges())
		if len(changes) > 0 {
			response.Changes = pulumirpc.DiffResponse_DIFF_SOME
			response.DetailedDiff = changes
			response.Replaces = replacedBy(changes)
		}
	}
	if annotated(inputs, replaceUnreadyAnnotation) && p.isUnreadyJob(urn, inputs, live) {
		response.Changes = pulumirpc.DiffResponse_DIFF_SOME
		response.Replaces = append(response.Replaces, `metadata.annotations["`+replaceUnreadyAnnotation+`"]`)
	}
	// Two objects cannot have one name: where the program insists on it, the old one has to go first.
	response.DeleteBeforeReplace = len(response.Replaces) > 0 && isNamed(inputs) &&
		!annotated(inputs, autonamedAnnotation) &&
		inputs.GetName() == live.GetName() && inputs.GetNamespace() == live.GetNamespace()
	return response, nil
}

// comparable is the live object with only what the program has said of it before, in the same form as the new inputs.
func (p *provider) comparable(inputs, live, oldInputs *unstructured.Unstructured) *unstructured.Unstructured {
	old := &unstructured.Unstructured{Object: prune(live.Object, normalize(oldInputs).Object)}
	if old.Object == nil {
		old.Object = object{}
	}
	namespace := ""
	if live.GetNamespace() != "" {
		namespace = "default"
	}
	for _, item := range []*unstructured.Unstructured{old, inputs} {
		unknownNamespace := isUnknown(dig(item.Object, "metadata", "namespace"))
		if !unknownNamespace && (namespace == "" || item.GetNamespace() == "") {
			item.SetNamespace(namespace)
		}
	}
	if old.GetKind() == "" {
		old.SetGroupVersionKind(inputs.GroupVersionKind())
	}
	if !p.settings.clientSideApply {
		unstructured.RemoveNestedField(old.Object, "metadata", "resourceVersion")
	}
	if inputs.GetName() != "" {
		old.SetName(live.GetName())
	}
	return old
}

// dropIgnored takes out the changes at and below the paths that the program wants ignored.
func dropIgnored(changes map[string]*pulumirpc.PropertyDiff, ignored []string) {
	for _, path := range ignored {
		above := parsePath(path)
		for changed := range changes {
			if within(parsePath(changed), above) {
				delete(changes, changed)
			}
		}
	}
}

func replacedBy(changes map[string]*pulumirpc.PropertyDiff) []string {
	replaces := []string{}
	for path, change := range changes {
		switch change.GetKind() {
		case pulumirpc.PropertyDiff_ADD_REPLACE, pulumirpc.PropertyDiff_DELETE_REPLACE,
			pulumirpc.PropertyDiff_UPDATE_REPLACE:
			replaces = append(replaces, path)
		case pulumirpc.PropertyDiff_DELETE:
			if path == "metadata" {
				replaces = append(replaces, path)
			}
		}
	}
	sort.Strings(replaces)
	return replaces
}

// isUnreadyJob looks whether the cluster has the Job and it has not completed.
func (p *provider) isUnreadyJob(urn string, inputs, live *unstructured.Unstructured) bool {
	if inputs.GetKind() != "Job" {
		p.engine.warn(urn, "the annotation "+replaceUnreadyAnnotation+" is for Jobs only")
		return false
	}
	jobs, err := p.cluster.resource(live.GroupVersionKind(), live.GetNamespace())
	if err != nil {
		p.engine.warn(urn, "whether the Job is ready cannot be seen: "+p.explain(err).Error())
		return false
	}
	job, err := jobs.Get(p.waiting, live.GetName(), metav1.GetOptions{})
	return err == nil && !jobReady(job.Object).done
}
