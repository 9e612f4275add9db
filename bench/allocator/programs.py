"""Programs whose allocations are recorded. Each takes some tens of megabytes at its peak.

Usage: krait programs.py NAME TRACE (with the folder of the module `recorder` in PYTHONPATH)
"""
import ast
import glob
import json
import pickle
import random
import re
import sys

LIBRARY = "/usr/lib/python3.11"


def sources(count):
    texts = []
    for path in sorted(glob.glob(LIBRARY + "/*.py"))[:count]:
        with open(path, encoding="utf-8") as stream:
            texts.append((path, stream.read()))
    return texts


def compile_library():
    """Compiles modules of the library, keeping the code, and the syntax trees of the last few."""
    codes, trees = [], []
    for path, text in sources(70):
        codes.append(compile(text, path, "exec"))
        trees.append(ast.parse(text))
        if len(trees) > 12:
            del trees[0]


def json_round_trip():
    """Reads and writes a document of 30,000 records."""
    generator = random.Random(1)
    records = [{"id": i, "name": f"name {i * 7919 % 1000}", "position": [generator.random(), generator.random()],
                "tags": [f"tag{generator.randrange(500)}" for _ in range(i % 5)], "parent": None if i % 3 else i // 3,
                "note": "x" * generator.randrange(200)} for i in range(30_000)]
    for _ in range(3):
        text = json.dumps(records)
        records = json.loads(text)


def index_words():
    """Indexes the words of the library by file and line, then drops the rare ones."""
    index = {}
    for path, text in sources(60):
        for number, line in enumerate(text.splitlines(), 1):
            for word in line.replace("(", " ").replace(")", " ").replace(".", " ").split():
                index.setdefault(word.lower(), []).append((path, number))
    counts = sorted((len(places), word) for word, places in index.items())
    for count, word in counts:
        if count < 3:
            del index[word]
    summary = {word: {path for path, number in places} for word, places in index.items()}
    return sum(len(f"{word}: {', '.join(sorted(paths))}") for word, paths in summary.items())


class Node:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.left = self.right = None


def insert(node, key, value):
    if node is None:
        return Node(key, value)
    root = node
    while True:
        side = "left" if key < node.key else "right"
        child = getattr(node, side)
        if child is None:
            setattr(node, side, Node(key, value))
            return root
        node = child


def search_trees():
    """Keeps 400 unbalanced search trees of up to 500 nodes, which grow and are dropped in random order."""
    generator = random.Random(2)
    trees = [None] * 400
    sizes = [0] * 400
    for step in range(300_000):
        at = generator.randrange(400)
        if sizes[at] > 500:
            trees[at], sizes[at] = None, 0
        trees[at] = insert(trees[at], generator.random(), [step, str(step)])
        sizes[at] += 1


TOKEN = re.compile(r"""(?P<name>[A-Za-z_]\w*)|(?P<number>\d[\w.]*)|(?P<string>"[^"\n]*"|'[^'\n]*')|(?P<comment>\#.*)
                       |(?P<operator>[^\w\s])""", re.VERBOSE)


def regular_expressions():
    """Splits modules of the library into tokens, of which it keeps the kind, the text and the place."""
    files = {}
    for path, text in sources(24):
        files[path] = [(match.lastgroup, match.group(), match.span()) for match in TOKEN.finditer(text)]
        re.sub(r"(\w+)\.(\w+)", r"\2 of \1", text)
        re.findall(r"def (\w+)\(([^)]*)\)", text)
        re.split(r"\s*[,;:]\s*", text)


class Order:
    def __init__(self, number, customer, lines):
        self.number = number
        self.customer = customer
        self.lines = lines


def pickles():
    """Writes and reads 20,000 objects with lists, tuples, strings, floats and sets."""
    generator = random.Random(3)
    orders = [Order(i, f"customer {i % 997}", [(f"article {generator.randrange(9999)}", generator.randrange(1, 9),
                                                 round(generator.random() * 100, 2)) for _ in range(i % 7)])
              for i in range(20_000)]
    for protocol in (2, 4, 5):
        orders = pickle.loads(pickle.dumps(orders, protocol))
    by_customer = {}
    for order in orders:
        by_customer.setdefault(order.customer, set()).update(line[0] for line in order.lines)


PROGRAMS = {program.__name__: program for program in
            (compile_library, json_round_trip, index_words, search_trees, regular_expressions, pickles)}

if __name__ == "__main__":
    import recorder

    name, trace = sys.argv[1:]
    recorder.start(trace)
    PROGRAMS[name]()
    recorder.stop()
