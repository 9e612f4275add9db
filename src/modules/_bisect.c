/* The module _bisect: binary search in sorted sequences. */
#include <Python.h>

/* The arguments of all four functions: bisect(a, x, lo=0, hi=len(a), *, key=None). */
typedef struct Search {
    PyObject *sequence;
    PyObject *x;
    Py_ssize_t low, high;
    PyObject *key; /* NULL: compare the items themselves */
} Search;

static int read_index(PyObject *object, Py_ssize_t *index) {
    PyObject *number = PyNumber_Index(object);
    if (number == NULL) return -1;
    *index = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    return *index == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Reads the arguments, but leaves `high` at -1 if the length is wanted. Returns 0 or -1. */
static int search_read(Search *search, _PyArg_Parser *parser, PyObject *const *args, Py_ssize_t nargs,
                       PyObject *kwnames) {
    PyObject *buffer[5] = {NULL, NULL, NULL, NULL, NULL};
    PyObject *const *value = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, parser, 2, 4, 0, buffer);
    if (value == NULL) return -1;
    Py_ssize_t given = value == args ? nargs : 5;
    *search = (Search){value[0], value[1], 0, -1, NULL};
    if (given > 2 && value[2] != NULL && read_index(value[2], &search->low) < 0) return -1;
    if (given > 3 && value[3] != NULL && value[3] != Py_None) {
        if (!PyIndex_Check(value[3])) {
            PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%.200s'",
                         Py_TYPE(value[3])->tp_name);
            return -1;
        }
        if (read_index(value[3], &search->high) < 0) return -1;
    }
    if (given > 4 && value[4] != Py_None) search->key = value[4];
    return 0;
}

/* True if x belongs in front of the item; the item's reference is taken. Returns -1 with an exception. */
static int goes_before(const Search *search, PyObject *item, int right) {
    if (search->key != NULL) {
        PyObject *key = PyObject_CallOneArg(search->key, item);
        Py_DECREF(item);
        if (key == NULL) return -1;
        item = key;
    }
    int result;
    if (right) {
        result = PyObject_RichCompareBool(search->x, item, Py_LT);
    } else {
        result = PyObject_RichCompareBool(item, search->x, Py_LT);
        if (result >= 0) result = !result;
    }
    Py_DECREF(item);
    return result;
}

/* The position for x: behind items equal to it if `right`, else before them. Returns -1 with an exception. */
static Py_ssize_t search_run(const Search *search, int right) {
    Py_ssize_t low = search->low, high = search->high;
    if (low < 0) {
        PyErr_SetString(PyExc_ValueError, "lo must be non-negative");
        return -1;
    }
    if (high == -1) {
        high = PySequence_Size(search->sequence);
        if (high < 0) return -1;
    }
    while (low < high) {
        Py_ssize_t middle = (Py_ssize_t)(((size_t)low + (size_t)high) / 2);
        PyObject *item;
        if (PyList_CheckExact(search->sequence) && middle < PyList_GET_SIZE(search->sequence)) {
            item = Py_NewRef(PyList_GET_ITEM(search->sequence, middle));
        } else {
            item = PySequence_GetItem(search->sequence, middle);
            if (item == NULL) return -1;
        }
        int before = goes_before(search, item, right);
        if (before < 0) return -1;
        if (before) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static const char *const keywords[] = {"a", "x", "lo", "hi", "key", NULL};

static PyObject *bisect(_PyArg_Parser *parser, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, int right) {
    Search search;
    if (search_read(&search, parser, args, nargs, kwnames) < 0) return NULL;
    Py_ssize_t position = search_run(&search, right);
    return position < 0 ? NULL : PyLong_FromSsize_t(position);
}

static PyObject *insort(_PyArg_Parser *parser, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, int right) {
    Search search;
    if (search_read(&search, parser, args, nargs, kwnames) < 0) return NULL;
    PyObject *item = search.x, *key = NULL;
    if (search.key != NULL) {
        key = PyObject_CallOneArg(search.key, item);
        if (key == NULL) return NULL;
        search.x = key;
    }
    Py_ssize_t position = search_run(&search, right);
    Py_XDECREF(key);
    if (position < 0) return NULL;
    if (PyList_CheckExact(search.sequence)) {
        if (PyList_Insert(search.sequence, position, item) < 0) return NULL;
    } else {
        PyObject *result = PyObject_CallMethod(search.sequence, "insert", "nO", position, item);
        if (result == NULL) return NULL;
        Py_DECREF(result);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(bisect_right_doc, "bisect_right($module, /, a, x, lo=0, hi=None, *, key=None)\n--\n\n"
                               "Position for x in the sorted sequence a, behind items equal to it.\n\n"
                               "Only a[lo:hi] is searched. `key` makes the sort key of an item; x is a key itself.");
static PyObject *bisect_right(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "bisect_right"};
    return bisect(&parser, args, nargs, kwnames, 1);
}

PyDoc_STRVAR(insort_right_doc, "insort_right($module, /, a, x, lo=0, hi=None, *, key=None)\n--\n\n"
                               "Insert x into the sorted list a, behind items equal to it.");
static PyObject *insort_right(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "insort_right"};
    return insort(&parser, args, nargs, kwnames, 1);
}

PyDoc_STRVAR(bisect_left_doc, "bisect_left($module, /, a, x, lo=0, hi=None, *, key=None)\n--\n\n"
                              "Position for x in the sorted sequence a, before items equal to it.\n\n"
                              "Only a[lo:hi] is searched. `key` makes the sort key of an item; x is a key itself.");
static PyObject *bisect_left(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "bisect_left"};
    return bisect(&parser, args, nargs, kwnames, 0);
}

PyDoc_STRVAR(insort_left_doc, "insort_left($module, /, a, x, lo=0, hi=None, *, key=None)\n--\n\n"
                              "Insert x into the sorted list a, before items equal to it.");
static PyObject *insort_left(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "insort_left"};
    return insort(&parser, args, nargs, kwnames, 0);
}

#define FUNCTION(name)                                                                                                 \
    {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, name##_doc}

static PyMethodDef bisect_functions[] = {
    FUNCTION(bisect_right), FUNCTION(insort_right), FUNCTION(bisect_left), FUNCTION(insort_left), {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot bisect_slots[] = {{0, NULL}};

static struct PyModuleDef bisect_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_bisect",
    .m_doc = "Binary search in sorted sequences, and insertion that keeps a list sorted.",
    .m_methods = bisect_functions,
    .m_slots = bisect_slots,
};

PyMODINIT_FUNC PyInit__bisect(void) { return PyModuleDef_Init(&bisect_module); }
