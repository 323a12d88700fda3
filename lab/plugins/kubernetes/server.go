package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// version is that of the official plugin that this one stands in for.
const version = "4.34.2"

// provider answers the engine's calls for one configured cluster.
type provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	engine   engine
	settings settings
	cluster  *cluster

	// waiting ends when the engine asks to cancel; what has been sent to a cluster is still answered.
	waiting context.Context
	cancel  context.CancelFunc

	// recorded holds the URNs that the engine has in its state, as far as it has said so: an object of theirs that is
	// in the cluster is not the remains of an interrupted create.
	recorded sync.Map
}

func newProvider(engineAddress string) (*provider, error) {
	waiting, cancel := context.WithCancel(context.Background())
	p := &provider{waiting: waiting, cancel: cancel, cluster: unconfiguredCluster()}
	return p, p.engine.attach(engineAddress)
}

// Handshake is the first call: it says which of the protocol's values may be sent.
func (p *provider) Handshake(
	_ context.Context, request *pulumirpc.ProviderHandshakeRequest,
) (*pulumirpc.ProviderHandshakeResponse, error) {
	return &pulumirpc.ProviderHandshakeResponse{
		AcceptSecrets: true, SupportsAutonamingConfiguration: true,
	}, p.engine.attach(request.GetEngineAddress())
}

// Attach is Handshake for a plugin that was started by hand.
func (p *provider) Attach(_ context.Context, request *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, p.engine.attach(request.GetAddress())
}

// GetPluginInfo says which version of the official plugin this is instead of.
func (p *provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// GetSchema gives a schema without types: the SDK that a program uses carries its own.
func (p *provider) GetSchema(
	_ context.Context, request *pulumirpc.GetSchemaRequest,
) (*pulumirpc.GetSchemaResponse, error) {
	if request.GetVersion() != 0 {
		return nil, status.Errorf(codes.InvalidArgument, "schema version %d is not known, only 0 is", request.GetVersion())
	}
	return &pulumirpc.GetSchemaResponse{
		Schema: fmt.Sprintf(`{"name": "kubernetes", "version": %q, "resources": {}, "types": {}}`, version),
	}, nil
}

// Cancel ends what is being waited for, at once.
func (p *provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	p.cancel()
	return &emptypb.Empty{}, nil
}

// Construct refuses the components that the official plugin makes out of charts, kustomizations and YAML.
func (p *provider) Construct(
	_ context.Context, request *pulumirpc.ConstructRequest,
) (*pulumirpc.ConstructResponse, error) {
	return nil, notOffered(request.GetType())
}

// Call refuses methods of such components.
func (p *provider) Call(_ context.Context, request *pulumirpc.CallRequest) (*pulumirpc.CallResponse, error) {
	return nil, notOffered(request.GetTok())
}

// GetMappings has no Terraform providers to convert from.
func (p *provider) GetMappings(
	context.Context, *pulumirpc.GetMappingsRequest,
) (*pulumirpc.GetMappingsResponse, error) {
	return &pulumirpc.GetMappingsResponse{}, nil
}

// GetMapping has no Terraform provider to convert from.
func (p *provider) GetMapping(context.Context, *pulumirpc.GetMappingRequest) (*pulumirpc.GetMappingResponse, error) {
	return &pulumirpc.GetMappingResponse{}, nil
}

func notOffered(token string) error {
	instead := "create its objects one by one, or install the official plugin"
	if strings.Contains(token, "helm") {
		instead = "use kubernetes:helm.sh/v3:Release, or install the official plugin"
	}
	return status.Errorf(codes.Unimplemented,
		"%s is not offered by this stand-in for the Kubernetes plugin: %s", token, instead)
}

// urnType is the resource type in a URN such as `urn:pulumi:stack::project::parent$type::name`.
func urnType(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	if len(parts) < 4 {
		return ""
	}
	types := strings.Split(parts[2], "$")
	return types[len(types)-1]
}

// urnName is the name that the program gave the resource.
func urnName(urn string) string {
	parts := strings.SplitN(urn, "::", 4)
	return parts[len(parts)-1]
}
