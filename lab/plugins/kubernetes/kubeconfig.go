package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// parseKubeconfig reads a kubeconfig that is given as a path (`~` allowed) or as its content, YAML or JSON. The error
// says nothing of the content, which holds credentials.
func parseKubeconfig(pathOrContent string) (*clientapi.Config, error) {
	content := []byte(pathOrContent)
	path := pathOrContent
	if home, err := os.UserHomeDir(); err == nil && (path == "~" || strings.HasPrefix(path, "~/")) {
		path = filepath.Join(home, strings.TrimPrefix(path, "~"))
	}
	if information, err := os.Stat(path); err == nil && !information.IsDir() {
		if content, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("the kubeconfig cannot be read: %w", err)
		}
	}
	config, err := clientcmd.Load(content)
	if err != nil {
		return nil, errors.New("the provider's kubeconfig is neither a file nor the content of one")
	}
	return config, nil
}

// kubeconfigProperty is the kubeconfig of a provider's inputs, where it may also be an object.
func kubeconfigProperty(value any) (*clientapi.Config, error) {
	switch value := reveal(value).(type) {
	case nil:
		return clientapi.NewConfig(), nil
	case string:
		if value == "" {
			return clientapi.NewConfig(), nil
		}
		return parseKubeconfig(value)
	case object:
		content, err := json.Marshal(value)
		if err != nil {
			return nil, errors.New("the provider's kubeconfig is no JSON object")
		}
		return parseKubeconfig(string(content))
	default:
		return nil, fmt.Errorf("the provider's kubeconfig is a %T, not a path or a kubeconfig's content", value)
	}
}

// activeCluster is the cluster that a kubeconfig leads to, with the provider's `context` and `cluster` applied.
func activeCluster(config *clientapi.Config, inputs object) *clientapi.Cluster {
	current := config.CurrentContext
	if name := text(reveal(inputs["context"])); name != "" {
		current = name
	}
	context := config.Contexts[current]
	if context == nil {
		return nil
	}
	name := context.Cluster
	if override := text(reveal(inputs["cluster"])); override != "" {
		name = override
	}
	return config.Clusters[name]
}
