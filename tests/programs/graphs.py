# Graph algorithms on generated graphs: searches, shortest paths, spanning trees, components, flow, colouring, matching.
import collections
import graphlib
import heapq
import itertools
import math
import random


class Graph:
    def __init__(self, directed=False):
        self.directed, self.edges = directed, collections.defaultdict(dict)

    def add(self, u, v, weight=1):
        self.edges[u][v] = weight
        self.edges[v] if self.directed else self.edges[v].__setitem__(u, weight)

    def __iter__(self):
        return iter(sorted(self.edges))

    def __len__(self):
        return len(self.edges)

    def pairs(self):
        for u in self:
            for v, weight in sorted(self.edges[u].items()):
                if self.directed or u < v:
                    yield u, v, weight


def generated(n, m, seed, directed=False):
    source, graph = random.Random(seed), Graph(directed)
    for v in range(1, n):
        graph.add(source.randrange(v), v, source.randint(1, 30))
    for _ in range(m - n + 1):
        u, v = source.sample(range(n), 2)
        graph.add(u, v, source.randint(1, 30))
    return graph


def breadth_first(graph, start):
    distance, queue = {start: 0}, collections.deque([start])
    while queue:
        u = queue.popleft()
        for v in sorted(graph.edges[u]):
            if v not in distance:
                distance[v] = distance[u] + 1
                queue.append(v)
    return distance


def depth_first(graph):
    clock, enter, leave = itertools.count(), {}, {}

    def visit(u):
        enter[u] = next(clock)
        for v in sorted(graph.edges[u]):
            if v not in enter:
                visit(v)
        leave[u] = next(clock)

    for u in graph:
        if u not in enter:
            visit(u)
    return enter, leave


def dijkstra(graph, start):
    distance, before, heap = {start: 0}, {}, [(0, start)]
    while heap:
        d, u = heapq.heappop(heap)
        if d > distance[u]:
            continue
        for v, weight in graph.edges[u].items():
            if d + weight < distance.get(v, math.inf):
                distance[v], before[v] = d + weight, u
                heapq.heappush(heap, (d + weight, v))
    return distance, before


def path(before, end):
    steps = [end]
    while steps[-1] in before:
        steps.append(before[steps[-1]])
    return steps[::-1]


def bellman_ford(graph, start):
    distance = dict.fromkeys(graph, math.inf) | {start: 0}
    for _ in range(len(graph) - 1):
        for u, v, weight in graph.pairs():
            distance[v] = min(distance[v], distance[u] + weight)
            if not graph.directed:
                distance[u] = min(distance[u], distance[v] + weight)
    if any(distance[u] + weight < distance[v] for u, v, weight in graph.pairs()):
        raise ValueError("negative cycle")
    return distance


def floyd(graph):
    d = {(u, v): graph.edges[u].get(v, math.inf) if u != v else 0 for u in graph for v in graph}
    for k, i, j in itertools.product(graph, repeat=3):
        if (through := d[i, k] + d[k, j]) < d[i, j]:
            d[i, j] = through
    return d


class Forest:
    def __init__(self, items):
        self.parent = {item: item for item in items}

    def find(self, item):
        while self.parent[item] != item:
            self.parent[item] = item = self.parent[self.parent[item]]
        return item

    def join(self, a, b):
        a, b = self.find(a), self.find(b)
        self.parent[a] = b
        return a != b


def kruskal(graph):
    forest = Forest(graph)
    return [(u, v, w) for u, v, w in sorted(graph.pairs(), key=lambda e: (e[2], e)) if forest.join(u, v)]


def prim(graph):
    start = next(iter(graph))
    seen, total, heap = {start}, 0, [(w, v) for v, w in graph.edges[start].items()]
    heapq.heapify(heap)
    while heap:
        weight, v = heapq.heappop(heap)
        if v not in seen:
            seen.add(v)
            total += weight
            for u, w in graph.edges[v].items():
                heapq.heappush(heap, (w, u))
    return total


