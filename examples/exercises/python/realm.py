"""What the exercise tells the server: the realm, the keys, the clock skew (docs/exercise.md). Done for you."""

import json
import os
import sys
from typing import NamedTuple

from encryption import Key


class LongTermKey(NamedTuple):
    """A version of a principal's long-term key."""

    kvno: int
    key: Key


class Realm(NamedTuple):
    """What the TGS knows."""

    tgs: str  # its own principal: krbtgt/REALM@REALM
    clock_skew: int  # how far clocks may be apart, in milliseconds
    keys: dict  # the LongTermKey of the TGS and of every service, by principal


def read_realm():
    """Reads the variables and the file of keys."""
    try:
        name, path = os.environ["EXERCISE_REALM"], os.environ["EXERCISE_KEYS"]
        skew = int(os.environ["EXERCISE_CLOCK_SKEW"]) * 1000
    except KeyError:
        sys.exit("run me by: tessera exercise tgs --cmd 'python3 main.py'")
    with open(path, encoding="utf-8") as file:
        entries = json.load(file)["keys"]
    keys = {
        entry["principal"]: LongTermKey(entry["kvno"], Key(bytes.fromhex(entry["key"]))) for entry in entries
    }
    return Realm(f"krbtgt/{name}@{name}", skew, keys)
