package main

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

const releaseSeconds = 300 // what Helm itself waits for when it is not told

// releaseFields are the inputs of a Helm release with what they are when the program says nothing. Fields of the SDK's
// that are not here leave no trace in the state.
var releaseFields = object{
	"allowNullValues": false, "atomic": false, "chart": "", "cleanupOnFail": false, "createNamespace": false,
	"dependencyUpdate": false, "description": "", "devel": false, "disableCRDHooks": false,
	"disableOpenapiValidation": false, "disableWebhooks": false, "forceUpdate": false, "keyring": "", "lint": false,
	"name": "", "namespace": "", "postrender": "", "recreatePods": false, "renderSubchartNotes": false, "replace": false,
	"resetValues": false, "reuseValues": false, "skipAwait": false, "skipCrds": false, "timeout": float64(0),
	"values": object{}, "verify": false, "version": "", "waitForJobs": false,
}

var repositoryFields = []string{"caFile", "certFile", "keyFile", "password", "repo", "username"}

// completeRelease gives a release all its inputs, in the form in which they are compared later. Secrets and unknowns stay
// where they are.
func completeRelease(news object) (object, error) {
	inputs := object{}
	for field, otherwise := range releaseFields {
		inputs[field] = otherwise
		if value, given := news[field]; given && value != nil {
			inputs[field] = value
		}
	}
	if limit, given := news["maxHistory"]; given && limit != nil {
		inputs["maxHistory"] = limit
	}
	if given, isObject := reveal(news["repositoryOpts"]).(object); isObject {
		options := object{}
		for _, field := range repositoryFields {
			options[field] = ""
			if given[field] != nil {
				options[field] = given[field]
			}
		}
		markSecrets(options, nestedOf(news["repositoryOpts"]))
		inputs["repositoryOpts"] = rewrap(news["repositoryOpts"], options)
	}
	files, err := valueFiles(news["valueYamlFiles"])
	if err != nil {
		return nil, err
	}
	if len(files) > 0 && !isUnknown(inputs["values"]) {
		values, _ := reveal(inputs["values"]).(object)
		merged := mergeValues(files, values)
		markSecrets(merged, nestedOf(inputs["values"]))
		inputs["values"] = rewrap(inputs["values"], merged)
		if contains(news["valueYamlFiles"], isSecret) && !isSecret(inputs["values"]) {
			inputs["values"] = secret{inputs["values"]}
		}
	}
	return inputs, nil
}

// nestedOf is the object in a value that may be secret as a whole.
func nestedOf(value any) object {
	if wrapped, ok := value.(secret); ok {
		value = wrapped.value
	}
	nested, _ := value.(object)
	return nested
}

// rewrap makes a value secret if its source was.
func rewrap(source, value any) any {
	if isSecret(source) {
		return secret{value}
	}
	return value
}

// valueFiles merges the files of values, later ones over earlier ones. Files come as assets: with their text, or a path.
func valueFiles(assets any) (object, error) {
	merged := object{}
	list, _ := reveal(assets).([]any)
	for _, asset := range list {
		content := []byte(text(dig(asset, "text")))
		if path := text(dig(asset, "path")); path != "" {
			var err error
			if content, err = os.ReadFile(path); err != nil {
				return nil, fmt.Errorf("a file in valueYamlFiles cannot be read: %w", err)
			}
		}
		values := object{}
		if err := yaml.Unmarshal(content, &values); err != nil {
			return nil, fmt.Errorf("a file in valueYamlFiles is no YAML: %w", err)
		}
		merged = mergeValues(merged, values)
	}
	return merged, nil
}

// mergeValues lays values over others, key by key.
func mergeValues(base, over object) object {
	result := object{}
	for key, value := range base {
		result[key] = value
	}
	for key, value := range over {
		nestedBase, wasObject := result[key].(object)
		nestedOver, isObject := value.(object)
		if wasObject && isObject {
			value = mergeValues(nestedBase, nestedOver)
		}
		result[key] = value
	}
	return result
}

// installed is what Helm says of a release.
type installed struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Version   int    `json:"version"`
	Manifest  string `json:"manifest"`
	Config    object `json:"config"`
	Info      struct {
		Status string `json:"status"`
		Notes  string `json:"notes"`
	} `json:"info"`
	Chart struct {
		Metadata chartMetadata `json:"metadata"`
	} `json:"chart"`
}

type chartMetadata struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion"`
}

// releaseRecord is what the engine keeps of a release: its inputs as the cluster has them, and what came of them.
func releaseRecord(inputs object, live *installed) object {
	kept := copied(inputs)
	if values, known := reveal(kept["values"]).(object); known {
		kept["values"] = mergeValues(values, live.Config)
	}
	kept["version"] = live.Chart.Metadata.Version
	kept["resourceNames"] = resourceNames(live.Manifest)
	kept["status"] = object{
		"appVersion": live.Chart.Metadata.AppVersion, "chart": live.Chart.Metadata.Name,
		"name": live.Name, "namespace": live.Namespace, "revision": float64(live.Version),
		"status": live.Info.Status, "version": live.Chart.Metadata.Version,
	}
	return sealed(kept, inputs)
}

// expectedRecord is what a preview says of a release.
func expectedRecord(inputs object) object {
	kept := copied(inputs)
	kept["resourceNames"] = unknown{unknownString}
	kept["status"] = unknown{unknownString}
	return sealed(kept, inputs)
}

func copied(inputs object) object {
	return transform(inputs, sameKey, func(value any) (any, bool) { return value, isSecret(value) }).(object)
}

// sealed puts the inputs beside the record, out of sight, and makes secret again what is.
func sealed(kept, inputs object) object {
	markSecrets(kept, inputs)
	kept[inputsKey] = secret{inputs}
	return kept
}

// resourceNames lists the objects of a manifest by kind and version.
func resourceNames(manifest string) object {
	found := map[string]map[string]bool{}
	for _, document := range strings.Split("\n"+manifest, "\n---") {
		item := object{}
		if yaml.Unmarshal([]byte(document), &item) != nil || text(item["kind"]) == "" {
			continue
		}
		apiVersion := text(item["apiVersion"])
		key := text(item["kind"])
		if group, _, grouped := strings.Cut(apiVersion, "/"); grouped {
			key += "." + group
		}
		key += "/" + apiVersion
		name := text(dig(item, "metadata", "name"))
		if namespace := text(dig(item, "metadata", "namespace")); namespace != "" {
			name = namespace + "/" + name
		}
		if found[key] == nil {
			found[key] = map[string]bool{}
		}
		found[key][name] = true
	}
	result := object{}
	for key, names := range found {
		result[key] = sortedNames(names)
	}
	return result
}

// defaultKeyring is where GnuPG keeps public keys.
func defaultKeyring() string {
	return os.ExpandEnv("$HOME/.gnupg/pubring.gpg")
}
