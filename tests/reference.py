"""The interpreter that Krait stands beside: Debian 12's, not another python3.11 that may come first on PATH."""

REFERENCE = "/usr/bin/python3.11"
LIBRARY = "/usr/lib/python3.11"  # the library of both
