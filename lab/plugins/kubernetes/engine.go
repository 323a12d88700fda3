package main

import (
	"context"
	"fmt"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// engine is the way back to the person at the terminal. Without an address it is silent.
type engine struct {
	mutex  sync.Mutex
	client pulumirpc.EngineClient
}

// attach connects to the engine at an address, or keeps what there is when the address is empty.
func (e *engine) attach(address string) error {
	if address == "" {
		return nil
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return fmt.Errorf("cannot reach the engine at %s: %w", address, err)
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.client = pulumirpc.NewEngineClient(connection)
	return nil
}

// warn leaves a message below a resource's name after the operation has ended.
func (e *engine) warn(urn, message string) {
	e.log(pulumirpc.LogSeverity_WARNING, urn, message, false)
}

// status shows a message beside a resource while the operation runs; an empty one clears it.
func (e *engine) status(urn, message string) {
	e.log(pulumirpc.LogSeverity_INFO, urn, message, true)
}

func (e *engine) log(severity pulumirpc.LogSeverity, urn, message string, ephemeral bool) {
	e.mutex.Lock()
	client := e.client
	e.mutex.Unlock()
	if client == nil {
		return
	}
	// An engine that is gone has nobody to tell it to: the call's own answer will fail as well.
	_, _ = client.Log(context.Background(), &pulumirpc.LogRequest{
		Severity: severity, Message: message, Urn: urn, Ephemeral: ephemeral,
	})
}

// progress shows what a resource is waiting for, each message once, and clears it in the end.
type progress struct {
	engine *engine
	urn    string
	last   string
}

func (p *progress) show(message string) {
	if message != p.last {
		p.engine.status(p.urn, message)
		p.last = message
	}
}

func (p *progress) clear() {
	p.show("")
}
