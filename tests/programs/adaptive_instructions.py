"""What dis shows, with adaptive=True, of functions that have run: the specialised forms of CPython 3.11."""
import dis
import math
import sys
import types


def show(function, *calls, times=12):
    """Runs the function a few times and prints the names of its instructions."""
    for _ in range(times):
        for arguments in calls or [()]:
            function(*arguments)
    code = getattr(function, '__code__', function)
    print(f'{code.co_name}:', *(instruction.opname for instruction in dis.get_instructions(code, adaptive=True)))


def clone(function, kind):
    """The function with fresh code, named after what it is about to see."""
    return types.FunctionType(function.__code__.replace(co_name=f'{function.__name__}_{kind}'), globals())


# ---- Arithmetic and comparisons ----

def add_ints(a, b): return a + b
def subtract_ints(a, b): return a - b
def multiply_ints(a, b): return a * b
def divide_ints(a, b): return a // b, a % b, a / b, a & b, a | b, a ^ b, a << b, a >> b, a ** b
def add_floats(a, b): return a + b
def subtract_floats(a, b): return a - b
def multiply_floats(a, b): return a * b
def divide_floats(a, b): return a / b
def add_mixed(a, b): return a + b, b + a
def add_strings(a, b): return a + b
def add_lists(a, b): return a + b
def add_big(a, b): return a + b, a * b, a - b
def add_bools(a, b): return a + b


def in_place(a, b):
    a += b
    a -= b
    a *= b
    return a


def grow_string(text, more):
    text += more
    text = text + more
    other = text + more
    text = more + text
    text = text + (more + more)
    return other


def grow_global(text, more):
    global grown
    grown = text
    grown += more
    return grown


def compare_ints(a, b):
    if a < b: a = b
    if a == b: pass
    if a != b: pass
    return a <= b


def compare_big(a, b):
    if a < b: return 1
    return 2


def compare_floats(a, b):
    if a < b: a = b
    if a == b: pass
    while a > b: pass
    return not a >= b


def compare_strings(a, b):
    if a == b: return 1
    if a != b: a = b
    if a < b: return 2
    return a == b


def compare_mixed(a, b):
    if a < b: return 1
    return 2


def compare_lists(a, b):
    if a == b: return 1
    return 2


def compare_loop(a, b):
    while a < b:
        a += 1
    while a != b or a > b:
        a -= 1


def compare_chain(a, b, c):
    return 1 if a < b < c else 0


exec('def compare_long_jump(a, b):\n    if a < b:\n        return [' + 'a, b, ' * 200 + ']\n    return b')


show(add_ints, (1, 2))
show(subtract_ints, (1, 2))
show(multiply_ints, (1, 2))
show(divide_ints, (7, 2))
show(add_floats, (1.5, 2.5))
show(subtract_floats, (1.5, 2.5))
show(multiply_floats, (1.5, 2.5))
show(divide_floats, (1.5, 2.5))
show(add_mixed, (1, 2.5))
show(add_strings, ('a', 'b'))
show(add_lists, ([1], [2]))
show(add_big, (10**30, 10**40))
show(add_bools, (True, 1))
show(in_place, (3, 4))
show(grow_string, ('a', 'b'))
show(grow_global, ('a', 'b'))
show(compare_ints, (1, 2))
show(compare_big, (10**30, 10**40))
show(compare_floats, (1.0, 2.0))
show(compare_strings, ('ab', 'cd'))
show(compare_mixed, (1, 2.0))
show(compare_lists, ([1], [2]))
show(compare_loop, (1, 4))
show(compare_chain, (1, 2, 3))
show(compare_long_jump, (2, 1))


# ---- Attributes ----

class Plain:
    constant = 7
    method_constant = len

    def __init__(self, value=0):
        self.value = value
        self.other = value

    def method(self):
        return self.value

    @property
    def computed(self):
        return self.value

    @classmethod
    def of_class(cls):
        return cls

    @staticmethod
    def of_nothing():
        return None


class Slotted:
    __slots__ = ('value', 'other')

    def __init__(self):
        self.value = 1

    def method(self):
        return self.value


class Child(Plain):
    pass


class WithGetattr:
    def __getattr__(self, name):
        return 3


class WithGetattribute:
    def __getattribute__(self, name):
        return 3


class WithSetattr:
    def __setattr__(self, name, value):
        pass


class WithMeta(type):
    meta_value = 1

    def meta_method(cls):
        return cls


class Made(metaclass=WithMeta):
    value = 3

    def method(self):
        pass


