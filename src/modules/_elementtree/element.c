/* The type Element: a list of children with a tag, attributes, text and tail. */
#include <Python.h>
#include <stddef.h>

#include "modules/_elementtree/elementtree.h"
#include "object/names.h"

/* ---- Attributes and children in memory ---- */

static ElementExtra *get_extra(Element *self) {
    if (self->extra == NULL) {
        ElementExtra *extra = PyMem_Malloc(sizeof *extra);
        if (extra == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        extra->attrib = NULL;
        extra->length = 0;
        extra->allocated = INLINE_CHILDREN;
        extra->children = extra->inline_children;
        self->extra = extra;
    }
    return self->extra;
}

static void release_extra(ElementExtra *extra) {
    Py_XDECREF(extra->attrib);
    for (Py_ssize_t i = 0; i < extra->length; i++) Py_DECREF(extra->children[i]);
    if (extra->children != extra->inline_children) PyMem_Free(extra->children);
    PyMem_Free(extra);
}

/* Drops attributes and children; their finalisers see an element without. */
static void clear_extra(Element *self) {
    ElementExtra *extra = self->extra;
    if (extra == NULL) return;
    self->extra = NULL;
    release_extra(extra);
}

/* Makes room for so many more children. Returns the block, or NULL with MemoryError. */
static ElementExtra *make_room(Element *self, Py_ssize_t more) {
    ElementExtra *extra = get_extra(self);
    if (extra == NULL) return NULL;
    Py_ssize_t size = extra->length + more;
    if (size <= extra->allocated) return extra;
    size += (size >> 3) + (size < 9 ? 3 : 6); /* grows by an eighth, so that appending takes constant time */
    if (size > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(PyObject *)) goto no_memory;
    PyObject **children = extra->children;
    if (children == extra->inline_children) {
        if ((children = PyMem_New(PyObject *, size)) == NULL) goto no_memory;
        memcpy(children, extra->inline_children, (size_t)extra->length * sizeof *children);
    } else if ((children = PyMem_Realloc(children, (size_t)size * sizeof *children)) == NULL) {
        goto no_memory;
    }
    extra->children = children;
    extra->allocated = size;
    return extra;
no_memory:
    PyErr_NoMemory();
    return NULL;
}

int kr_element_append(Element *self, PyObject *child) {
    if (!ELEMENT_CHECK(child)) {
        PyErr_Format(PyExc_TypeError, "expected an Element, not \"%.200s\"", Py_TYPE(child)->tp_name);
        return -1;
    }
    ElementExtra *extra = make_room(self, 1);
    if (extra == NULL) return -1;
    extra->children[extra->length++] = Py_NewRef(child);
    return 0;
}

/* ---- Making and releasing ---- */

static Element *allocate(PyTypeObject *type) {
    Element *self = (Element *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->tag = Py_NewRef(Py_None);
    self->text = Py_NewRef(Py_None);
    self->tail = Py_NewRef(Py_None);
    self->extra = NULL;
    self->weak_references = NULL;
    return self;
}

PyObject *kr_element_new(PyObject *tag, PyObject *attrib) {
    Element *self = allocate(&kr_element_type);
    if (self == NULL) return NULL;
    Py_SETREF(self->tag, Py_NewRef(tag));
    if (attrib != NULL && PyDict_GET_SIZE(attrib) > 0) {
        if (get_extra(self) == NULL) {
            Py_DECREF(self);
            return NULL;
        }
        self->extra->attrib = Py_NewRef(attrib);
    }
    return (PyObject *)self;
}

static PyObject *element_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) { return (PyObject *)allocate(type); }

/* The attributes from the arguments of Element() or SubElement(): a new dict; NULL if there are none, or with an
 * exception. */
static PyObject *collect_attributes(PyObject *given, PyObject *kwargs) {
    if ((given == NULL || PyDict_GET_SIZE(given) == 0) && (kwargs == NULL || PyDict_GET_SIZE(kwargs) == 0)) return NULL;
    PyObject *named = kwargs != NULL ? PyDict_Copy(kwargs) : PyDict_New();
    if (named == NULL) return NULL;
    PyObject *attrib = NULL;
    if (given == NULL) {
        /* attrib={...} by name, unless it was given by position */
        PyObject *item = PyDict_GetItemWithError(named, KR_NAME(attrib));
        if (item == NULL) return PyErr_Occurred() ? (Py_DECREF(named), NULL) : named;
        if (!PyDict_Check(item)) {
            PyErr_Format(PyExc_TypeError, "attrib must be dict, not %.100s", Py_TYPE(item)->tp_name);
        } else if ((attrib = PyDict_Copy(item)) != NULL && PyDict_DelItem(named, KR_NAME(attrib)) < 0) {
            Py_CLEAR(attrib);
        }
    } else {
        attrib = PyDict_Copy(given);
    }
    if (attrib != NULL && PyDict_Update(attrib, named) < 0) Py_CLEAR(attrib);
    Py_DECREF(named);
    return attrib;
}

static int element_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    Element *self = ELEMENT(object);
    PyObject *tag, *attrib = NULL;
    if (!PyArg_ParseTuple(args, "O|O!:Element", &tag, &PyDict_Type, &attrib)) return -1;
    attrib = collect_attributes(attrib, kwargs);
    if (attrib != NULL) {
        if (get_extra(self) == NULL) {
            Py_DECREF(attrib);
            return -1;
        }
        Py_XSETREF(self->extra->attrib, attrib);
    } else if (PyErr_Occurred()) {
        return -1;
    }
    Py_SETREF(self->tag, Py_NewRef(tag));
    Py_SETREF(self->text, Py_NewRef(Py_None));
    Py_SETREF(self->tail, Py_NewRef(Py_None));
    return 0;
}

