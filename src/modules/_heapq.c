/* The module _heapq: heaps in lists.
 *
 * Invariant of a min-heap: no item is less than its parent, where the parent of place i is (i - 1) / 2; so the least item
 * stands at place 0. A max-heap turns the comparison around. A comparison may run Python code that changes the list;
 * that is noticed by its length and reported, and items are held while they are compared.
 */
#include <Python.h>

typedef enum Order { LEAST_FIRST, GREATEST_FIRST } Order;

/* True if the item at place `a` belongs above the one at `b`. Returns -1 with an exception. */
static int belongs_above(PyObject *heap, Py_ssize_t a, Py_ssize_t b, Order order) {
    Py_ssize_t size = PyList_GET_SIZE(heap);
    PyObject *first = PyList_GET_ITEM(heap, order == LEAST_FIRST ? a : b);
    PyObject *second = PyList_GET_ITEM(heap, order == LEAST_FIRST ? b : a);
    Py_INCREF(first);
    Py_INCREF(second);
    int result = PyObject_RichCompareBool(first, second, Py_LT);
    Py_DECREF(first);
    Py_DECREF(second);
    if (result >= 0 && PyList_GET_SIZE(heap) != size) {
        PyErr_SetString(PyExc_RuntimeError, "list changed size during iteration");
        return -1;
    }
    return result;
}

static void swap(PyObject *heap, Py_ssize_t a, Py_ssize_t b) {
    PyObject **item = ((PyListObject *)heap)->ob_item;
    PyObject *first = item[a];
    item[a] = item[b];
    item[b] = first;
}

/* Moves the item at `place` up towards `top` until its parent may stand above it. Returns 0 or -1. */
static int rise(PyObject *heap, Py_ssize_t top, Py_ssize_t place, Order order) {
    while (place > top) {
        Py_ssize_t parent = (place - 1) / 2;
        int above = belongs_above(heap, place, parent, order);
        if (above < 0) return -1;
        if (!above) break;
        swap(heap, place, parent);
        place = parent;
    }
    return 0;
}

/* Restores the heap below `place`, whose item may be out of order. The item is first moved all the way down along the
 * better children, then up to its place: it usually belongs near the bottom, so this saves comparisons. */
static int settle(PyObject *heap, Py_ssize_t place, Order order) {
    Py_ssize_t top = place, size = PyList_GET_SIZE(heap);
    while (place < size / 2) {
        Py_ssize_t child = 2 * place + 1;
        if (child + 1 < size) {
            int left = belongs_above(heap, child, child + 1, order);
            if (left < 0) return -1;
            child += !left;
        }
        swap(heap, place, child);
        place = child;
    }
    return rise(heap, top, place, order);
}

