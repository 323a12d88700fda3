package main

import (
	"context"
	"fmt"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Configure takes the provider's settings. It does not touch the cluster, which may not exist yet.
func (p *provider) Configure(
	_ context.Context, request *pulumirpc.ConfigureRequest,
) (*pulumirpc.ConfigureResponse, error) {
	variables := map[string]string{}
	for name, value := range request.GetVariables() { //nolint:staticcheck // what every engine still sends
		variables[strings.TrimPrefix(name, "kubernetes:config:")] = value
	}
	read, err := readSettings(variables)
	if err != nil {
		return nil, err
	}
	p.settings = read
	p.cluster = newCluster(variables, read.client)
	return &pulumirpc.ConfigureResponse{
		AcceptSecrets: true, SupportsPreview: true, SupportsAutonamingConfiguration: true,
	}, nil
}

// CheckConfig validates the provider's inputs, which it gives back as they came.
func (p *provider) CheckConfig(
	_ context.Context, request *pulumirpc.CheckRequest,
) (*pulumirpc.CheckResponse, error) {
	inputs, _ := reveal(decode(request.GetNews())).(object)
	response := &pulumirpc.CheckResponse{Inputs: request.GetNews()}
	refuse := func(property, reason string) {
		response.Failures = append(response.Failures, &pulumirpc.CheckFailure{Property: property, Reason: reason})
	}
	if isSet(inputs["strictMode"]) {
		if strings.HasPrefix(urnName(request.GetUrn()), "default") {
			refuse("", "strict mode allows no default provider: give every resource one of its own")
		}
		for _, property := range []string{"kubeconfig", "context"} {
			if inputs[property] == nil || inputs[property] == "" {
				refuse(property, fmt.Sprintf("strict mode needs the provider's %q", property))
			}
		}
	}
	if isSet(inputs["renderYamlToDirectory"]) {
		refuse("renderYamlToDirectory",
			"rendering to files is not offered by this stand-in for the Kubernetes plugin: install the official one")
	} else if isSet(inputs["alwaysRender"]) {
		refuse("alwaysRender", `"alwaysRender" needs "renderYamlToDirectory"`)
	}
	return response, nil
}

// isSet holds for true, as a bool or as text, and for other text that is not empty or "false".
func isSet(value any) bool {
	switch value := value.(type) {
	case bool:
		return value
	case string:
		return value != "" && value != "false"
	default:
		return isUnknown(value)
	}
}

// DiffConfig decides whether a change of the provider's inputs means another cluster, and so a replacement of the
// provider and everything on it.
//
// An identifier, where there is one, decides alone: credentials may rotate and addresses change as long as it stays.
// Adding or removing the identifier replaces nothing by itself. Without one, the cluster that the kubeconfig's active
// context leads to is compared, which a rotated certificate authority changes.
func (p *provider) DiffConfig(
	_ context.Context, request *pulumirpc.DiffRequest,
) (*pulumirpc.DiffResponse, error) {
	olds, news := reveal(decode(request.GetOlds())).(object), reveal(decode(request.GetNews())).(object)
	changed := changedKeys(olds, news)
	if len(changed) == 0 {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	response := &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME, Diffs: changed}
	oldIdentifier, newIdentifier := olds["clusterIdentifier"], news["clusterIdentifier"]
	identified := oldIdentifier != nil && newIdentifier != nil
	if identified && equal(oldIdentifier, newIdentifier) {
		return response, nil
	}
	if identified {
		response.Replaces = append(response.Replaces, "clusterIdentifier")
	}
	locators := []string{"kubeconfig", "context", "cluster"}
	for _, key := range locators {
		if isUnknown(news[key]) {
			response.Diffs = []string{key}
			response.Replaces = append(response.Replaces, key)
			return response, nil
		}
	}
	oldConfig, err := kubeconfigProperty(olds["kubeconfig"])
	if err != nil {
		return nil, err
	}
	newConfig, err := kubeconfigProperty(news["kubeconfig"])
	if err != nil {
		return nil, err
	}
	oldCluster, newCluster := activeCluster(oldConfig, olds), activeCluster(newConfig, news)
	if oldCluster != nil && newCluster != nil && !sameCluster(oldCluster, newCluster) {
		for _, key := range locators {
			if !equal(olds[key], news[key]) {
				response.Replaces = append(response.Replaces, key)
			}
		}
	}
	return response, nil
}