def load_value(x): return x.value
def load_constant(x): return x.constant
def load_property(x): return x.computed
def load_class_attribute(): return Plain.constant, Plain.__name__, Plain.method
def load_meta_attribute(): return Made.value, Made.meta_value
def load_module_attribute(): return math.pi, sys.path
def load_class_of(x): return x.__class__
def load_dict_of(x): return x.__dict__
def load_bound(x): return x.method
def load_from_function(f): return f.__name__, f.__code__, f.__defaults__
def load_complex(x): return x.real, x.imag
def load_missing(x): return getattr(x, 'nothing', None)


def store_value(x):
    x.value = 1
    x.other = 2


def store_new(x):
    x.fresh = 1


def store_class(x):
    Plain.constant = 7


def store_and_load(x):
    x.value += 1


with_dict = Plain(1)
with_dict.__dict__
show(load_value, (Plain(1),))
show(clone(load_value, 'slots'), (Slotted(),))
show(clone(load_value, 'dict'), (with_dict,))
show(clone(load_value, 'child'), (Child(1),))
show(clone(load_value, 'getattr'), (WithGetattr(),))
show(clone(load_value, 'getattribute'), (WithGetattribute(),))
show(load_constant, (Plain(),))
show(load_property, (Plain(),))
show(load_class_attribute)
show(load_meta_attribute)
show(load_module_attribute)
show(load_class_of, (Plain(),))
show(load_dict_of, (Plain(),))
show(load_bound, (Plain(),))
show(load_from_function, (show,))
show(load_complex, (1j,))
show(load_missing, (1,))
show(store_value, (Plain(),))
show(clone(store_value, 'slots'), (Slotted(),))
show(clone(store_value, 'dict'), (with_dict,))
show(clone(store_value, 'setattr'), (WithSetattr(),))
show(store_new, (Plain(),))
show(store_class, (Plain(),))
show(store_and_load, (Plain(),))


# ---- Methods and calls ----

def call_method(x): return x.method()
def call_class_method(x): return x.of_class(), x.of_nothing()
def call_from_class(): return Plain.method(with_dict), Plain.of_class(), Plain.of_nothing()
def call_from_meta(): return Made.meta_method(), Made.method(1)
def call_from_module(): return math.floor(1.5), types.SimpleNamespace()
def call_attribute(x): return x.function()
def call_property(x): return x.computed.bit_length()


with_function = Plain(1)
with_function.function = lambda: 1
show(call_method, (Plain(1),))
for kind, instance in [('slots', Slotted()), ('dict', with_dict), ('child', Child())]:
    show(clone(call_method, kind), (instance,))
show(call_class_method, (Plain(),))
show(call_from_class)
show(call_from_meta)
show(call_from_module)
show(call_attribute, (with_function,))
show(call_property, (Plain(1),))


def nothing(): pass
def exact(a, b): return a
def with_defaults(a, b=1, c=2): return a
def with_star(*a): return a
def with_keywords(**k): return k
def with_keyword_only(a, *, k=1): return k
def generator(a): yield a


def call_exact(): return exact(1, 2)
def call_defaults(): return with_defaults(1), with_defaults(1, 2), with_defaults(1, 2, 3)
def call_star(): return with_star(1, 2)
def call_keywords(): return with_keywords(a=1), exact(a=1, b=2), exact(1, b=2), with_defaults(1, c=2)
def call_keyword_only(): return with_keyword_only(1), with_keyword_only(1, k=2)
def call_unpacked(a): return exact(*a), with_keywords(**{'a': 1})
def call_generator(): return generator(1)
def call_lambda(): return (lambda x: x)(1)
def call_bound(f): return f(), f()
def call_class(): return Plain(), Plain(1), Plain(value=1)
def call_slotted(): return Slotted()
def call_exception(): return ValueError(1), KeyError()
def call_partial(f): return f(1)


class Callable:
    def __call__(self):
        return 1


class Empty:
    pass