static PyObject *heapify(PyObject *heap, Order order) {
    for (Py_ssize_t place = PyList_GET_SIZE(heap) / 2 - 1; place >= 0; place--) {
        if (settle(heap, place, order) < 0) return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *empty_heap(void) {
    PyErr_SetString(PyExc_IndexError, "index out of range");
    return NULL;
}

static PyObject *pop(PyObject *heap, Order order) {
    Py_ssize_t size = PyList_GET_SIZE(heap);
    if (size == 0) return empty_heap();
    PyObject *last = Py_NewRef(PyList_GET_ITEM(heap, size - 1));
    if (PyList_SetSlice(heap, size - 1, size, NULL) < 0) {
        Py_DECREF(last);
        return NULL;
    }
    if (size == 1) return last;
    PyObject *first = PyList_GET_ITEM(heap, 0);
    PyList_SET_ITEM(heap, 0, last);
    if (settle(heap, 0, order) < 0) {
        Py_DECREF(first);
        return NULL;
    }
    return first;
}

static PyObject *replace(PyObject *heap, PyObject *item, Order order) {
    if (PyList_GET_SIZE(heap) == 0) return empty_heap();
    PyObject *first = PyList_GET_ITEM(heap, 0);
    PyList_SET_ITEM(heap, 0, Py_NewRef(item));
    if (settle(heap, 0, order) < 0) {
        Py_DECREF(first);
        return NULL;
    }
    return first;
}

/* Checks the first argument; `argument` names it in the message. Returns 0 or -1. */
static int require_list(const char *function, const char *argument, PyObject *heap) {
    if (PyList_Check(heap)) return 0;
    _PyArg_BadArgument(function, argument, "list", heap);
    return -1;
}

static int read_heap_and_item(const char *function, PyObject *const *args, Py_ssize_t nargs) {
    return !_PyArg_CheckPositional(function, nargs, 2, 2) || require_list(function, "argument 1", args[0]) < 0 ? -1 : 0;
}

PyDoc_STRVAR(heappush_doc, "heappush($module, heap, item, /)\n--\n\nAdd an item to the heap.");
static PyObject *heappush(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (read_heap_and_item("heappush", args, nargs) < 0 || PyList_Append(args[0], args[1]) < 0) return NULL;
    if (rise(args[0], 0, PyList_GET_SIZE(args[0]) - 1, LEAST_FIRST) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(heappushpop_doc, "heappushpop($module, heap, item, /)\n--\n\n"
                              "Add an item, then remove and return the least one; faster than both calls.");
static PyObject *heappushpop(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    if (read_heap_and_item("heappushpop", args, nargs) < 0) return NULL;
    PyObject *heap = args[0], *item = args[1];
    if (PyList_GET_SIZE(heap) == 0) return Py_NewRef(item);
    PyObject *first = Py_NewRef(PyList_GET_ITEM(heap, 0));
    int less = PyObject_RichCompareBool(first, item, Py_LT);
    Py_DECREF(first);
    if (less < 0) return NULL;
    return less ? replace(heap, item, LEAST_FIRST) : Py_NewRef(item);
}

PyDoc_STRVAR(heappop_doc, "heappop($module, heap, /)\n--\n\nRemove and return the least item.");
static PyObject *heappop(PyObject *module, PyObject *heap) {
    return require_list("heappop", "argument", heap) < 0 ? NULL : pop(heap, LEAST_FIRST);
}

PyDoc_STRVAR(heapreplace_doc, "heapreplace($module, heap, item, /)\n--\n\n"
                              "Remove and return the least item, then add one; the size stays.");
static PyObject *heapreplace(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    return read_heap_and_item("heapreplace", args, nargs) < 0 ? NULL : replace(args[0], args[1], LEAST_FIRST);
}

PyDoc_STRVAR(heapify_doc, "heapify($module, heap, /)\n--\n\nRearrange a list into a heap, in linear time.");
static PyObject *heapq_heapify(PyObject *module, PyObject *heap) {
    return require_list("heapify", "argument", heap) < 0 ? NULL : heapify(heap, LEAST_FIRST);
}

PyDoc_STRVAR(heappop_max_doc, "_heappop_max($module, heap, /)\n--\n\nheappop() for a heap with the greatest item first.");
static PyObject *heappop_max(PyObject *module, PyObject *heap) {
    return require_list("_heappop_max", "argument", heap) < 0 ? NULL : pop(heap, GREATEST_FIRST);
}

PyDoc_STRVAR(heapify_max_doc, "_heapify_max($module, heap, /)\n--\n\nheapify() into a heap with the greatest item first.");
static PyObject *heapify_max(PyObject *module, PyObject *heap) {
    return require_list("_heapify_max", "argument", heap) < 0 ? NULL : heapify(heap, GREATEST_FIRST);
}

PyDoc_STRVAR(heapreplace_max_doc, "_heapreplace_max($module, heap, item, /)\n--\n\n"
                                  "heapreplace() for a heap with the greatest item first.");
static PyObject *heapreplace_max(PyObject *module, PyObject *const *args, Py_ssize_t nargs) {
    return read_heap_and_item("_heapreplace_max", args, nargs) < 0 ? NULL : replace(args[0], args[1], GREATEST_FIRST);
}

static PyMethodDef heapq_functions[] = {
    {"heappush", (PyCFunction)(void (*)(void))heappush, METH_FASTCALL, heappush_doc},
    {"heappushpop", (PyCFunction)(void (*)(void))heappushpop, METH_FASTCALL, heappushpop_doc},
    {"heappop", heappop, METH_O, heappop_doc},
    {"heapreplace", (PyCFunction)(void (*)(void))heapreplace, METH_FASTCALL, heapreplace_doc},
    {"heapify", heapq_heapify, METH_O, heapify_doc},
    {"_heappop_max", heappop_max, METH_O, heappop_max_doc},
    {"_heapify_max", heapify_max, METH_O, heapify_max_doc},
    {"_heapreplace_max", (PyCFunction)(void (*)(void))heapreplace_max, METH_FASTCALL, heapreplace_max_doc},
    {NULL, NULL, 0, NULL},
};

static int heapq_exec(PyObject *module) {
    return PyModule_AddStringConstant(module, "__about__",
                                      "A heap is a list in which every item is no greater than the items at twice its "
                                      "place plus one and two. Its first item is its least.");
}

static PyModuleDef_Slot heapq_slots[] = {{Py_mod_exec, heapq_exec}, {0, NULL}};

static struct PyModuleDef heapq_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_heapq",
    .m_doc = "Heaps in lists, also known as priority queues.",
    .m_methods = heapq_functions,
    .m_slots = heapq_slots,
};

PyMODINIT_FUNC PyInit__heapq(void) { return PyModuleDef_Init(&heapq_module); }
