/* Sorting lists: a stable, adaptive merge sort.
 *
 * The list's items are copied into an array of pairs (sort key, item). What the keys are is looked at once: machine
 * integers, floats and prefixes of strings are compared in place, without touching the objects; other keys through the
 * cheapest comparison that gives the same answers as `<`.
 *
 * The array is split into runs that are in order already, short ones filled up by insertion. Neighbouring runs are merged
 * in the order of *powersort*: each boundary between runs has a power, the depth at which a perfectly balanced tree of
 * merges would join the halves around it, and a merge is put off while a boundary of greater power lies to the right. A
 * merge copies the shorter run aside. When one run supplies many items in succession, it looks for the end of that
 * stretch by *galloping*: steps of doubling length, then bisection.
 */
#include <Python.h>

#include "types/list.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    SHORT_RUN = 64,     /* runs are made at least half as long as this by insertion */
    GALLOP = 7,         /* length of a stretch from which galloping pays */
    RUNS_MAX = 80,      /* powers on the stack rise, and are at most the bits of a size */
    STACK_ITEMS = 48,   /* lists up to this size are sorted on the C stack */
    PREFIX_SIZE = 8,    /* characters of a string that are compared as one number */
};

typedef struct {
    union {
        PyObject *object;
        int64_t integer;
        double real;
        uint64_t prefix; /* of a str with one byte a character: eight of them, big-endian, filled up with zeros */
    } key;
    union {
        PyObject *object; /* the list's item */
        PyObject **slot;  /* of the key whose prefix this is, in the array of keys */
    } value;
} Item;

typedef struct Order Order;
struct Order {
    int (*compare)(PyObject *a, PyObject *b, const Order *order);       /* for keys that are objects */
    int (*compare_first)(PyObject *a, PyObject *b, const Order *order); /* for the first items of tuples */
    PyTypeObject *type;                                                 /* that all keys, or all first items, have */
    richcmpfunc richcompare;                                            /* of this type */
    int total;                                                          /* neither first less: they are equal */
    Py_ssize_t skip; /* characters that all strings begin with; the prefix is what follows them */
};

/* Comparisons: 1 if a < b, 0 if not, -1 with an exception. */

typedef int (*Less)(const Item *a, const Item *b, const Order *order);

static int compare_any(PyObject *a, PyObject *b, const Order *order) { return PyObject_RichCompareBool(a, b, Py_LT); }

/* Both are of one type. Classes can change while they are being compared. */
static int compare_same_type(PyObject *a, PyObject *b, const Order *order) {
    if (Py_TYPE(a) != order->type || Py_TYPE(b) != order->type || order->type->tp_richcompare != order->richcompare)
        return PyObject_RichCompareBool(a, b, Py_LT);
    PyObject *result = order->richcompare(a, b, Py_LT);
    if (result == Py_NotImplemented) {
        Py_DECREF(result);
        return PyObject_RichCompareBool(a, b, Py_LT);
    }
    if (result == NULL) return -1;
    int truth = PyBool_Check(result) ? result == Py_True : PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}

static int compare_latin(PyObject *a, PyObject *b, const Order *order) {
    Py_ssize_t a_length = PyUnicode_GET_LENGTH(a), b_length = PyUnicode_GET_LENGTH(b);
    int result = memcmp(PyUnicode_1BYTE_DATA(a), PyUnicode_1BYTE_DATA(b),
                        (size_t)(a_length < b_length ? a_length : b_length));
    return result < 0 || (result == 0 && a_length < b_length);
}

static inline int64_t int_value(PyObject *object) {
    Py_ssize_t size = Py_SIZE(object);
    const digit *digits = ((PyLongObject *)object)->ob_digit;
    if (size < -1 || size > 1) {
        int64_t value = (int64_t)digits[0] | (int64_t)digits[1] << PyLong_SHIFT;
        return size < 0 ? -value : value;
    }
    return size * (int64_t)digits[0];
}

static int compare_ints(PyObject *a, PyObject *b, const Order *order) { return int_value(a) < int_value(b); }

static int compare_floats(PyObject *a, PyObject *b, const Order *order) {
    return PyFloat_AS_DOUBLE(a) < PyFloat_AS_DOUBLE(b);
}

