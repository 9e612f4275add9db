# Huffman codes, game of life, an LRU cache, events, a spell checker, a template engine, matrices, primes, edit distance, knapsack.
import collections
import heapq
import itertools
import math
import random
import re
from fractions import Fraction


class Leaf(collections.namedtuple("Leaf", "symbol")):
    def walk(self, prefix=""):
        yield self.symbol, prefix or "0"


class Inner(collections.namedtuple("Inner", "left right")):
    def walk(self, prefix=""):
        yield from self.left.walk(prefix + "0")
        yield from self.right.walk(prefix + "1")


def huffman(text):
    heap = [(count, number, Leaf(symbol)) for number, (symbol, count) in enumerate(sorted(collections.Counter(text).items()))]
    heapq.heapify(heap)
    fresh = itertools.count(len(heap))
    while len(heap) > 1:
        a, _, left = heapq.heappop(heap)
        b, _, right = heapq.heappop(heap)
        heapq.heappush(heap, (a + b, next(fresh), Inner(left, right)))
    return dict(heap[0][2].walk())


def decode(bits, codes):
    back, symbol, result = {code: symbol for symbol, code in codes.items()}, "", []
    for bit in bits:
        symbol += bit
        if symbol in back:
            result.append(back[symbol])
            symbol = ""
    return "".join(result)


def life(cells, steps):
    for _ in range(steps):
        counts = collections.Counter((x + dx, y + dy) for x, y in cells for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy)
        cells = {cell for cell, count in counts.items() if count == 3 or count == 2 and cell in cells}
        yield cells


def picture(cells):
    xs, ys = [x for x, _ in cells], [y for _, y in cells]
    return "\n".join("".join("#" if (x, y) in cells else "." for x in range(min(xs), max(xs) + 1)) for y in range(min(ys), max(ys) + 1))


class LRU:
    class Link:
        __slots__ = ("before", "after", "key", "value")

    def __init__(self, limit):
        self.limit, self.links, self.hits, self.misses = limit, {}, 0, 0
        self.root = root = self.Link()
        root.before = root.after = root

    def __getitem__(self, key):
        try:
            link = self.links[key]
        except KeyError:
            self.misses += 1
            raise
        self.hits += 1
        self._unlink(link)
        self._append(link)
        return link.value

    def __setitem__(self, key, value):
        if key in self.links:
            self._unlink(self.links.pop(key))
        elif len(self.links) >= self.limit:
            oldest = self.root.after
            self._unlink(oldest)
            del self.links[oldest.key]
        link = self.links[key] = self.Link()
        link.key, link.value = key, value
        self._append(link)

    def _append(self, link):
        last = self.root.before
        link.before, link.after = last, self.root
        last.after = self.root.before = link

    @staticmethod
    def _unlink(link):
        link.before.after, link.after.before = link.after, link.before

    def __iter__(self):
        link = self.root.after
        while link is not self.root:
            yield link.key
            link = link.after


class Event:
    def __init__(self):
        self.handlers = []

    def __iadd__(self, handler):
        self.handlers.append(handler)
        return self

    def __isub__(self, handler):
        self.handlers.remove(handler)
        return self

    def __call__(self, *arguments, **keywords):
        return [handler(*arguments, **keywords) for handler in list(self.handlers)]


class Speller:
    def __init__(self, text):
        self.words = collections.Counter(re.findall(r"[a-z]+", text.lower()))

    def near(self, word):
        letters = "abcdefghijklmnopqrstuvwxyz"
        splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
        yield from (a + b[1:] for a, b in splits if b)
        yield from (a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1)
        yield from (a + c + b[1:] for a, b in splits if b for c in letters)
        yield from (a + c + b for a, b in splits for c in letters)

    def correct(self, word):
        candidates = {word} & self.words.keys() or set(self.near(word)) & self.words.keys() or {far for near in self.near(word) for far in self.near(near) if far in self.words} or {word}
        return max(sorted(candidates), key=self.words.__getitem__)


class Template:
    TOKEN = re.compile(r"({{.*?}}|{%.*?%})")

    def __init__(self, text):
        self.nodes = self.parse(iter(self.TOKEN.split(text)), None)[0]

    def parse(self, parts, closing):
        nodes = []
        for part in parts:
            if part.startswith("{{"):
                name, *filters = (piece.strip() for piece in part[2:-2].split("|"))
                nodes.append(("value", name, filters))
            elif part.startswith("{%"):
                words = part[2:-2].split()
                if words[0] in ("end" + str(closing), "else"):
                    return nodes, words[0]
                if words[0] == "for":
                    nodes.append(("for", words[1], words[3], self.parse(parts, "for")[0]))
                elif words[0] == "if":
                    then, end = self.parse(parts, "if")
                    nodes.append(("if", " ".join(words[1:]), then, self.parse(parts, "if")[0] if end == "else" else []))
                else:
                    raise SyntaxError(f"unknown tag {words[0]!r}")
            elif part:
                nodes.append(("text", part))
        if closing:
            raise SyntaxError(f"unclosed {closing}")
        return nodes, None

    FILTERS = {"upper": str.upper, "title": str.title, "length": len, "join": ", ".join}

    def render(self, nodes=None, **scope):
        for node in self.nodes if nodes is None else nodes:
            match node:
                case ("text", text):
                    yield text
                case ("value", name, filters):
                    value = eval(name, {"__builtins__": {}}, scope)
                    for f in filters:
                        value = self.FILTERS[f](value)
                    yield str(value)
                case ("for", name, items, body):
                    for value in eval(items, {}, scope):
                        yield from self.render(body, **{**scope, name: value})
                case ("if", test, then, other):
                    yield from self.render(then if eval(test, {}, scope) else other, **scope)


