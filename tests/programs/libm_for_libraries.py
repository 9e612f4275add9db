"""Extension modules find the mathematical functions of the C library in the process, without asking for libm themselves."""
import ctypes

process = ctypes.CDLL(None)
for name, arguments in ("tanhf", [0.5]), ("round", [2.5]), ("log1p", [0.25]), ("erf", [1.5]), ("jn", [2, 1.5]):
    function = getattr(process, name)
    kind = ctypes.c_float if name == "tanhf" else ctypes.c_double
    function.restype = kind
    print(name, function(*[argument if isinstance(argument, int) else kind(argument) for argument in arguments]))
