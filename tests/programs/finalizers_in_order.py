"""Finalizers of objects in cycles: what holds another is finalized first, so that it can still use it."""
import gc

log = []


class Thing:
    def __init__(self, name, held=None):
        self.name = name
        self.held = held
        self.me = self
        self.open = True

    def __del__(self):
        log.append((self.name, self.open, self.held is None or self.held.open))
        self.open = False


class Sized(Thing):
    """An object of another size, for another place in memory."""

    __slots__ = tuple("abcdefghijklmnop")


def build(first, second):
    holder = first("holder")
    holder.held = second("held")
    holder.held.held = first("inner")


gc.disable()
for first, second in (Thing, Thing), (Thing, Sized), (Sized, Thing), (Sized, Sized):
    build(first, second)
    gc.collect()
    print(first.__name__, second.__name__, log)
    log.clear()
many = [Thing(f"{i}") for i in range(100)]
for one, other in zip(many, many[1:]):
    one.held = other
del one, other
many.clear()
del many
print(gc.collect() >= 100, all(opened for name, opened, held_opened in log), sorted(int(name) for name, *_ in log) == list(range(100)))
