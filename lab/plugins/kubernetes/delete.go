package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// Delete deletes an object and waits until it is gone. What is gone already is fine. A Patch resource gives up its fields
// and leaves the object.
func (p *provider) Delete(_ context.Context, request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	urn := request.GetUrn()
	if urnType(urn) == releaseType {
		return p.deleteRelease(request)
	}
	kept := decode(request.GetProperties())
	inputs, live := recalled(kept)
	_, name := splitIdentifier(request.GetId())
	live.SetName(name)
	err := p.deleteObject(urn, inputs, live, kept, request.GetTimeout())
	var waited *awaitError
	switch {
	case err == nil, meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return &emptypb.Empty{}, nil
	case p.cluster.isUnreachable(err) && p.settings.deleteUnreachable:
		p.engine.warn(urn, "the cluster cannot be reached; as deleteUnreachable is set, this resource leaves the state")
		return &emptypb.Empty{}, nil
	case p.cluster.isUnreachable(err):
		return nil, errors.Join(p.explain(err), errAbandoned)
	case isPatch(urn, live.GetKind()) && apierrors.IsInvalid(err):
		return nil, fmt.Errorf("nobody else sets a field that %s needs, so it cannot be given up: set retainOnDelete, or "+
			"have another manager apply that field first: %w", named(live), err)
	case errors.As(err, &waited):
		state := record(live, waited.object, kept, text(reveal(kept[initialAPIVersionKey])), p.managerOf(urn, kept, inputs))
		return nil, partialFailure(request.GetId(), err, state, nil)
	default:
		return nil, fmt.Errorf("%s was not deleted: %w", named(live), p.explain(err))
	}
}

func (p *provider) deleteObject(
	urn string, inputs, live *unstructured.Unstructured, kept object, seconds float64,
) error {
	objects, err := p.cluster.resource(live.GroupVersionKind(), live.GetNamespace())
	if err != nil {
		return err
	}
	ctx := context.Background()
	if isPatch(urn, inputs.GetKind()) && !p.settings.clientSideApply {
		if _, err := objects.Get(ctx, live.GetName(), metav1.GetOptions{}); err != nil {
			return err
		}
		return relinquish(ctx, objects, live, p.managerOf(urn, kept, inputs))
	}
	policy := propagation(inputs)
	if err := objects.Delete(ctx, live.GetName(), metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		return err
	}
	if annotated(inputs, skipAwaitAnnotation) && leavesEarly[live.GetKind()] {
		return nil
	}
	return p.awaitGone(urn, objects, live, timeout(seconds, inputs))
}

// leavesEarly are the kinds whose deletion the skipAwait annotation does not wait for either, as it has always been.
var leavesEarly = set("Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet", "Job")

// awaitGone waits until an object has left the cluster, or another one has its name.
func (p *provider) awaitGone(
	urn string, objects dynamic.ResourceInterface, last *unstructured.Unstructured, patience time.Duration,
) error {
	ctx, cancel := context.WithTimeout(p.waiting, patience)
	defer cancel()
	waits := &progress{engine: &p.engine, urn: urn}
	defer waits.clear()
	uid := last.GetUID()
	for ctx.Err() == nil {
		live, err := objects.Get(ctx, last.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || (err == nil && uid != "" && live.GetUID() != uid) {
			return nil
		}
		if err != nil {
			if !pause(ctx) {
				break
			}
			continue
		}
		last = live
		waits.show(leaving(live))
		gone, seen := p.watchGone(ctx, objects, live, waits)
		if gone {
			return nil
		}
		last = seen
	}
	problems := []string{leaving(last)}
	if p.waiting.Err() != nil {
		return &awaitError{fmt.Sprintf("waiting for %s to be deleted was cancelled", named(last)), problems, last}
	}
	return &awaitError{
		fmt.Sprintf("%s was still there %s after it had been deleted: %s", named(last), patience, leaving(last)), problems, last,
	}
}

// watchGone follows an object until it is gone or the watch ends.
func (p *provider) watchGone(
	ctx context.Context, objects dynamic.ResourceInterface, last *unstructured.Unstructured, waits *progress,
) (bool, *unstructured.Unstructured) {
	events, err := watchOne(ctx, objects, last)
	if err != nil {
		pause(ctx)
		return false, last
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if event.Type == watch.Deleted {
			return true, last
		}
		live, isObject := event.Object.(*unstructured.Unstructured)
		if !isObject || event.Type == watch.Error {
			pause(ctx)
			return false, last
		}
		last = live
		waits.show(leaving(live))
	}
	return false, last
}

// leaving says what still keeps a deleted object.
func leaving(item *unstructured.Unstructured) string {
	message := "Waiting for " + named(item) + " to be deleted"
	if finalizers := item.GetFinalizers(); len(finalizers) > 0 {
		message += "; its finalizers are " + strings.Join(finalizers, ", ")
	}
	if item.GetKind() == "Namespace" {
		for _, remaining := range conditionMessages(item.Object, "NamespaceContentRemaining", "NamespaceFinalizersRemaining",
			"NamespaceDeletionDiscoveryFailure", "NamespaceDeletionContentFailure") {
			message += "; " + remaining
		}
	}
	return message
}

// watchOne watches one object from the version that is known of it.
func watchOne(
	ctx context.Context, objects dynamic.ResourceInterface, item *unstructured.Unstructured,
) (watch.Interface, error) {
	return objects.Watch(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=" + item.GetName(), ResourceVersion: item.GetResourceVersion(),
	})
}

// pause waits a moment before a request is made again, and reports whether there is time left for it.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(250 * time.Millisecond):
		return true
	}
}
