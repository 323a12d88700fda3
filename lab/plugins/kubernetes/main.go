// Command pulumi-resource-kubernetes stands in for Pulumi's Kubernetes plugin on machines that cannot download it.
//
// It is a client of real API servers and follows what the official plugin documents and does: a program, and the state
// that it leaves, can move between the two. It deliberately leaves out what needs no cluster of its own or a language
// SDK (rendering to a directory, charts and kustomizations as components) and says so where it is asked for it.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

const (
	// maxMessageBytes is the engine's own limit: a state with a large chart in it exceeds gRPC's default.
	maxMessageBytes = 400 << 20
	// shutdownPatience bounds how long calls in flight may take to end once a signal has come.
	shutdownPatience = 20 * time.Second
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-kubernetes:", err)
		os.Exit(1)
	}
}

// serve prints the port that it listens on, as the engine expects, and answers until a signal comes or the engine is gone.
func serve(arguments []string) error {
	provider, err := newProvider(engineAddress(arguments))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen on loopback: %w", err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessageBytes), grpc.MaxSendMsgSize(maxMessageBytes))
	pulumirpc.RegisterResourceProviderServer(server, provider)

	stopping, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		untilOrphaned(stopping)
		// What is being waited for ends with an answer, so that the engine can still write it down.
		provider.cancel()
		overdue := time.AfterFunc(shutdownPatience, server.Stop)
		defer overdue.Stop()
		server.GracefulStop()
	}()

	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	return server.Serve(listener)
}

// engineAddress is the last of the engine's arguments, after flags for logging and tracing; it is missing when the engine
// attaches later.
func engineAddress(arguments []string) string {
	if len(arguments) == 0 || strings.HasPrefix(arguments[len(arguments)-1], "-") {
		return ""
	}
	return arguments[len(arguments)-1]
}

// untilOrphaned returns when the process that started this one is gone, which a killed engine has no other way to say, or
// when the context ends.
func untilOrphaned(ctx context.Context) {
	parent := os.Getppid()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for os.Getppid() == parent {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
		}
	}
}
