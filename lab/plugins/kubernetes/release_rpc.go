package main

import (
	"errors"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// checkRelease completes a release's inputs and finds out which version of the chart they mean.
func (p *provider) checkRelease(request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, olds := decode(request.GetNews()), decode(request.GetOlds())
	if name, given := news["name"]; !given || name == nil || name == "" {
		news["name"] = olds["name"]
		if olds["name"] == nil {
			news["name"] = urnName(request.GetUrn()) + "-" + suffix(nil)
		}
	}
	if namespace := news["namespace"]; namespace == nil || namespace == "" {
		news["namespace"] = orElse(p.cluster.namespace, "default")
	}
	if news["skipAwait"] != true && news["timeout"] == nil {
		news["timeout"] = float64(releaseSeconds)
	}
	if news["verify"] == true && (news["keyring"] == nil || news["keyring"] == "") {
		news["keyring"] = defaultKeyring()
	}
	inputs, err := completeRelease(news)
	if err != nil {
		return nil, err
	}
	response := &pulumirpc.CheckResponse{}
	if !hasUnknown(news) {
		metadata, err := p.metadata(reveal(inputs).(object))
		if err != nil {
			response.Failures = append(response.Failures, &pulumirpc.CheckFailure{
				Property: "chart", Reason: fmt.Sprintf("%v; is it the chart's name, version and repository?", discreet(err, news)),
			})
		} else {
			inputs["version"] = metadata.Version
		}
	}
	response.Inputs = encode(inputs)
	return response, nil
}

// diffRelease compares the new inputs with what the release was when it was last seen.
func (p *provider) diffRelease(request *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	kept, news := decode(request.GetOlds()), reveal(decode(request.GetNews())).(object)
	old := reveal(kept).(object)
	oldInputs, _ := old[inputsKey].(object)
	for _, path := range request.GetIgnoreChanges() {
		if path == "version" {
			news["version"] = old["version"]
		}
	}
	for _, field := range []string{"checksum", "resourceNames"} {
		delete(oldInputs, field)
	}
	patch := threeWay(oldInputs, news, old)
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}
	if len(patch) == 0 {
		return response, nil
	}
	changes := detail(patch, old, news, oldInputs, []string{"name", "namespace"})
	response.Changes = pulumirpc.DiffResponse_DIFF_SOME
	response.Diffs = changedKeys(object{}, patch)
	response.DetailedDiff = changes
	response.HasDetailedDiff = len(changes) > 0
	response.Replaces = replacedBy(changes)
	return response, nil
}

// threeWay is the patch with what the program no longer says taken out, and what it says put in where it is not so.
func threeWay(oldInputs, news, live object) object {
	patch := object{}
	for key, value := range news {
		current, present := live[key]
		nestedNew, isObject := value.(object)
		nestedLive, wasObject := current.(object)
		if isObject && wasObject {
			nestedOld, _ := oldInputs[key].(object)
			if nested := threeWay(nestedOld, nestedNew, nestedLive); len(nested) > 0 {
				patch[key] = nested
			}
		} else if !present || !equal(current, value) {
			patch[key] = value
		}
	}
	for key := range oldInputs {
		if _, kept := news[key]; !kept {
			patch[key] = nil
		}
	}
	return patch
}

func (p *provider) createRelease(request *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	inputs := decode(request.GetProperties())
	if request.GetPreview() {
		return &pulumirpc.CreateResponse{Properties: encode(expectedRecord(inputs))}, nil
	}
	release := reveal(inputs).(object)
	id := text(release["namespace"]) + "/" + text(release["name"])
	live, err := p.deploy("install", release, request.GetTimeout())
	if err == nil {
		return &pulumirpc.CreateResponse{Id: id, Properties: encode(releaseRecord(inputs, live))}, nil
	}
	err = discreet(err, inputs)
	if p.isOwnRelease(err, release) {
		if live, again := p.deploy("upgrade", release, request.GetTimeout()); again == nil {
			return &pulumirpc.CreateResponse{Id: id, Properties: encode(releaseRecord(inputs, live))}, nil
		}
	}
	return nil, p.releaseFailure(id, inputs, release, err)
}