/* The first items that differ decide; most often these are the very first. */
static int compare_tuples(PyObject *a, PyObject *b, const Order *order) {
    Py_ssize_t size = Py_SIZE(a) < Py_SIZE(b) ? Py_SIZE(a) : Py_SIZE(b), i = 0;
    if (order->total) {
        PyObject *x = PyTuple_GET_ITEM(a, 0), *y = PyTuple_GET_ITEM(b, 0);
        if (order->compare_first(x, y, order)) return 1;
        if (order->compare_first(y, x, order)) return 0;
        i = 1;
    }
    for (; i < size; i++) {
        PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
        if (i > 0 && PyUnicode_CheckExact(x) && PyUnicode_CheckExact(y) && PyUnicode_IS_READY(x) && PyUnicode_IS_READY(y)) {
            int relation = PyUnicode_Compare(x, y);
            if (relation != 0) return relation < 0;
            continue;
        }
        int equal = PyObject_RichCompareBool(x, y, Py_EQ);
        if (equal < 0) return -1;
        if (!equal) break;
    }
    if (i >= size) return Py_SIZE(a) < Py_SIZE(b);
    PyObject *x = PyTuple_GET_ITEM(a, i), *y = PyTuple_GET_ITEM(b, i);
    return i == 0 ? order->compare_first(x, y, order) : PyObject_RichCompareBool(x, y, Py_LT);
}

INLINE int less_object(const Item *a, const Item *b, const Order *order) {
    return order->compare(a->key.object, b->key.object, order);
}

INLINE int less_integer(const Item *a, const Item *b, const Order *order) { return a->key.integer < b->key.integer; }

INLINE int less_real(const Item *a, const Item *b, const Order *order) { return a->key.real < b->key.real; }

INLINE int less_prefix(const Item *a, const Item *b, const Order *order) {
    if (a->key.prefix != b->key.prefix) return a->key.prefix < b->key.prefix;
    PyObject *x = *a->value.slot, *y = *b->value.slot;
    Py_ssize_t x_length = PyUnicode_GET_LENGTH(x), y_length = PyUnicode_GET_LENGTH(y);
    Py_ssize_t done = order->skip + PREFIX_SIZE, length = x_length < y_length ? x_length : y_length;
    if (length > done) {
        int result = memcmp(PyUnicode_1BYTE_DATA(x) + done, PyUnicode_1BYTE_DATA(y) + done, (size_t)(length - done));
        if (result != 0) return result < 0;
    }
    return x_length < y_length;
}

/* Searching. Each returns a number of items, or -1 with an exception. */

/* Counts the items at the start of a sorted array that belong before `pivot`: those less than it, or, if `after_equal`,
 * those not greater. */
