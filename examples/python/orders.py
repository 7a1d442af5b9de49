"""Calls the guarded orders service of examples/orders.

    printf 'PASSWORD\\n' | python3 orders.py alice@EXAMPLE.TEST place lamp
    printf 'PASSWORD\\n' | python3 orders.py alice@EXAMPLE.TEST place lamp desk chair
    printf 'PASSWORD\\n' | python3 orders.py alice@EXAMPLE.TEST list

Prints one line of JSON for each response. Exits with 1 and the reason on stderr for a refusal. Of several
items all go in one call, which streams them. orders.binpb is made by

    npx buf build examples/orders -o examples/python/orders.binpb
"""

import argparse
import json
import pathlib
import sys
import time

import grpc
from google.protobuf import json_format

import guard
import messages as m
from client import Client, Refusal, Untrusted

# An attempt that met a service not yet ready is repeated; its proof is not.
RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "orders.v1.OrderService"}],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("principal", help="primary/instance@REALM; its password is read from stdin")
    parser.add_argument("action", choices=["place", "list"])
    parser.add_argument("item", nargs="*")
    parser.add_argument("--as", dest="as_address", default="127.0.0.1:8801", metavar="HOST:PORT")
    parser.add_argument("--tgs", default="127.0.0.1:8802", metavar="HOST:PORT")
    parser.add_argument("--address", default="localhost:50051", metavar="HOST:PORT", help="of the service")
    parser.add_argument("--service", default="orders/localhost", help="the service's principal")
    parser.add_argument("--authority", help="the service's :authority, if not its address")
    parser.add_argument("--ca", metavar="FILE", help="certificates to trust: the service has TLS")
    parser.add_argument(
        "--protection", default="authenticate", choices=["call", "authenticate", "integrity", "privacy"]
    )
    descriptors = pathlib.Path(__file__).parent / "orders.binpb"
    parser.add_argument("--descriptors", default=descriptors, metavar="FILE")
    parser.add_argument("--etypes", default="20,19", help="accepted encryption types, best first (20, 19, 3)")
    parser.add_argument("--clock-error", type=int, default=0, metavar="SECONDS", help="added to the clock")
    options = parser.parse_args()

    realm = options.principal.split("@")[1]
    service = options.service if "@" in options.service else f"{options.service}@{realm}"
    message = m.classes(pathlib.Path(options.descriptors))
    clock = lambda: time.time_ns() // 1_000_000 + options.clock_error * 1000
    etypes = [int(etype) for etype in options.etypes.split(",")]
    client = Client(options.as_address, options.tgs, etypes, clock)
    try:
        ticket = client.ticket(client.login(options.principal, sys.stdin.readline().rstrip("\n")), service)
        with open_channel(options, client, ticket) as channel:
            for answer in call(channel, message, options):
                print(json.dumps(json_format.MessageToDict(answer)))
    except (Refusal, Untrusted) as error:
        sys.exit(str(error))
    finally:
        client.close()


def open_channel(options, client, ticket):
    authority = options.authority or options.address
    settings = {"grpc.default_authority": authority, "grpc.service_config": json.dumps(RETRIES)}
    credentials = grpc.local_channel_credentials()
    if options.ca:
        credentials = grpc.ssl_channel_credentials(pathlib.Path(options.ca).read_bytes())
    channel = grpc.secure_channel(options.address, credentials, list(settings.items()))
    level = getattr(guard, options.protection.upper())
    return guard.GuardedChannel(channel, client, ticket, authority, level)


def call(channel, message, options):
    """The responses. What follows is what a generated stub does."""

    def types(name):
        request, response = (message(f"orders.v1.{name}{kind}") for kind in ("Request", "Response"))
        return request, {
            "method": f"/orders.v1.OrderService/{name}",
            "request_serializer": request.SerializeToString,
            "response_deserializer": response.FromString,
        }

    if options.action == "list":
        request, method = types("ListOrders")
        return channel.unary_stream(**method)(request(), timeout=10)
    if len(options.item) == 1:
        request, method = types("PlaceOrder")
        return [channel.unary_unary(**method)(request(item=options.item[0]), timeout=10)]
    request, method = types("PlaceOrders")
    return [channel.stream_unary(**method)((request(item=item) for item in options.item), timeout=10)]


main()
