/* gc: the interface to the cycle collector. */
#include <Python.h>

#include "collector/collector.h"
#include "modules/constants.h"
#include "types/sequence.h"

static PyObject *gc_enable(PyObject *module, PyObject *unused) {
    PyGC_Enable();
    Py_RETURN_NONE;
}

static PyObject *gc_disable(PyObject *module, PyObject *unused) {
    PyGC_Disable();
    Py_RETURN_NONE;
}

static PyObject *gc_isenabled(PyObject *module, PyObject *unused) { return PyBool_FromLong(PyGC_IsEnabled()); }

static PyObject *gc_collect(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"generation", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "collect", 0};
    PyObject *values[1];
    int generation = KR_GENERATIONS - 1;
    Py_ssize_t given = count + (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    if (given > 0) {
        generation = _PyLong_AsInt(args[0]);
        if (generation == -1 && PyErr_Occurred()) return NULL;
    }
    if (generation < 0 || generation >= KR_GENERATIONS) {
        PyErr_SetString(PyExc_ValueError, "invalid generation");
        return NULL;
    }
    Py_ssize_t found = kr_gc_collect(generation);
    return found < 0 ? PyErr_NoMemory() : PyLong_FromSsize_t(found);
}

static PyObject *gc_set_debug(PyObject *module, PyObject *flags_object) {
    int flags = _PyLong_AsInt(flags_object);
    if (flags == -1 && PyErr_Occurred()) return NULL;
    kr_gc.debug = flags;
    Py_RETURN_NONE;
}

static PyObject *gc_get_debug(PyObject *module, PyObject *unused) { return PyLong_FromLong(kr_gc.debug); }

static PyObject *gc_get_objects(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *kwnames) {
    static const char *const keywords[] = {"generation", NULL};
    static _PyArg_Parser parser = {NULL, keywords, "get_objects", 0};
    PyObject *values[1];
    Py_ssize_t generation = -1;
    Py_ssize_t given = count + (kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames));
    args = _PyArg_UnpackKeywords(args, count, NULL, kwnames, &parser, 0, 1, 0, values);
    if (args == NULL) return NULL;
    if (given > 0 && args[0] != Py_None) {
        if (!kr_is_index(args[0])) {
            PyErr_Format(PyExc_TypeError, "argument should be integer or None, not '%.200s'", Py_TYPE(args[0])->tp_name);
            return NULL;
        }
        generation = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
        if (generation == -1 && PyErr_Occurred()) return NULL;
    }
    if (generation >= KR_GENERATIONS) {
        PyErr_Format(PyExc_ValueError,
                     "generation parameter must be less than the number of available generations (%i)", KR_GENERATIONS);
        return NULL;
    }
    if (generation < -1) {
        PyErr_SetString(PyExc_ValueError, "generation parameter cannot be negative");
        return NULL;
    }
    if (PySys_Audit("gc.get_objects", "n", generation) < 0) return NULL;
    PyObject *result = PyList_New(0);
    if (result != NULL && kr_gc_append_objects(result, (int)generation) < 0) Py_CLEAR(result);
    return result;
}

static PyObject *gc_get_stats(PyObject *module, PyObject *unused) {
    KrGenerationStats stats[KR_GENERATIONS]; /* a copy, since making the result may collect */
    memcpy(stats, kr_gc.stats, sizeof(stats));
    PyObject *result = PyList_New(0);
    for (int i = 0; i < KR_GENERATIONS && result != NULL; i++) {
        PyObject *entry = Py_BuildValue("{snsnsn}", "collections", stats[i].collections, "collected", stats[i].collected,
                                        "uncollectable", stats[i].uncollectable);
        if (entry == NULL || PyList_Append(result, entry) < 0) Py_CLEAR(result);
        Py_XDECREF(entry);
    }
    return result;
}