INLINE Py_ssize_t bisect(const Item *items, Py_ssize_t low, Py_ssize_t high, const Item *pivot, int after_equal, Less less,
                         const Order *order) {
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        int result = after_equal ? less(pivot, &items[middle], order) : less(&items[middle], pivot, order);
        if (result < 0) return -1;
        if (result != after_equal)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The same, looking near the start first. */
INLINE Py_ssize_t gallop_up(const Item *items, Py_ssize_t count, const Item *pivot, int after_equal, Less less,
                            const Order *order) {
    Py_ssize_t low = 0, probe = 0;
    while (probe < count) {
        int result = after_equal ? less(pivot, &items[probe], order) : less(&items[probe], pivot, order);
        if (result < 0) return -1;
        if (result == after_equal) break;
        low = probe + 1;
        probe = 2 * probe + 1;
    }
    return bisect(items, low, probe < count ? probe : count, pivot, after_equal, less, order);
}

/* The same, looking near the end first. */
INLINE Py_ssize_t gallop_down(const Item *items, Py_ssize_t count, const Item *pivot, int after_equal, Less less,
                              const Order *order) {
    Py_ssize_t high = count, step = 1;
    while (step <= count) {
        const Item *probe = &items[count - step];
        int result = after_equal ? less(pivot, probe, order) : less(probe, pivot, order);
        if (result < 0) return -1;
        if (result != after_equal) return bisect(items, count - step + 1, high, pivot, after_equal, less, order);
        high = count - step;
        step *= 2;
    }
    return bisect(items, 0, high, pivot, after_equal, less, order);
}

/* Merging. */

INLINE void copy(Item *to, const Item *from, Py_ssize_t count) { memcpy(to, from, (size_t)count * sizeof(Item)); }
INLINE void move(Item *to, const Item *from, Py_ssize_t count) { memmove(to, from, (size_t)count * sizeof(Item)); }

/* Merges two neighbouring runs, the left of which is not longer and has room in `aside`. Returns 0; -1 with an exception,
 * with all items still in the array. */
INLINE int merge_up(Item *left, Py_ssize_t left_count, Py_ssize_t right_count, Item *aside, Py_ssize_t *patience, Less less,
                    const Order *order) {
    Item *out = left, *a = aside, *a_end = aside + left_count, *b = left + left_count, *b_end = b + right_count;
    int result = 0;
    copy(aside, left, left_count);
    while (a < a_end && b < b_end) {
        Py_ssize_t streak = 0;
        int previous = 0;
        do {
            int right_wins = less(b, a, order);
            if (right_wins < 0) goto error;
            *out++ = right_wins ? *b++ : *a++;
            streak = right_wins == previous ? streak + 1 : 1;
            previous = right_wins;
        } while (streak < *patience && a < a_end && b < b_end);
        while (a < a_end && b < b_end) {
            Py_ssize_t from_left = gallop_up(a, a_end - a, b, 1, less, order);
            if (from_left < 0) goto error;
            copy(out, a, from_left);
            out += from_left;
            a += from_left;
            if (a == a_end) break;
            Py_ssize_t from_right = gallop_up(b, b_end - b, a, 0, less, order);
            if (from_right < 0) goto error;
            move(out, b, from_right);
            out += from_right;
            b += from_right;
            if (from_left < GALLOP && from_right < GALLOP) {
                *patience += 2;
                break;
            }
            if (*patience > 1) --*patience;
        }
    }
    goto finish;
error:
    result = -1;
finish:
    copy(out, a, a_end - a);
    return result;
}

/* The same with the right run aside, from the end downwards. */
INLINE int merge_down(Item *left, Py_ssize_t left_count, Py_ssize_t right_count, Item *aside, Py_ssize_t *patience,
                      Less less, const Order *order) {
    Item *right = left + left_count, *out = right + right_count;
    Item *a = right, *b = aside + right_count; /* one beyond the last item of each */
    int result = 0;
    copy(aside, right, right_count);
    while (a > left && b > aside) {
        Py_ssize_t streak = 0;
        int previous = 0;
        do {
            int left_wins = less(b - 1, a - 1, order);
            if (left_wins < 0) goto error;
            *--out = left_wins ? *--a : *--b;
            streak = left_wins == previous ? streak + 1 : 1;
            previous = left_wins;
        } while (streak < *patience && a > left && b > aside);
        while (a > left && b > aside) {
            Py_ssize_t stay = gallop_down(left, a - left, b - 1, 1, less, order);
            if (stay < 0) goto error;
            Py_ssize_t from_left = (a - left) - stay;
            out -= from_left;
            a -= from_left;
            move(out, a, from_left);
            if (a == left) break;
            stay = gallop_down(aside, b - aside, a - 1, 0, less, order);
            if (stay < 0) goto error;
            Py_ssize_t from_right = (b - aside) - stay;
            out -= from_right;
            b -= from_right;
            copy(out, b, from_right);
            if (from_left < GALLOP && from_right < GALLOP) {
                *patience += 2;
                break;
            }
            if (*patience > 1) --*patience;
        }
    }
    goto finish;
error:
    result = -1;
finish:
    copy(out - (b - aside), aside, b - aside);
    return result;
}

INLINE int merge(Item *left, Py_ssize_t left_count, Py_ssize_t right_count, Item *aside, Py_ssize_t *patience, Less less,
                 const Order *order) {
    Item *right = left + left_count;
    /* Items at the outer ends that are in place already. */
    Py_ssize_t settled = gallop_up(left, left_count, right, 1, less, order);
    if (settled < 0) return -1;
    left += settled;
    left_count -= settled;
    if (left_count == 0) return 0;
    right_count = gallop_down(right, right_count, right - 1, 0, less, order);
    if (right_count <= 0) return (int)right_count;
    return left_count <= right_count ? merge_up(left, left_count, right_count, aside, patience, less, order)
                                     : merge_down(left, left_count, right_count, aside, patience, less, order);
}

/* Runs. */

/* Returns the length of the run at the start of the array, turning it around if it is descending. Only strictly descending
 * runs are, so that equal items keep their order. */
INLINE Py_ssize_t find_run(Item *items, Py_ssize_t count, Less less, const Order *order) {
    if (count == 1) return 1;
    int descending = less(&items[1], &items[0], order);
    if (descending < 0) return -1;
    Py_ssize_t length = 2;
    for (; length < count; length++) {
        int result = less(&items[length], &items[length - 1], order);
        if (result < 0) return -1;
        if (result != descending) break;
    }
    if (descending) {
        for (Item *low = items, *high = items + length - 1; low < high; low++, high--) {
            Item item = *low;
            *low = *high;
            *high = item;
        }
    }
    return length;
}

/* Extends a run of `sorted` items at the start of the array to `count`. */
INLINE int insert_items(Item *items, Py_ssize_t sorted, Py_ssize_t count, Less less, const Order *order) {
    for (; sorted < count; sorted++) {
        Item item = items[sorted];
        Py_ssize_t place = bisect(items, 0, sorted, &item, 1, less, order);
        if (place < 0) return -1;
        move(items + place + 1, items + place, sorted - place);
        items[place] = item;
    }
    return 0;
}

/* Returns the length, between SHORT_RUN/2 and SHORT_RUN, that makes the number of runs close to, and not above, a power of
 * two. */
static Py_ssize_t short_run(Py_ssize_t count) {
    int odd = 0;
    while (count >= SHORT_RUN) {
        odd |= (int)(count & 1);
        count >>= 1;
    }
    return count + odd;
}

/* Returns the power of the boundary between two runs in an array of `count`: the first binary digit in which their middles,
 * as fractions of the whole, differ. */
static int boundary_power(Py_ssize_t start, Py_ssize_t left_count, Py_ssize_t right_count, Py_ssize_t count) {
    size_t left = 2 * (size_t)start + (size_t)left_count;
    size_t right = left + (size_t)left_count + (size_t)right_count;
    size_t whole = 2 * (size_t)count;
    int power = 0;
    for (;;) {
        left *= 2;
        right *= 2;
        power++;
        int left_digit = left >= whole, right_digit = right >= whole;
        if (left_digit != right_digit) return power;
        if (left_digit) {
            left -= whole;
            right -= whole;
        }
    }
}

/* Sorts the array; `aside` has room for half of it. Returns 0, or -1 with an exception. */
INLINE int sort_items(Item *items, Py_ssize_t count, Item *aside, Less less, const Order *order) {
    struct {
        Py_ssize_t start, count;
        int power; /* of the boundary to the next run */
    } runs[RUNS_MAX];
    int depth = 0;
    Py_ssize_t patience = GALLOP, least = short_run(count);
    for (Py_ssize_t start = 0; start < count || depth > 1;) {
        int power = 0;
        Py_ssize_t length = 0;
        if (start < count) {
            length = find_run(items + start, count - start, less, order);
            if (length < 0) return -1;
            if (length < least) {
                Py_ssize_t longer = least < count - start ? least : count - start;
                if (insert_items(items + start, length, longer, less, order) < 0) return -1;
                length = longer;
            }
            if (depth > 0) power = boundary_power(runs[depth - 1].start, runs[depth - 1].count, length, count);
        }
        /* At the end of the array the power is 0, so that everything gets merged. */
        while (depth > 1 && runs[depth - 2].power > power) {
            depth--;
            if (merge(items + runs[depth - 1].start, runs[depth - 1].count, runs[depth].count, aside, &patience, less,
                      order) < 0)
                return -1;
            runs[depth - 1].count += runs[depth].count;
        }
        if (start < count) {
            if (depth > 0) runs[depth - 1].power = power;
            runs[depth].start = start;
            runs[depth].count = length;
            depth++;
            start += length;
        }
    }
    return 0;
}

static int sort_objects(Item *items, Py_ssize_t count, Item *aside, const Order *order) {
    return sort_items(items, count, aside, less_object, order);
}

static int sort_integers(Item *items, Py_ssize_t count, Item *aside, const Order *order) {
    return sort_items(items, count, aside, less_integer, order);
}

static int sort_reals(Item *items, Py_ssize_t count, Item *aside, const Order *order) {
    return sort_items(items, count, aside, less_real, order);
}

static int sort_prefixes(Item *items, Py_ssize_t count, Item *aside, const Order *order) {
    return sort_items(items, count, aside, less_prefix, order);
}

/* Choosing a comparison. */

static inline int is_latin(PyObject *object) {
    return PyUnicode_IS_READY(object) && PyUnicode_KIND(object) == PyUnicode_1BYTE_KIND;
}

/* What is common to some objects. */
typedef struct {
    PyTypeObject *type; /* NULL if their types differ */
    int simple;         /* all are str with one byte a character, or all ints of at most two digits */
} Common;

static void common_add(Common *common, PyObject *object, int first) {
    if (first) {
        common->type = Py_TYPE(object);
        common->simple = 1;
    }
    if (Py_TYPE(object) != common->type) {
        common->type = NULL;
        common->simple = 0;
    } else if (common->type == &PyLong_Type) {
        common->simple &= (size_t)(Py_SIZE(object) + 2) <= 4;
    } else if (common->type == &PyUnicode_Type) {
        common->simple &= is_latin(object);
    }
}

static int (*choose(const Common *common, Order *order))(PyObject *, PyObject *, const Order *) {
    PyTypeObject *type = common->type;
    if (type == &PyLong_Type && common->simple) return compare_ints;
    if (type == &PyUnicode_Type && common->simple) return compare_latin;
    if (type == &PyFloat_Type) return compare_floats;
    if (type == NULL || type->tp_richcompare == NULL) return compare_any;
    order->type = type;
    order->richcompare = type->tp_richcompare;
    return compare_same_type;
}

/* Returns how many characters all the strings have in common at their start. */
static Py_ssize_t common_start(const Item *items, Py_ssize_t count) {
    const Py_UCS1 *model = PyUnicode_1BYTE_DATA(items[0].key.object);
    Py_ssize_t common = PyUnicode_GET_LENGTH(items[0].key.object);
    for (Py_ssize_t i = 1; i < count && common > 0; i++) {
        PyObject *text = items[i].key.object;
        const Py_UCS1 *characters = PyUnicode_1BYTE_DATA(text);
        Py_ssize_t length = PyUnicode_GET_LENGTH(text), same = 0;
        if (length < common) common = length;
        while (same < common && characters[same] == model[same]) same++;
        common = same;
    }
    return common;
}

static uint64_t prefix_of(PyObject *text, Py_ssize_t skip) {
    uint8_t bytes[PREFIX_SIZE] = {0};
    Py_ssize_t length = PyUnicode_GET_LENGTH(text) - skip;
    memcpy(bytes, PyUnicode_1BYTE_DATA(text) + skip, length < PREFIX_SIZE ? (size_t)length : PREFIX_SIZE);
    uint64_t prefix;
    memcpy(&prefix, bytes, sizeof(prefix));
#if PY_LITTLE_ENDIAN
    prefix = __builtin_bswap64(prefix);
#endif
    return prefix;
}

/* `keys` holds the key of each pair in the original order, `objects` the items. */
static int sort_strings(Item *items, Py_ssize_t count, Item *aside, PyObject **keys, PyObject **objects, int reverse) {
    Order order = {.skip = common_start(items, count)};
    for (Py_ssize_t i = 0; i < count; i++) {
        items[i].value.slot = &keys[reverse ? count - 1 - i : i];
        items[i].key.prefix = prefix_of(items[i].key.object, order.skip);
    }
    int result = sort_prefixes(items, count, aside, &order);
    for (Py_ssize_t i = 0; i < count; i++) items[i].value.object = objects[items[i].value.slot - keys];
    return result;
}

/* Sorts pairs whose keys are objects. The key objects stay alive meanwhile. */
static int sort_pairs(Item *items, Py_ssize_t count, Item *aside, PyObject **keys, PyObject **objects, int reverse) {
    Common common = {0}, firsts = {0};
    for (Py_ssize_t i = 0; i < count && (common.type != NULL || i == 0); i++)
        common_add(&common, items[i].key.object, i == 0);
    int tuples = common.type == &PyTuple_Type;
    for (Py_ssize_t i = 0; i < count && tuples; i++) {
        PyObject *tuple = items[i].key.object;
        if (Py_SIZE(tuple) == 0)
            tuples = 0;
        else if (i == 0 || firsts.type != NULL)
            common_add(&firsts, PyTuple_GET_ITEM(tuple, 0), i == 0);
    }
    Order order = {0};
    if (tuples) {
        order.compare_first = choose(&firsts, &order);
        order.total = order.compare_first == compare_ints || order.compare_first == compare_latin;
        order.compare = compare_tuples;
        return sort_objects(items, count, aside, &order);
    }
    if (common.type == &PyLong_Type && common.simple) {
        for (Py_ssize_t i = 0; i < count; i++) items[i].key.integer = int_value(items[i].key.object);
        return sort_integers(items, count, aside, &order);
    }
    if (common.type == &PyFloat_Type) {
        for (Py_ssize_t i = 0; i < count; i++) items[i].key.real = PyFloat_AS_DOUBLE(items[i].key.object);
        return sort_reals(items, count, aside, &order);
    }
    if (common.type == &PyUnicode_Type && common.simple)
        return sort_strings(items, count, aside, keys, objects, reverse);
    order.compare = choose(&common, &order);
    return sort_objects(items, count, aside, &order);
}

int kr_list_sort(PyListObject *self, PyObject *key, int reverse) {
    Py_ssize_t count = Py_SIZE(self);
    PyObject **objects = self->ob_item, **keys = NULL;
    Py_ssize_t allocated = self->allocated, keys_made = 0;
    Item few[STACK_ITEMS + STACK_ITEMS / 2], *items = few;
    int result = -1;

    /* Comparisons and key functions see an empty list. */
    Py_SET_SIZE(self, 0);
    self->ob_item = NULL;
    self->allocated = -1;

    if (key != NULL && count > 0) {
        keys = PyMem_New(PyObject *, (size_t)count);
        if (keys == NULL) {
            PyErr_NoMemory();
            goto restore;
        }
        for (; keys_made < count; keys_made++) {
            keys[keys_made] = PyObject_CallOneArg(key, objects[keys_made]);
            if (keys[keys_made] == NULL) goto restore;
        }
    }
    if (count > 1) {
        if (count > STACK_ITEMS) {
            items = (size_t)count > PY_SSIZE_T_MAX / (2 * sizeof(Item))
                        ? NULL
                        : PyMem_Malloc((size_t)(count + count / 2) * sizeof(Item));
            if (items == NULL) {
                PyErr_NoMemory();
                goto restore;
            }
        }
        /* Sorting what is reversed and reversing the result keeps equal items in order. */
        for (Py_ssize_t i = 0; i < count; i++) {
            Item *item = &items[reverse ? count - 1 - i : i];
            item->value.object = objects[i];
            item->key.object = keys != NULL ? keys[i] : objects[i];
        }
        result = sort_pairs(items, count, items + count, keys != NULL ? keys : objects, objects, reverse);
        for (Py_ssize_t i = 0; i < count; i++) objects[i] = items[reverse ? count - 1 - i : i].value.object;
    } else {
        result = 0;
    }

restore:
    while (--keys_made >= 0) Py_DECREF(keys[keys_made]);
    PyMem_Free(keys);
    if (result == 0 && self->allocated != -1) {
        PyErr_SetString(PyExc_ValueError, "list modified during sort");
        result = -1;
    }
    PyObject **other_objects = self->ob_item;
    Py_ssize_t other_count = Py_SIZE(self);
    self->ob_item = objects;
    self->allocated = allocated;
    Py_SET_SIZE(self, count);
    while (--other_count >= 0) Py_XDECREF(other_objects[other_count]);
    if (other_objects != NULL) PyMem_Free(other_objects);
    if (items != few) PyMem_Free(items);
    return result;
}
