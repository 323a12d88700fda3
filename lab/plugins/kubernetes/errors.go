package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// awaitError is the end of waiting for an object that is there but not as it should be.
type awaitError struct {
	message  string
	problems []string
	object   *unstructured.Unstructured
}

func (e *awaitError) Error() string { return e.message }

// partialFailure tells the engine that an operation failed and left an object behind, whose state is to be kept.
func partialFailure(id string, cause error, state, inputs object) error {
	detail := &pulumirpc.ErrorResourceInitFailed{Id: id, Properties: encode(state), Reasons: []string{cause.Error()}}
	if inputs != nil {
		detail.Inputs = encode(inputs)
	}
	var waited *awaitError
	if errors.As(cause, &waited) {
		detail.Reasons = append(detail.Reasons, waited.problems...)
	}
	failure, err := status.New(codes.Unknown, cause.Error()).WithDetails(detail)
	if err != nil {
		return cause
	}
	return failure.Err()
}

// explain says what a failed request means for the person at the terminal.
func (p *provider) explain(err error) error {
	server := p.cluster.server()
	switch {
	case p.cluster.isUnreachable(err):
		return fmt.Errorf("the cluster at %s cannot be reached: %w; "+
			"see that it runs and that the provider's kubeconfig leads to it", server, err)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the cluster at %s does not accept the kubeconfig's credentials: %w", server, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("the kubeconfig's user may not do that in the cluster at %s: %w", server, err)
	case meta.IsNoMatchError(err):
		return fmt.Errorf("the cluster at %s has no such kind: %w; is its CRD installed, or the apiVersion removed?",
			server, err)
	default:
		return err
	}
}

// quoted matches a value that an API server repeats in its refusal.
var quoted = regexp.MustCompile(`(Invalid value: )("(\\.|[^"\\])*"|[^:]+)(: )`)

// discreet leaves out of an API server's refusal of a Secret, or of an object made from secrets, what it quotes of it.
func discreet(err error, origin object) error {
	if err == nil || (text(origin["kind"]) != secretKind && !contains(origin, isSecret)) {
		return err
	}
	message := quoted.ReplaceAllString(err.Error(), "${1}[secret]${4}")
	for _, value := range secretTexts(origin) {
		message = strings.ReplaceAll(message, value, "[secret]")
	}
	if message == err.Error() {
		return err
	}
	return errors.New(message)
}

// secretTexts are the strings within secrets that are long enough not to be found in a message by chance.
func secretTexts(value any) []string {
	var texts []string
	contains(value, func(element any) bool {
		if wrapped, ok := element.(secret); ok {
			contains(wrapped.value, func(inner any) bool {
				if found := text(inner); len(found) > 3 {
					texts = append(texts, found)
				}
				return false
			})
		}
		return false
	})
	return texts
}

// named says which object a message is about: `ConfigMap default/name`.
func named(item *unstructured.Unstructured) string {
	return item.GetKind() + " " + identifier(item)
}
