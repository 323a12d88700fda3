package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Invoke answers the one function that needs no more than this plugin: reading YAML, for the SDK's ConfigFile and
// ConfigGroup.
func (p *provider) Invoke(_ context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if request.GetTok() != "kubernetes:yaml:decode" {
		return nil, notOffered(request.GetTok())
	}
	arguments := reveal(decode(request.GetArgs())).(object)
	document, given := arguments["text"].(string)
	if !given {
		return nil, errors.New("kubernetes:yaml:decode needs the text to decode")
	}
	items, err := p.decodeYAML(document, text(arguments["defaultNamespace"]))
	if err != nil {
		return nil, err
	}
	return &pulumirpc.InvokeResponse{Return: encode(object{"result": items})}, nil
}

// decodeYAML reads the objects of a YAML stream, skipping what is none, and puts those without a namespace that need one
// into `namespace`.
func (p *provider) decodeYAML(document, namespace string) ([]any, error) {
	items := []any{}
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(document), 4096)
	for {
		var content object
		err := decoder.Decode(&content)
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, fmt.Errorf("this is no YAML: %w", err)
		}
		item := &unstructured.Unstructured{Object: content}
		if item.GetKind() == "" || item.GetAPIVersion() == "" {
			continue
		}
		if namespace != "" && item.GetNamespace() == "" && p.cluster.isNamespaced(item.GroupVersionKind()) {
			item.SetNamespace(namespace)
		}
		items = append(items, content)
	}
}
