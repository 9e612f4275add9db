"""Which operand's method is asked first when containers compare and search."""
import array
import bisect
import collections
import contextvars
import functools
import heapq
import itertools
import operator
import types


class Watch:
    def __init__(self, name, outcome=False):
        self.name, self.outcome = name, outcome

    def __repr__(self):
        return self.name

    def __hash__(self):
        return 7

    def ask(self, other, sign):
        log.append(f"{self}{sign}{other!r}")
        return self.outcome

    def __eq__(self, other):
        return self.ask(other, "==")

    def __ne__(self, other):
        return self.ask(other, "!=")

    def __lt__(self, other):
        return self.ask(other, "<")

    def __le__(self, other):
        return self.ask(other, "<=")

    def __gt__(self, other):
        return self.ask(other, ">")

    def __ge__(self, other):
        return self.ask(other, ">=")


log = []


def show(text, **names):
    for outcomes in ((False, False), (True, True), (True, False), (False, True)):
        log.clear()
        values = dict(a=Watch("a", outcomes[0]), b=Watch("b", outcomes[1]))
        try:
            result = repr(eval(text, globals() | values))
        except Exception as error:
            result = f"{type(error).__name__}: {error}"
        print(text, outcomes, result, *log)


class SubList(list):
    pass


class SubTuple(tuple):
    pass


class SubDict(dict):
    pass


for sign in ("==", "!=", "<", ">="):
    show(f"[a] {sign} [b]")
    show(f"[1, a, 2] {sign} [1, b, 3]")
    show(f"(a,) {sign} (b,)")
    show(f"(a, 1) {sign} (b,)")
    show(f"SubList([a]) {sign} [b]")
    show(f"[a] {sign} SubList([b])")
    show(f"(a,) {sign} SubTuple([b])")
    show(f"collections.deque([a]) {sign} collections.deque([b])")
    show(f"{{1: a}} {sign} {{1: b}}")
    show(f"{{a: 1}} {sign} {{b: 1}}")
    show(f"{{1: a}} {sign} SubDict({{1: b}})")
    show(f"{{a}} {sign} {{b}}")
    show(f"frozenset([a]) {sign} {{b}}")
    show(f"{{1: a}}.items() {sign} {{1: b}}.items()")
    show(f"{{a: 1}}.keys() {sign} {{b: 1}}.keys()")
    show(f"collections.OrderedDict({{1: a}}) {sign} collections.OrderedDict({{1: b}})")
    show(f"collections.OrderedDict({{a: 1}}) {sign} collections.OrderedDict({{b: 1}})")
    show(f"collections.Counter({{1: a}}) {sign} collections.Counter({{1: b}})")
    show(f"collections.ChainMap({{1: a}}) {sign} {{1: b}}")
    show(f"types.MappingProxyType({{1: a}}) {sign} {{1: b}}")
    show(f"slice(a, 1) {sign} slice(b, 1)")
    show(f"types.SimpleNamespace(x=a) {sign} types.SimpleNamespace(x=b)")
    show(f"operator.{dict(zip(('==', '!=', '<', '>='), ('eq', 'ne', 'lt', 'ge')))[sign]}(a, b)")
    show(f"functools.cmp_to_key(lambda x, y: x > y)(a) {sign} functools.cmp_to_key(lambda x, y: x > y)(b)")
for text in """
a in [b] | a in (b,) | a in collections.deque([b]) | a in {b} | a in {b: 1} | a in iter([b]) | a in {1: b}.values()
[b].index(a) | [b].count(a) | (b,).index(a) | (b,).count(a) | collections.deque([b]).index(a) | collections.deque([b]).count(a)
[b].remove(a) | collections.deque([b]).remove(a) | {b}.remove(a) | {b}.discard(a) | {b: 1}.pop(a) | {b: 1}.get(a)
(1, a) in {1: b}.items() | (a, 1) in {b: 1}.items() | operator.contains([b], a) | operator.indexOf([b], a) | operator.countOf([b], a)
min(a, b) | max(a, b) | min([a, b]) | max([a, b]) | sorted([a, b]) | sorted([a, b], reverse=True) | sorted([(a,), (b,)])
sorted([a, b], key=lambda x: x) | [(1, a) < (1, b)] | bisect.bisect_left([b], a) | bisect.bisect_right([b], a)
bisect.insort([b], a) | heapq.heapify([a, b]) | heapq.merge([a], [b]).__next__() | heapq.heappushpop([b], a)
heapq.nsmallest(1, [a, b]) | heapq.nlargest(1, [a, b]) | list(itertools.groupby([a, b]))[0][0] | {a: 1} | {b: 2} | {a, b}
{a} & {b} | {a} - {b} | {a} ^ {b} | {a} <= {b} | {a}.isdisjoint({b}) | {a: 1}.keys() & {b: 1}.keys() | {a} & [b]
a in range(3) | range(3).index(a) | range(3).count(a) | next(iter(lambda: b, a), 0) | array.array('b', [1]).count(a)
array.array('b', [1]).index(a) | a in array.array('b', [1]) | a in b'abc' | slice(a, b).indices(3) | dict.fromkeys([a, b])
collections.Counter([a, b]) | {a: 1}.setdefault(b, 3) | [a, b] * 2 == [b, a] * 2
""".replace("\n", " | ").split(" | "):
    if text.strip():
        show(text.strip())
