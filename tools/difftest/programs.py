"""Random programs: nested statements over a few small variables, which end and print what they do."""


class Programs:
    def __init__(self, random, values):
        self.random, self.values = random, values

    def choose(self):
        self.counter = 0
        lines = ["a, b, c, d = 1, 'xy', [3, 1, 2], {1: 2, 'k': [5]}", "log = []"]
        for _ in range(self.random.randint(1, 4)):
            lines += self.random.choice([self.function, self.klass, self.generator, self.block, self.block, self.block])(0)
        lines += ["show(log)", "for n in 'abcd':", "    show(globals().get(n))"]
        return "\n".join(lines) + "\n"

    def name(self, prefix):
        self.counter += 1
        return f"{prefix}{self.counter}"

    def indent(self, lines):
        return ["    " + line for line in lines]

    def variable(self):
        return self.random.choice("aabbccd")

    def expression(self, depth=0):
        pick, make = self.random.choice, self.values
        if depth > 2 or self.random.random() < 0.3:
            return pick([self.variable(), self.variable(), make.small(), make.text(), make.float(), "None", "True"])
        sub = lambda: self.expression(depth + 1)  # noqa: E731
        return pick([
            lambda: f"({sub()} {pick(['+', '-', '*', '%', '//', '<', '==', '!=', 'is not', '&', '|'])} {make.small()})",
            lambda: f"({sub()} {pick(['+', '-', '<', '==', '>=', 'and', 'or', 'in', 'not in'])} {sub()})",
            lambda: f"({sub()} if {sub()} else {sub()})",
            lambda: f"not {sub()}",
            lambda: f"[x for x in {self.iterable()} if {pick(['x', 'x != ' + sub(), 'str(x)'])}]",
            lambda: f"{{str(x): {sub()} for x in {self.iterable()}}}",
            lambda: f"list((x, y) for x in {self.iterable()} for y in (1, x))[:4]",
            lambda: f"sorted({{str(x) for x in {self.iterable()}}})",
            lambda: f"len(str({sub()}))",
            lambda: f"(lambda x, *y, z={sub()}, **k: (x, y, z, k))({sub()}, {pick(['', '*' + self.iterable() + '[:2], ', 'z=3, ', 'w=4'])})",
            lambda: f"({pick('abc')} := {sub()})",
            lambda: f"[{sub()}, *{self.iterable()}[:3]]",
            lambda: f"{{**d, 'q': {sub()}}}",
            lambda: f"f\"{{{pick('abcd')}!r:>{self.random.randint(1, 9)}}}|{{{pick('ab')}}}\"",
            lambda: f"{self.variable()}[{pick(['0', '-1', '1:', '::-1', sub()])}]",
            lambda: f"(1 < {sub()} < 5)",
            lambda: f"str({sub()})[:20]",
        ])()

    def iterable(self):
        return self.random.choice(["list(range(3))", "list(str(b))[:5]", "[1, 2, 'z']", "list(d)[:4]", "sorted([3, 1, 2])"])

    def target(self):
        return self.random.choice(["a", "b", "c", "a", "b", "d['n']", "c[0]", "c[1:2]", "a, b", "a, *b", "(a, b), c"])

    def block(self, depth):
        pick = self.random.choice
        if depth > 3:
            return self.simple(depth)
        return pick([self.simple, self.simple, self.simple, self.conditional, self.loop, self.loop, self.attempt, self.attempt,
                     self.matching, self.manager, self.deletion, self.group])(depth)

    def body(self, depth):
        lines = []
        for _ in range(self.random.randint(1, 3)):
            lines += self.block(depth + 1)
        return self.indent(lines)

    def guarded(self, lines):
        return ["try:"] + self.indent(lines) + ["except (TypeError, ValueError, IndexError, KeyError, NameError, ZeroDivisionError, "
                                                "AttributeError) as e:", "    log.append((type(e).__name__, str(e)))"]

    def simple(self, depth):
        pick = self.random.choice
        lines = pick([
            lambda: [f"{self.target()} = {self.expression()}"],
            lambda: [f"{pick('abc')} {pick(['+', '-', '*', '//', '%', '|', '&'])}= {pick([self.expression(2), self.values.small()])}"],
            lambda: [f"log.append({self.expression()})"],
            lambda: [f"c.append({self.expression(1)})"],
            lambda: [f"d[{self.expression(2)}] = {self.expression(1)}"],
            lambda: [f"assert {self.expression()}, {self.expression(2)}"],
            lambda: [f"{pick('abc')} = {pick('abc')} = {self.expression(1)}"],
        ])()
        return self.guarded(lines) if self.random.random() < 0.8 else lines

    def deletion(self, depth):
        return self.guarded([f"del {self.random.choice(['c[0]', 'd[1]', 'c[1:]', 'a', 'b', 'c[-1], a'])}"]) + [
            "a = globals().get('a', 0); b = globals().get('b', 'r')"] if depth == 0 else self.simple(depth)

    def conditional(self, depth):
        lines = [f"if {self.expression()}:"] + self.body(depth)
        if self.random.random() < 0.4:
            lines += [f"elif {self.expression()}:"] + self.body(depth)
        if self.random.random() < 0.5:
            lines += ["else:"] + self.body(depth)
        return lines

    def loop(self, depth):
        pick, counter = self.random.choice, self.name("i")
        if self.random.random() < 0.6:
            lines = [f"for {counter} in {self.iterable()}:"]
        else:
            lines = [f"{counter} = 0", f"while {counter} < {self.random.randint(1, 4)}:", f"    {counter} += 1"]
        inner = self.body(depth)
        if self.random.random() < 0.5:
            inner += [f"    if {self.expression(1)}:", f"        {pick(['break', 'continue', 'pass'])}"]
        lines += inner + [f"    log.append({counter})"]
        if self.random.random() < 0.4:
            lines += ["else:"] + self.body(depth)
        return lines

    def error(self):
        return self.random.choice(["ValueError", "KeyError", "TypeError", "LookupError", "Exception", "(KeyError, IndexError)", "OSError"])

    def raising(self):
        pick = self.random.choice
        return pick([f"raise {pick(['ValueError', 'KeyError', 'IndexError', 'OSError'])}({self.expression(2)})",
                     f"raise TypeError({self.expression(2)}) from {pick(['None', 'ValueError(1)', 'KeyError'])}", "raise", "1 / 0", "[][5]"])

    def attempt(self, depth):
        lines = ["try:"] + self.body(depth)
        if self.random.random() < 0.7:
            lines += ["    " + self.raising()]
        kind = self.random.random()
        if kind < 0.85:
            for _ in range(self.random.randint(1, 2)):
                handler = self.name("e")
                lines += [f"except {self.error()} as {handler}:", f"    log.append(repr({handler})[:60])",
                          f"    log.append(repr({handler}.__context__)[:60])"] + self.body(depth)
                if self.random.random() < 0.15:
                    lines += ["    " + self.raising()]
            if self.random.random() < 0.7:
                lines += ["except Exception:", "    log.append('other')"]
            if self.random.random() < 0.3:
                lines += ["else:"] + self.body(depth)
        if kind >= 0.85 or self.random.random() < 0.4:
            lines += ["finally:"] + self.body(depth)
        return lines

    def group(self, depth):
        pick = self.random.choice
        lines = ["try:", f"    raise ExceptionGroup('g', [{', '.join(pick(['ValueError(1)', 'KeyError(2)', 'OSError(3)', 'TypeError(4)']) for _ in range(self.random.randint(1, 3)))}])"]
        for _ in range(self.random.randint(1, 2)):
            handler = self.name("e")
            lines += [f"except* {pick(['ValueError', 'KeyError', '(OSError, TypeError)', 'Exception'])} as {handler}:",
                      f"    log.append(repr({handler}))"] + self.body(depth)
        return ["try:"] + self.indent(lines) + ["except Exception as eg:", "    log.append(repr(eg))"]

    def pattern(self, depth=0):
        pick = self.random.choice
        if depth > 1:
            return pick(["1", "'xy'", "None", "_", "x", "-1.5", "True"])
        sub = lambda: self.pattern(depth + 1)  # noqa: E731
        return pick([sub, sub, lambda: f"[{sub()}, *_]", lambda: f"({sub()}, {sub()})", lambda: "[]", lambda: f"{{'k': {sub()}}}",
                     lambda: f"{{1: {sub()}, **rest}}", lambda: f"int({sub()})", lambda: "str() as x", lambda: "1 | 'a' | None",
                     lambda: "list(x)", lambda: "float(real=x)", lambda: "[*x]"])()

    def matching(self, depth):
        lines = [f"match {self.expression()}:"]
        for _ in range(self.random.randint(1, 3)):
            guard = f" if {self.expression(2)}" if self.random.random() < 0.3 else ""
            lines += self.indent([f"case {self.pattern()}{guard or ' if True'}:", "    log.append(str(globals().get('x'))[:30])"] +
                                 self.body(depth))
        return lines + self.indent(["case _:"] + self.body(depth))

    def manager(self, depth):
        name = self.name("M")
        return [f"class {name}:", "    def __enter__(self):", "        log.append('enter')", f"        return {self.expression(2)}",
                "    def __exit__(self, kind, value, trace):", "        log.append((kind and kind.__name__, str(value)[:30]))",
                f"        return {self.random.choice(['True', 'True', 'False', 'None', '1', self.expression(2)])}",
                f"with {name}() as {self.random.choice(['a', 'b', 'w', 'd[3]'])}:"] + self.body(depth) + (
                    ["    " + self.raising()] if self.random.random() < 0.4 else [])

    def parameters(self):
        pick = self.random.choice
        return pick(["x", "x, y=2", "x, /, y=3", "*x", "x, *y", "x=1, *, y=4", "x, **y", "*x, y=1, **z", "x, /, *, y=1"])

    def call(self):
        return self.random.choice(["", "1", "1, 2", "x=1", "1, y=5", "*c", "**{'x': 1}", "1, *'ab'", "1, 2, 3", "y=1", "1, z=2"])

    def function(self, depth):
        name, parameters = self.name("f"), self.parameters()
        lines = [f"def {name}({parameters}):"]
        if self.random.random() < 0.5:
            lines += ["    global a, b, c"]
        else:
            lines += [f"    a, b, c = {self.expression(2)}, 'loc', [1, 2]"]
        lines += ["    log.append(x)"] + self.body(1)
        if self.random.random() < 0.4:
            inner = self.name("g")
            lines += self.indent([f"v = {self.expression(2)}", f"def {inner}(n):", "    nonlocal v", f"    v = {self.random.choice(['v, n', 'n', '[v]'])}",
                                  "    return v", f"log.append(({inner}(1), {inner}(2), v))"])
        lines += [f"    return {self.expression(1)}"]
        calls = []
        for _ in range(2):
            calls += self.guarded([f"log.append({name}({self.call()}))"])
        return lines + calls

    def generator(self, depth):
        name = self.name("g")
        lines = [f"def {name}(x):", f"    y = yield {self.expression(2)}", "    log.append(('sent', y))", "    try:",
                 f"        {self.random.choice(['yield x', 'yield from [x, 2]', 'y = yield from (i for i in range(2))', 'yield'])}",
                 "    except ValueError as e:", "        log.append(repr(e))", f"        {self.random.choice(['yield 9', 'return 5', 'raise KeyError(1)', 'pass'])}",
                 "    finally:", "        log.append('closing')", f"    {self.random.choice(['return x', 'yield x', 'raise StopIteration', 'pass'])}",
                 f"it = {name}({self.expression(2)})"]
        for _ in range(self.random.randint(1, 6)):
            step = self.random.choice(["next(it)", "next(it)", "it.send(4)", "it.throw(ValueError(7))", "it.close()", "list(it)", "it.gi_frame is None",
                                       "it.throw(KeyError)", "next(it, 'end')", "it.send(None)"])
            lines += ["try:", f"    log.append({step})", "except BaseException as e:",
                      "    log.append((type(e).__name__, str(e), getattr(e, 'value', 0), repr(e.__cause__), repr(e.__context__)))"]
        return lines

    def klass(self, depth):
        pick, name = self.random.choice, self.name("C")
        bases = pick(["", "", "(int)", "(list)", "(dict)", "(str)", "(tuple)", "(Exception)", "(float)"])
        lines = [f"class {name}{bases}:"]
        if pick([True, False, False]) and not bases:
            lines += ["    __slots__ = ('p', 'q')"]
        specials = ["__add__(self, o)", "__radd__(self, o)", "__eq__(self, o)", "__lt__(self, o)", "__getitem__(self, i)", "__len__(self)", "__bool__(self)",
                    "__call__(self, *x)", "__iter__(self)", "__contains__(self, o)", "__getattr__(self, n)", "__repr__(self)", "__str__(self)",
                    "__index__(self)", "__iadd__(self, o)", "__mul__(self, o)", "__neg__(self)", "__format__(self, s)", "__setattr__(self, n, v)",
                    "__missing__(self, k)", "__hash__(self)", "__int__(self)", "__float__(self)", "__round__(self, n=0)", "__matmul__(self, o)",
                    "__rsub__(self, o)", "__ge__(self, o)", "__ne__(self, o)", "__class_getitem__(cls, k)", "__reversed__(self)", "__length_hint__(self)"]
        for special in self.random.sample(specials, self.random.randint(1, 5)):
            result = pick(["NotImplemented", "1", "'r'", "True", "iter([1, 2])", "0", "[1]", "None", "-1", "2.5", "{1: 2}"])
            if special.startswith(("__repr__", "__str__", "__format__")):
                result = pick(["'R'", "'R'", "1"])
            lines += [f"    def {special}:", f"        log.append({special.split('(')[0]!r})", f"        return {result}"]
        lines += [f"    p = {pick(['1', 'property(lambda s: 3)', 'staticmethod(len)', 'classmethod(lambda k: 4)'])}"] if "__slots__" not in "".join(lines) else []
        uses = ["o + 1", "1 + o", "o == 1", "o < 2", "o > 2", "o[0]", "len(o)", "bool(o)", "o(1, 2)", "list(o)", "1 in o", "o.p", "o.zz", "repr(o)[:9]", "str(o)[:9]",
                "[5, 6][o]", "range(3)[o]", "o * 2", "-o", "f'{o:>4}'", "hash(o) == hash(o)", "int(o)", "float(o)", "round(o)", "o @ 1", "5 - o", "o != o", "sorted([o, o])",
                "max(o, 1)", "'%d' % o", "'%s' % o", "bytes(o)", "list(reversed(o))", "o += 1", "o.q = 1", "o.p = 2", "del o.p", "o[1] = 2", "a, b = o",
                f"{name}[int]", "complex(o)", "sum(o)", "o in [1, 2]", "divmod(o, 2)", "o ** 2", "isinstance(o, int)", "'x' * o", "chr(o)", "o.__dict__",
                "print(o)", "zip(o)", "enumerate(o)", "dict(o)", "set(o) and 1", "abs(o)", "~o", "o >= o", "operator.length_hint(o)"]
        lines += ["import operator", f"o = {name}()"]
        for use in self.random.sample(uses, self.random.randint(3, 8)):
            statement = use if " = " in use or "+=" in use or use.startswith("del ") else f"log.append({use})"
            lines += ["try:", f"    {statement}", "except Exception as e:", "    log.append((type(e).__name__, str(e)))"]
        return lines + ["log = [x if type(x) in (int, str, tuple, bool, float, list) else type(x).__name__ for x in log]"]
