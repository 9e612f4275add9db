"""Ints from bytes of every length, order and sign, and packed ones at the ends of their ranges."""
import random
import struct

numbers = random.Random(5)
for size in [*range(40), 100, 1000]:
    for data in (bytes(size), b"\xff" * size, (bytes(size) + b"\x80")[-size:] if size else b"", (b"\x80" + bytes(size))[:size],
                 numbers.randbytes(size), numbers.randbytes(size)):
        for order in "little", "big":
            for signed in False, True:
                number = int.from_bytes(data, order, signed=signed)
                assert number.to_bytes(size, order, signed=signed) == data
                print(hex(number))
for code in "bBhHiIlLqQ":
    for order in "<>@":
        size = struct.calcsize(order + code)
        for number in 0, 1, -1, 2 ** (8 * size - 1) - 1, 2 ** (8 * size - 1), -(2 ** (8 * size - 1)), 2 ** (8 * size) - 1, 2 ** (8 * size), True:
            try:
                packed = struct.pack(order + code, number)
                print(order + code, number, packed, struct.unpack(order + code, packed))
            except struct.error as error:
                print(order + code, number, error)
