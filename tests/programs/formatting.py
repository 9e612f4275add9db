# String formatting of all kinds: format specifications, f-strings, %, Template, str methods, repr, pprint, textwrap.
import datetime
import decimal
import pprint
import reprlib
import string
import textwrap

NUMBERS = [0, -1, 42, 255, 10 ** 12, -10 ** 20, 3.14159, -2.5e-7, 1e22, 0.0, -0.0, float("inf"), float("nan"), 1 + 2j, -1.5j, True, decimal.Decimal("12345.678")]
SPECS = ["", "5", "<8", ">8", "^8", "=+9", "08", "+", "-", " ", ",", "_", "b", "#x", "#o", "c", "d", "e", ".3e", "f", ".0f", ",.2f", "g", ".3g", "#g", "G", "n", "%", ".1%", "*^12.4f", "z.1f", "#_b", "010,d", "x", "s", ".3", "q", "5.2d", ",n", "<<<", "é>6"]


def attempt(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for number in NUMBERS:
    print(repr(number), [attempt(format, number, spec) for spec in SPECS])
for text in ("", "abc", "größer", "☃" * 4):
    print([attempt(format, text, spec) for spec in ("", "6", ">6", "^7", "*<6", ".2", "<6.1s", "=6", "d", "+", "08", "_", "s", "-^3.2")])
for spec in ["%d", "%5d|", "%-5d|", "%05d", "%+d", "% d", "%x", "%#X", "%o", "%#o", "%c", "%e", "%.3f", "%g", "%r", "%s", "%10.3s|", "%-10s|", "%a", "%%", "%i", "%u", "%.2%", "%5%", "%(x)s", "%", "%y", "%ld", "%*d"]:
    print(spec, [attempt(lambda: spec % value) for value in (65, 3.7, "text", (7,), (5, 6), {"x": "dict"}, None, -12345678901234567890)])
print("%(a)s %(b)05.1f %(a)r" % {"a": "x", "b": 2.345}, "%s %s" % ("a", ("b",)), "%*.*f" % (8, 2, 3.14159), b"%d %s %a %b %c" % (5, b"x", "é", b"y", 65), attempt(lambda: b"%s" % "x"))


class Formatted:
    attribute = {"key": [10, 20]}

    def __format__(self, spec):
        return f"<{spec}>"

    def __repr__(self):
        return "Formatted()"

    def __getitem__(self, key):
        return f"item {key!r}"


thing, width, name = Formatted(), 10, "wörld"
print("{} {}".format(1, 2), "{1}{0}{1}".format("a", "b"), "{x.attribute[key][1]} {x[3]} {x[a b]} {x:spec {w}} {x!r:>{w}}".format(x=thing, w=14), "{{}}{{{0}}}".format(5))
for text, arguments in (("{}{0}", (1,)), ("{2}", (1,)), ("{a}", ()), ("{", ()), ("}", ()), ("{!x}", (1,)), ("{:{}}", (1,)), ("{0.nothing}", (1,)), ("{0[1]}", ("ab",)), ("{:{:{}}}", (1, 2, 3)), ("{0[}", (1,)), ("{0!r", (1,)), ("{:d}", ("x",)), ("{:>10 }", ("x",))):
    print(text, attempt(text.format, *arguments))
print(f"{name!r:>{width}} {name!a} {name:*^{width + 2}} {thing:a{width}b} {1_000_000:,} {width=} {name=!s} {width * 2 = :>6} {{literal}} {'nested ' + f'{width:x}'}", f"{datetime.date(2026, 1, 2):%d.%m.%Y}", f"{3.0:.0f}{'':5}|")
print(f"{(lambda x: x * 2)(4)} {[n for n in range(3)]} { {'a': 1}['a'] } {'a' if width else 'b'} {width:{'>'}{5}} {width!r:^{width}}", f'''{
    width
    + 1}''', rf"\n{width}\t")
print("{:{fill}{align}{width}.{precision}}".format("formatted", fill="~", align="^", width=16, precision=4), "{:%Y}|{!s:5}|{:,}".format(datetime.datetime(1999, 1, 1), None, 1234), "{0:x}{0:X}{0:#b}".format(202))
template = string.Template("$who owes ${amount} $$ to $other")
print(template.safe_substitute(who="ann", amount=5), attempt(template.substitute, who="x"), attempt(string.Template("$").substitute), template.get_identifiers(), string.capwords("the quick  fox"))
print(list(string.Formatter().parse("a{b!r:>{c}}d{{e}}{}")), string.Formatter().vformat("{0} {k}", (1,), {"k": 2}), "ab".format_map({}), "{a}{b}".format_map(type("D", (dict,), {"__missing__": lambda s, k: k.upper()})()))
for method, arguments in (("center", (9, "*")), ("ljust", (7,)), ("rjust", (7, ".")), ("zfill", (8,)), ("expandtabs", (4,)), ("split", ("-",)), ("rsplit", ("-", 1)), ("partition", ("-",)), ("rpartition", ("-",)), ("strip", ("-x",)), ("removeprefix", ("-",)),
                          ("removesuffix", ("y",)), ("replace", ("-", "+", 1)), ("title", ()), ("swapcase", ()), ("count", ("-",)), ("find", ("-", 2)), ("rindex", ("-",)), ("index", ("?",)), ("startswith", (("-", "a"), 1)), ("endswith", ("y",)), ("join", ("abc",)),
                          ("splitlines", (True,)), ("encode", ("utf-16",)), ("translate", ({45: None, 97: "A"},)), ("isascii", ()), ("center", (9, "ab")), ("join", ([1],))):
    print(method, [attempt(getattr(text, method), *arguments) for text in ("-ab-cd\txy", "-5")])
data = {"name": "snake " * 12, "numbers": list(range(40)), "nested": {"tuple": (1, (2, (3, (4,)))), "set": {3, 1, 2}, "empty": [], "bytes": b"x" * 70}, 5: None, "text": "line one\nline two"}
pprint.pprint(data)
pprint.pprint(data, width=50, compact=True, depth=2, sort_dicts=False, indent=2, underscore_numbers=True)
print(pprint.pformat([10 ** 6, {"a": 1}], underscore_numbers=True), pprint.saferepr(data)[:60], pprint.isreadable(data), reprlib.repr("x" * 100), reprlib.repr(list(range(20))), reprlib.repr({n: n for n in range(9)}), reprlib.Repr().repr([[[[[[[1]]]]]]]))
paragraph = ("Kraits are   venomous snakes; they hunt at night, and (as a rule) avoid people -- but step on one, and the well-known consequences\tfollow. "
             "A_very_long_word_that_fits_into_no_line_at_all_because_it_is_so_long ends here.")
for keywords in ({"width": 30}, {"width": 30, "initial_indent": "* ", "subsequent_indent": "  "}, {"width": 20, "break_long_words": False, "break_on_hyphens": False}, {"width": 40, "max_lines": 2, "placeholder": " [more]"}, {"width": 25, "replace_whitespace": False, "drop_whitespace": False}):
    print(textwrap.fill(paragraph, **keywords), "--", sep="\n")
print(textwrap.shorten(paragraph, 40), textwrap.dedent("    a\n      b\n\n    c"), textwrap.indent("a\n\nb\n", "> "), textwrap.indent("a\n\nb", "> ", lambda line: True), attempt(textwrap.wrap, "x", 0), sep="\n")
loop = [1, {"a": ()}]
loop.append(loop)
loop[1]["self"] = loop
print(loop, repr("it's"), repr('"'), repr("'\""), repr(b"'\"\x00\xff"), [float(text) for text in ("1e16", "123456789012345680", "1e-5", "0.0001", "1.7976931348623157e308", "5e-324")], {1.0, 2}, frozenset([3]), range(0, 9, 2), slice(1, None), ..., NotImplemented, 1e100, -0.0, 3j - 0.0)
