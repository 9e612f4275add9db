"""Prints a digest of each Unicode property over all code points.

Run it with krait and with /usr/bin/python3.11: the outputs must be equal.
"""
import hashlib
import unicodedata

CHARACTERS = [chr(code) for code in range(0x110000)]

METHODS = """isalpha isdecimal isdigit isnumeric isalnum isspace isprintable isidentifier islower isupper istitle
    lower upper title capitalize casefold swapcase splitlines split""".split()

PROPERTIES = "category bidirectional combining mirrored east_asian_width decomposition".split()
VALUES = "name decimal digit numeric".split()
FORMS = "NFC NFD NFKC NFKD".split()


def digest(label, function):
    """Prints the label and a hash of the function's results."""
    total = hashlib.sha256()
    for character in CHARACTERS:
        total.update(repr(function(character)).encode("ascii", "backslashreplace"))
        total.update(b"\n")
    print(f"{label:<28}{total.hexdigest()[:16]}")


def surrounded(method):
    """The method in the middle of a word, where a letter may not be the first."""
    return lambda character: method("a" + character + "b")


for name in METHODS:
    digest(f"str.{name}", getattr(str, name))
    digest(f"str.{name} in a word", surrounded(getattr(str, name)))
digest("repr", repr)

for label, database in (("14.0", unicodedata), ("3.2", unicodedata.ucd_3_2_0)):
    for name in PROPERTIES:
        digest(f"{name} {label}", getattr(database, name))
    for name in VALUES:
        function = getattr(database, name)
        digest(f"{name} {label}", lambda character: function(character, None))
    for form in FORMS:
        digest(f"{form} {label}", lambda character: database.normalize(form, character))
        digest(f"is {form} {label}", lambda character: database.is_normalized(form, character))

digest("lookup", lambda character: unicodedata.lookup(unicodedata.name(character, "NULL")))
