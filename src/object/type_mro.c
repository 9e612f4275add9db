/* The shape of inheritance: method resolution order, subclass lists, the base that decides the layout of instances,
 * and assignment to __bases__. */
#include <Python.h>
#include <string.h>

#include "object/instance.h"
#include "object/names.h"
#include "object/object.h"
#include "object/type.h"

/* -- Subtype tests --------------------------------------------------------------------------------------------- */

int PyType_IsSubtype(PyTypeObject *a, PyTypeObject *b) {
    if (a == b) return 1;
    PyObject *mro = a->tp_mro;
    if (mro != NULL) {
        for (Py_ssize_t i = PyTuple_GET_SIZE(mro); --i >= 0;) {
            if (PyTuple_GET_ITEM(mro, i) == (PyObject *)b) return 1;
        }
        return 0;
    }
    /* Not ready yet: follow the chain of first bases. */
    for (; a != NULL; a = a->tp_base) {
        if (a == b) return 1;
    }
    return b == &PyBaseObject_Type;
}

static int base_chain_has(PyTypeObject *a, PyTypeObject *b) {
    for (; a != NULL; a = a->tp_base) {
        if (a == b) return 1;
    }
    return b == &PyBaseObject_Type;
}

/* -- Subclass lists -------------------------------------------------------------------------------------------- */

int kr_type_add_subclass(PyTypeObject *base, PyTypeObject *type) {
    KrSubclasses *list = kr_type_subclasses(base);
    if (list == NULL || list->count == list->capacity) {
        Py_ssize_t capacity = list == NULL ? 4 : list->capacity * 2;
        KrSubclasses *grown = PyMem_Realloc(list, sizeof(KrSubclasses) + capacity * sizeof(PyTypeObject *));
        if (grown == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        if (list == NULL) grown->count = 0;
        grown->capacity = capacity;
        base->tp_subclasses = (PyObject *)grown;
        list = grown;
    }
    list->item[list->count++] = type;
    return 0;
}

void kr_type_remove_subclass(PyTypeObject *base, PyTypeObject *type) {
    KrSubclasses *list = kr_type_subclasses(base);
    if (list == NULL) return;
    /* Youngest first: classes tend to die in reverse order. */
    for (Py_ssize_t i = list->count; --i >= 0;) {
        if (list->item[i] != type) continue;
        list->count--;
        memmove(&list->item[i], &list->item[i + 1], (list->count - i) * sizeof(PyTypeObject *));
        break;
    }
    if (list->count == 0) {
        base->tp_subclasses = NULL;
        PyMem_Free(list);
    }
}

static void remove_from_bases(PyTypeObject *type, PyObject *bases) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (PyType_Check(base)) kr_type_remove_subclass((PyTypeObject *)base, type);
    }
}

static int add_to_bases(PyTypeObject *type, PyObject *bases) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *base = PyTuple_GET_ITEM(bases, i);
        if (PyType_Check(base) && kr_type_add_subclass((PyTypeObject *)base, type) < 0) return -1;
    }
    return 0;
}

/* Returns a new list of the live direct subclasses. */
PyObject *kr_type_subclass_list(PyTypeObject *type) {
    PyObject *result = PyList_New(0);
    if (result == NULL) return NULL;
    KrSubclasses *list;
    for (Py_ssize_t i = 0; (list = kr_type_subclasses(type)) != NULL && i < list->count; i++) {
        if (Py_REFCNT(list->item[i]) <= 0) continue; /* is being deallocated */
        if (PyList_Append(result, (PyObject *)list->item[i]) < 0) {
            Py_DECREF(result);
            return NULL;
        }
    }
    return result;
}

/* -- Method resolution order (C3) --------------------------------------------------------------------------------- */

static PyObject *class_name(PyObject *cls) {
    PyObject *name;
    if (_PyObject_LookupAttr(cls, KR_NAME(__name__), &name) < 0) return NULL;
    return name != NULL ? name : PyObject_Repr(cls);
}