def call_instance(f): return f()
def call_empty(): return Empty(), object()
def call_len(a): return len(a), len((1, 2))
def call_isinstance(a): return isinstance(a, list), isinstance(a, (int, str))
def call_builtin_o(a): return abs(a), id(a), repr(a), ord('a'), hash(a)
def call_builtin_fast(a, b): return divmod(a, b), getattr(a, 'real'), hasattr(a, 'real')
def call_builtin_keywords(a): return sorted(a), sum(a), sorted(a, reverse=True), print(end='')
def call_builtin_noargs(): return globals(), locals()
def call_type(a): return type(a), type('N', (), {})
def call_str(a): return str(a), str(), str(b'a', 'ascii')
def call_tuple(a): return tuple(a), tuple()
def call_classes(a): return list(a), dict(), set(a), int('3'), float(3), bool(a), range(3), frozenset(a), bytes(3)
def call_more_classes(a): return enumerate(a), zip(a, a), map(len, a), reversed(a), slice(1), memoryview(b'a'), complex(1)
def call_dict_keywords(): return dict(a=1), int('11', base=2), str(b'a', encoding='ascii')


def call_methods(text, items, mapping):
    items.append(1)
    items.append(2) if items else None
    items.pop()
    items.pop(0)
    items.insert(0, 3)
    items.copy()
    items.index(3)
    items.sort()
    items.sort(reverse=True)
    items.extend(())
    text.upper()
    text.split()
    text.split(',')
    text.split(sep=',')
    text.join(())
    text.replace('a', 'b')
    text.encode()
    text.encode('ascii')
    text.format(1)
    mapping.get(1)
    mapping.get(1, 2)
    mapping.items()
    mapping.keys()
    mapping.setdefault(1, 2)
    return items


def call_append_method(append): return append(1)
def call_super(self): return super(Child, self).method()


class Super(Plain):
    def method(self):
        return super().method()


def decorated(f): return f


def make_function():
    @decorated
    def inner(a=1):
        return a
    return inner()


show(call_exact)
show(call_defaults)
show(call_star)
show(call_keywords)
show(call_keyword_only)
show(call_unpacked, ((1, 2),))
show(call_generator)
show(call_lambda)
show(call_bound, (Plain(1).method,))
show(call_class)
show(call_slotted)
show(call_exception)
show(call_instance, (Callable(),))
show(call_empty)
show(call_len, ([],))
show(call_isinstance, ([],))
show(call_builtin_o, (1,))
show(call_builtin_fast, (1, 2))
show(call_builtin_keywords, ([1],))
show(call_builtin_noargs)
show(call_type, (1,))
show(call_str, (1,))
show(call_tuple, ([1],))
show(call_classes, ([1],))
show(call_more_classes, ([[1]],))
show(call_dict_keywords)
show(call_methods, ('a,b', [1, 2, 3, 3], {1: 2}))
show(call_append_method, ([].append,))
show(call_super, (Child(1),))
show(Super.method, (Super(1),))
show(make_function)
show(with_star, (1, 2))


# ---- Subscripts and unpacking ----

class Item:
    def __getitem__(self, key):
        return key

    def __setitem__(self, key, value):
        pass


class OfList(list):
    pass


def subscript(x): return x[0]
def subscript_slice(x): return x[0:1], x[:]
def store_subscript(x): x[0] = 1
def delete_subscript(x):
    x[0] = 1
    del x[0]


for kind, value in [('list', [1]), ('tuple', (1,)), ('dict', {0: 1}), ('str', 'a'), ('bytes', b'a'), ('range', range(3)),
                    ('class', Item()), ('child', OfList([1])), ('array', memoryview(b'abc'))]:
    show(clone(subscript, kind), (value,))
for kind, value in [('list', [1]), ('dict', {0: 1}), ('class', Item()), ('child', OfList([1])),
                    ('bytearray', bytearray(3))]:
    show(clone(store_subscript, kind), (value,))
show(subscript_slice, ([1],))
show(delete_subscript, ({},))


def subscript_class(): return list[int]
def subscript_key(x, key): return x[key]
show(subscript_class)
show(clone(subscript_key, 'name'), ({'a': 1}, 'a'))
show(clone(subscript_key, 'bool'), ([1, 2], True))
show(clone(subscript_key, 'big'), ({10**20: 1}, 10**20))


def unpack(x):
    a, b = x
    return a


def unpack_three(x):
    a, b, c = x
    return c


def unpack_star(x):
    a, *b = x
    return b


def unpack_nested(x):
    (a, b), c = x
    [d, e] = x
    return a


for kind, value in [('tuple', (1, 2)), ('list', [1, 2]), ('str', 'ab'), ('dict', {1: 2, 2: 3})]:
    show(clone(unpack, kind), (value,))
    show(clone(unpack_star, kind), (value,))
for kind, value in [('tuple', (1, 2, 3)), ('list', [1, 2, 3]), ('range', range(3))]:
    show(clone(unpack_three, kind), (value,))
show(unpack_nested, ((('a', 'b'), 3),))


