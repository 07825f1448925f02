// The peer of bench:xds: go-control-plane's delta server with its snapshot cache, a snapshot per node, or its linear
// cache. It prints where it listens, changes one resource for each line on its standard input, and prints how many
// milliseconds went by until the last stream had acknowledged that.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/resource/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
)

var (
	streams   = flag.Int("streams", 1000, "how many streams acknowledge a change")
	resources = flag.Int("resources", 1, "how many resources each node has")
	bytes     = flag.Int("bytes", 160, "about how large a resource is")
	kind      = flag.String("cache", "snapshot", "snapshot (one per node), or linear")
	windows   = flag.String("windows", "dynamic", "HTTP/2 flow control: dynamic as grpc-go has it, or static")
)

const staticWindow = 1 << 20

// cluster is a resource whose content is its version.
func cluster(index, version int) *clusterv3.Cluster {
	text := fmt.Sprintf("%08d", version)
	return &clusterv3.Cluster{
		Name:        fmt.Sprintf("resource-%d", index),
		AltStatName: text + strings.Repeat("x", max(0, *bytes-len(text))),
	}
}

func main() {
	flag.Parse()
	ctx := context.Background()
	content := make([]types.Resource, *resources)
	for index := range content {
		content[index] = cluster(index, 0)
	}

	var source cache.Cache
	var change func(version int)
	switch *kind {
	case "snapshot":
		snapshots := cache.NewSnapshotCache(true, cache.IDHash{}, nil)
		change = func(version int) {
			changed := append([]types.Resource{cluster(0, version)}, content[1:]...)
			for node := range *streams {
				snapshot, err := cache.NewSnapshot(fmt.Sprint(version), map[resource.Type][]types.Resource{resource.ClusterType: changed})
				if err == nil {
					err = snapshots.SetSnapshot(ctx, fmt.Sprintf("node-%d", node), snapshot)
				}
				if err != nil {
					log.Fatal(err)
				}
			}
		}
		source = snapshots
	case "linear":
		named := make(map[string]types.Resource, *resources)
		for index, one := range content {
			named[fmt.Sprintf("resource-%d", index)] = one
		}
		linear := cache.NewLinearCache(resource.ClusterType, cache.WithInitialResources(named))
		change = func(version int) {
			if err := linear.UpdateResource("resource-0", cluster(0, version)); err != nil {
				log.Fatal(err)
			}
		}
		source = linear
	default:
		log.Fatalf("-cache %s: there are snapshot and linear", *kind)
	}
	change(0)

	var acked atomic.Int64
	done := make(chan time.Time, 1)
	callbacks := server.CallbackFuncs{
		StreamDeltaRequestFunc: func(_ int64, request *discoveryv3.DeltaDiscoveryRequest) error {
			if request.GetResponseNonce() != "" && request.GetErrorDetail() == nil && acked.Add(1) == int64(*streams) {
				done <- time.Now()
			}
			return nil
		},
	}
	options := []grpc.ServerOption{grpc.MaxConcurrentStreams(1 << 20)}
	if *windows == "static" {
		options = append(options, grpc.StaticStreamWindowSize(staticWindow), grpc.StaticConnWindowSize(staticWindow))
	}
	serving := grpc.NewServer(options...)
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(serving, server.NewServer(ctx, source, callbacks))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { log.Fatal(serving.Serve(listener)) }()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)

	lines := bufio.NewScanner(os.Stdin)
	// What the streams get when they open is acknowledged too.
	for version := 0; ; version++ {
		startedAt := time.Now()
		if version > 0 {
			if !lines.Scan() {
				return
			}
			startedAt = time.Now()
			change(version)
		}
		endedAt := <-done
		acked.Store(0)
		fmt.Printf("%.3f\n", float64(endedAt.Sub(startedAt).Microseconds())/1000)
	}
}
