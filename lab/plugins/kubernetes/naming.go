package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// isNamed holds for an object with a name, be it one that is not known yet.
func isNamed(item *unstructured.Unstructured) bool {
	return isUnknown(item.Object["metadata"]) || isUnknown(dig(item.Object, "metadata", "name")) || item.GetName() != ""
}

// isGenerated holds for an object that the server is to name.
func isGenerated(item *unstructured.Unstructured) bool {
	prefix := dig(item.Object, "metadata", "generateName")
	return !isNamed(item) && (isUnknown(prefix) || text(prefix) != "")
}

// autoname names an object that has no name after its resource, as the stack's configuration of names wants it.
func autoname(
	item *unstructured.Unstructured, urn string, seed []byte, options *pulumirpc.CheckRequest_AutonamingOptions,
) error {
	if isNamed(item) || isGenerated(item) {
		return nil
	}
	name := urnName(urn) + "-" + suffix(seed)
	switch {
	case options == nil:
	case options.GetMode() == pulumirpc.CheckRequest_AutonamingOptions_DISABLE:
		return errors.New("names are not generated in this stack: set metadata.name")
	case options.GetProposedName() != "":
		name = options.GetProposedName()
	}
	item.SetName(name)
	setMetadata(item, "annotations", autonamedAnnotation, "true")
	return nil
}

// keepAutoname gives an object without a name the one that was generated for it before.
func keepAutoname(item, old *unstructured.Unstructured) {
	if !isNamed(item) && annotated(old, autonamedAnnotation) {
		item.SetName(old.GetName())
		setMetadata(item, "annotations", autonamedAnnotation, "true")
	}
}

// suffix is eight hexadecimal digits, the same for the same seed, random without one.
func suffix(seed []byte) string {
	if len(seed) == 0 {
		seed = []byte(rand.Text())
	}
	digest := sha256.Sum256(seed)
	return hex.EncodeToString(digest[:4])
}

// identifier is an object's ID in the engine's state: `namespace/name`, or the name of what has no namespace.
func identifier(item *unstructured.Unstructured) string {
	if item.GetNamespace() == "" {
		return item.GetName()
	}
	return item.GetNamespace() + "/" + item.GetName()
}

// splitIdentifier is the inverse of identifier.
func splitIdentifier(id string) (namespace, name string) {
	if namespace, name, found := strings.Cut(id, "/"); found {
		return namespace, name
	}
	return "", id
}