# ---- Names, loops, pairs ----

somewhere = 3


def names(): return somewhere, len, print, __name__, ValueError
def store_global():
    global somewhere
    somewhere = 3


def pairs(a, b):
    c = a
    d = b
    c = d = 3
    e = 1
    f = c
    return c + 1, 1 + c, c + d, e, f


def loop_list(items):
    total = 0
    for item in items:
        total += item
    return total


def loop_range():
    for i in range(20):
        pass
    else:
        return i


def loop_once(times):
    first = times + 1
    for i in range(times):
        x = i * 2
        if i == 3: continue
    last = x + first
    return last


def loop_while(n):
    while n:
        n -= 1


def loop_while_true(n):
    while True:
        n -= 1
        if n < 0: break


def loop_pairs(items):
    for key, value in items:
        if key: pass


def loop_generator():
    for x in generator(3): pass


def comprehension(items):
    return [x + 1 for x in items], {x: 1 for x in items}, {x for x in items}, sum(x for x in items)


def nested(items):
    for a in items:
        for b in items:
            for c in items:
                a + b + c


def try_except(x):
    try:
        x + 1
    except TypeError as error:
        return error.args
    finally:
        x = 2
    with_it = x
    return with_it


def closure():
    cell = 1
    def inner():
        return cell + cell
    return inner() + inner()


def formatted(a, b):
    return f'{a}{b!r}{a:>3}'


def matched(x):
    match x:
        case [a, b]: return a
        case {'a': b}: return b
        case Plain(value=v): return v
        case 3: return 3


show(names)
show(store_global)
show(pairs, (1, 2))
show(loop_list, ([1, 2, 3],))
show(loop_range)
for times in 1, 5, 6, 7, 8, 9, 10, 20:
    show(clone(loop_once, times), (times,), times=1)
show(loop_while, (5,))
show(clone(loop_while, 'once'), (5,), times=1)
show(clone(loop_while, 'long'), (500,), times=1)
show(loop_while_true, (5,))
show(clone(loop_while_true, 'once'), (50,), times=1)
show(loop_pairs, ([(1, 2), (2, 3)],))
show(loop_generator)
show(comprehension, ([1, 2],))
show(nested, ([1, 2, 3],), times=1)
show(try_except, (1,))
show(clone(try_except, 'raising'), ('a',))
show(closure)
show(formatted, (1, 2))
show(clone(matched, 'list'), ([1, 2],))
show(clone(matched, 'class'), (Plain(),))
for times in 1, 7, 8, 9, 10:
    show(clone(add_ints, f'after_{times}'), (1, 2), times=times)


def steps(n):
    for i in range(n):
        x = yield i
        y = i + 1


stepping = clone(steps, 'stepping')
for _ in stepping(3): pass
show(stepping.__code__ and clone(steps, 'cold'), times=0)
show(stepping, (1,), times=0)


# ---- Unlike operands later ----

def changing(a, b): return a + b


show(changing, (1, 2), times=12)
show(changing, ('a', 'b'), times=200)
show(changing, (1.0, 2.0), times=500)
cold = changing.__code__.replace()
print(cold._co_code_adaptive == cold.co_code, changing.__code__._co_code_adaptive == changing.__code__.co_code)
print(changing.__code__.co_code == cold.co_code, changing.__code__ == cold, hash(changing.__code__) == hash(cold))


# ---- Long arguments ----

def wide():
    return None


source = 'def wide(' + ', '.join(f'v{i}' for i in range(300)) + '):\n'
source += '    v299 = v298\n    v298 = v1\n    v1 = v299\n    v1 = v2\n    return v299, v298, v1, v299, v2, 1, v3, 2, v299\n'
source += '    while v1:\n' + '        v1 = v2\n' * 300
exec(source)
show(wide, tuple(range(300)))

module_code = compile('x = 1\ny = x + 1\nfor i in range(12):\n    y += i\n    len("a")\nclass C:\n    a = x\n    b = a + 1\n',
                      'module', 'exec')
exec(module_code, {})
show(module_code, times=0)

# ---- Caches ----

def cached(code):
    """The shown bytecode without what the caches hold."""
    return [(instruction.opname, instruction.arg) for instruction in dis.get_instructions(code, adaptive=True,
                                                                                          show_caches=True)]


print(cached(call_len.__code__), cached(clone(call_len, 'cold').__code__))
print(call_len.__code__.co_code == clone(call_len, 'cold').__code__._co_code_adaptive)
