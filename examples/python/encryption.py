"""Encryption types 20 and 19 (RFC 8009) and 3 (RFC 3961 section 6.2), over the ciphers of `cryptography`."""

import hashlib
import hmac
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

try:  # moved in cryptography 43
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    TripleDES = algorithms.TripleDES


def _cbc(algorithm, iv, data, direction):
    worker = getattr(Cipher(algorithm, modes.CBC(iv)), direction)()
    return worker.update(data) + worker.finalize()


class AesSha2Key:
    """A key of type 19 or 20 (RFC 8009)."""

    block_size = 1  # ciphertext stealing: nothing is padded

    #        type: name, size of the key, size of MAC and checksum, hash
    TYPES = {
        19: ("aes128-cts-hmac-sha256-128", 16, 16, "sha256"),
        20: ("aes256-cts-hmac-sha384-192", 32, 24, "sha384"),
    }

    def __init__(self, etype, key):
        _, self._key_size, self._mac_size, self._hash = self.TYPES[etype]
        if len(key) != self._key_size:
            raise ValueError("wrong size of key")
        self.etype, self.bytes, self.checksum_type = etype, key, etype

    @classmethod
    def random(cls, etype):
        return cls(etype, os.urandom(cls.TYPES[etype][1]))

    @classmethod
    def from_password(cls, etype, password, salt, params):
        """RFC 8009 section 4."""
        name, size, _, hash_name = cls.TYPES[etype]
        iterations = int.from_bytes(params, "big") if params else 32_768
        salted = name.encode() + b"\0" + salt.encode()
        made = cls(etype, hashlib.pbkdf2_hmac(hash_name, password.encode(), salted, iterations, size))
        return cls(etype, made._derive(b"kerberos", size))

    def _mac(self, key, data):
        return hmac.new(key, data, self._hash).digest()

    def _derive(self, label, size):
        """RFC 8009 section 3: KDF-HMAC-SHA2; one block of the hash is enough for every size here."""
        return self._mac(self.bytes, b"\0\0\0\1" + label + b"\0" + (size * 8).to_bytes(4, "big"))[:size]

    def _usage_key(self, usage, purpose, size):
        return self._derive(usage.to_bytes(4, "big") + bytes([purpose]), size)

    def encrypt(self, usage, plaintext):
        text = os.urandom(16) + plaintext
        tail = len(text) % 16 or 16
        key = algorithms.AES(self._usage_key(usage, 0xAA, self._key_size))
        blocks = _cbc(key, bytes(16), text + bytes(16 - tail), "encryptor")
        # Ciphertext stealing: the last two blocks change places, and what is too much of the last is cut off.
        cipher = blocks[:-32] + blocks[-16:] + blocks[-32:-16][:tail]
        return cipher + self._integrity(usage, cipher)

    def decrypt(self, usage, data):
        cipher, mac = data[: -self._mac_size], data[-self._mac_size :]
        if len(cipher) <= 16 or not hmac.compare_digest(mac, self._integrity(usage, cipher)):
            raise ValueError("decryption failed")
        key = algorithms.AES(self._usage_key(usage, 0xAA, self._key_size))
        tail = len(cipher) % 16 or 16
        last, stolen = cipher[-16 - tail : -tail], cipher[-tail:]
        # Deciphered alone, the block that went last yields what was cut off the other.
        filler = _cbc(key, bytes(16), last, "decryptor")[tail:]
        blocks = cipher[: -16 - tail] + stolen + filler + last
        return _cbc(key, bytes(16), blocks, "decryptor")[16 : len(cipher)]

    def _integrity(self, usage, cipher):
        mac_key = self._usage_key(usage, 0x55, self._mac_size)
        return self._mac(mac_key, bytes(16) + cipher)[: self._mac_size]

    def checksum(self, usage, data):
        return self._mac(self._usage_key(usage, 0x99, self._mac_size), data)[: self._mac_size]

    @property
    def checksum_size(self):
        return self._mac_size

    def verifies(self, usage, data, checksum):
        return hmac.compare_digest(checksum, self.checksum(usage, data))


