package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
)

// Update brings an object to the new inputs and waits until it is ready. An update that fails leaves an object behind of
// which the engine is told what it is like now, so that the next update starts from there.
func (p *provider) Update(_ context.Context, request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	urn := request.GetUrn()
	if urnType(urn) == releaseType {
		return p.updateRelease(request)
	}
	news, kept := decode(request.GetNews()), decode(request.GetOlds())
	inputs := normalize(manifest(news))
	asItIs := &pulumirpc.UpdateResponse{Properties: request.GetNews()}
	if request.GetPreview() && (hasUnknown(inputs.Object) || !p.cluster.knows(inputs.GroupVersionKind())) {
		return asItIs, nil
	}
	oldInputs, oldLive := recalled(kept)
	change := &change{
		urn: urn, inputs: inputs, kept: kept, oldInputs: oldInputs, oldLive: oldLive,
		manager: p.managerOf(urn, kept, inputs), ignored: request.GetIgnoreChanges(), preview: request.GetPreview(),
		seconds: request.GetTimeout(),
	}
	recorded := inputs.DeepCopy()
	live, err := p.update(change)
	if err != nil && request.GetPreview() && apierrors.IsForbidden(err) {
		return asItIs, nil
	}
	apiVersion := text(reveal(kept[initialAPIVersionKey]))
	if apiVersion == "" {
		apiVersion = oldInputs.GetAPIVersion()
	}
	if err == nil {
		return &pulumirpc.UpdateResponse{
			Properties: encode(record(recorded, live, news, apiVersion, change.manager)),
		}, nil
	}
	err = p.explain(discreet(err, news))
	if meta.IsNoMatchError(err) {
		return nil, fmt.Errorf("%s was not updated: %w", named(oldLive), err)
	}
	left, missing := p.look(oldLive)
	if missing != nil {
		return nil, errors.Join(fmt.Errorf("%s was not updated: %w", named(oldLive), err),
			fmt.Errorf("what it is like now cannot be seen: %w", p.explain(missing)))
	}
	cause := withMessage(err, "%s in the cluster at %s is not what it should be", named(left), p.cluster.server())
	return nil, partialFailure(identifier(left), cause, record(recorded, left, news, apiVersion, change.manager), nil)
}

// change is one update.
type change struct {
	urn                        string
	inputs, oldInputs, oldLive *unstructured.Unstructured
	kept                       object
	manager                    string
	ignored                    []string
	preview                    bool
	seconds                    float64
}

// look reads an object as it is now.
func (p *provider) look(item *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	objects, err := p.cluster.resource(item.GroupVersionKind(), item.GetNamespace())
	if err != nil {
		return nil, err
	}
	return objects.Get(context.Background(), item.GetName(), metav1.GetOptions{})
}

func (p *provider) update(c *change) (*unstructured.Unstructured, error) {
	objects, err := p.cluster.resource(c.inputs.GroupVersionKind(), c.inputs.GetNamespace())
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	before, err := objects.Get(ctx, c.oldLive.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var live *unstructured.Unstructured
	switch {
	case isDefinition(c.inputs):
		live, err = replaceDefinition(ctx, c, objects, before)
	case p.settings.clientSideApply:
		live, err = p.mergeUpdate(ctx, c, objects, before)
	default:
		live, err = p.applyUpdate(ctx, c, objects, before)
	}
	if err != nil || c.preview {
		return live, err
	}
	if isDefinition(c.inputs) {
		p.cluster.forget()
		return live, p.awaitDefinition(c.urn, live)
	}
	live, err = p.awaitReady(c.urn, c.inputs, live, before, c.seconds)
	if former := p.managerOf(c.urn, c.kept, c.oldInputs); err == nil && former != c.manager &&
		!p.settings.clientSideApply {
		err = relinquish(ctx, objects, live, former)
	}
	return live, err
}

// replaceDefinition puts a CRD in the place of the present one: an apply would keep the versions and fields that it no
// longer has.
func replaceDefinition(
	ctx context.Context, c *change, objects dynamic.ResourceInterface, before *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	for {
		c.inputs.SetResourceVersion(before.GetResourceVersion())
		live, err := objects.Update(ctx, c.inputs,
			metav1.UpdateOptions{FieldManager: c.manager, DryRun: dryRun(c.preview)})
		if !apierrors.IsConflict(err) {
			return live, err
		}
		if before, err = objects.Get(ctx, c.oldLive.GetName(), metav1.GetOptions{}); err != nil {
			return nil, err
		}
	}
}

// applyUpdate changes what this resource owns and nothing else.
func (p *provider) applyUpdate(
	ctx context.Context, c *change, objects dynamic.ResourceInterface, before *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	var err error
	owned := before
	if !c.preview && !isPatch(c.urn, c.inputs.GetKind()) {
		if owned, err = takeOver(ctx, objects, before, c.manager); err != nil {
			return nil, err
		}
	}
	if err := respectIgnored(c.inputs, owned, c.ignored, c.manager); err != nil {
		return nil, err
	}
	if c.inputs.GetName() == "" {
		c.inputs.SetName(owned.GetName())
	}
	return p.apply(ctx, objects, c.inputs, c.manager, p.forces(c.inputs, owned, c.preview), c.preview)
}

// mergeUpdate is the update without server-side apply: it sends what differs between the old inputs and the new ones.
func (p *provider) mergeUpdate(
	ctx context.Context, c *change, objects dynamic.ResourceInterface, before *unstructured.Unstructured,
) (*unstructured.Unstructured, error) {
	for _, path := range c.ignored {
		if keys, plain := names(parsePath(path)); plain {
			if value, found, err := unstructured.NestedFieldCopy(before.Object, keys...); found && err == nil {
				if err := unstructured.SetNestedField(c.inputs.Object, value, keys...); err != nil {
					return nil, err
				}
			}
		}
	}
	patch, kind, err := clientPatch(p.comparable(c.inputs, c.oldLive, c.oldInputs), c.inputs, before)
	if err != nil {
		return nil, err
	}
	return objects.Patch(ctx, before.GetName(), kind, patch,
		metav1.PatchOptions{FieldManager: createManager, DryRun: dryRun(c.preview)})
}

// clientPatch is a strategic merge patch for a built-in kind, which knows how its lists merge, and a JSON merge patch for
// another.
func clientPatch(old, inputs, live *unstructured.Unstructured) ([]byte, types.PatchType, error) {
	var documents [3][]byte
	for index, item := range []*unstructured.Unstructured{old, inputs, live} {
		document, err := json.Marshal(item.Object)
		if err != nil {
			return nil, "", err
		}
		documents[index] = document
	}
	kind, err := scheme.Scheme.New(inputs.GroupVersionKind())
	if err != nil {
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(documents[0], documents[1], documents[2])
		return patch, types.MergePatchType, err
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(kind)
	if err != nil {
		return nil, "", err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(documents[0], documents[1], documents[2], schema, true)
	return patch, types.StrategicMergePatchType, err
}