class Matrix(tuple):
    def __new__(cls, rows):
        return super().__new__(cls, (tuple(row) for row in rows))

    def __matmul__(self, other):
        columns = list(zip(*other))
        return Matrix([sum(map(lambda a, b: a * b, row, column)) for column in columns] for row in self)

    def __pow__(self, power):
        result = Matrix([int(i == j) for j in range(len(self))] for i in range(len(self)))
        base = self
        while power:
            if power & 1:
                result = result @ base
            base, power = base @ base, power >> 1
        return result

    def inverse(self):
        n = len(self)
        rows = [[Fraction(value) for value in row] + [Fraction(i == j) for j in range(n)] for i, row in enumerate(self)]
        determinant = Fraction(1)
        for column in range(n):
            pivot = next((r for r in range(column, n) if rows[r][column]), None)
            if pivot is None:
                raise ZeroDivisionError("singular")
            if pivot != column:
                rows[column], rows[pivot] = rows[pivot], rows[column]
                determinant = -determinant
            factor = rows[column][column]
            determinant *= factor
            rows[column] = [value / factor for value in rows[column]]
            for r in range(n):
                if r != column and rows[r][column]:
                    rows[r] = [a - rows[r][column] * b for a, b in zip(rows[r], rows[column])]
        return Matrix(row[n:] for row in rows), determinant


def sieve(limit):
    flags = bytearray([1]) * (limit + 1)
    flags[:2] = b"\0\0"
    for n in range(2, math.isqrt(limit) + 1):
        if flags[n]:
            flags[n * n::n] = bytes(len(range(n * n, limit + 1, n)))
    return [n for n, flag in enumerate(flags) if flag]


def probably_prime(n, bases=(2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)):
    if n < 2 or any(n % p == 0 and n != p for p in bases):
        return False
    s = ((n - 1) & (1 - n)).bit_length() - 1
    d = (n - 1) >> s
    return all(n == a or (x := pow(a, d, n)) in (1, n - 1) or any((x := x * x % n) == n - 1 for _ in range(s - 1)) for a in bases)


def rho(n):
    if n % 2 == 0:
        return 2
    for c in itertools.count(1):
        x = y = 2
        d = 1
        while d == 1:
            x = (x * x + c) % n
            y = (y * y + c) % n
            y = (y * y + c) % n
            d = math.gcd(abs(x - y), n)
        if d != n:
            return d


def factors(n):
    if n == 1:
        return []
    return [n] if probably_prime(n) else sorted(factors(d := rho(n)) + factors(n // d))


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


TEXT = "so much words under so many suns, so much snow under so many moons; the snake sheds and the snake sleeps"
codes = huffman(TEXT)
bits = "".join(codes[c] for c in TEXT)
print(len(TEXT) * 8, len(bits), decode(bits, codes) == TEXT, sorted(codes.items(), key=lambda item: (len(item[1]), item))[:8], huffman("aaa"))
glider = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)}
*_, final = life(glider, 20)
print(final == {(x + 5, y + 5) for x, y in glider}, picture(final), sep="\n")
pentomino = [len(cells) for cells in life({(1, 0), (2, 0), (0, 1), (1, 1), (1, 2)}, 200)]
print(pentomino[::20], max(pentomino))
cache, source = LRU(5), random.Random(3)
for _ in range(500):
    key = int(source.expovariate(.25))
    try:
        cache[key]
    except KeyError:
        cache[key] = key * key
print(cache.hits, cache.misses, list(cache), len(cache.links))
changed = Event()
seen = []
changed += lambda name, value=0: seen.append((name, value)) or len(seen)
changed += print
print(changed("first"), changed.handlers.__len__())
changed -= print
print(changed("second", value=5), seen)
speller = Speller(open("/usr/share/common-licenses/GPL-3").read())
print({word: speller.correct(word) for word in "lisense sofware patnt copyrigth distribut freedm xyzzyx warrenty".split()})
page = Template("<h1>{{title|title}}</h1>\n{% for item in items %}{% if item > 2 %}<b>{{item * 2}}</b>{% else %}{{item}}{% endif %} {% endfor %}{{ names|join|upper }} {{names|length}}\n")
print("".join(page.render(title="small template", items=range(5), names=["ann", "bob"])))
for bad in ("{% for x in y %}", "{% while %}", "{{ missing }}", "{{ 1 / 0 }}", "{{ 5|join }}"):
    try:
        print("".join(Template(bad).render()))
    except Exception as error:
        print(bad, type(error).__name__, error)
print((Matrix([[1, 1], [1, 0]]) ** 300)[0][1], Matrix([[2, 1, 0], [1, 3, 1], [0, 1, 4]]).inverse())
hilbert = Matrix([Fraction(1, i + j + 1) for j in range(6)] for i in range(6))
inverse, determinant = hilbert.inverse()
print(determinant, inverse[5][5], (hilbert @ inverse)[3][3], all((hilbert @ inverse)[i][j] == (i == j) for i in range(6) for j in range(6)))
primes = sieve(20000)
print(len(primes), primes[-3:], sum(primes), [p for p, q in itertools.pairwise(primes) if q - p > 40], all(map(probably_prime, primes)))
print([probably_prime(n) for n in (2 ** 89 - 1, 2 ** 67 - 1, 561, 3215031751)], factors(2 ** 67 - 1), factors(math.factorial(20)), factors(10 ** 18 + 9), factors(1234567890123456789))
print(distance("kitten", "sitting"), distance("", "abc"), distance("snake" * 20, "krait" * 20))
items = [(random.Random(n).randint(1, 30), random.Random(n + 99).randint(1, 60)) for n in range(25)]
best = [0] * 101
for weight, value in items:
    for room in range(100, weight - 1, -1):
        best[room] = max(best[room], best[room - weight] + value)
print(best[100], best[::10])
