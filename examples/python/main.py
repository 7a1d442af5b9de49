"""Logs in, gets a ticket for V and calls one of its operations.

    printf 'PASSWORD\\n' | python3 main.py alice@EXAMPLE.TEST who-am-i
    printf 'PASSWORD\\n' | python3 main.py alice@EXAMPLE.TEST put-note name=a text=hello
    printf 'PASSWORD\\n' | python3 main.py alice@EXAMPLE.TEST get-note name=a

Prints one line of JSON. Exits with 1 and the reason on stderr for a refusal.
"""

import argparse
import json
import sys
import time

from google.protobuf import json_format

import messages as m
from client import Client, Refusal, Untrusted
from encryption import ENCRYPTION_TYPES


def main():
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("principal", help="primary/instance@REALM; its password is read from stdin")
    parser.add_argument("operation", help="who-am-i, put-note, get-note …")
    parser.add_argument("field", nargs="*", help="fields of the operation's request, as name=value")
    parser.add_argument("--as", dest="as_address", default="127.0.0.1:8801", metavar="HOST:PORT")
    parser.add_argument("--tgs", default="127.0.0.1:8802", metavar="HOST:PORT")
    parser.add_argument("--v", default="127.0.0.1:8803", metavar="HOST:PORT")
    parser.add_argument("--service", default="v/localhost", help="V's principal; the realm may be left out")
    parser.add_argument("--etypes", default="20,19", help="accepted encryption types, best first (20, 19, 3)")
    parser.add_argument("--clock-error", type=int, default=0, metavar="SECONDS", help="added to the clock")
    options = parser.parse_args()

    etypes = [int(etype) for etype in options.etypes.split(",")]
    if not all(etype in ENCRYPTION_TYPES for etype in etypes):
        parser.error(f"--etypes: expected some of {list(ENCRYPTION_TYPES)}")
    name = "".join(word.capitalize() for word in options.operation.split("-"))
    request = m.kerberos(f"{name}Request")()
    for field in options.field:
        setattr(request, *field.split("=", 1))
    password = sys.stdin.readline().rstrip("\n")
    realm = options.principal.split("@")[1]
    service = options.service if "@" in options.service else f"{options.service}@{realm}"

    clock = lambda: time.time_ns() // 1_000_000 + options.clock_error * 1000
    client = Client(options.as_address, options.tgs, etypes, clock)
    try:
        tgt = client.login(options.principal, password)
        ticket = client.ticket(tgt, service)
        answer = client.access(ticket, options.v, request)
        print(json.dumps({"requests": client.requests, **json_format.MessageToDict(answer)}))
    except (Refusal, Untrusted) as refusal:
        sys.exit(str(refusal))
    finally:
        client.close()


main()