def strong_components(graph):
    index, low, stack, result = {}, {}, [], []

    def visit(u):
        index[u] = low[u] = len(index)
        stack.append(u)
        for v in sorted(graph.edges[u]):
            if v not in index:
                visit(v)
                low[u] = min(low[u], low[v])
            elif v in stack:
                low[u] = min(low[u], index[v])
        if low[u] == index[u]:
            component = []
            while not component or component[-1] != u:
                component.append(stack.pop())
            result.append(sorted(component))

    for u in graph:
        if u not in index:
            visit(u)
    return result


def maximum_flow(graph, source, sink):
    capacity = collections.Counter({(u, v): w for u, v, w in graph.pairs()})
    neighbours = collections.defaultdict(set)
    for u, v in capacity:
        neighbours[u].add(v)
        neighbours[v].add(u)
    total = 0
    while True:
        before, queue = {source: None}, collections.deque([source])
        while queue and sink not in before:
            u = queue.popleft()
            for v in sorted(neighbours[u]):
                if v not in before and capacity[u, v] > 0:
                    before[v] = u
                    queue.append(v)
        if sink not in before:
            return total
        steps = [sink]
        while before[steps[-1]] is not None:
            steps.append(before[steps[-1]])
        edges = list(itertools.pairwise(reversed(steps)))
        room = min(capacity[edge] for edge in edges)
        for u, v in edges:
            capacity[u, v] -= room
            capacity[v, u] += room
        total += room


def colouring(graph):
    colours = {}
    for u in sorted(graph, key=lambda u: (-len(graph.edges[u]), u)):
        taken = {colours.get(v) for v in graph.edges[u]}
        colours[u] = next(c for c in itertools.count() if c not in taken)
    return colours


def matching(wishes):
    partner = {}

    def place(who, seen):
        for what in wishes[who]:
            if what not in seen:
                seen.add(what)
                if what not in partner or place(partner[what], seen):
                    partner[what] = who
                    return True
        return False

    return sum(place(who, set()) for who in sorted(wishes)), dict(sorted(partner.items()))


graph = generated(40, 90, 7)
print("bfs", sorted(breadth_first(graph, 0).items()))
enter, leave = depth_first(graph)
print("dfs", [enter[u] for u in graph], max(leave.values()))
distance, before = dijkstra(graph, 0)
print("dijkstra", [distance[u] for u in graph], path(before, 39))
print("agree", bellman_ford(graph, 0) == distance, all(floyd(graph)[0, u] == distance[u] for u in graph))
tree = kruskal(graph)
print("tree", len(tree), sum(w for *_, w in tree), prim(graph), tree[:5])
print("colours", collections.Counter(colouring(graph).values()))
directed = generated(30, 70, 11, directed=True)
directed.add(25, 3)
print("components", strong_components(directed))
print("flow", [maximum_flow(directed, 0, t) for t in range(20, 30)])
directed.add(3, 0, -500)
directed.add(0, 3, 1)
try:
    print(bellman_ford(directed, 0))
except ValueError as error:
    print(error)
print("matching", matching({"ann": "xy", "bob": "x", "cid": "yz", "dan": "z"}))
print("order", list(graphlib.TopologicalSorter({"d": {"b", "c"}, "b": ["a"], "c": ["a"]}).static_order())[::3])
try:
    graphlib.TopologicalSorter({"a": "b", "b": "c", "c": "a"}).prepare()
except graphlib.CycleError as error:
    print(error.args[0], len(error.args[1]))
grid = ["S.#.....", "..#.###.", ".##...#.", "....#.#E"]
cells = {(r, c): ch for r, row in enumerate(grid) for c, ch in enumerate(row) if ch != "#"}
maze = Graph()
for r, c in cells:
    for step in ((r + 1, c), (r, c + 1)):
        if step in cells:
            maze.add((r, c), step)
where = {ch: place for place, ch in cells.items()}
_, before = dijkstra(maze, where["S"])
route = path(before, where["E"])
print(len(route), "\n".join("".join("o" if (r, c) in route else ch for c, ch in enumerate(row)) for r, row in enumerate(grid)), sep="\n")