static PyObject *gc_set_threshold(PyObject *module, PyObject *args) {
    int threshold[KR_GENERATIONS];
    memcpy(threshold, kr_gc.threshold, sizeof(threshold));
    if (!PyArg_ParseTuple(args, "i|ii:set_threshold", &threshold[0], &threshold[1], &threshold[2])) return NULL;
    memcpy(kr_gc.threshold, threshold, sizeof(threshold));
    kr_gc_update_limit();
    Py_RETURN_NONE;
}

static PyObject *gc_get_threshold(PyObject *module, PyObject *unused) {
    return Py_BuildValue("(iii)", kr_gc.threshold[0], kr_gc.threshold[1], kr_gc.threshold[2]);
}

static PyObject *gc_get_count(PyObject *module, PyObject *unused) {
    return Py_BuildValue("(iii)", (int)kr_gc.count, kr_gc.older_count[1], kr_gc.older_count[2]);
}

static int refers_to_any(PyObject *object, void *objects) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(objects); i++)
        if (PyTuple_GET_ITEM(objects, i) == object) return 1;
    return 0;
}

static PyObject *gc_get_referrers(PyObject *module, PyObject *objects) {
    if (PySys_Audit("gc.get_referrers", "(O)", objects) < 0) return NULL;
    PyObject *all = PyList_New(0), *result = PyList_New(0);
    if (all == NULL || result == NULL || kr_gc_append_objects(all, -1) < 0) goto error;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(all); i++) {
        PyObject *candidate = PyList_GET_ITEM(all, i);
        if (candidate == objects || candidate == result) continue;
        traverseproc traverse = Py_TYPE(candidate)->tp_traverse;
        if (traverse == NULL || !traverse(candidate, refers_to_any, objects)) continue;
        if (PyList_Append(result, candidate) < 0) goto error;
    }
    Py_DECREF(all);
    return result;

error:
    Py_XDECREF(all);
    Py_XDECREF(result);
    return NULL;
}

static int append_referent(PyObject *object, void *list) { return PyList_Append(list, object) < 0; }

static PyObject *gc_get_referents(PyObject *module, PyObject *objects) {
    if (PySys_Audit("gc.get_referents", "(O)", objects) < 0) return NULL;
    PyObject *result = PyList_New(0);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(objects) && result != NULL; i++) {
        PyObject *object = PyTuple_GET_ITEM(objects, i);
        if (!PyObject_IS_GC(object)) continue;
        traverseproc traverse = Py_TYPE(object)->tp_traverse;
        if (traverse != NULL && traverse(object, append_referent, result)) Py_CLEAR(result);
    }
    return result;
}

static PyObject *gc_is_tracked(PyObject *module, PyObject *object) {
    return PyBool_FromLong(PyObject_GC_IsTracked(object));
}

static PyObject *gc_is_finalized(PyObject *module, PyObject *object) {
    return PyBool_FromLong(PyObject_GC_IsFinalized(object));
}

static PyObject *gc_freeze(PyObject *module, PyObject *unused) {
    kr_gc_freeze();
    Py_RETURN_NONE;
}

static PyObject *gc_unfreeze(PyObject *module, PyObject *unused) {
    kr_gc_unfreeze();
    Py_RETURN_NONE;
}

static PyObject *gc_get_freeze_count(PyObject *module, PyObject *unused) {
    return PyLong_FromSsize_t(kr_gc_generation_size(KR_GC_PERMANENT));
}

