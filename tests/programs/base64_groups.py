"""base64 with whitespace, padding and wrong characters at every place; ints to and from bytes of every length."""
import binascii

data = binascii.b2a_base64(bytes(range(40)), newline=False)
for strict in (False, True):
    for wrong in (b"\n", b"=", b"==", b"!", b"A", b""):
        for place in range(0, len(data) + 1, 3):
            text = data[:place] + wrong + data[place:]
            for end in (len(text), len(text) - 1, len(text) - 2, len(text) - 3):
                try:
                    print(binascii.a2b_base64(text[:end], strict_mode=strict).hex(), end=" ")
                except binascii.Error as error:
                    print(error, end=" ")
        print()

for number in (0, 1, -1, 127, 128, -128, -129, 255, 256, 2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64 - 1, -2**64, 3**50, -3**77,
               2**127, -2**127, 2**128 - 1):
    for length in range(0, 20):
        for order in ("little", "big"):
            for signed in (False, True):
                try:
                    text = number.to_bytes(length, order, signed=signed)
                except OverflowError as error:
                    print(error, end=" ")
                else:
                    print(text.hex(), int.from_bytes(text, order, signed=signed) == number, end=" ")
    print()