static void duplicate_base_error(PyObject *base) {
    PyObject *name = class_name(base);
    if (name == NULL) return;
    PyErr_Format(PyExc_TypeError, "duplicate base class %U", name);
    Py_DECREF(name);
}

static int check_duplicates(PyObject *bases) {
    Py_ssize_t count = PyTuple_GET_SIZE(bases);
    for (Py_ssize_t i = 0; i < count; i++) {
        for (Py_ssize_t j = i + 1; j < count; j++) {
            if (PyTuple_GET_ITEM(bases, i) == PyTuple_GET_ITEM(bases, j)) {
                duplicate_base_error(PyTuple_GET_ITEM(bases, i));
                return -1;
            }
        }
    }
    return 0;
}

/* Names the classes that stand in each other's way: the heads of what is left of the lists. */
static void order_error(PyObject **lists, Py_ssize_t *position, Py_ssize_t count) {
    PyObject *heads = PyDict_New();
    PyObject *names = NULL, *separator = NULL, *joined = NULL;
    if (heads == NULL) return;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (position[i] >= PyTuple_GET_SIZE(lists[i])) continue;
        if (PyDict_SetItem(heads, PyTuple_GET_ITEM(lists[i], position[i]), Py_None) < 0) goto done;
    }
    names = PyList_New(0);
    if (names == NULL) goto done;
    Py_ssize_t cursor = 0;
    PyObject *cls, *none;
    while (PyDict_Next(heads, &cursor, &cls, &none)) {
        PyObject *name = class_name(cls);
        int status = name != NULL ? PyList_Append(names, name) : -1;
        Py_XDECREF(name);
        if (status < 0) goto done;
    }
    separator = PyUnicode_FromString(", ");
    if (separator == NULL) goto done;
    joined = PyUnicode_Join(separator, names);
    if (joined == NULL) goto done;
    PyErr_Format(PyExc_TypeError, "Cannot create a consistent method resolution\norder (MRO) for bases %U", joined);
done:
    Py_XDECREF(joined);
    Py_XDECREF(separator);
    Py_XDECREF(names);
    Py_DECREF(heads);
}

static int in_tail(PyObject *list, Py_ssize_t position, PyObject *cls) {
    for (Py_ssize_t i = position + 1; i < PyTuple_GET_SIZE(list); i++) {
        if (PyTuple_GET_ITEM(list, i) == cls) return 1;
    }
    return 0;
}

/* Appends the C3 merge of the lists to `result`, whose first item is there already. */
static int merge(PyObject *result, PyObject **lists, Py_ssize_t *position, Py_ssize_t count) {
    for (;;) {
        PyObject *next = NULL;
        int work_left = 0;
        for (Py_ssize_t i = 0; i < count && next == NULL; i++) {
            if (position[i] >= PyTuple_GET_SIZE(lists[i])) continue;
            work_left = 1;
            PyObject *candidate = PyTuple_GET_ITEM(lists[i], position[i]);
            int blocked = 0;
            for (Py_ssize_t j = 0; j < count && !blocked; j++) blocked = in_tail(lists[j], position[j], candidate);
            if (!blocked) next = candidate;
        }
        if (!work_left) return 0;
        if (next == NULL) {
            order_error(lists, position, count);
            return -1;
        }
        if (PyList_Append(result, next) < 0) return -1;
        for (Py_ssize_t i = 0; i < count; i++) {
            if (position[i] < PyTuple_GET_SIZE(lists[i]) && PyTuple_GET_ITEM(lists[i], position[i]) == next) {
                position[i]++;
            }
        }
    }
}

