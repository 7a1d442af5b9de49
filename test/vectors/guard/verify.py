"""Checks the golden vectors from docs/guard.md, RFC 5869 and RFC 8009 alone: nothing of the project runs here.

calls.json, those of etype 20; sessions.json, negative.json and renewals.json, all. Needs Python's standard
library. Prints one line a vector; exits 1 at a difference.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True

import verify_calls
import verify_negative
import verify_renewals
import verify_sessions


def load(name):
    return json.loads(pathlib.Path(__file__).with_name(name).read_text())


def run(name, check):
    try:
        check()
    except AssertionError as difference:
        sys.exit(f"{name}: differs: {difference}")
    print(f"{name}: as written")


sessions = load("sessions.json")
for name, check in [
    *verify_calls.checks(load("calls.json")),
    *verify_sessions.checks(sessions),
    *verify_negative.checks(load("negative.json"), sessions),
    *verify_renewals.checks(load("renewals.json")),
]:
    run(name, check)