/* A call with a tag alone needs no argument tuple. */
static PyObject *element_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count == 1 && kwnames == NULL) return kr_element_new(args[0], NULL);
    return _PyObject_MakeTpCall(PyThreadState_Get(), type, args, count, kwnames);
}

PyObject *kr_sub_element(PyObject *module, PyObject *args, PyObject *kwargs) {
    PyObject *parent, *tag, *attrib = NULL;
    if (!PyArg_ParseTuple(args, "O!O|O!:SubElement", &kr_element_type, &parent, &tag, &PyDict_Type, &attrib)) return NULL;
    attrib = collect_attributes(attrib, kwargs);
    if (attrib == NULL && PyErr_Occurred()) return NULL;
    PyObject *child = kr_element_new(tag, attrib);
    Py_XDECREF(attrib);
    if (child != NULL && kr_element_append(ELEMENT(parent), child) < 0) Py_CLEAR(child);
    return child;
}

static int element_traverse(PyObject *object, visitproc visit, void *arg) {
    Element *self = ELEMENT(object);
    Py_VISIT(self->tag);
    Py_VISIT(self->text);
    Py_VISIT(self->tail);
    if (self->extra != NULL) {
        Py_VISIT(self->extra->attrib);
        for (Py_ssize_t i = 0; i < self->extra->length; i++) Py_VISIT(self->extra->children[i]);
    }
    return 0;
}

static int element_gc_clear(PyObject *object) {
    Element *self = ELEMENT(object);
    Py_SETREF(self->tag, Py_NewRef(Py_None));
    Py_SETREF(self->text, Py_NewRef(Py_None));
    Py_SETREF(self->tail, Py_NewRef(Py_None));
    clear_extra(self);
    return 0;
}

static void element_dealloc(PyObject *object) {
    Element *self = ELEMENT(object);
    PyObject_GC_UnTrack(self);
    Py_TRASHCAN_BEGIN(self, element_dealloc)
    if (self->weak_references != NULL) PyObject_ClearWeakRefs(object);
    Py_DECREF(self->tag);
    Py_DECREF(self->text);
    Py_DECREF(self->tail);
    clear_extra(self);
    Py_TYPE(self)->tp_free(self);
    Py_TRASHCAN_END
}

/* ---- Attributes of the object ---- */

static int refuse_deletion(PyObject *value) {
    if (value != NULL) return 0;
    PyErr_SetString(PyExc_AttributeError, "can't delete element attribute");
    return -1;
}

#define MEMBER(name)                                                                                                   \
    static PyObject *element_##name(PyObject *self, void *closure) { return Py_NewRef(ELEMENT(self)->name); }          \
    static int element_set_##name(PyObject *self, PyObject *value, void *closure) {                                    \
        if (refuse_deletion(value) < 0) return -1;                                                                     \
        Py_SETREF(ELEMENT(self)->name, Py_NewRef(value));                                                              \
        return 0;                                                                                                      \
    }