/* Computes the standard MRO. Returns a new tuple or NULL. */
static PyObject *standard_mro(PyTypeObject *type) {
    PyObject *bases = type->tp_bases;
    if (bases == NULL) {
        if (!(type->tp_flags & Py_TPFLAGS_READY) && PyType_Ready(type) < 0) return NULL;
        bases = type->tp_bases;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(bases);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(bases, i);
        if (base->tp_mro == NULL) {
            PyErr_Format(PyExc_TypeError, "Cannot extend an incomplete type '%.100s'", base->tp_name);
            return NULL;
        }
    }
    if (count == 1) {
        PyObject *base_mro = ((PyTypeObject *)PyTuple_GET_ITEM(bases, 0))->tp_mro;
        Py_ssize_t length = PyTuple_GET_SIZE(base_mro);
        PyObject *mro = PyTuple_New(length + 1);
        if (mro == NULL) return NULL;
        PyTuple_SET_ITEM(mro, 0, Py_NewRef(type));
        for (Py_ssize_t i = 0; i < length; i++) PyTuple_SET_ITEM(mro, i + 1, Py_NewRef(PyTuple_GET_ITEM(base_mro, i)));
        return mro;
    }
    if (check_duplicates(bases) < 0) return NULL;

    PyObject **lists = PyMem_New(PyObject *, count + 1);
    Py_ssize_t *position = PyMem_New(Py_ssize_t, count + 1);
    PyObject *result = PyList_New(0), *mro = NULL;
    if (lists == NULL || position == NULL) {
        PyErr_NoMemory();
    } else if (result != NULL && PyList_Append(result, (PyObject *)type) == 0) {
        for (Py_ssize_t i = 0; i < count; i++) lists[i] = ((PyTypeObject *)PyTuple_GET_ITEM(bases, i))->tp_mro;
        lists[count] = bases;
        memset(position, 0, (count + 1) * sizeof(Py_ssize_t));
        if (merge(result, lists, position, count + 1) == 0) mro = PyList_AsTuple(result);
    }
    Py_XDECREF(result);
    PyMem_Free(lists);
    PyMem_Free(position);
    return mro;
}

PyObject *kr_type_mro_method(PyObject *self, PyObject *unused) {
    PyObject *mro = standard_mro((PyTypeObject *)self);
    if (mro == NULL) return NULL;
    PyObject *list = PySequence_List(mro);
    Py_DECREF(mro);
    return list;
}

static PyTypeObject *solid_base(PyTypeObject *type);

/* Calls the metaclass's mro() and checks what it returns. */
static PyObject *custom_mro(PyTypeObject *type, PyObject *method, int unbound) {
    PyObject *self = (PyObject *)type;
    PyObject *sequence = unbound ? PyObject_CallOneArg(method, self) : PyObject_CallNoArgs(method);
    if (sequence == NULL) return NULL;
    PyObject *mro = PySequence_Tuple(sequence);
    Py_DECREF(sequence);
    if (mro == NULL) return NULL;
    PyTypeObject *solid = solid_base(type);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(mro); i++) {
        PyObject *item = PyTuple_GET_ITEM(mro, i);
        if (!PyType_Check(item)) {
            PyErr_Format(PyExc_TypeError, "mro() returned a non-class ('%.500s')", Py_TYPE(item)->tp_name);
            Py_DECREF(mro);
            return NULL;
        }
        if (!PyType_IsSubtype(solid, solid_base((PyTypeObject *)item))) {
            PyErr_Format(PyExc_TypeError, "mro() returned base with unsuitable layout ('%.500s')",
                         ((PyTypeObject *)item)->tp_name);
            Py_DECREF(mro);
            return NULL;
        }
    }
    return mro;
}

static int bases_reach(PyTypeObject *type, PyTypeObject *target) {
    if (type == target) return 1;
    PyObject *bases = type->tp_bases;
    for (Py_ssize_t i = 0; bases != NULL && i < PyTuple_GET_SIZE(bases); i++) {
        if (bases_reach((PyTypeObject *)PyTuple_GET_ITEM(bases, i), target)) return 1;
    }
    return 0;
}

/* A class that a custom mro() put in without its being a base does not tell this type when it changes. */
static void decide_cacheable(PyTypeObject *type, int custom) {
    type->tp_flags &= ~KR_TPFLAGS_UNCACHED;
    if (!custom) return;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro); i++) {
        if (!bases_reach(type, (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i))) {
            type->tp_flags |= KR_TPFLAGS_UNCACHED;
            return;
        }
    }
}