// isOwnRelease recognizes a release that an interrupted create left half installed: Helm itself marks it so.
func (p *provider) isOwnRelease(cause error, release object) bool {
	if !strings.Contains(cause.Error(), "cannot re-use a name") {
		return false
	}
	live, err := p.status(text(release["namespace"]), text(release["name"]))
	return err == nil && live != nil && live.Info.Status == "pending-install"
}

func (p *provider) updateRelease(request *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	inputs := decode(request.GetNews())
	if request.GetPreview() {
		return &pulumirpc.UpdateResponse{Properties: encode(expectedRecord(inputs))}, nil
	}
	release := reveal(inputs).(object)
	live, err := p.deploy("upgrade", release, request.GetTimeout())
	if err != nil {
		id := text(release["namespace"]) + "/" + text(release["name"])
		return nil, p.releaseFailure(id, inputs, release, discreet(err, inputs))
	}
	return &pulumirpc.UpdateResponse{Properties: encode(releaseRecord(inputs, live))}, nil
}

// releaseFailure keeps a release in the state that is there although Helm failed.
func (p *provider) releaseFailure(id string, inputs, release object, cause error) error {
	cause = withMessage(cause, "the Helm release %s in the cluster at %s is not deployed", id, p.cluster.server())
	if errors.Is(cause, errNoHelm) || strings.Contains(cause.Error(), "cannot re-use a name") {
		return cause
	}
	live, err := p.status(text(release["namespace"]), text(release["name"]))
	if err != nil || live == nil {
		return cause
	}
	return partialFailure(id, cause, releaseRecord(inputs, live), nil)
}

// readRelease reads a release as it is: for a refresh, or for an import by its ID alone.
func (p *provider) readRelease(request *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	kept := decode(request.GetProperties())
	namespace, name := splitIdentifier(request.GetId())
	if len(kept) > 0 {
		namespace, name = text(reveal(kept["namespace"])), text(reveal(kept["name"]))
	}
	if err := p.cluster.reachable(); err != nil {
		return p.readUnreachable(request, err)
	}
	live, err := p.status(orElse(namespace, "default"), name)
	if err != nil {
		return nil, fmt.Errorf("the Helm release %s cannot be read: %w", request.GetId(), err)
	}
	if live == nil {
		return &pulumirpc.ReadResponse{}, nil
	}
	inputs := nestedOf(kept[inputsKey])
	if inputs == nil {
		inputs, err = completeRelease(object{
			"name": live.Name, "namespace": live.Namespace, "chart": live.Chart.Metadata.Name,
			"version": live.Chart.Metadata.Version, "values": orEmpty(live.Config), "timeout": float64(releaseSeconds),
		})
		if err != nil {
			return nil, err
		}
	}
	state := releaseRecord(seen(kept, inputs), live)
	state[inputsKey] = secret{inputs}
	return &pulumirpc.ReadResponse{Id: request.GetId(), Properties: encode(state), Inputs: encode(inputs)}, nil
}

// seen are the outputs of a release that a refresh starts from: those of the last operation, or the inputs.
func seen(kept, inputs object) object {
	if len(kept) == 0 {
		return inputs
	}
	outputs := copied(kept)
	for _, field := range []string{inputsKey, "status", "resourceNames"} {
		delete(outputs, field)
	}
	return outputs
}

func (p *provider) deleteRelease(request *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	release := reveal(decode(request.GetProperties())).(object)
	if err := p.cluster.reachable(); err != nil {
		return nil, errors.Join(p.explain(err), errAbandoned)
	}
	remark, err := p.uninstall(release, request.GetTimeout())
	if err != nil {
		return nil, fmt.Errorf("the Helm release %s in the cluster at %s was not removed: %w",
			request.GetId(), p.cluster.server(), err)
	}
	if remark != "" {
		p.engine.warn(request.GetUrn(), "Helm says: "+strings.TrimSpace(remark))
	}
	return &emptypb.Empty{}, nil
}