MEMBER(tag)
MEMBER(text)
MEMBER(tail)

/* The dict of attributes, borrowed; made if there is none. */
static PyObject *get_attrib(Element *self) {
    ElementExtra *extra = get_extra(self);
    if (extra == NULL) return NULL;
    if (extra->attrib == NULL) extra->attrib = PyDict_New();
    return extra->attrib;
}

static PyObject *element_attrib(PyObject *self, void *closure) { return Py_XNewRef(get_attrib(ELEMENT(self))); }

static int element_set_attrib(PyObject *self, PyObject *value, void *closure) {
    if (refuse_deletion(value) < 0) return -1;
    if (!PyDict_Check(value)) {
        PyErr_Format(PyExc_TypeError, "attrib must be dict, not %.200s", Py_TYPE(value)->tp_name);
        return -1;
    }
    if (get_extra(ELEMENT(self)) == NULL) return -1;
    Py_XSETREF(ELEMENT(self)->extra->attrib, Py_NewRef(value));
    return 0;
}

static PyGetSetDef element_attributes[] = {
    {"tag", element_tag, element_set_tag, "What kind of element this is; normally a str.", NULL},
    {"text", element_text, element_set_text, "The text before the first child, or None.", NULL},
    {"tail", element_tail, element_set_tail, "The text behind the element's end, or None.", NULL},
    {"attrib", element_attrib, element_set_attrib, "The dict of the XML attributes.", NULL},
    {NULL},
};

static PyObject *element_repr(PyObject *self) {
    int status = Py_ReprEnter(self);
    if (status > 0) PyErr_Format(PyExc_RuntimeError, "reentrant call inside %s.__repr__", Py_TYPE(self)->tp_name);
    if (status != 0) return NULL;
    PyObject *result = PyUnicode_FromFormat("<Element %R at %p>", ELEMENT(self)->tag, self);
    Py_ReprLeave(self);
    return result;
}

/* ---- XML attributes ---- */

PyDoc_STRVAR(get_doc, "get($self, /, key, default=None)\n--\n\nThe value of an attribute, or the default.");
static PyObject *element_get(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const keywords[] = {"key", "default", NULL};
    static _PyArg_Parser parser = {.keywords = keywords, .fname = "get"};
    PyObject *slots[2], *fallback = Py_None;
    Py_ssize_t given = nargs + (kwnames != NULL ? PyTuple_GET_SIZE(kwnames) : 0);
    slots[0] = slots[1] = NULL;
    if ((args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 1, 2, 0, slots)) == NULL) return NULL;
    if (given > 1) fallback = args[1];
    ElementExtra *extra = ELEMENT(self)->extra;
    if (extra == NULL || extra->attrib == NULL) return Py_NewRef(fallback);
    PyObject *attrib = Py_NewRef(extra->attrib); /* hashing a key may replace it */
    PyObject *value = PyDict_GetItemWithError(attrib, args[0]);
    if (value != NULL)
        Py_INCREF(value);
    else if (!PyErr_Occurred())
        value = Py_NewRef(fallback);
    Py_DECREF(attrib);
    return value;
}

PyDoc_STRVAR(set_doc, "set($self, key, value, /)\n--\n\nGive an attribute a value.");
static PyObject *element_set(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("set", nargs, 2, 2)) return NULL;
    PyObject *attrib = Py_XNewRef(get_attrib(ELEMENT(self)));
    if (attrib == NULL) return NULL;
    int failed = PyDict_SetItem(attrib, args[0], args[1]);
    Py_DECREF(attrib);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(keys_doc, "keys($self, /)\n--\n\nA list of the attributes' names.");
static PyObject *element_keys(PyObject *self, PyObject *unused) {
    ElementExtra *extra = ELEMENT(self)->extra;
    return extra == NULL || extra->attrib == NULL ? PyList_New(0) : PyDict_Keys(extra->attrib);
}

PyDoc_STRVAR(items_doc, "items($self, /)\n--\n\nA list of the attributes' names and values, in pairs.");
static PyObject *element_items(PyObject *self, PyObject *unused) {
    ElementExtra *extra = ELEMENT(self)->extra;
    return extra == NULL || extra->attrib == NULL ? PyList_New(0) : PyDict_Items(extra->attrib);
}

