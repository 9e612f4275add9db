# inspect: signatures of functions, methods, classes and built-ins; sources, frames, members; annotations; argument binding.
import dataclasses
import functools
import inspect
import operator
import textwrap
import types


def every(a, b: int, /, c=1, d: "str" = "x", *e: float, f, g=None, **h) -> list[int]:
    """Every kind of parameter."""


async def waits(x, *, y): ...
def plain(): pass
def defaults(a=(1, 2), b={"k": [1]}, c=..., d=print, e=-1.5, f=b"", *, g=lambda x: x): ...


class Class:
    """A class.

        with an indented line
    """
    attribute = 1

    def __init__(self, first, second=2): ...
    def method(self, x, *y): ...
    @classmethod
    def made(cls, how): ...
    @staticmethod
    def static(a, b): ...
    @property
    def prop(self) -> int: ...
    def __call__(self, called): ...


class New:
    def __new__(cls, n, *rest): ...


class Meta(type):
    def __call__(cls, meta_argument): ...


class WithMeta(metaclass=Meta): ...
class Inherits(Class): ...
class Empty: ...


@dataclasses.dataclass
class Data:
    x: int
    y: list = dataclasses.field(default_factory=list)
    z: str = dataclasses.field(default="z", kw_only=True)


def wrapper(function):
    @functools.wraps(function)
    def inner(*arguments, **keywords):
        return function(*arguments, **keywords)
    return inner


wrapped = wrapper(every)
THINGS = [every, waits, plain, defaults, lambda x, y=2, *z: x, Class, Class.method, Class(1).method, Class.made, Class.static, Class(1), New, WithMeta, Inherits, Empty, Data, wrapped, functools.partial(every, 1, f=5), functools.partial(every, d=3),
          functools.partialmethod(Class.method, 5), len, print, sorted, int, str, list.append, [].append, dict.fromkeys, dict.get, max, "".join, str.split, open, isinstance, range, type, object, ValueError, functools.reduce, operator.add, operator.itemgetter(1),
          int.from_bytes, object.__init__, (5).__add__, sum, pow, round, exec, compile, zip, enumerate, bytes.decode, float.fromhex, set.add, getattr, __import__, vars, iter, next, list.sort, list.index, str.replace, tuple.count, types.SimpleNamespace, types.MethodType, classmethod, property, 5]
for thing in THINGS:
    name = getattr(thing, "__qualname__", type(thing).__name__)
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError) as error:
        print(name, "->", type(error).__name__, str(error).split(" at 0x")[0])
        continue
    text = str(signature).split(" at 0x")[0]
    print(name, text, [(p.name, p.kind.name) for p in signature.parameters.values()][:8], signature.return_annotation is not inspect.Signature.empty)
signature = inspect.signature(every)
for arguments, keywords in (((1, 2), {"f": 3}), ((1, 2, 3, 4, 5, 6), {"f": 1, "z": 9}), ((1,), {"f": 1}), ((1, 2), {}), ((1, 2), {"a": 5, "f": 1}), ((1, 2, 3), {"c": 4, "f": 1}), ((), {}), ((1, 2), {"f": 1, "b": 3})):
    try:
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        print(bound, bound.args, bound.kwargs)
    except TypeError as error:
        print(error)
    try:
        every(*arguments, **keywords)
    except TypeError as error:
        print(error)
print(signature.bind_partial(1).arguments, signature.replace(parameters=list(signature.parameters.values())[:2]), signature == inspect.signature(wrapped), hash(signature) is not None, inspect.signature(wrapped, follow_wrapped=False))
for call in (lambda: inspect.Parameter("1x", inspect.Parameter.KEYWORD_ONLY), lambda: inspect.Signature([inspect.Parameter("a", inspect.Parameter.KEYWORD_ONLY), inspect.Parameter("b", inspect.Parameter.POSITIONAL_ONLY)]),
             lambda: inspect.Parameter("a", inspect.Parameter.VAR_KEYWORD, default=1), lambda: plain(1), lambda: plain(x=1), lambda: defaults(1, 2, 3, 4, 5, 6, 7), lambda: Class(), lambda: Class(1, 2, 3), lambda: Class(1).method(), lambda: Class.method(),
             lambda: Data(), lambda: Data(1, z=1, w=2), lambda: New(), lambda: Empty(1), lambda: len(), lambda: len(1, 2), lambda: print(nope=1), lambda: sorted(), lambda: int(1, 2, 3), lambda: "".join(), lambda: [].append(), lambda: {}.get(), lambda: max(),
             lambda: every(*5), lambda: every(**5), lambda: every(1, 2, **{1: 2}), lambda: every(1, 2, f=1, **{"f": 2}), lambda: plain(*[1], *[2]), lambda: (lambda a, b, c: 0)(), lambda: (lambda *, a, b: 0)(), lambda: waits(1), lambda: isinstance(1), lambda: open()):
    try:
        print("no error", call())
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error)
print(inspect.getdoc(Class), inspect.getdoc(Inherits), inspect.getsource(plain), textwrap.dedent(inspect.getsource(Class.method)), inspect.getsourcelines(wrapper)[1], inspect.getcomments(every), inspect.getfile(Class) == __file__, inspect.getmodule(every).__name__)
print([(a.name, a.kind) for a in inspect.classify_class_attrs(Class) if not a.name.startswith("__")])
print([(check, [getattr(inspect, check)(thing) for thing in (every, waits, Class, Class(1).made, len, 5, inspect, (n for n in ()), every.__code__, int.real, Class.prop)]) for check in ("isfunction", "iscoroutinefunction", "isclass", "ismethod", "isbuiltin", "isroutine", "ismodule", "isgenerator", "iscode", "isdatadescriptor", "isgetsetdescriptor", "ismethoddescriptor")])
print(inspect.getfullargspec(every), inspect.get_annotations(every, eval_str=True), inspect.unwrap(wrapped) is every, inspect.getcallargs(defaults, b=5)["b"], inspect.cleandoc("  a\n    b\n   c"), inspect.formatannotation(list[int]), inspect.getclosurevars(wrapped).nonlocals.keys())


def outer():
    local = "value"
    frame = inspect.currentframe()
    return frame.f_code.co_name, frame.f_locals["local"], frame.f_back.f_code.co_name, [info.function for info in inspect.stack()], frame.f_lineno - frame.f_code.co_firstlineno, inspect.getframeinfo(frame).code_context[0].strip()


print(outer(), inspect.getargvalues(inspect.currentframe()).args, inspect.indentsize("\t x"), inspect.CO_NESTED & wrapped.__code__.co_flags, wrapped.__code__.co_freevars, every.__kwdefaults__, every.__defaults__, inspect.classify_class_attrs.__module__)
print(inspect.getgeneratorlocals(n for n in [1]).keys(), inspect.getgeneratorstate(n for n in [1]), inspect.Signature.from_callable(plain), repr(inspect.Parameter("p", inspect.Parameter.VAR_POSITIONAL, annotation=int)), repr(signature.parameters["d"]), signature.parameters["b"].annotation)