int kr_type_compute_mro(PyTypeObject *type, PyObject **old_mro) {
    PyObject *before = type->tp_mro;
    PyObject *mro;
    int custom = 0;
    Py_XINCREF(before);
    if (Py_IS_TYPE(type, &PyType_Type)) {
        mro = standard_mro(type);
    } else {
        PyObject *found = _PyType_Lookup(Py_TYPE(type), KR_NAME(mro));
        PyObject *standard = _PyType_Lookup(&PyType_Type, KR_NAME(mro));
        if (found == NULL || found == standard) {
            mro = standard_mro(type);
        } else {
            custom = 1;
            int unbound;
            PyObject *method = kr_special_lookup_unbound((PyObject *)type, KR_NAME(mro), &unbound);
            if (method == NULL) {
                if (!PyErr_Occurred()) PyErr_SetString(PyExc_AttributeError, "mro");
                mro = NULL;
            } else {
                mro = custom_mro(type, method, unbound);
                Py_DECREF(method);
            }
        }
    }
    int reentered = type->tp_mro != before;
    Py_XDECREF(before); /* the type still owns it unless somebody else replaced it */
    if (mro == NULL) return -1;
    if (reentered) {
        Py_DECREF(mro);
        return 0;
    }
    PyObject *old = type->tp_mro;
    type->tp_mro = mro;
    decide_cacheable(type, custom);
    PyType_Modified(type);
    if (old_mro != NULL) {
        *old_mro = old;
    } else {
        Py_XDECREF(old);
    }
    return 1;
}

/* -- Layout of instances ------------------------------------------------------------------------------------------ */

static int adds_managed_dict(PyTypeObject *type, PyTypeObject *base) {
    return (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) && !(base->tp_flags & Py_TPFLAGS_MANAGED_DICT);
}

static Py_ssize_t dict_place(PyTypeObject *type) {
    if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        KrClassLayout *layout = kr_class_layout(type);
        return layout != NULL ? layout->attribute_offset : 0;
    }
    return type->tp_dictoffset;
}

/* True if instances of the type have more in them than those of base, other than a dict and a weakref list. */
static int shape_differs(PyTypeObject *type, PyTypeObject *base) {
    Py_ssize_t size = type->tp_basicsize, base_size = base->tp_basicsize;
    if (type->tp_itemsize || base->tp_itemsize) return size != base_size || type->tp_itemsize != base->tp_itemsize;
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) {
        const Py_ssize_t word = sizeof(PyObject *);
        int has_weaklist = type->tp_weaklistoffset && base->tp_weaklistoffset == 0;
        int has_dict = type->tp_dictoffset && base->tp_dictoffset == 0;
        for (int round = 0; round < 2; round++) {
            if (has_weaklist && type->tp_weaklistoffset + word == size) {
                size -= word;
                has_weaklist = 0;
            }
            if (has_dict && dict_place(type) + word == size) {
                size -= word;
                has_dict = 0;
            }
        }
    }
    return size != base_size;
}

static PyTypeObject *solid_base(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base != NULL ? solid_base(type->tp_base) : &PyBaseObject_Type;
    return shape_differs(type, base) ? type : base;
}

PyTypeObject *kr_type_best_base(PyObject *bases) {
    PyTypeObject *best = NULL, *winner = NULL;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *item = PyTuple_GET_ITEM(bases, i);
        if (!PyType_Check(item)) {
            PyErr_SetString(PyExc_TypeError, "bases must be types");
            return NULL;
        }
        PyTypeObject *base = (PyTypeObject *)item;
        if (!(base->tp_flags & Py_TPFLAGS_READY) && PyType_Ready(base) < 0) return NULL;
        if (!PyType_HasFeature(base, Py_TPFLAGS_BASETYPE)) {
            PyErr_Format(PyExc_TypeError, "type '%.100s' is not an acceptable base type", base->tp_name);
            return NULL;
        }
        PyTypeObject *candidate = solid_base(base);
        if (winner == NULL) {
            winner = candidate;
            best = base;
        } else if (PyType_IsSubtype(winner, candidate)) {
            continue;
        } else if (PyType_IsSubtype(candidate, winner)) {
            winner = candidate;
            best = base;
        } else {
            PyErr_SetString(PyExc_TypeError, "multiple bases have instance lay-out conflict");
            return NULL;
        }
    }
    return best;
}

