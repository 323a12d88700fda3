package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The annotations that a program steers this plugin with.
const (
	autonamedAnnotation      = "pulumi.com/autonamed"
	skipAwaitAnnotation      = "pulumi.com/skipAwait"
	waitForAnnotation        = "pulumi.com/waitFor"
	timeoutAnnotation        = "pulumi.com/timeoutSeconds"
	replaceUnreadyAnnotation = "pulumi.com/replaceUnready"
	patchForceAnnotation     = "pulumi.com/patchForce"
	fieldManagerAnnotation   = "pulumi.com/patchFieldManager"
	propagationAnnotation    = "pulumi.com/deletionPropagationPolicy"

	lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"
	managedByLabel        = "app.kubernetes.io/managed-by"
)

const defaultTimeout = 10 * time.Minute

// annotation reads one annotation, also where its neighbours are not known yet.
func annotation(item *unstructured.Unstructured, name string) string {
	return text(dig(item.Object, "metadata", "annotations", name))
}

func annotated(item *unstructured.Unstructured, name string) bool {
	return annotation(item, name) == "true"
}

// setMetadata sets `metadata.<section>.<name>`, and reports false where that is not known yet and so cannot be.
func setMetadata(item *unstructured.Unstructured, section, name, value string) bool {
	if item.Object["metadata"] == nil {
		item.Object["metadata"] = object{}
	}
	metadata, known := item.Object["metadata"].(object)
	if !known {
		return false
	}
	if metadata[section] == nil {
		metadata[section] = object{}
	}
	values, known := metadata[section].(object)
	if known {
		values[name] = value
	}
	return known
}

// timeout is how long an operation on an object may take: the resource option, else the annotation, else ten minutes.
func timeout(option float64, inputs *unstructured.Unstructured) time.Duration {
	if option > 0 {
		return time.Duration(option * float64(time.Second))
	}
	if seconds, err := strconv.Atoi(annotation(inputs, timeoutAnnotation)); err == nil {
		return time.Duration(seconds) * time.Second
	}
	return defaultTimeout
}

func propagation(inputs *unstructured.Unstructured) metav1.DeletionPropagation {
	switch strings.ToLower(annotation(inputs, propagationAnnotation)) {
	case "orphan":
		return metav1.DeletePropagationOrphan
	case "background":
		return metav1.DeletePropagationBackground
	default:
		return metav1.DeletePropagationForeground
	}
}

// managedBy is the value of the label that marks objects of a provider without server-side apply.
func managedBy() string {
	if value, set := os.LookupEnv("PULUMI_KUBERNETES_MANAGED_BY_LABEL"); set {
		return value
	}
	return "pulumi"
}
