"""Encryption type 20, aes256-cts-hmac-sha384-192 (RFC 8009): the only one of the exercise. Done for you."""

import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

ETYPE = 20  # the number of the encryption type, and of its checksum type
KEY_SIZE = 32
MAC_SIZE = 24
BLOCK = 16


class DoesNotOpen(Exception):
    """Another key, another usage, or changed bytes."""


class Key:
    """A key of type 20: 32 bytes."""

    def __init__(self, data):
        if len(data) != KEY_SIZE:
            raise ValueError(f"a key has {KEY_SIZE} bytes, not {len(data)}")
        self.bytes = data

    @classmethod
    def random(cls):
        """A fresh key."""
        return cls(os.urandom(KEY_SIZE))

    def encrypt(self, usage, plaintext):
        """RFC 8009 section 5: a confounder before the plaintext, AES in CBC with ciphertext stealing, a MAC."""
        text = os.urandom(BLOCK) + plaintext
        tail = len(text) % BLOCK or BLOCK
        blocks = self._cbc(usage, "encryptor", text + bytes(BLOCK - tail))
        # The last two blocks change places, and what is too much of the last is cut off.
        sealed = blocks[: -2 * BLOCK] + blocks[-BLOCK:] + blocks[-2 * BLOCK : -BLOCK][:tail]
        return sealed + self._mac(usage, sealed)

    def decrypt(self, usage, data):
        """Undoes encrypt. Raises DoesNotOpen."""
        sealed, mac = data[:-MAC_SIZE], data[-MAC_SIZE:]
        if len(sealed) <= BLOCK or not hmac.compare_digest(mac, self._mac(usage, sealed)):
            raise DoesNotOpen
        tail = len(sealed) % BLOCK or BLOCK
        last, stolen = sealed[-BLOCK - tail : -tail], sealed[-tail:]
        # Deciphered alone, the block that went last yields what was cut off the other.
        filler = self._cbc(usage, "decryptor", last)[tail:]
        blocks = sealed[: -BLOCK - tail] + stolen + filler + last
        return self._cbc(usage, "decryptor", blocks)[BLOCK : len(sealed)]

    def verifies(self, usage, data, checksum):
        """Whether a checksum of type 20 under this key covers the data."""
        return hmac.compare_digest(checksum, _hmac(self._derived(usage, 0x99, MAC_SIZE), data)[:MAC_SIZE])

    def _mac(self, usage, sealed):
        return _hmac(self._derived(usage, 0x55, MAC_SIZE), bytes(BLOCK) + sealed)[:MAC_SIZE]

    def _cbc(self, usage, direction, data):
        cipher = Cipher(algorithms.AES(self._derived(usage, 0xAA, KEY_SIZE)), modes.CBC(bytes(BLOCK)))
        worker = getattr(cipher, direction)()
        return worker.update(data) + worker.finalize()

    def _derived(self, usage, purpose, size):
        """RFC 8009 section 3: the key for one usage and one purpose."""
        label = usage.to_bytes(4, "big") + bytes([purpose])
        return _hmac(self.bytes, b"\0\0\0\1" + label + b"\0" + (size * 8).to_bytes(4, "big"))[:size]


def _hmac(key, data):
    return hmac.new(key, data, "sha384").digest()
