"""Checks test/vectors/exchange with nothing of the project's code: keys from passwords, seals, checksums,
canonical form, and that the client refuses the replies it must refuse. Prints a line for each; exits with 1
at a difference."""

import json
import pathlib
import sys

import messages as m
from client import Client, Credentials, Refusal, Untrusted
from encryption import ENCRYPTION_TYPES

FOLDER = pathlib.Path(__file__).parent / "../../test/vectors/exchange"


def load(name):
    return json.loads((FOLDER / name).read_text())


def require(fits, what):
    if not fits:
        sys.exit(f"{what}: differs")
    print(f"{what}: as written")


def check_exchange(etype):
    vector = load(f"etype{etype}.json")
    make, given = ENCRYPTION_TYPES[etype], vector["input"]
    keys = {name: make(etype, bytes.fromhex(key)) for name, key in vector["keys"].items()}
    params = bytes.fromhex(given["s2kparams"])
    made = make.from_password(etype, given["password"], given["salt"], params)
    require(made.bytes == keys["client"].bytes, f"{etype}, key of the client")
    for seal in vector["seals"]:
        opened = keys[seal["key"]].decrypt(seal["usage"], bytes.fromhex(seal["cipher"]))
        plaintext = bytes.fromhex(seal["plaintext"])
        padding = opened[len(plaintext) :]
        fits = opened.startswith(plaintext) and not any(padding) and len(padding) < make.block_size
        fits = fits and m.canonical_bytes(m.read_canonical(m.SealedPart, plaintext)) == plaintext
        require(fits, f"{etype}, {seal['what']}")
    for checksum in vector["checksums"]:
        key, covered = keys[checksum["key"]], bytes.fromhex(checksum["covered"])
        fits = key.verifies(checksum["usage"], covered, bytes.fromhex(checksum["checksum"]))
        require(fits, f"{etype}, checksum of {checksum['what']}")
    return vector, keys


def check_canonical():
    for row in load("canonical.json"):
        try:
            m.read_canonical(m.kerberos(row["message"]), bytes.fromhex(row["bytes"]))
            canonical = True
        except ValueError:
            canonical = False
        require(canonical == row["canonical"], f"{row['message']}, {row['what']}")


def check_refusals(etype, vector, keys):
    """The replies of refused.json, at the client; the good ones beside them are believed."""
    sent = {number: bytes.fromhex(message) for number, message in vector["messages"].items()}
    given, client = vector["input"], Client("127.0.0.1:1", "127.0.0.1:1", [etype])
    first = m.AuthenticateRequest.FromString(sent["1"])
    body = m.KdcReqBody.FromString(m.GrantTicketRequest.FromString(sent["3"]).body)
    tgt = Credentials(given["client"], given["tgs"], keys["session of TGT"], b"", [], 0)
    ticket = Credentials(given["client"], given["service"], keys["session of ticket"], b"", [], 0)
    fifth = m.AccessRequest.FromString(sent["5"])
    authenticator = m.unseal(keys["session of ticket"], 11, "authenticator", fifth.authenticator)
    expected = "kerberos.v1.EchoResponse"
    readers = {
        2: lambda data: client._open_as_reply(m.AuthenticateResponse.FromString(data), first, keys["client"]),
        4: lambda data: client._open_tgs_reply(m.GrantTicketResponse.FromString(data), body, tgt),
        6: lambda data: client._open_access_reply(
            m.AccessResponse.FromString(data), ticket, authenticator, expected
        ),
    }
    for number, read in readers.items():
        read(sent[str(number)])
        print(f"{etype}, ({number}) unaltered: believed")
    for row in load("refused.json"):
        if row["etype"] != etype or row["message"] not in readers:
            continue
        try:
            readers[row["message"]](bytes.fromhex(row["bytes"]))
            refused = False
        except (Untrusted, Refusal, ValueError):
            refused = True
        require(refused, f"{etype}, ({row['message']}) {row['what']}: refused")
    client.close()


for etype in ENCRYPTION_TYPES:
    check_refusals(etype, *check_exchange(etype))
check_canonical()
