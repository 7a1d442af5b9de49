"""The server: health, and the TGS of tgs.py. Done for you; the exercise is tgs.py."""

import os
import time
from concurrent import futures

import grpc

import messages
from realm import read_realm
from refusal import Refusal
from tgs import TicketGrantingServer

HealthCheckRequest = messages.message_class("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = messages.message_class("grpc.health.v1.HealthCheckResponse")
Status = messages.message_class("google.rpc.Status")
ErrorInfo = messages.message_class("google.rpc.ErrorInfo")
SERVING = 1

tgs = TicketGrantingServer(read_realm())


def check(_request, _context):
    return HealthCheckResponse(status=SERVING)


def grant_ticket(request, context):
    try:
        return tgs.grant_ticket(request, time.time_ns() // 1_000_000)
    except NotImplementedError:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "not written yet")
    except Refusal as refusal:
        context.set_trailing_metadata([("grpc-status-details-bin", details_of(refusal))])
        context.abort(refusal.code, refusal.text)


def details_of(refusal):
    """A serialized google.rpc.Status with the reason and its number."""
    info = ErrorInfo(reason=refusal.reason, domain="tessera", metadata={"number": str(refusal.number)})
    status = Status(code=refusal.code.value[0], message=refusal.text)
    status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=info.SerializeToString())
    return status.SerializeToString()


def unary(handler, request, response):
    return grpc.unary_unary_rpc_method_handler(handler, request.FromString, response.SerializeToString)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    health = {"Check": unary(check, HealthCheckRequest, HealthCheckResponse)}
    granting = {"GrantTicket": unary(grant_ticket, messages.GrantTicketRequest, messages.GrantTicketResponse)}
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler("grpc.health.v1.Health", health),
            grpc.method_handlers_generic_handler("kerberos.v1.TicketGrantingService", granting),
        ]
    )
    port = server.add_insecure_port(f"127.0.0.1:{os.environ['EXERCISE_PORT']}")
    server.start()
    print(f"listening on port {port}", flush=True)
    server.wait_for_termination()


main()
