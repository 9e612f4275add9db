"""What iterators over sequences and tables tell of their state, and the positions they accept."""
import array
import collections


class Items:
    def __getitem__(self, index):
        return [1, 2, 3][index]


def makers():
    yield from (lambda: iter([1, 2, 3]), lambda: reversed([1, 2, 3]), lambda: iter((1, 2, 3)), lambda: iter("abc"),
                lambda: iter("äbc"), lambda: iter(b"abc"), lambda: iter(bytearray(b"abc")), lambda: iter(array.array("i", [1, 2, 3])),
                lambda: iter(Items()), lambda: reversed((1, 2, 3)), lambda: iter(range(3)))


for make in makers():
    for position in -5, 0, 1, 3, 9, "x", 2**70:
        iterator = make()
        print(type(iterator).__name__, position, end=" ")
        try:
            iterator.__setstate__(position)
            print(iterator.__reduce__()[2:], list(iterator), end=" ")
            reduced = iterator.__reduce__()
            print(reduced[0].__name__, reduced[1:])
        except Exception as error:
            print(repr(error))
for table in {1, 2}, {1: 2}, {1: 2}.values(), {1: 2}.items(), collections.OrderedDict(a=1), {}, set():
    iterator = iter(table)
    print(iterator.__reduce__()[0].__name__, iterator.__reduce__()[1:], list(iterator), iterator.__reduce__()[1:])
