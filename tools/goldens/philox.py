"""Philox4x32-10 in numpy, word for word what include/agon/philox.h computes.

The inputs of every golden come from here, so the C++ tests make them themselves and a fixture need not hold them.
"""

import numpy as np

MASK = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)


def philox_words(seed, step, stream, count):
    """The first `count` 32-bit words of `stream` at `step`: block b holds words 4b .. 4b+3."""
    blocks = (count + 3) // 4
    counter = [
        np.arange(blocks, dtype=np.uint64),
        np.full(blocks, step & 0xFFFFFFFF, np.uint64),
        np.full(blocks, step >> 32, np.uint64),
        np.full(blocks, stream, np.uint64),
    ]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a = np.uint64(0xD2511F53) * counter[0]
        b = np.uint64(0xCD9E8D57) * counter[2]
        counter = [
            (b >> SHIFT) ^ counter[1] ^ np.uint64(key[0]),
            b & MASK,
            (a >> SHIFT) ^ counter[3] ^ np.uint64(key[1]),
            a & MASK,
        ]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(counter, axis=1).reshape(-1)[:count]


def uniform(seed, step, stream, shape):
    """Uniform in [0, 1) with 24 bits, float64, row-major over `shape`."""
    words = philox_words(seed, step, stream, int(np.prod(shape)))
    return ((words >> np.uint64(8)).astype(np.float64) * 2.0**-24).reshape(shape)


def signed(seed, step, stream, shape):
    """Uniform in [-1, 1): 2u - 1, exact in float32 too."""
    return 2.0 * uniform(seed, step, stream, shape) - 1.0


def check():
    """The known answers of the Random123 distribution."""
    zero = philox_words(0, 0, 0, 4)
    assert [int(w) for w in zero] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8], zero
