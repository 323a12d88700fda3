package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// creationRetries are the pauses before an object is tried again whose namespace or CRD is not there yet, for programs
// that do not spell out every dependency. In all, half a minute.
var creationRetries = []time.Duration{
	250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second,
	8 * time.Second, 8 * time.Second,
}

// Create makes an object and waits until it is ready. In a preview the server is asked what it would make of it; where
// that cannot be said yet, the inputs are the answer.
func (p *provider) Create(_ context.Context, request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	urn := request.GetUrn()
	if urnType(urn) == releaseType {
		return p.createRelease(request)
	}
	properties := decode(request.GetProperties())
	inputs := manifest(properties)
	asItIs := &pulumirpc.CreateResponse{Properties: request.GetProperties()}
	if request.GetPreview() && (hasUnknown(inputs.Object) || isPatch(urn, inputs.GetKind()) ||
		p.settings.clientSideApply || !p.cluster.knows(inputs.GroupVersionKind())) {
		return asItIs, nil
	}
	marker := p.marker(urn)
	manager := p.newManager(marker, inputs)
	live, err := p.createObject(urn, inputs, marker, request.GetPreview())
	if err != nil && request.GetPreview() && isNoAnswer(err) {
		return asItIs, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s was not created: %w", named(inputs), p.explain(discreet(err, properties)))
	}
	if request.GetPreview() {
		delete(live.Object, "status")
		kept := record(inputs, live, properties, inputs.GetAPIVersion(), manager)
		return &pulumirpc.CreateResponse{Properties: encode(kept)}, nil
	}
	if isDefinition(inputs) {
		err = p.awaitDefinition(urn, live)
		p.cluster.forget()
	} else {
		live, err = p.awaitReady(urn, inputs, live, nil, request.GetTimeout())
	}
	kept := record(inputs, live, properties, inputs.GetAPIVersion(), manager)
	if err != nil {
		cause := withMessage(err, "%s was created in the cluster at %s, but is not ready", named(live), p.cluster.server())
		return nil, partialFailure(identifier(live), cause, kept, nil)
	}
	return &pulumirpc.CreateResponse{Id: identifier(live), Properties: encode(kept)}, nil
}

// isNoAnswer holds for refusals that a preview is no poorer for: the namespace comes with the same update, the object is
// about to be replaced, or the credentials or an admission webhook allow no dry run.
func isNoAnswer(err error) bool {
	return apierrors.IsForbidden(err) || apierrors.IsAlreadyExists(err) || isNamespaceMissing(err) ||
		strings.Contains(err.Error(), "does not support dry run")
}

func isNamespaceMissing(err error) bool {
	var refusal apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &refusal) &&
		refusal.Status().Details != nil && refusal.Status().Details.Kind == "namespaces"
}

// createObject sends the object, again if what it needs is not there yet.
func (p *provider) createObject(
	urn string, inputs *unstructured.Unstructured, marker string, preview bool,
) (*unstructured.Unstructured, error) {
	waits := &progress{engine: &p.engine, urn: urn}
	defer waits.clear()
	for attempt := 0; ; attempt++ {
		live, err := p.send(urn, inputs, marker, preview)
		missing := apierrors.IsNotFound(err) || meta.IsNoMatchError(err)
		if err == nil || !missing || preview || attempt == len(creationRetries) {
			return live, err
		}
		waits.show(fmt.Sprintf("Waiting for what %s needs: %v", named(inputs), err))
		select {
		case <-p.waiting.Done():
			return nil, err
		case <-time.After(creationRetries[attempt]):
		}
		if meta.IsNoMatchError(err) {
			p.cluster.forget()
		}
	}
}

// send makes the one request that creates an object. Only a Patch resource, or a provider that is told to take over what
// it finds, applies; anything else must not be there yet.
func (p *provider) send(
	urn string, inputs *unstructured.Unstructured, marker string, preview bool,
) (*unstructured.Unstructured, error) {
	objects, err := p.cluster.resource(inputs.GroupVersionKind(), inputs.GetNamespace())
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if !p.settings.clientSideApply && (p.settings.upsert || isPatch(urn, inputs.GetKind())) {
		return p.apply(ctx, objects, inputs, p.newManager(marker, inputs), p.forces(inputs, nil, preview), preview)
	}
	live, err := objects.Create(ctx, inputs, metav1.CreateOptions{FieldManager: marker, DryRun: dryRun(preview)})
	if apierrors.IsAlreadyExists(err) && !preview {
		if own := p.remains(ctx, urn, objects, inputs, marker); own != nil {
			return own, nil
		}
		return nil, fmt.Errorf("%w in the cluster at %s. To manage it from here, use `pulumi import`; to set some of its "+
			"fields only, a Patch resource; to take over whatever exists, the provider's upsertExistingObjects; and if a "+
			"resource was merely renamed, an alias", err, p.cluster.server())
	}
	return live, err
}

func dryRun(preview bool) []string {
	if preview {
		return []string{metav1.DryRunAll}
	}
	return nil
}

// apply makes a server-side apply. A conflict is told with the fields and who holds them.
func (p *provider) apply(
	ctx context.Context, objects dynamic.ResourceInterface, inputs *unstructured.Unstructured, manager string,
	force, preview bool,
) (*unstructured.Unstructured, error) {
	content, err := json.Marshal(inputs.Object)
	if err != nil {
		return nil, err
	}
	live, err := objects.Patch(ctx, inputs.GetName(), types.ApplyPatchType, content,
		metav1.PatchOptions{FieldManager: manager, Force: &force, DryRun: dryRun(preview)})
	if apierrors.IsConflict(err) {
		return nil, fmt.Errorf("field manager %q does not own all it sets: %w; leave those fields to their owner "+
			"(ignoreChanges), or take them with the annotation %s: \"true\"", manager, err, patchForceAnnotation)
	}
	return live, err
}

// withMessage puts a sentence before an error and keeps the problems that come with it.
func withMessage(err error, format string, arguments ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, arguments...), err)
}
