# options: -W ignore
"""What functions of numbers make of subclasses whose conversion methods return something else."""
import array
import cmath
import math
import operator
import struct
import time

CALLS = """
complex(o)
complex(1,o)
complex(o,1)
float(o)
int(o)
o*1.0
math.sqrt(o)
math.floor(o)
math.trunc(o)
math.ceil(o)
round(o)
round(o,1)
bool(o)
len(o)
not o
[1,2][o]
range(o)
hex(o)
"%d"%o
"%f"%o
"%x"%o
format(o,"d")
format(o,".1f")
math.gcd(o,2)
1<<o
divmod(o,1)
pow(o,1)
math.hypot(o)
math.fsum([o])
sum([o])
max(o,o) is o
bytes(o)
chr(o)
o.__class__.__name__
math.isfinite(o)
abs(o)
int("1",o)
math.factorial(o)
math.ldexp(1.0,o)
math.isqrt(o)
math.comb(o,1)
float.fromhex(o)
o==1
hash(o)==hash(1)
operator.index(o)
struct.pack("d",o)
struct.pack("i",o)
(1).to_bytes(o,"big")
"a"*o
"a".center(o)
slice(o).indices(3)
array.array("d",[o])
array.array("i",[o])
time.sleep(o) if 0 else 1
cmath.sqrt(o)
divmod(5,o)
5//o
5%o
str(o)[:1]
complex.__new__(complex,o)
float.__new__(float,o)
int.__new__(int,o)
int(o,10)
"""


def classes(base, outcome):
    class Real(base):
        def __float__(self):
            return outcome

    class Every(base):
        def convert(self, *arguments):
            return outcome

        __int__ = __index__ = __complex__ = __trunc__ = __bool__ = __len__ = __round__ = __floor__ = convert

    return Real, Every


for base in (float, int, complex, str, object):
    for outcome in (None, 1.5, 2, True, "x"):
        for kind in classes(base, outcome):
            for arguments in ((1,), ()):
                try:
                    o = kind(*arguments)
                except TypeError as error:
                    print(error)
                    continue
                for call in CALLS.strip().splitlines():
                    try:
                        result = eval(call)
                    except Exception as error:
                        result = f"{type(error).__name__}: {error}"
                    print(base.__name__, kind.__name__, outcome, call, result)
