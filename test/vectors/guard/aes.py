"""AES backwards (FIPS 197, section 5.3), by the standard library alone."""

import functools

BLOCK = 16

# The field's elements as powers of three, and back.
_POWER = [1]
while len(_POWER) < 255:
    last = _POWER[-1]
    _POWER.append(last ^ (last << 1) ^ (0x11B if last & 0x80 else 0))
_LOG = {value: exponent for exponent, value in enumerate(_POWER)}


def _times(a, b):
    return _POWER[(_LOG[a] + _LOG[b]) % 255] if a and b else 0


def _substitute(byte):
    inverse = _POWER[-_LOG[byte] % 255] if byte else 0
    result = 0x63
    for bits in range(5):
        result ^= (inverse << bits | inverse >> (8 - bits)) & 0xFF
    return result


_SBOX = [_substitute(byte) for byte in range(256)]
_INVERSE_SBOX = [_SBOX.index(byte) for byte in range(256)]
_ROUND_CONSTANTS = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1B, 0x36]
_SHIFTED = [(i - 4 * (i % 4)) % BLOCK for i in range(BLOCK)]
_BY_14, _BY_11, _BY_13, _BY_9 = ([_times(factor, byte) for byte in range(256)] for factor in (14, 11, 13, 9))


@functools.cache
def _round_keys(key):
    """Section 5.2: 16 bytes for each round, and for before the first."""
    size = len(key) // 4
    words = [key[i : i + 4] for i in range(0, len(key), 4)]
    for i in range(size, 4 * (size + 7)):
        word = words[-1]
        if i % size == 0:
            word = bytes(_SBOX[byte] for byte in word[1:] + word[:1])
            word = bytes([word[0] ^ _ROUND_CONSTANTS[i // size - 1]]) + word[1:]
        elif size > 6 and i % size == 4:
            word = bytes(_SBOX[byte] for byte in word)
        words.append(bytes(a ^ b for a, b in zip(words[-size], word)))
    return [b"".join(words[i : i + 4]) for i in range(0, len(words), 4)]


def _decrypt_block(round_keys, block):
    state = [a ^ b for a, b in zip(block, round_keys[-1])]
    for number in range(len(round_keys) - 2, -1, -1):
        state = [_INVERSE_SBOX[state[i]] ^ byte for i, byte in zip(_SHIFTED, round_keys[number])]
        if number > 0:
            state = [byte for i in range(0, BLOCK, 4) for byte in _unmix(*state[i : i + 4])]
    return bytes(state)


def _unmix(a, b, c, d):
    yield _BY_14[a] ^ _BY_11[b] ^ _BY_13[c] ^ _BY_9[d]
    yield _BY_9[a] ^ _BY_14[b] ^ _BY_11[c] ^ _BY_13[d]
    yield _BY_13[a] ^ _BY_9[b] ^ _BY_14[c] ^ _BY_11[d]
    yield _BY_11[a] ^ _BY_13[b] ^ _BY_9[c] ^ _BY_14[d]


def decrypt_blocks(key, blocks):
    """Each block of 16 bytes by itself."""
    keys = _round_keys(key)
    return b"".join(_decrypt_block(keys, blocks[i : i + BLOCK]) for i in range(0, len(blocks), BLOCK))
