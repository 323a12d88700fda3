package main

import (
	"context"
	"errors"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Check completes and normalizes a resource's inputs: a name, a namespace, the server's way to write quantities. What is
// valid the server decides, in the preview already.
func (p *provider) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	urn := request.GetUrn()
	if len(request.GetOlds().GetFields()) > 0 {
		p.recorded.Store(urn, true)
	}
	if p.settings.skipUpdateUnreachable && p.cluster.reachable() != nil {
		p.engine.warn(urn, "the cluster cannot be reached; as skipUpdateUnreachable is set, this resource stays as it is")
		return &pulumirpc.CheckResponse{Inputs: request.GetOlds()}, nil
	}
	if urnType(urn) == releaseType {
		return p.checkRelease(request)
	}
	if isList(urn) {
		return nil, errors.New("a list is no object that can be created: use the type of its items")
	}
	news := decode(request.GetNews())
	inputs, old := manifest(news), manifest(decode(request.GetOlds()))
	if isPatch(urn, inputs.GetKind()) && p.settings.clientSideApply {
		return nil, errors.New("Patch resources need server-side apply: do not set enableServerSideApply to false")
	}
	inputs = normalize(inputs)
	if isPatch(urn, inputs.GetKind()) && !isNamed(inputs) {
		return nil, errors.New("a Patch resource needs metadata.name: the object whose fields it sets")
	}
	p.warnOfHooks(urn, inputs)
	if err := p.name(inputs, old, request); err != nil {
		return nil, err
	}
	kind, err := kindOfType(urnType(urn))
	if err != nil {
		return nil, err
	}
	if isPatch(urn, inputs.GetKind()) {
		kind.Kind = inputs.GetKind()
	}
	namespace := dig(inputs.Object, "metadata", "namespace")
	if text(namespace) == "" && !isUnknown(namespace) && p.cluster.isNamespaced(kind) {
		inputs.SetNamespace(p.cluster.namespace)
	}
	if isDefinition(inputs) {
		p.cluster.noteDefinition(inputs.Object)
	}
	checked := propertiesOf(inputs)
	markSecrets(checked, news)
	return &pulumirpc.CheckResponse{Inputs: encode(checked)}, nil
}

// name gives the inputs a name: the object's former one if that was generated, or a new one. Without server-side apply
// it also labels new objects, for then nothing else in the cluster says who manages them.
func (p *provider) name(inputs, old *unstructured.Unstructured, request *pulumirpc.CheckRequest) error {
	label := p.settings.clientSideApply
	if len(old.Object) > 0 {
		keepAutoname(inputs, old)
		label = text(dig(old.Object, "metadata", "labels", managedByLabel)) == managedBy()
	} else if err := autoname(inputs, request.GetUrn(), request.GetRandomSeed(), request.GetAutonaming()); err != nil {
		return err
	}
	if label {
		setMetadata(inputs, "labels", managedByLabel, managedBy())
	}
	if isGenerated(inputs) && !p.settings.clientSideApply {
		return errors.New("metadata.generateName does not go with server-side apply: leave the name out to have one made")
	}
	return nil
}

// warnOfHooks says that a chart's hook is treated as an ordinary object here.
func (p *provider) warnOfHooks(urn string, inputs *unstructured.Unstructured) {
	annotations, _ := dig(inputs.Object, "metadata", "annotations").(object)
	for name, value := range annotations {
		switch {
		case strings.HasPrefix(name, autonamedAnnotation):
			p.engine.warn(urn, "the annotation "+name+" is for internal use, and is set without the program's doing")
		case strings.HasPrefix(name, "helm.sh/hook") && strings.Contains(text(value), "test") && !p.settings.quietHelmHooks:
			p.engine.warn(urn, "this is a Helm hook: it is created as an ordinary object and not run as a hook")
		}
	}
}
