"""Random operations on values of the built-in types: operators, methods, functions, formats, conversions."""

BINARY = ["+", "-", "*", "/", "//", "%", "@", "&", "|", "^", "<", "<=", ">", ">=", "==", "!=", "in", "not in", "is not", "and", "or"]
TYPES = ["int", "float", "complex", "bool", "str", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset", "range",
         "slice", "memoryview", "deque"]
# Left out: what tells of memory, of the interpreter's own classes, or of its documentation.
LEFT_OUT = {"__sizeof__", "__dir__", "__doc__", "__class__", "__new__", "__init_subclass__", "__subclasshook__", "__getattribute__",
            "__setattr__", "__delattr__", "__class_getitem__", "__hash__", "__init__", "__reduce_ex__", "release", "obj",
            "__getstate__", "__alloc__", "__length_hint__", "popitem"}
ENCODINGS = ["utf-8", "ascii", "latin-1", "utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "unicode_escape", "raw_unicode_escape",
             "cp437", "koi8-r", "utf-8-sig", "punycode", "idna", "nonsense"]
HANDLERS = ["strict", "ignore", "replace", "backslashreplace", "surrogateescape", "surrogatepass", "xmlcharrefreplace",
            "namereplace", "nonsense"]
FUNCTIONS = {
    "abs": 1, "all": "i", "any": "i", "ascii": 1, "bin": 1, "bool": 1, "bytearray": 1, "bytes": 1, "callable": 1, "chr": 1, "complex": 2,
    "dict": "i", "divmod": 2, "enumerate": "i", "float": 1, "frozenset": "i", "hex": 1, "int": 1, "isinstance": 2, "iter": 1, "len": 1,
    "list": "i", "max": "i", "min": "i", "oct": 1, "ord": 1, "pow": 3, "range": 3, "repr": 1, "reversed": 1, "round": 2, "set": "i",
    "slice": 3, "sorted": "i", "str": 1, "sum": "i", "tuple": "i", "type": 1, "zip": "i", "format": 2, "int.from_bytes": 2,
    "str.maketrans": 2, "bytes.fromhex": 1, "float.fromhex": 1, "dict.fromkeys": "i", "math.floor": 1, "math.gcd": 2, "math.isqrt": 1,
    "math.fsum": "i", "math.comb": 2, "math.hypot": 2, "math.fmod": 2, "math.ldexp": 2, "math.frexp": 1, "math.modf": 1, "math.prod": "i",
    "math.trunc": 1, "math.isclose": 2, "math.copysign": 2, "math.nextafter": 2, "math.ulp": 1, "math.dist": 2, "math.lcm": 2,
    "math.remainder": 2, "math.factorial": "s", "itertools.accumulate": "i", "itertools.chain": "i", "itertools.pairwise": "i",
    "itertools.zip_longest": "i", "operator.index": 1, "operator.concat": 2, "operator.length_hint": 1, "struct.calcsize": 1,
    "unicodedata.normalize": "n", "unicodedata.name": "c", "unicodedata.category": "c", "unicodedata.numeric": "c",
    "binascii.hexlify": 1, "binascii.a2b_base64": 1, "binascii.unhexlify": 1, "ast.literal_eval": 1, "eval": 1, "json.dumps": 1,
    "json.loads": 1, "textwrap.fill": 1, "fractions.Fraction": 1, "decimal.Decimal": 1, "shlex.split": 1, "re.escape": 1,
}
SETUP = "import ast, binascii, decimal, fractions, itertools, json, math, operator, re, shlex, struct, textwrap, unicodedata\n" \
        "from collections import Counter, OrderedDict, defaultdict, deque\n"


