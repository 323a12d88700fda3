package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// unreachableFor is how long a failed attempt to connect is believed, so that a preview of hundreds of objects does not
// wait for the same dead address hundreds of times.
const unreachableFor = 10 * time.Second

// cluster is the connection to one API server. Nothing is sent before the first use, and what the server's kinds are
// called is asked once.
type cluster struct {
	unusable  error // why there is no configuration to connect with
	config    *rest.Config
	raw       clientcmd.ClientConfig
	overrides *clientcmd.ConfigOverrides
	namespace string // for objects that name none

	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper

	mutex     sync.Mutex
	failed    error
	failedAt  time.Time
	installed map[schema.GroupKind]bool // kinds of the program's own CRDs, and whether they are namespaced
}

func unconfiguredCluster() *cluster {
	return &cluster{unusable: errors.New("the provider has not been configured"), namespace: "default"}
}

// newCluster reads the kubeconfig that the provider names, or the one of the environment. A kubeconfig that does not
// work out is an error only once the cluster is used.
func newCluster(variables map[string]string, limits clientSettings) *cluster {
	overrides := &clientcmd.ConfigOverrides{
		CurrentContext: variables["context"],
		Context:        clientapi.Context{Cluster: variables["cluster"], Namespace: variables["namespace"]},
	}
	c := &cluster{namespace: variables["namespace"], overrides: overrides, installed: map[schema.GroupKind]bool{}}
	if content := variables["kubeconfig"]; content != "" {
		config, err := parseKubeconfig(content)
		if err != nil {
			c.unusable = err
			return c
		}
		c.raw = clientcmd.NewDefaultClientConfig(*config, overrides)
	} else {
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		c.raw = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	}
	if namespace, _, err := c.raw.Namespace(); err == nil {
		c.namespace = namespace
	}
	if c.config, c.unusable = c.raw.ClientConfig(); c.unusable != nil {
		c.unusable = fmt.Errorf("no cluster to talk to: give the provider a kubeconfig, or set KUBECONFIG: %w", c.unusable)
		return c
	}
	c.config.UserAgent = "pulumi-resource-kubernetes/" + version
	c.config.WarningHandler = rest.NoWarnings{}
	// The engine's own parallelism is the limit, and the server's fairness, unless a rate is asked for.
	c.config.QPS = -1
	if limits.QPS != nil {
		c.config.QPS, c.config.Burst = float32(*limits.QPS), 120
	}
	if limits.Burst != nil {
		c.config.Burst = *limits.Burst
		if limits.QPS == nil {
			c.config.QPS = 50
		}
	}
	if limits.Timeout != nil {
		c.config.Timeout = time.Duration(*limits.Timeout) * time.Second
	}
	if err := c.makeClients(); err != nil {
		c.unusable = err
	}
	return c
}

func (c *cluster) makeClients() error {
	client, err := dynamic.NewForConfig(c.config)
	if err != nil {
		return fmt.Errorf("the kubeconfig cannot be used: %w", err)
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return fmt.Errorf("the kubeconfig cannot be used: %w", err)
	}
	c.client = client
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))
	return nil
}

// active is a kubeconfig with the context that is used and nothing else.
func (c *cluster) active() (*clientapi.Config, error) {
	loaded, err := c.raw.RawConfig()
	if err != nil {
		return nil, err
	}
	active := loaded.DeepCopy()
	if c.overrides.CurrentContext != "" {
		active.CurrentContext = c.overrides.CurrentContext
	}
	if context := active.Contexts[active.CurrentContext]; context != nil && c.overrides.Context.Cluster != "" {
		context.Cluster = c.overrides.Context.Cluster
	}
	return active, clientapi.MinifyConfig(active)
}

// mapping finds the server's name for a kind and whether it is namespaced.
func (c *cluster) mapping(kind schema.GroupVersionKind) (*meta.RESTMapping, error) {
	if c.unusable != nil {
		return nil, c.unusable
	}
	c.mutex.Lock()
	failed := c.failed
	if time.Since(c.failedAt) > unreachableFor {
		failed = nil
	}
	c.mutex.Unlock()
	if failed != nil {
		return nil, failed
	}
	if kind.Group == "core" {
		kind.Group = ""
	}
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil && c.isUnreachable(err) {
		c.mutex.Lock()
		c.failed, c.failedAt = err, time.Now()
		c.mutex.Unlock()
	}
	return mapping, err
}

// forget makes the next lookup of a kind ask the server again.
func (c *cluster) forget() {
	if c.mapper != nil {
		c.mapper.Reset()
	}
}

// resource gives access to the objects of a kind in a namespace, which only matters for namespaced kinds.
func (c *cluster) resource(kind schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := c.mapping(kind)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		return c.client.Resource(mapping.Resource), nil
	}
	if namespace == "" {
		namespace = "default"
	}
	return c.client.Resource(mapping.Resource).Namespace(namespace), nil
}

// knows reports whether the server, as far as it can be reached, has a kind.
func (c *cluster) knows(kind schema.GroupVersionKind) bool {
	_, err := c.mapping(kind)
	return err == nil
}

// reachable asks the server for its kinds, once, and reports why it did not answer.
func (c *cluster) reachable() error {
	_, err := c.mapping(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"})
	if err != nil && c.isUnreachable(err) {
		return err
	}
	return nil
}

// isNamespaced tells the scope of a kind: of a built-in one without asking, of another from the program's CRDs or the
// server. A kind that nobody knows yet counts as namespaced.
func (c *cluster) isNamespaced(kind schema.GroupVersionKind) bool {
	if isBuiltIn(kind.GroupVersion()) {
		return !clusterScoped[kind.Kind]
	}
	c.mutex.Lock()
	namespaced, ours := c.installed[kind.GroupKind()]
	c.mutex.Unlock()
	if ours {
		return namespaced
	}
	mapping, err := c.mapping(kind)
	return err != nil || mapping.Scope.Name() == meta.RESTScopeNameNamespace
}

// noteDefinition remembers the scope of the kind that a CRD of the program defines.
func (c *cluster) noteDefinition(definition object) {
	kind := schema.GroupKind{
		Group: text(dig(definition, "spec", "group")), Kind: text(dig(definition, "spec", "names", "kind")),
	}
	if kind.Group == "" || kind.Kind == "" {
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.installed == nil {
		c.installed = map[schema.GroupKind]bool{}
	}
	c.installed[kind] = text(dig(definition, "spec", "scope")) != "Cluster"
}

// isUnreachable tells an API server that did not answer from one that refused.
func (c *cluster) isUnreachable(err error) bool {
	if c.unusable != nil {
		return true
	}
	var refusal apierrors.APIStatus
	var location *url.Error
	var network net.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &refusal) {
		return false
	}
	return errors.As(err, &location) || errors.As(err, &network)
}

// server is where the cluster is, for messages.
func (c *cluster) server() string {
	if c.config == nil {
		return "(none)"
	}
	return c.config.Host
}

func sameCluster(one, other *clientapi.Cluster) bool {
	return reflect.DeepEqual(one, other)
}