/* ---- Children ---- */

static Py_ssize_t element_count(PyObject *self) { return element_length(ELEMENT(self)); }


static PyObject *element_item(PyObject *self, Py_ssize_t index) {
    if (index < 0 || index >= element_length(ELEMENT(self))) {
        PyErr_SetString(PyExc_IndexError, "child index out of range");
        return NULL;
    }
    return Py_NewRef(ELEMENT(self)->extra->children[index]);
}

static int check_child(PyObject *child) {
    if (ELEMENT_CHECK(child)) return 0;
    PyErr_Format(PyExc_TypeError, "expected an Element, not \"%.200s\"", Py_TYPE(child)->tp_name);
    return -1;
}

static int element_set_item(PyObject *object, Py_ssize_t index, PyObject *child) {
    Element *self = ELEMENT(object);
    if (index < 0 || index >= element_length(self)) {
        PyErr_SetString(PyExc_IndexError, "child assignment index out of range");
        return -1;
    }
    ElementExtra *extra = self->extra;
    PyObject *old = extra->children[index];
    if (child != NULL) {
        if (check_child(child) < 0) return -1;
        extra->children[index] = Py_NewRef(child);
    } else {
        extra->length--;
        memmove(extra->children + index, extra->children + index + 1,
                (size_t)(extra->length - index) * sizeof *extra->children);
    }
    Py_DECREF(old);
    return 0;
}

static PyObject *element_subscript(PyObject *object, PyObject *key) {
    Element *self = ELEMENT(object);
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return NULL;
        return element_item(object, index < 0 ? index + element_length(self) : index);
    }
    if (!PySlice_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "element indices must be integers");
        return NULL;
    }
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return NULL;
    Py_ssize_t count = PySlice_AdjustIndices(element_length(self), &start, &stop, step);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list != NULL && i < count; i++, start += step)
        PyList_SET_ITEM(list, i, Py_NewRef(self->extra->children[start]));
    return list;
}

/* Replaces `count` children from `start`, `step` apart, by the items of a tuple. Returns 0 or -1. */
static int replace_children(Element *self, Py_ssize_t start, Py_ssize_t step, Py_ssize_t count, PyObject *items) {
    Py_ssize_t size = PyTuple_GET_SIZE(items);
    PyObject *old = PyList_New(count); /* released when the element is whole again */
    if (old == NULL || (size > count && make_room(self, size - count) == NULL)) {
        Py_XDECREF(old);
        return -1;
    }
    ElementExtra *extra = self->extra;
    for (Py_ssize_t i = 0; i < count; i++) PyList_SET_ITEM(old, i, extra->children[start + i * step]);
    if (extra != NULL && step == 1) {
        memmove(extra->children + start + size, extra->children + start + count,
                (size_t)(extra->length - start - count) * sizeof *extra->children);
        extra->length += size - count;
    } else if (extra != NULL && size == 0) { /* deletion of every so many-th child; step is positive */
        Py_ssize_t to = start;
        for (Py_ssize_t from = start; from < extra->length; from++) {
            Py_ssize_t distance = from - start;
            if (distance % step != 0 || distance / step >= count) extra->children[to++] = extra->children[from];
        }
        extra->length = to;
    }
    for (Py_ssize_t i = 0; i < size; i++) extra->children[start + i * step] = Py_NewRef(PyTuple_GET_ITEM(items, i));
    Py_DECREF(old);
    return 0;
}

