package main

import (
	"context"
	"errors"
	"fmt"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Read reads an object as it is: for a refresh with the inputs that it was made from, for an import with its ID alone.
// An answer without an ID says that the object is gone.
func (p *provider) Read(_ context.Context, request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	urn := request.GetUrn()
	p.recorded.Store(urn, true)
	if urnType(urn) == releaseType {
		return p.readRelease(request)
	}
	kept, origin := decode(request.GetProperties()), decode(request.GetInputs())
	namespace, name := splitIdentifier(request.GetId())
	if name == "" {
		return nil, fmt.Errorf("%q is no ID of an object: give its name, or namespace/name", request.GetId())
	}
	shape := manifest(origin)
	_, before := recalled(kept)
	imported, err := completeShape(normalize(shape), before, urn, namespace, name)
	if err != nil {
		return nil, err
	}
	objects, err := p.cluster.resource(shape.GroupVersionKind(), shape.GetNamespace())
	var live *unstructured.Unstructured
	if err == nil {
		live, err = objects.Get(context.Background(), name, metav1.GetOptions{})
	}
	switch {
	case err == nil:
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return &pulumirpc.ReadResponse{}, nil
	case p.cluster.isUnreachable(err):
		return p.readUnreachable(request, err)
	default:
		return nil, fmt.Errorf("%s cannot be read: %w", named(shape), p.explain(err))
	}
	inputs := &unstructured.Unstructured{Object: prune(live.Object, shape.Object)}
	var unready error
	if imported {
		inputs = importedInputs(live)
	} else {
		unready = p.readiness(shape, live)
	}
	apiVersion := text(reveal(kept[initialAPIVersionKey]))
	if apiVersion == "" {
		apiVersion = shape.GetAPIVersion()
	}
	state := record(inputs, live, origin, apiVersion, p.managerOf(urn, kept, shape))
	liveInputs := propertiesOf(inputs)
	markSecrets(liveInputs, origin)
	if unready != nil {
		return nil, partialFailure(request.GetId(), unready, state, liveInputs)
	}
	return &pulumirpc.ReadResponse{Id: request.GetId(), Properties: encode(state), Inputs: encode(liveInputs)}, nil
}

// completeShape fills into the shape what an import does not give: the kind by its type, the rest by its ID. It reports
// whether this is one.
func completeShape(shape, before *unstructured.Unstructured, urn, namespace, name string) (bool, error) {
	if shape.GetKind() != "" {
		return false, nil
	}
	imported := before.GetKind() == ""
	if imported {
		kind, err := kindOfType(urnType(urn))
		if err != nil {
			return false, err
		}
		shape.SetGroupVersionKind(kind)
	} else {
		shape.SetGroupVersionKind(before.GroupVersionKind())
	}
	shape.SetName(name)
	if namespace != "" {
		shape.SetNamespace(namespace)
	}
	return imported, nil
}

// importedInputs are the inputs that a program would give for an object as it is.
func importedInputs(live *unstructured.Unstructured) *unstructured.Unstructured {
	inputs := live.DeepCopy()
	delete(inputs.Object, "status")
	for _, field := range []string{"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"} {
		unstructured.RemoveNestedField(inputs.Object, "metadata", field)
	}
	for _, name := range []string{"deployment.kubernetes.io/revision", lastAppliedAnnotation} {
		unstructured.RemoveNestedField(inputs.Object, "metadata", "annotations", name)
	}
	return inputs
}

// readUnreachable answers as the provider is set for a cluster that does not: forget the object, believe the state, or
// fail.
func (p *provider) readUnreachable(request *pulumirpc.ReadRequest, cause error) (*pulumirpc.ReadResponse, error) {
	switch {
	case p.settings.deleteUnreachable:
		p.engine.warn(request.GetUrn(), "the cluster cannot be reached; as deleteUnreachable is set, "+
			"this resource leaves the state")
		return &pulumirpc.ReadResponse{}, nil
	case p.settings.skipUpdateUnreachable:
		p.engine.warn(request.GetUrn(), "the cluster cannot be reached; as skipUpdateUnreachable is set, "+
			"the state is believed")
		return &pulumirpc.ReadResponse{
			Id: request.GetId(), Properties: request.GetProperties(), Inputs: request.GetInputs(),
		}, nil
	default:
		return nil, errors.Join(p.explain(cause), errAbandoned)
	}
}

// errAbandoned says what to do about objects of a cluster that will not come back.
var errAbandoned = errors.New("if the cluster is gone for good, set PULUMI_K8S_DELETE_UNREACHABLE=true " +
	"to take its resources out of the state")
