// The server: health, and the TGS of tgs.go. Done for you; the exercise is tgs.go.

package main

import (
	"context"
	"log"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	kerberosv1 "my-tgs/gen/kerberos/v1"
)

type service struct {
	kerberosv1.UnimplementedTicketGrantingServiceServer
	tgs *TicketGrantingServer
}

func (service service) GrantTicket(
	_ context.Context, request *kerberosv1.GrantTicketRequest,
) (*kerberosv1.GrantTicketResponse, error) {
	response, err := service.tgs.GrantTicket(request, time.Now())
	return response, StatusOf(err)
}

func main() {
	realm, err := ReadRealm()
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("EXERCISE_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(16 * 1024))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	kerberosv1.RegisterTicketGrantingServiceServer(server, service{tgs: NewTicketGrantingServer(realm)})
	log.Printf("listening on %s", listener.Addr())
	log.Fatal(server.Serve(listener))
}