static int element_set_subscript(PyObject *object, PyObject *key, PyObject *value) {
    Element *self = ELEMENT(object);
    if (PyIndex_Check(key)) {
        Py_ssize_t index = PyNumber_AsSsize_t(key, PyExc_IndexError);
        if (index == -1 && PyErr_Occurred()) return -1;
        return element_set_item(object, index < 0 ? index + element_length(self) : index, value);
    }
    if (!PySlice_Check(key)) {
        PyErr_SetString(PyExc_TypeError, "element indices must be integers");
        return -1;
    }
    Py_ssize_t start, stop, step;
    if (PySlice_Unpack(key, &start, &stop, &step) < 0) return -1;
    PyObject *items;
    if (value == NULL) {
        items = PyTuple_New(0);
    } else {
        PyObject *sequence = PySequence_Fast(value, "");
        if (sequence == NULL) {
            PyErr_Format(PyExc_TypeError, "expected sequence, not \"%.200s\"", Py_TYPE(value)->tp_name);
            return -1;
        }
        items = PySequence_Tuple(sequence);
        Py_DECREF(sequence);
    }
    if (items == NULL) return -1;
    int failed = -1;
    Py_ssize_t count = PySlice_AdjustIndices(element_length(self), &start, &stop, step), size = PyTuple_GET_SIZE(items);
    if (step != 1 && value != NULL && size != count) {
        PyErr_Format(PyExc_ValueError, "attempt to assign sequence of size %zd to extended slice of size %zd", size, count);
        goto done;
    }
    for (Py_ssize_t i = 0; i < size; i++) {
        if (check_child(PyTuple_GET_ITEM(items, i)) < 0) goto done;
    }
    if (value == NULL && step < 0 && count > 0) { /* the same children from the other end */
        start += (count - 1) * step;
        step = -step;
    }
    failed = count == 0 && size == 0 ? 0 : replace_children(self, start, step, count, items);
done:
    Py_DECREF(items);
    return failed;
}

static int child_argument(PyObject *child, const char *text) {
    if (ELEMENT_CHECK(child)) return 0;
    PyErr_Format(PyExc_TypeError, "%s must be %s, not %.200s", text, kr_element_type.tp_name,
                 child == Py_None ? "None" : Py_TYPE(child)->tp_name);
    return -1;
}