/* True if instances of the class look exactly like those of its base. */
static int same_layout_as_base(PyTypeObject *type) {
    PyTypeObject *base = type->tp_base;
    return base != NULL && type->tp_basicsize == base->tp_basicsize && type->tp_itemsize == base->tp_itemsize &&
           type->tp_dictoffset == base->tp_dictoffset && type->tp_weaklistoffset == base->tp_weaklistoffset &&
           (type->tp_flags & Py_TPFLAGS_HAVE_GC) == (base->tp_flags & Py_TPFLAGS_HAVE_GC) &&
           (type->tp_clear == kr_subtype_clear || type->tp_clear == base->tp_clear);
}

/* Both types have the same base; true if they add the same slots, dict and weakref list at the same places. */
static int same_additions(PyTypeObject *a, PyTypeObject *b) {
    if (!(a->tp_flags & b->tp_flags & Py_TPFLAGS_HEAPTYPE)) return 0;
    PyTypeObject *base = a->tp_base;
    const Py_ssize_t word = sizeof(PyObject *);
    Py_ssize_t size = base->tp_basicsize;
    PyObject *a_slots = ((PyHeapTypeObject *)a)->ht_slots, *b_slots = ((PyHeapTypeObject *)b)->ht_slots;
    if (a_slots != NULL && b_slots != NULL) {
        if (PyObject_RichCompareBool(a_slots, b_slots, Py_EQ) != 1) return 0;
        size += word * PyTuple_GET_SIZE(a_slots);
    }
    if (adds_managed_dict(a, base) && adds_managed_dict(b, base)) {
        if (dict_place(a) != dict_place(b)) return 0;
        size += word;
    } else if (a->tp_dictoffset == size && b->tp_dictoffset == size) {
        size += word;
    }
    if (a->tp_weaklistoffset == size && b->tp_weaklistoffset == size) size += word;
    return size == a->tp_basicsize && size == b->tp_basicsize;
}

int kr_type_layout_compatible(PyTypeObject *from, PyTypeObject *to, const char *attribute) {
    if (to->tp_free != from->tp_free) {
        PyErr_Format(PyExc_TypeError, "%s assignment: '%s' deallocator differs from '%s'", attribute, to->tp_name,
                     from->tp_name);
        return 0;
    }
    PyTypeObject *to_base = to, *from_base = from;
    while (same_layout_as_base(to_base)) to_base = to_base->tp_base;
    while (same_layout_as_base(from_base)) from_base = from_base->tp_base;
    if (to_base != from_base && (to_base->tp_base != from_base->tp_base || !same_additions(to_base, from_base))) {
        PyErr_Format(PyExc_TypeError, "%s assignment: '%s' object layout differs from '%s'", attribute, to->tp_name,
                     from->tp_name);
        return 0;
    }
    return 1;
}

/* -- Assignment to __bases__ ---------------------------------------------------------------------------------------- */

/* Recomputes the MRO of the type and of all below it. Appends (type, new mro, old mro) to `log` for each. */
static int recompute_hierarchy(PyTypeObject *type, PyObject *log) {
    PyObject *old_mro;
    int status = kr_type_compute_mro(type, &old_mro);
    if (status <= 0) return status;
    PyObject *entry = old_mro != NULL ? PyTuple_Pack(3, type, type->tp_mro, old_mro) : PyTuple_Pack(2, type, type->tp_mro);
    if (entry != NULL) {
        status = PyList_Append(log, entry);
        Py_DECREF(entry);
    } else {
        status = -1;
    }
    if (status < 0) {
        Py_XSETREF(type->tp_mro, old_mro);
        return -1;
    }
    Py_XDECREF(old_mro);
    PyObject *subclasses = kr_type_subclass_list(type);
    if (subclasses == NULL) return -1;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(subclasses) && status >= 0; i++) {
        status = recompute_hierarchy((PyTypeObject *)PyList_GET_ITEM(subclasses, i), log);
    }
    Py_DECREF(subclasses);
    return status < 0 ? -1 : 0;
}