static PyMethodDef methods[] = {
    {"enable", gc_enable, METH_NOARGS, "enable($module, /)\n--\n\nLet collections start by themselves."},
    {"disable", gc_disable, METH_NOARGS, "disable($module, /)\n--\n\nKeep collections from starting by themselves."},
    {"isenabled", gc_isenabled, METH_NOARGS,
     "isenabled($module, /)\n--\n\nTrue if collections start by themselves."},
    {"collect", (PyCFunction)(void (*)(void))gc_collect, METH_FASTCALL | METH_KEYWORDS,
     "collect($module, /, generation=2)\n--\n\n"
     "Collect a generation and those younger; all of them by default.\n\n"
     "Returns the number of unreachable objects. Raises ValueError for a generation that does not exist."},
    {"set_debug", gc_set_debug, METH_O,
     "set_debug($module, flags, /)\n--\n\n"
     "Choose what the collector writes to sys.stderr, and whether it keeps garbage: a sum of the DEBUG_ constants."},
    {"get_debug", gc_get_debug, METH_NOARGS, "get_debug($module, /)\n--\n\nThe flags of set_debug() in force."},
    {"get_objects", (PyCFunction)(void (*)(void))gc_get_objects, METH_FASTCALL | METH_KEYWORDS,
     "get_objects($module, /, generation=None)\n--\n\n"
     "List of the tracked objects of a generation, or of all but the permanent one."},
    {"get_stats", gc_get_stats, METH_NOARGS,
     "get_stats($module, /)\n--\n\n"
     "List with a dict for each generation: number of collections, of objects collected and uncollectable."},
    {"set_threshold", gc_set_threshold, METH_VARARGS,
     "set_threshold(threshold0, [threshold1, threshold2]) -> None\n\n"
     "Set how many objects, or collections of the next younger generation, bring about a collection of each\n"
     "generation. A threshold0 of zero turns collections off."},
    {"get_threshold", gc_get_threshold, METH_NOARGS,
     "get_threshold($module, /)\n--\n\nTuple of the thresholds of the generations."},
    {"get_count", gc_get_count, METH_NOARGS,
     "get_count($module, /)\n--\n\nTuple of the counts that are compared with the thresholds."},
    {"get_referrers", gc_get_referrers, METH_VARARGS,
     "get_referrers(*objs) -> list\n\nTracked objects that refer directly to any of the arguments."},
    {"get_referents", gc_get_referents, METH_VARARGS,
     "get_referents(*objs) -> list\n\nObjects that the arguments refer to directly, as their tp_traverse says."},
    {"is_tracked", gc_is_tracked, METH_O,
     "is_tracked($module, obj, /)\n--\n\nTrue if the collector looks at the object."},
    {"is_finalized", gc_is_finalized, METH_O,
     "is_finalized($module, obj, /)\n--\n\nTrue if the object's finalizer was called."},
    {"freeze", gc_freeze, METH_NOARGS,
     "freeze($module, /)\n--\n\nMove all tracked objects to the permanent generation, which is never collected."},
    {"unfreeze", gc_unfreeze, METH_NOARGS,
     "unfreeze($module, /)\n--\n\nMove the objects of the permanent generation back to the oldest one."},
    {"get_freeze_count", gc_get_freeze_count, METH_NOARGS,
     "get_freeze_count($module, /)\n--\n\nNumber of objects in the permanent generation."},
    {NULL},
};

static int add_list(PyObject *module, const char *name, PyObject **list) {
    if (*list == NULL && (*list = PyList_New(0)) == NULL) return -1;
    return PyModule_AddObjectRef(module, name, *list);
}

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
        {"DEBUG_STATS", KR_GC_DEBUG_STATS},
        {"DEBUG_COLLECTABLE", KR_GC_DEBUG_COLLECTABLE},
        {"DEBUG_UNCOLLECTABLE", KR_GC_DEBUG_UNCOLLECTABLE},
        {"DEBUG_SAVEALL", KR_GC_DEBUG_SAVEALL},
        {"DEBUG_LEAK", KR_GC_DEBUG_LEAK},
    };
    if (add_list(module, "garbage", &kr_gc.garbage) < 0 || add_list(module, "callbacks", &kr_gc.callbacks) < 0) return -1;
    return KR_ADD_CONSTANTS(module, constants);
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "gc",
    .m_doc = "Access to the collector of reference cycles.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit_gc(void) { return PyModuleDef_Init(&definition); }