PyDoc_STRVAR(append_doc, "append($self, subelement, /)\n--\n\nAdd a child at the end.");
static PyObject *element_append(PyObject *self, PyObject *child) {
    if (child_argument(child, "append() argument") < 0 || kr_element_append(ELEMENT(self), child) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(extend_doc, "extend($self, elements, /)\n--\n\nAdd several children at the end.");
static PyObject *element_extend(PyObject *self, PyObject *elements) {
    PyObject *sequence = PySequence_Fast(elements, "");
    if (sequence == NULL) {
        if (PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Format(PyExc_TypeError, "expected sequence, not \"%.200s\"", Py_TYPE(elements)->tp_name);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence); i++) {
        if (kr_element_append(ELEMENT(self), PySequence_Fast_GET_ITEM(sequence, i)) < 0) {
            Py_DECREF(sequence);
            return NULL;
        }
    }
    Py_DECREF(sequence);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(insert_doc, "insert($self, index, subelement, /)\n--\n\nAdd a child at that place.");
static PyObject *element_insert(PyObject *object, PyObject *const *args, Py_ssize_t nargs) {
    Element *self = ELEMENT(object);
    if (!_PyArg_CheckPositional("insert", nargs, 2, 2)) return NULL;
    PyObject *number = PyNumber_Index(args[0]);
    if (number == NULL) return NULL;
    Py_ssize_t index = PyLong_AsSsize_t(number);
    Py_DECREF(number);
    if (index == -1 && PyErr_Occurred()) return NULL;
    if (child_argument(args[1], "insert() argument 2") < 0) return NULL;
    ElementExtra *extra = make_room(self, 1);
    if (extra == NULL) return NULL;
    if (index < 0) index += extra->length;
    index = index < 0 ? 0 : index > extra->length ? extra->length : index;
    memmove(extra->children + index + 1, extra->children + index,
            (size_t)(extra->length - index) * sizeof *extra->children);
    extra->children[index] = Py_NewRef(args[1]);
    extra->length++;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(remove_doc, "remove($self, subelement, /)\n--\n\nTake out the first child that is, or equals, the given one.");
static PyObject *element_remove(PyObject *object, PyObject *child) {
    Element *self = ELEMENT(object);
    if (child_argument(child, "remove() argument") < 0) return NULL;
    Py_ssize_t index = 0;
    while (index < element_length(self) && self->extra->children[index] != child) index++;
    if (index == element_length(self)) {
        for (index = 0; index < element_length(self); index++) {
            PyObject *candidate = Py_NewRef(self->extra->children[index]);
            int equal = PyObject_RichCompareBool(candidate, child, Py_EQ);
            Py_DECREF(candidate);
            if (equal < 0) return NULL;
            if (equal) break;
        }
    }
    if (index >= element_length(self)) {
        PyErr_SetString(PyExc_ValueError, "list.remove(x): x not in list");
        return NULL;
    }
    if (element_set_item(object, index, NULL) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(clear_doc, "clear($self, /)\n--\n\nTake out all children, attributes, text and tail.");
static PyObject *element_clear(PyObject *object, PyObject *unused) {
    Element *self = ELEMENT(object);
    clear_extra(self);
    Py_SETREF(self->text, Py_NewRef(Py_None));
    Py_SETREF(self->tail, Py_NewRef(Py_None));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(makeelement_doc, "makeelement($self, tag, attrib, /)\n--\n\nA new element of the same type.");
static PyObject *element_makeelement(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (!_PyArg_CheckPositional("makeelement", nargs, 2, 2)) return NULL;
    if (!PyDict_Check(args[1]))
        return PyErr_Format(PyExc_TypeError, "makeelement() argument 2 must be dict, not %.200s",
                            args[1] == Py_None ? "None" : Py_TYPE(args[1])->tp_name);
    PyObject *attrib = PyDict_Copy(args[1]);
    PyObject *element = attrib != NULL ? kr_element_new(args[0], attrib) : NULL;
    Py_XDECREF(attrib);
    return element;
}

/* ---- Copies and pickles ---- */

PyDoc_STRVAR(copy_doc, "__copy__($self, /)\n--\n\nAn element with the same children and attributes.");
static PyObject *element_copy(PyObject *object, PyObject *unused) {
    Element *self = ELEMENT(object);
    Element *copy = ELEMENT(kr_element_new(self->tag, self->extra != NULL ? self->extra->attrib : NULL));
    if (copy == NULL) return NULL;
    Py_SETREF(copy->text, Py_NewRef(self->text));
    Py_SETREF(copy->tail, Py_NewRef(self->tail));
    for (Py_ssize_t i = 0; i < element_length(self); i++) {
        if (kr_element_append(copy, self->extra->children[i]) < 0) {
            Py_DECREF(copy);
            return NULL;
        }
    }
    return (PyObject *)copy;
}

static PyObject *element_deepcopy(PyObject *self, PyObject *memo);

/* Whether all keys and values of a dict are strings, so that a copy is deep. */
static int is_dict_of_strings(PyObject *dict) {
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(dict, &position, &key, &value);) {
        if (!PyUnicode_CheckExact(key) || !PyUnicode_CheckExact(value)) return 0;
    }
    return 1;
}

/* Steals the reference to the object. */
static PyObject *deepcopy(PyObject *object, PyObject *memo) {
    PyObject *copy;
    if (object == Py_None || PyUnicode_CheckExact(object)) return object;
    if (PyDict_CheckExact(object) && is_dict_of_strings(object)) {
        copy = PyDict_Copy(object);
        Py_DECREF(object);
        return copy;
    }
    if (Py_IS_TYPE(object, &kr_element_type)) {
        copy = element_deepcopy(object, memo);
    } else {
        PyObject *module = PyImport_ImportModule("copy");
        copy = module != NULL ? PyObject_CallMethodObjArgs(module, KR_NAME(deepcopy), object, memo, NULL) : NULL;
        Py_XDECREF(module);
    }
    Py_DECREF(object);
    return copy;
}

/* Makes `place` hold a deep copy of an object. Returns 0 or -1. */
static int set_copy(PyObject **place, PyObject *object, PyObject *memo) {
    PyObject *copy = deepcopy(Py_NewRef(object), memo);
    if (copy == NULL) return -1;
    Py_SETREF(*place, copy);
    return 0;
}

PyDoc_STRVAR(deepcopy_doc, "__deepcopy__($self, memo, /)\n--\n\nA copy with copies of everything below.");
static PyObject *element_deepcopy(PyObject *object, PyObject *memo) {
    Element *self = ELEMENT(object);
    if (!PyDict_Check(memo))
        return PyErr_Format(PyExc_TypeError, "__deepcopy__() argument must be dict, not %.200s",
                            memo == Py_None ? "None" : Py_TYPE(memo)->tp_name);
    if (Py_EnterRecursiveCall(" in __deepcopy__")) return NULL;
    Element *copy = ELEMENT(kr_element_new(Py_None, NULL));
    PyObject *identity = NULL;
    if (copy == NULL || set_copy(&copy->tag, self->tag, memo) < 0 || set_copy(&copy->text, self->text, memo) < 0 ||
        set_copy(&copy->tail, self->tail, memo) < 0)
        goto failed;
    if (self->extra != NULL && self->extra->attrib != NULL && PyDict_GET_SIZE(self->extra->attrib) > 0) {
        PyObject *attrib = deepcopy(Py_NewRef(self->extra->attrib), memo);
        if (attrib == NULL || element_set_attrib((PyObject *)copy, attrib, NULL) < 0) {
            Py_XDECREF(attrib);
            goto failed;
        }
        Py_DECREF(attrib);
    }
    for (Py_ssize_t i = 0; i < element_length(self); i++) {
        PyObject *child = deepcopy(Py_NewRef(self->extra->children[i]), memo);
        int failed = child == NULL || kr_element_append(copy, child) < 0;
        Py_XDECREF(child);
        if (failed) goto failed;
    }
    if ((identity = PyLong_FromVoidPtr(self)) == NULL || PyDict_SetItem(memo, identity, (PyObject *)copy) < 0) goto failed;
    Py_DECREF(identity);
    Py_LeaveRecursiveCall();
    return (PyObject *)copy;
failed:
    Py_XDECREF(identity);
    Py_XDECREF(copy);
    Py_LeaveRecursiveCall();
    return NULL;
}

PyDoc_STRVAR(sizeof_doc, "__sizeof__($self, /)\n--\n\nThe size in bytes, without that of the children.");
static PyObject *element_sizeof(PyObject *object, PyObject *unused) {
    Element *self = ELEMENT(object);
    size_t size = (size_t)_PyObject_SIZE(Py_TYPE(self));
    if (self->extra != NULL) {
        size += sizeof *self->extra;
        if (self->extra->children != self->extra->inline_children)
            size += (size_t)self->extra->allocated * sizeof *self->extra->children;
    }
    return PyLong_FromSize_t(size);
}

PyDoc_STRVAR(getstate_doc, "__getstate__($self, /)\n--\n\nThe element's parts in a dict.");
static PyObject *element_getstate(PyObject *object, PyObject *unused) {
    Element *self = ELEMENT(object);
    Py_ssize_t count = element_length(self);
    PyObject *children = PyList_New(count);
    if (children == NULL) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) PyList_SET_ITEM(children, i, Py_NewRef(self->extra->children[i]));
    PyObject *attrib =
        self->extra != NULL && self->extra->attrib != NULL ? Py_NewRef(self->extra->attrib) : PyDict_New();
    if (attrib == NULL) {
        Py_DECREF(children);
        return NULL;
    }
    return Py_BuildValue("{sOsNsNsOsO}", "tag", self->tag, "_children", children, "attrib", attrib, "text", self->text,
                         "tail", self->tail);
}

PyDoc_STRVAR(setstate_doc, "__setstate__($self, state, /)\n--\n\nTake over such a dict.");
static PyObject *element_setstate(PyObject *object, PyObject *state) {
    static char *keywords[] = {"tag", "attrib", "text", "tail", "_children", NULL};
    Element *self = ELEMENT(object);
    PyObject *tag = NULL, *attrib = NULL, *text = NULL, *tail = NULL, *children = NULL;
    if (!PyDict_CheckExact(state))
        return PyErr_Format(PyExc_TypeError, "Don't know how to unpickle \"%.200R\" as an Element", state);
    PyObject *args = PyTuple_New(0);
    int parsed = args != NULL && PyArg_ParseTupleAndKeywords(args, state, "|$OOOOO", keywords, &tag, &attrib, &text, &tail,
                                                             &children);
    Py_XDECREF(args);
    if (!parsed) return NULL;
    if (tag == NULL) {
        PyErr_SetString(PyExc_TypeError, "tag may not be NULL");
        return NULL;
    }
    Py_SETREF(self->tag, Py_NewRef(tag));
    Py_SETREF(self->text, Py_NewRef(text != NULL ? text : Py_None));
    Py_SETREF(self->tail, Py_NewRef(tail != NULL ? tail : Py_None));
    if (children != NULL && !PyList_Check(children)) {
        PyErr_SetString(PyExc_TypeError, "'_children' is not a list");
        return NULL;
    }
    clear_extra(self);
    if (children != NULL && get_extra(self) == NULL) return NULL;
    for (Py_ssize_t i = 0; children != NULL && i < PyList_GET_SIZE(children); i++) {
        if (kr_element_append(self, PyList_GET_ITEM(children, i)) < 0) return NULL;
    }
    if (attrib != NULL && PyDict_Check(attrib) && element_set_attrib(object, attrib, NULL) < 0) return NULL;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(find_doc, "find($self, /, path, namespaces=None)\n--\n\nThe first element that a tag or path means, or None.");
PyDoc_STRVAR(findtext_doc, "findtext($self, /, path, default=None, namespaces=None)\n--\n\n"
                           "The text of the first such element, '' if it has none; or the default.");
PyDoc_STRVAR(findall_doc, "findall($self, /, path, namespaces=None)\n--\n\nA list of all elements that a tag or path means.");
PyDoc_STRVAR(iterfind_doc, "iterfind($self, /, path, namespaces=None)\n--\n\nAn iterator over them.");
PyDoc_STRVAR(iter_doc, "iter($self, /, tag=None)\n--\n\n"
                       "An iterator over this element and all below it, in document order, that have the tag, if given.");
PyDoc_STRVAR(itertext_doc, "itertext($self, /)\n--\n\nAn iterator over the text of this element and all below it.");

static PyMethodDef element_methods[] = {
    {"clear", element_clear, METH_NOARGS, clear_doc},
    {"get", FASTCALL(element_get), METH_FASTCALL | METH_KEYWORDS, get_doc},
    {"set", FASTCALL(element_set), METH_FASTCALL, set_doc},
    {"find", FASTCALL(kr_element_find), METH_FASTCALL | METH_KEYWORDS, find_doc},
    {"findtext", FASTCALL(kr_element_findtext), METH_FASTCALL | METH_KEYWORDS, findtext_doc},
    {"findall", FASTCALL(kr_element_findall), METH_FASTCALL | METH_KEYWORDS, findall_doc},
    {"append", element_append, METH_O, append_doc},
    {"extend", element_extend, METH_O, extend_doc},
    {"insert", FASTCALL(element_insert), METH_FASTCALL, insert_doc},
    {"remove", element_remove, METH_O, remove_doc},
    {"iter", FASTCALL(kr_element_iter), METH_FASTCALL | METH_KEYWORDS, iter_doc},
    {"itertext", kr_element_itertext, METH_NOARGS, itertext_doc},
    {"iterfind", FASTCALL(kr_element_iterfind), METH_FASTCALL | METH_KEYWORDS, iterfind_doc},
    {"items", element_items, METH_NOARGS, items_doc},
    {"keys", element_keys, METH_NOARGS, keys_doc},
    {"makeelement", FASTCALL(element_makeelement), METH_FASTCALL, makeelement_doc},
    {"__copy__", element_copy, METH_NOARGS, copy_doc},
    {"__deepcopy__", element_deepcopy, METH_O, deepcopy_doc},
    {"__sizeof__", element_sizeof, METH_NOARGS, sizeof_doc},
    {"__getstate__", element_getstate, METH_NOARGS, getstate_doc},
    {"__setstate__", element_setstate, METH_O, setstate_doc},
    {NULL},
};

static PySequenceMethods element_sequence = {
    .sq_length = element_count,
    .sq_item = element_item,
    .sq_ass_item = element_set_item,
};

static PyMappingMethods element_mapping = {
    .mp_length = element_count,
    .mp_subscript = element_subscript,
    .mp_ass_subscript = element_set_subscript,
};

PyTypeObject kr_element_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "xml.etree.ElementTree.Element",
    .tp_basicsize = sizeof(Element),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .tp_new = element_new,
    .tp_init = element_init,
    .tp_vectorcall = element_vectorcall,
    .tp_dealloc = element_dealloc,
    .tp_traverse = element_traverse,
    .tp_clear = element_gc_clear,
    .tp_weaklistoffset = offsetof(Element, weak_references),
    .tp_repr = element_repr,
    .tp_as_sequence = &element_sequence,
    .tp_as_mapping = &element_mapping,
    .tp_methods = element_methods,
    .tp_getset = element_attributes,
    .tp_getattro = PyObject_GenericGetAttr,
};