/* Puts the old MROs back, last changed first, where nobody changed them again. */
static void undo_hierarchy(PyObject *log) {
    for (Py_ssize_t i = PyList_GET_SIZE(log); --i >= 0;) {
        PyObject *entry = PyList_GET_ITEM(log, i);
        PyTypeObject *type = (PyTypeObject *)PyTuple_GET_ITEM(entry, 0);
        if (type->tp_mro != PyTuple_GET_ITEM(entry, 1)) continue;
        PyObject *old_mro = PyTuple_GET_SIZE(entry) == 3 ? PyTuple_GET_ITEM(entry, 2) : NULL;
        Py_XINCREF(old_mro);
        Py_XSETREF(type->tp_mro, old_mro);
        PyType_Modified(type);
    }
}

static int check_new_bases(PyTypeObject *type, PyObject *bases) {
    if (!PyTuple_Check(bases)) {
        PyErr_Format(PyExc_TypeError, "can only assign tuple to %s.__bases__, not %s", type->tp_name,
                     Py_TYPE(bases)->tp_name);
        return -1;
    }
    if (PyTuple_GET_SIZE(bases) == 0) {
        PyErr_Format(PyExc_TypeError, "can only assign non-empty tuple to %s.__bases__, not ()", type->tp_name);
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(bases); i++) {
        PyObject *item = PyTuple_GET_ITEM(bases, i);
        if (!PyType_Check(item)) {
            PyErr_Format(PyExc_TypeError, "%s.__bases__ must be tuple of classes, not '%s'", type->tp_name,
                         Py_TYPE(item)->tp_name);
            return -1;
        }
        PyTypeObject *base = (PyTypeObject *)item;
        if (PyType_IsSubtype(base, type) || (base->tp_mro != NULL && base_chain_has(base, type))) {
            PyErr_SetString(PyExc_TypeError, "a __bases__ item causes an inheritance cycle");
            return -1;
        }
    }
    return 0;
}

int kr_type_set_bases(PyTypeObject *type, PyObject *new_bases, void *closure) {
    if (check_new_bases(type, new_bases) < 0) return -1;
    PyTypeObject *new_base = kr_type_best_base(new_bases);
    if (new_base == NULL) return -1;
    if (!kr_type_layout_compatible(type->tp_base, new_base, "__bases__")) return -1;

    PyObject *old_bases = type->tp_bases;
    PyTypeObject *old_base = type->tp_base;
    PyObject *log = PyList_New(0);
    if (log == NULL) return -1;
    type->tp_bases = Py_NewRef(new_bases);
    type->tp_base = (PyTypeObject *)Py_NewRef(new_base);

    int status = recompute_hierarchy(type, log);
    if (status >= 0 && type->tp_bases == new_bases) {
        /* Not replaced again by a custom mro(). */
        remove_from_bases(type, old_bases);
        status = add_to_bases(type, new_bases);
        if (status >= 0) {
            PyType_Modified(type);
            status = kr_type_update_all_slots(type);
        }
    } else if (status < 0) {
        undo_hierarchy(log);
        if (type->tp_bases == new_bases) {
            type->tp_bases = old_bases;
            type->tp_base = old_base;
            Py_DECREF(log);
            Py_DECREF(new_bases);
            Py_DECREF(new_base);
            return -1;
        }
    }
    Py_DECREF(log);
    Py_DECREF(old_bases);
    Py_DECREF(old_base);
    return status < 0 ? -1 : 0;
}