class Operations:
    def __init__(self, random, values):
        self.random, self.values = random, values
        import collections
        kinds = {name: getattr(collections, name, None) or __builtins__[name] for name in TYPES}
        self.methods = {
            name: [method for method in dir(kind) if method not in LEFT_OUT and callable(getattr(kind, method, None))]
            for name, kind in kinds.items()}
        for name in ("__repr__", "__str__", "__format__"):  # tell an address
            self.methods["memoryview"].remove(name)

    def choose(self):
        makers = [self.binary, self.binary, self.method, self.method, self.method, self.method, self.function, self.function,
                  self.subscript, self.format_spec, self.percent, self.codec, self.mutation, self.mutation, self.regex,
                  self.power, self.conversion, self.comparison, self.brace_format, self.pack, self.unpacking]
        return SETUP + self.random.choice(makers)()

    def arguments(self, kind, name):
        """Arguments that fit often enough: of the receiver's type, small numbers, or anything."""
        make = self.values
        count = self.random.choice([0, 0, 1, 1, 1, 1, 2, 2, 3])
        if name in ("__add__", "__eq__", "__lt__", "__contains__", "__getitem__", "__mul__", "__sub__", "__and__"):
            count = 1
        chosen = []
        for _ in range(count):
            chance = self.random.random()
            if chance < 0.45:
                chosen.append(make.of(kind))
            elif chance < 0.7:
                chosen.append(make.small())
            elif chance < 0.8:
                chosen.append(make.iterable())
            else:
                chosen.append(make.any())
        return ", ".join(chosen)

    def method(self):
        kind = self.random.choice(TYPES)
        name = self.random.choice(self.methods[kind])
        return f"a = {self.values.of(kind)}\nr = a.{name}({self.arguments(kind, name)})\nshow(r)\nshow(a)\n" + (
            "show(list(itertools.islice(r, 30)))\n" if self.random.random() < 0.1 else "")

    def binary(self):
        sign = self.random.choice(BINARY)
        left, right = self.values.any(), self.values.any()
        if self.random.random() < 0.5:
            kind = self.random.choice(TYPES)
            left = self.values.of(kind)
            right = self.values.of(kind)
        if sign == "*" and self.random.random() < 0.7:
            right = self.values.small()
        if sign in ("<<", ">>"):
            right = self.values.small()
        if self.random.random() < 0.2 and not sign[0].isalpha() and sign not in "< <= > >= == !=".split():
            return f"a = b = {left}\na {sign}= {right}\nshow(a, a is b)\n"
        return f"show({left} {sign} {right})\n"

    def power(self):
        make = self.values
        kind = self.random.choice([make.int, make.float, make.complex, make.small])
        choice = self.random.random()
        if choice < 0.3:
            return f"show(({kind()}) ** {make.small()})\n"
        if choice < 0.5:
            return f"show(({make.float()}) ** {make.float()})\n"
        if choice < 0.7:
            return f"show(pow({make.int()}, {make.int()}, {make.int()}))\n"
        if choice < 0.85:
            return f"show(({make.int()}) << {self.random.randint(-2, 300)}, ({make.int()}) >> {self.random.randint(-2, 300)})\n"
        return f"show(divmod({kind()}, {kind()}))\n"

    def comparison(self):
        make = self.values
        kind = self.random.choice([make.int, make.float, make.any, make.list, make.tuple, make.text, make.set, make.dict, make.range])
        sign = self.random.choice(["<", "<=", "==", "!=", ">", ">="])
        return f"a, b, c = {kind()}, {kind()}, {kind()}\nshow(a {sign} b, b {sign} c, a {sign} b {sign} c)\nshow(sorted([a, b, c]))\n" \
               "show(hash(a) == hash(b) if a == b else None)\n"

    def function(self):
        name, shape = self.random.choice(list(FUNCTIONS.items()))
        make = self.values
        if shape == "i":
            arguments = make.iterable() if self.random.random() < 0.8 else make.any()
            if self.random.random() < 0.2:
                arguments += ", " + make.any()
            elif self.random.random() < 0.2:
                arguments += self.random.choice([", key=str", ", default=5", ", reverse=True", ", start=2", ", strict=True",
                                                 ", key=len", ", key=None", ", initial=1"])
        elif shape == "c":
            arguments = make.character()
        elif shape == "s":
            arguments = self.random.choice([make.small(), make.float(), str(self.random.randint(0, 60))])
        elif shape == "n":
            arguments = self.random.choice(["'NFC'", "'NFD'", "'NFKC'", "'NFKD'", "'X'"]) + ", " + make.text()
        else:
            count = self.random.randint(1, shape)
            kinds = [make.any, make.int, make.float, make.text, make.small]
            kind = self.random.choice(kinds)
            arguments = ", ".join(kind() if self.random.random() < 0.7 else make.any() for _ in range(count))
        if name == "range":
            return f"r = range({arguments})\nshow(r, r[:3], r[::-2][:2], bool(r))\n"
        return f"r = {name}({arguments})\nshow(r)\n" + ("show(list(itertools.islice(r, 20)))\n" if shape == "i" else "")

    def index(self):
        part = lambda: self.random.choice(["", self.values.small(), self.values.small(), self.values.int()])  # noqa: E731
        if self.random.random() < 0.5:
            return self.values.small() if self.random.random() < 0.8 else self.values.any()
        return f"{part()}:{part()}" + (f":{part()}" if self.random.random() < 0.6 else "")

    def subscript(self):
        kind = self.random.choice(["str", "bytes", "bytearray", "list", "tuple", "dict", "range", "memoryview", "deque", "list"])
        action = self.random.random()
        head = f"a = {self.values.of(kind)}\n"
        if action < 0.5:
            return head + f"show(a[{self.index()}])\n"
        if action < 0.8:
            value = self.values.of(kind) if self.random.random() < 0.6 else self.values.any()
            return head + f"try:\n    a[{self.index()}] = {value}\nfinally:\n    show(a)\n"
        return head + f"try:\n    del a[{self.index()}]\nfinally:\n    show(a)\n"

    def spec(self):
        pick = self.random.choice
        return (pick(["", "", "<", ">", "^", "=", "*<", "0>", "\xe9^", "{<"]) + pick(["", "", "+", "-", " "]) + pick(["", "", "", "z"]) +
                pick(["", "", "", "#"]) + pick(["", "", "0"]) + pick(["", "", "5", "12", "30"]) + pick(["", "", "", ",", "_"]) +
                pick(["", "", ".0", ".3", ".10", ".25", "."]) + pick(["", "d", "x", "X", "b", "o", "c", "e", "E", "f", "F", "g", "G", "n",
                                                                      "%", "s", "r", "q"]))

    def format_spec(self):
        make = self.values
        kind = self.random.choice([make.int, make.float, make.int, make.float, make.text, make.complex, make.bool, make.any])
        return f"show(format({kind()}, {ascii(self.spec())}))\n"

    def percent(self):
        make, pick = self.values, self.random.choice
        spec = "%" + pick(["", "", "-", "0", "+", " ", "#", "0-", "#0", "+-"]) + pick(["", "", "5", "12", "*"]) + \
            pick(["", "", ".0", ".3", ".10", ".*", "."]) + pick(["", "", "", "l", "h"]) + pick("diouxXeEfFgGcrsa%bq")
        kind = pick([make.int, make.float, make.text, make.any, make.bytes])
        arguments = ["7" for _ in range(spec.count("*"))] + [kind()]
        if self.random.random() < 0.1:
            arguments = arguments[1:] + [kind()] * self.random.randint(0, 1)
        if self.random.random() < 0.3:
            return f"show({('<' + spec + '>').encode()!r} % ({', '.join(arguments)},))\n"
        if self.random.random() < 0.1:
            return f"show({'%(a)' + spec[1:]!r} % {{'a': {kind()}}})\n"
        return f"show({'<' + spec + '>'!r} % ({', '.join(arguments)},))\n"

    def brace_format(self):
        make, pick = self.values, self.random.choice
        pieces = []
        for _ in range(self.random.randint(1, 3)):
            field = pick(["", "", "0", "1", "2", "a", "a.real", "0[0]", "1[x]", "0.", "a[", "0!", "}"])
            pieces.append(pick(["", "x", "{{", "}}", " "]) + "{" + field + pick(["", "", "!r", "!s", "!a", "!x"]) +
                          pick(["", "", ":" + self.spec(), ":{}", ":{a}"]) + "}")
        text = "".join(pieces)
        if pick([True, False, False]):
            value = make.any()
            return f"a = {value}\nr = f{'{a' + pick(['', '!r', '!s', '!a', '=', ' = ', '=!s']) + pick(['', ':' + self.spec().replace('{', '')]) + '}'!r}\nshow(r)\n"
        return f"show({ascii(text)}.format({make.any()}, {make.any()}, a={make.any()}))\n"

    def codec(self):
        make, pick = self.values, self.random.choice
        if self.random.random() < 0.5:
            return f"show({make.text()}.encode({pick(ENCODINGS)!r}, {pick(HANDLERS)!r}))\n"
        data = make.bytes() if self.random.random() < 0.6 else f"{make.text()}.encode({pick(ENCODINGS)!r}, 'ignore')"
        return f"show(({data}).decode({pick(ENCODINGS)!r}, {pick(HANDLERS)!r}))\n"

    def conversion(self):
        make, pick = self.values, self.random.choice
        text = pick([make.text(), make.text(), ascii(str(self.random.randint(-10**30, 10**30))),
                     ascii(pick("+- _") + hex(self.random.randint(0, 10**10))), ascii(f"{self.random.uniform(-9, 9):.{pick([1, 17, 30])}g}"),
                     ascii("".join(pick("0123456789_eE.+-xabj()naif ") for _ in range(self.random.randint(1, 10)))), make.bytes()])
        return f"show({pick(['int', 'float', 'complex', 'int', 'float'])}({text}" + pick(["", "", ", 0", ", 16", ", 2", ", 36", ", 10"]) + "))\n"

    def pack(self):
        make, pick = self.values, self.random.choice
        form = pick(["", "<", ">", "=", "!", "@"]) + "".join(pick(["", "2", "3", "0"]) + pick("bBhHiIlLqQnNfdes?cxpP") for _ in range(self.random.randint(1, 3)))
        if self.random.random() < 0.5:
            return f"show(struct.calcsize({form!r}))\nshow(struct.unpack({form!r}, bytes(range(struct.calcsize({form!r})))))\n"
        return f"show(struct.pack({form!r}, {', '.join(pick([make.small, make.int, make.float, make.bytes])() for _ in range(self.random.randint(1, 3)))}))\n"

    def unpacking(self):
        make, pick = self.values, self.random.choice
        target = pick(["a, b", "a, *b", "*a, b", "a, *b, c", "(a, b), c", "a, b, c", "[a]", "*a,"])
        names = [name for name in "abc" if name in target]
        return f"{target} = {make.iterable()}\nshow({', '.join(names)})\n"

    def regex(self):
        make, pick = self.values, self.random.choice
        atom = lambda: pick(["a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\b", "(a|b)", "(a)(b)?", "(?:ab)", "(?P<n>a+)", "^", "$",  # noqa: E731
                             r"\1", "(?=b)", "(?!a)", "(?<=a)", "(?i:A)", "x*?", r"\W", "[a-z0-9]", "(?>a+)", r"\Z", " "])
        pattern = "".join(atom() + pick(["", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "+?", "++", "??"]) for _ in range(self.random.randint(1, 5)))
        text = ascii("".join(pick("aabbxAB 12\n\xe9") for _ in range(self.random.randint(0, 12))))
        if self.random.random() < 0.2:
            text = f"{text}.encode('latin-1')"
            pattern = "rb" + repr(pattern)
        else:
            pattern = "r" + repr(pattern)
        pattern = pattern.replace("\\\\", "\\")
        flags = pick(["0", "0", "re.I", "re.M", "re.S", "re.A", "re.X"])
        call = pick(["match", "search", "fullmatch", "findall", "split", "sub", "subn", "finditer"])
        if call in ("sub", "subn"):
            replacement = pick(["'-'", r"r'[\g<0>]'", r"r'\1'", "lambda m: m.group().upper()"])
            if pattern.startswith("rb"):
                replacement = "b'-'"
            return f"p = re.compile({pattern}, {flags})\nshow(p.{call}({replacement}, {text}, {pick([0, 0, 1])}))\n"
        if call in ("findall", "split"):
            return f"p = re.compile({pattern}, {flags})\nshow(p.{call}({text}), p.groups)\n"
        if call == "finditer":
            return f"p = re.compile({pattern}, {flags})\nshow([(m.span(), m.groups()) for m in p.finditer({text})])\n"
        return f"p = re.compile({pattern}, {flags})\nm = p.{call}({text})\nshow(m and (m.span(), m.groups(), m.groupdict(), m.lastindex, m.regs))\n"

    MUTATIONS = {
        "list": ["append({v})", "extend({i})", "insert({n}, {v})", "pop()", "pop({n})", "remove({v})", "reverse()", "sort()", "clear()",
                 "sort(key=repr, reverse=True)", "__imul__({n})", "__setitem__(slice({n}, {n}, {n}), {i})", "__delitem__(slice({n}, {n}, {n}))",
                 "__setitem__({n}, {v})", "index({v})", "__iadd__({i})", "copy()"],
        "dict": ["__setitem__({h}, {v})", "pop({h})", "pop({h}, None)", "popitem()", "setdefault({h}, {v})", "update({d})", "clear()",
                 "__delitem__({h})", "__ior__({d})", "get({h})", "update(a={v}, b={v})", "copy()"],
        "set": ["add({h})", "discard({h})", "remove({h})", "update({i})", "__ior__({s})", "__iand__({s})", "__isub__({s})", "__ixor__({s})",
                "difference_update({i})", "symmetric_difference_update({i})", "clear()", "issubset({i})", "intersection({i})", "isdisjoint({i})"],
        "bytearray": ["append({n})", "extend({b})", "insert({n}, {n})", "pop()", "pop({n})", "remove({n})", "reverse()", "clear()",
                      "__imul__({n})", "__setitem__(slice({n}, {n}, {n}), {b})", "__delitem__(slice({n}, {n}, {n}))", "__iadd__({b})"],
        "deque": ["append({v})", "appendleft({v})", "extend({i})", "extendleft({i})", "insert({n}, {v})", "pop()", "popleft()", "remove({v})",
                  "reverse()", "rotate({n})", "clear()", "__imul__({n})", "__setitem__({n}, {v})", "__delitem__({n})", "__iadd__({i})"],
        "OrderedDict": ["__setitem__({h}, {v})", "pop({h}, None)", "popitem({f})", "move_to_end({h}, {f})", "move_to_end({h})", "update({d})",
                        "setdefault({h}, {v})", "__delitem__({h})", "__ior__({d})", "copy()"],
        "Counter": ["__setitem__({h}, {n})", "update({i})", "subtract({i})", "most_common({n})", "pop({h}, None)", "__isub__(Counter({i}))",
                    "__iand__(Counter({i}))", "total()"],
    }

    def mutation(self):
        make = self.values
        kind = self.random.choice(list(self.MUTATIONS))
        start = make.of(kind) if kind in TYPES else f"{kind}({make.dict() if kind == 'OrderedDict' else make.iterable()})"
        lines = [f"a = {start}"]
        few = [make.small(), make.hashable(), make.small()]  # so that keys and values meet again
        value = lambda: self.random.choice(few) if self.random.random() < 0.6 else make.hashable()  # noqa: E731
        for _ in range(self.random.randint(1, 8)):
            call = self.random.choice(self.MUTATIONS[kind])
            while "{" in call:
                at = call.index("{")
                fill = {"v": value, "h": value, "n": make.small, "i": make.iterable, "d": make.dict, "s": make.set, "b": make.bytes,
                        "f": make.bool}[call[at + 1]]()
                call = call[:at] + fill.replace("{", "\0") + call[at + 3:]
            call = call.replace("\0", "{")
            lines += ["try:", f"    show(a.{call})", "except Exception as e:", "    print(type(e).__name__, e)", "show(a)"]
        return "\n".join(lines) + "\n"