class DesKey:
    """A key of type 3, des-cbc-md5. Single DES is triple DES with the same key three times."""

    etype = 3
    block_size = 8
    checksum_type, checksum_size = 8, 24  # rsa-md5-des

    def __init__(self, etype, key):
        if etype != 3 or len(key) != 8:
            raise ValueError("wrong size of key")
        if _usable(key) != key:
            raise ValueError("a weak key, or one of even parity")
        self.bytes = key

    @classmethod
    def random(cls, etype):
        return cls(etype, _usable(os.urandom(8)))

    @classmethod
    def from_password(cls, etype, password, salt, params):
        """mit_des_string_to_key of RFC 3961 section 6.2."""
        if params not in (b"", b"\0"):
            raise ValueError("unknown parameters")
        text = password.encode() + salt.encode()
        text += bytes(-len(text) % 8)
        folded = 0
        for at in range(0, len(text), 8):
            # 56 bits: the top bit of each byte goes; every other block is read backwards.
            bits = "".join(f"{byte & 127:07b}" for byte in text[at : at + 8])
            folded ^= int(bits if at % 16 == 0 else bits[::-1], 2)
        sevens = (folded >> shift & 127 for shift in range(49, -1, -7))
        key = _usable(bytes(seven << 1 for seven in sevens))
        return cls(etype, _usable(_des(key, key, text, "encryptor")[-8:]))

    def encrypt(self, usage, plaintext):
        text = plaintext + bytes(-len(plaintext) % 8)
        confounder = os.urandom(8)
        digest = hashlib.md5(confounder + bytes(16) + text).digest()
        return _des(self.bytes, bytes(8), confounder + digest + text, "encryptor")

    def decrypt(self, usage, data):
        if len(data) < 24 or len(data) % 8 != 0:
            raise ValueError("decryption failed")
        opened = _des(self.bytes, bytes(8), data, "decryptor")
        confounder, digest, text = opened[:8], opened[8:24], opened[24:]
        if not hmac.compare_digest(digest, hashlib.md5(confounder + bytes(16) + text).digest()):
            raise ValueError("decryption failed")
        return text

    def checksum(self, usage, data):
        confounder = os.urandom(8)
        return self._checksum_cipher(confounder + hashlib.md5(confounder + data).digest(), "encryptor")

    def verifies(self, usage, data, checksum):
        if len(checksum) != self.checksum_size:
            return False
        opened = self._checksum_cipher(checksum, "decryptor")
        return hmac.compare_digest(opened[8:], hashlib.md5(opened[:8] + data).digest())

    def _checksum_cipher(self, data, direction):
        return _des(bytes(byte ^ 0xF0 for byte in self.bytes), bytes(8), data, direction)


def _des(key, iv, data, direction):
    return _cbc(TripleDES(key * 3), iv, data, direction)


_WEAK = {
    bytes.fromhex(key)
    for key in """
        0101010101010101 fefefefefefefefe e0e0e0e0f1f1f1f1 1f1f1f1f0e0e0e0e 01fe01fe01fe01fe fe01fe01fe01fe01
        1fe01fe00ef10ef1 e01fe01ff10ef10e 01e001e001f101f1 e001e001f101f101 1ffe1ffe0efe0efe fe1ffe1ffe0efe0e
        011f011f010e010e 1f011f010e010e01 e0fee0fef1fef1fe fee0fee0fef1fef1
    """.split()
}


def _usable(key):
    """With odd parity, and not weak (RFC 3961 section 6.2)."""
    odd = bytes(byte & 254 | (bin(byte >> 1).count("1") + 1) % 2 for byte in key)
    return odd[:7] + bytes([odd[7] ^ 0xF0]) if odd in _WEAK else odd


# Strongest first.
ENCRYPTION_TYPES = {20: AesSha2Key, 19: AesSha2Key, 3: DesKey}


def key_of(message):
    """The key in an EncryptionKey. Raises ValueError for a type that is not here, or a wrong size."""
    if message.etype not in ENCRYPTION_TYPES:
        raise ValueError(f"encryption type {message.etype} is not supported")
    return ENCRYPTION_TYPES[message.etype](message.etype, message.key)
