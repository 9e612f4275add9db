# Classes whose namespaces were put together by a program: their names are equal to the usual ones, but other objects.
import enum


class Name(str):
    pass


def special(word):
    return "".join(["_", "_", word, "_", "_"])


def namespace(make_name):
    results = {"len": 5, "hash": 7, "init": None, "bool": False, "int": 3, "index": 4, "setattr": None, "contains": True}
    result = {make_name(special(word)): lambda *arguments, word=word: results.get(word, word) for word in (
        "add", "radd", "iadd", "len", "getattr", "setattr", "init", "eq", "lt", "hash", "call", "bool", "int", "index", "repr",
        "str", "getitem", "contains", "neg", "enter", "exit", "set_name", "del", "format", "await", "missing", "matmul")}
    result[make_name(special("slots"))] = ()
    result[make_name(special("doc"))] = "documented"
    return result


def show(title, action):
    try:
        print(" ", title, repr(action()))
    except Exception as error:
        print(" ", title, type(error).__name__, error)


for make_name in (str, Name):
    print(make_name.__name__)
    T = type("T", (), namespace(make_name))
    o = T()
    for title, action in {
            "+": lambda: o + 1, "reflected +": lambda: 1 + o, "len": lambda: len(o), "attribute": lambda: o.missing,
            "hash": lambda: hash(o), "==": lambda: o == 1, "<": lambda: o < 1, "call": lambda: o(1), "bool": lambda: bool(o),
            "int": lambda: int(o), "index": lambda: [0, 1, 2, 3, 4][o], "repr": lambda: repr(o), "str": lambda: str(o),
            "item": lambda: o[1], "in": lambda: 3 in o, "-": lambda: -o, "format": lambda: format(o), "@": lambda: o @ 2,
            "doc": lambda: T.__doc__, "no dict": lambda: "__dict__" in dir(T)}.items():
        show(title, action)


def computed(letters):
    return "".join(letters)


class Late:
    pass


setattr(Late, computed("__len__"), lambda self: 9)
show("set later", lambda: len(Late()))
delattr(Late, computed("__len__"))
show("deleted", lambda: len(Late()))
Colour = enum.Enum(computed("Colour"), {computed("RED"): 1, computed("BLUE"): 2})
print(list(Colour), Colour.RED, Colour[computed("BLUE")])
exec(computed("class Inner:\n    def __len__(self): return 2\n"))
print(len(Inner()))  # noqa: F821
