/* Operations that every object has: text, comparison, hash, truth, attributes, destruction; and the three singletons
 * None, NotImplemented and Ellipsis. */
#include <Python.h>
#include <stdint.h>

#include "heap/heap.h"
#include "object/errors.h"
#include "object/instance.h"
#include "object/method.h"
#include "object/names.h"
#include "object/object.h"
#include "object/runtime.h"
#include "object/type.h"

#undef Py_NewRef
#undef Py_XNewRef
#undef Py_Is
#undef Py_IsNone

/* -- Reference counts ------------------------------------------------------------------------------------------- */

int Py_Is(PyObject *x, PyObject *y) { return x == y; }

int Py_IsNone(PyObject *x) { return x == Py_None; }

PyObject *Py_NewRef(PyObject *obj) { return _Py_NewRef(obj); }

PyObject *Py_XNewRef(PyObject *obj) { return _Py_XNewRef(obj); }

#define Py_NewRef(obj) _Py_NewRef(_PyObject_CAST(obj))
#define Py_XNewRef(obj) _Py_XNewRef(_PyObject_CAST(obj))

void Py_IncRef(PyObject *o) { Py_XINCREF(o); }

void Py_DecRef(PyObject *o) { Py_XDECREF(o); }

void _Py_IncRef(PyObject *o) { Py_INCREF(o); }

void _Py_DecRef(PyObject *o) { Py_DECREF(o); }

void _Py_NewReference(PyObject *op) { Py_SET_REFCNT(op, 1); }

void _Py_Dealloc(PyObject *op) { Py_TYPE(op)->tp_dealloc(op); }

/* -- Trashcan --------------------------------------------------------------------------------------------------
 *
 * Deallocating a deep structure recurses once per level. Beyond TRASH_DEPTH levels an object is put on a list instead,
 * and the outermost deallocation works the list off. The list is threaded through ob_refcnt, which is 0 in such an
 * object: it holds the negated address of the next one, so that a weak reference still sees a count that is not
 * positive. */

enum { TRASH_DEPTH = 50 };

static void trash_put(PyThreadState *tstate, PyObject *op) {
    op->ob_refcnt = -(Py_ssize_t)(intptr_t)tstate->trash_delete_later;
    tstate->trash_delete_later = op;
}

static void trash_work_off(PyThreadState *tstate) {
    /* The nesting count stays up meanwhile, so that deallocations from here on only nest by one level. */
    tstate->trash_delete_nesting++;
    while (tstate->trash_delete_later != NULL) {
        PyObject *op = tstate->trash_delete_later;
        tstate->trash_delete_later = (PyObject *)(intptr_t)-op->ob_refcnt;
        op->ob_refcnt = 0;
        Py_TYPE(op)->tp_dealloc(op);
    }
    tstate->trash_delete_nesting--;
}

int _PyTrash_begin(PyThreadState *tstate, PyObject *op) {
    if (tstate->trash_delete_nesting >= TRASH_DEPTH) {
        trash_put(tstate, op);
        return 1;
    }
    tstate->trash_delete_nesting++;
    return 0;
}

void _PyTrash_end(PyThreadState *tstate) {
    tstate->trash_delete_nesting--;
    if (tstate->trash_delete_later != NULL && tstate->trash_delete_nesting <= 0) trash_work_off(tstate);
}

/* Only the most derived deallocator counts a level; one that is called by a subclass's does not. */
int _PyTrash_cond(PyObject *op, destructor dealloc) { return Py_TYPE(op)->tp_dealloc == dealloc; }

/* Names that extension modules compiled for older versions call. */
PyAPI_FUNC(void) _PyTrash_thread_deposit_object(PyObject *op);
PyAPI_FUNC(void) _PyTrash_thread_destroy_chain(void);

void _PyTrash_thread_deposit_object(PyObject *op) { trash_put(kr_tstate(), op); }

void _PyTrash_thread_destroy_chain(void) { trash_work_off(kr_tstate()); }

/* -- Finalisers ------------------------------------------------------------------------------------------------ */

void PyObject_CallFinalizer(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    if (type->tp_finalize == NULL) return;
    int collected = PyType_IS_GC(type);
    if (collected && PyObject_GC_IsFinalized(self)) return;
    type->tp_finalize(self);
    if (collected) kr_gc_set_finalized(self);
}

/* Runs the finaliser of an object whose count fell to 0. Returns -1 if the finaliser made it live again. */
int PyObject_CallFinalizerFromDealloc(PyObject *self) {
    if (Py_REFCNT(self) != 0) {
        _PyObject_ASSERT_FAILED_MSG(self, "PyObject_CallFinalizerFromDealloc called on object with a non-zero refcount");
    }
    Py_SET_REFCNT(self, 1);
    PyObject_CallFinalizer(self);
    Py_ssize_t left = Py_REFCNT(self) - 1;
    Py_SET_REFCNT(self, left);
    return left == 0 ? 0 : -1;
}

/* -- Text ------------------------------------------------------------------------------------------------------ */

PyObject *PyObject_Repr(PyObject *v) {
    if (v == NULL) return PyUnicode_FromString("<NULL>");
    PyTypeObject *type = Py_TYPE(v);
    if (type->tp_repr == NULL) return PyUnicode_FromFormat("<%s object at %p>", type->tp_name, v);
    if (Py_EnterRecursiveCall(" while getting the repr of an object")) return NULL;
    PyObject *text = type->tp_repr(v);
    Py_LeaveRecursiveCall();
    if (text == NULL) return NULL;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "__repr__ returned non-string (type %.200s)", Py_TYPE(text)->tp_name);
        Py_DECREF(text);
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) {
        Py_DECREF(text);
        return NULL;
    }
    return text;
}

PyObject *PyObject_Str(PyObject *v) {
    if (v == NULL) return PyUnicode_FromString("<NULL>");
    if (PyUnicode_CheckExact(v)) {
        if (PyUnicode_READY(v) < 0) return NULL;
        return Py_NewRef(v);
    }
    PyTypeObject *type = Py_TYPE(v);
    if (type->tp_str == NULL) return PyObject_Repr(v);
    if (Py_EnterRecursiveCall(" while getting the str of an object")) return NULL;
    PyObject *text = type->tp_str(v);
    Py_LeaveRecursiveCall();
    if (text == NULL) return NULL;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "__str__ returned non-string (type %.200s)", Py_TYPE(text)->tp_name);
        Py_DECREF(text);
        return NULL;
    }
    if (PyUnicode_READY(text) < 0) {
        Py_DECREF(text);
        return NULL;
    }
    return text;
}

PyObject *PyObject_ASCII(PyObject *v) {
    PyObject *text = PyObject_Repr(v);
    if (text == NULL || PyUnicode_IS_ASCII(text)) return text;
    PyObject *bytes = PyUnicode_AsEncodedString(text, "ascii", "backslashreplace");
    Py_DECREF(text);
    if (bytes == NULL) return NULL;
    PyObject *ascii = PyUnicode_DecodeASCII(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), "strict");
    Py_DECREF(bytes);
    return ascii;
}

PyObject *PyObject_Bytes(PyObject *v) {
    if (v == NULL) return PyBytes_FromString("<NULL>");
    if (PyBytes_CheckExact(v)) return Py_NewRef(v);
    PyObject *method = kr_special_lookup(v, KR_NAME(__bytes__));
    if (method == NULL) return PyErr_Occurred() ? NULL : PyBytes_FromObject(v);
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result != NULL && !PyBytes_Check(result)) {
        PyErr_Format(PyExc_TypeError, "__bytes__ returned non-bytes (type %.200s)", Py_TYPE(result)->tp_name);
        Py_CLEAR(result);
    }
    return result;
}

/* Names an object in error messages about calls: "module.qualname()", or its str() if it has no qualified name. */
PyObject *_PyObject_FunctionStr(PyObject *x) {
    PyObject *qualname, *module, *text = NULL;
    if (_PyObject_LookupAttr(x, KR_NAME(__qualname__), &qualname) < 0) return NULL;
    if (qualname == NULL) return PyObject_Str(x);
    if (_PyObject_LookupAttr(x, KR_NAME(__module__), &module) >= 0) {
        if (module != NULL && module != Py_None) {
            int builtin = PyObject_RichCompareBool(module, KR_NAME(builtins), Py_EQ);
            if (builtin == 0) text = PyUnicode_FromFormat("%S.%S()", module, qualname);
            if (builtin <= 0) {
                Py_DECREF(module);
                Py_DECREF(qualname);
                return text;
            }
        }
        text = PyUnicode_FromFormat("%S()", qualname);
    }
    Py_XDECREF(module);
    Py_DECREF(qualname);
    return text;
}

int PyObject_Print(PyObject *op, FILE *fp, int flags) {
    clearerr(fp);
    if (op == NULL) {
        fputs("<nil>", fp);
    } else if (Py_REFCNT(op) <= 0) {
        fprintf(fp, "<refcnt %zd at %p>", Py_REFCNT(op), (void *)op);
    } else {
        PyObject *text = flags & Py_PRINT_RAW ? PyObject_Str(op) : PyObject_Repr(op);
        if (text == NULL) return -1;
        PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
        Py_DECREF(text);
        if (bytes == NULL) return -1;
        fwrite(PyBytes_AS_STRING(bytes), 1, PyBytes_GET_SIZE(bytes), fp);
        Py_DECREF(bytes);
    }
    if (ferror(fp)) {
        PyErr_SetFromErrno(PyExc_OSError);
        clearerr(fp);
        return -1;
    }
    return 0;
}

/* -- Debugging aids -------------------------------------------------------------------------------------------- */

void _Py_BreakPoint(void) {}

int _PyObject_IsFreed(PyObject *op) {
    /* The debug heap fills freed memory with 0xDD and fences blocks with 0xFD. */
    static const uintptr_t patterns[] = {UINTPTR_MAX / 0xFF * 0xDD, UINTPTR_MAX / 0xFF * 0xFD, UINTPTR_MAX / 0xFF * 0xCD};
    if (op == NULL) return 1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(patterns); i++) {
        if ((uintptr_t)op == patterns[i] || (uintptr_t)op->ob_type == patterns[i]) return 1;
    }
    return op->ob_type == NULL;
}

void _PyObject_Dump(PyObject *op) {
    if (_PyObject_IsFreed(op)) {
        fprintf(stderr, "<object at %p is freed>\n", (void *)op);
        fflush(stderr);
        return;
    }
    fprintf(stderr, "object address  : %p\n", (void *)op);
    fprintf(stderr, "object refcount : %zd\n", Py_REFCNT(op));
    fprintf(stderr, "object type     : %p\n", (void *)Py_TYPE(op));
    fprintf(stderr, "object type name: %s\n", Py_TYPE(op)->tp_name);
    fputs("object repr     : ", stderr);
    fflush(stderr);
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyObject_Print(op, stderr, 0) < 0) PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    fputc('\n', stderr);
    fflush(stderr);
}

void _PyObject_AssertFailed(PyObject *obj, const char *expr, const char *msg, const char *file, int line,
                            const char *function) {
    fprintf(stderr, "%s:%d: ", file, line);
    if (function != NULL) fprintf(stderr, "%s: ", function);
    fputs(expr != NULL ? "Assertion \"" : "Assertion", stderr);
    if (expr != NULL) fprintf(stderr, "%s\"", expr);
    fputs(" failed", stderr);
    if (msg != NULL) fprintf(stderr, ": %s", msg);
    fputc('\n', stderr);
    fflush(stderr);
    if (!_PyObject_IsFreed(obj)) _PyObject_Dump(obj);
    Py_FatalError("_PyObject_AssertFailed");
}

/* One line of sys._debugmallocstats(): how much a free list holds. */
void _PyDebugAllocatorStats(FILE *out, const char *block_name, int num_blocks, size_t sizeof_block) {
    char text[128], title[128];
    PyOS_snprintf(text, sizeof text, "%d %ss * %zd bytes each", num_blocks, block_name, (Py_ssize_t)sizeof_block);
    PyOS_snprintf(title, sizeof title, "%48s ", text);
    kr_heap_report_number(out, title, (size_t)num_blocks * sizeof_block);
}

void _PyObject_DebugTypeStats(FILE *out) { kr_method_debug_stats(out); }

int _PyObject_CheckConsistency(PyObject *op, int check_content) {
    _PyObject_ASSERT_FROM(op, !_PyObject_IsFreed(op) && Py_REFCNT(op) >= 1, NULL, __FILE__, __LINE__, __func__);
    return 1;
}

/* -- Comparison and hash --------------------------------------------------------------------------------------- */

int _Py_SwappedOp[] = {Py_GT, Py_GE, Py_EQ, Py_NE, Py_LT, Py_LE};

static const char *const comparison_symbols[] = {"<", "<=", "==", "!=", ">", ">="};

static PyObject *compare(PyObject *v, PyObject *w, int op) {
    int reflected_done = 0;
    PyObject *result;
    richcmpfunc function;

    if (!Py_IS_TYPE(v, Py_TYPE(w)) && PyType_IsSubtype(Py_TYPE(w), Py_TYPE(v)) &&
        (function = Py_TYPE(w)->tp_richcompare) != NULL) {
        reflected_done = 1;
        result = function(w, v, _Py_SwappedOp[op]);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if ((function = Py_TYPE(v)->tp_richcompare) != NULL) {
        result = function(v, w, op);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if (!reflected_done && (function = Py_TYPE(w)->tp_richcompare) != NULL) {
        result = function(w, v, _Py_SwappedOp[op]);
        if (result != Py_NotImplemented) return result;
        Py_DECREF(result);
    }
    if (op == Py_EQ) return Py_NewRef(v == w ? Py_True : Py_False);
    if (op == Py_NE) return Py_NewRef(v != w ? Py_True : Py_False);
    PyErr_Format(PyExc_TypeError, "'%s' not supported between instances of '%.100s' and '%.100s'",
                 comparison_symbols[op], Py_TYPE(v)->tp_name, Py_TYPE(w)->tp_name);
    return NULL;
}

PyObject *PyObject_RichCompare(PyObject *v, PyObject *w, int op) {
    if (v == NULL || w == NULL) {
        if (!PyErr_Occurred()) PyErr_BadInternalCall();
        return NULL;
    }
    if (Py_EnterRecursiveCall(" in comparison")) return NULL;
    PyObject *result = compare(v, w, op);
    Py_LeaveRecursiveCall();
    return result;
}

static inline int holds(long order, int op) {
    switch (op) {
    case Py_LT: return order < 0;
    case Py_LE: return order <= 0;
    case Py_EQ: return order == 0;
    case Py_NE: return order != 0;
    case Py_GT: return order > 0;
    default: return order >= 0;
    }
}

/* An object equals itself here, as container membership wants it, whatever its __eq__ says. What containers mostly hold,
 * small ints and strings, is compared here, without the result as an object. */
int PyObject_RichCompareBool(PyObject *v, PyObject *w, int op) {
    if (v == w) {
        if (op == Py_EQ) return 1;
        if (op == Py_NE) return 0;
    }
    if (v != NULL && w != NULL && Py_IS_TYPE(v, Py_TYPE(w))) {
        if (PyLong_CheckExact(v)) {
            Py_ssize_t size = Py_SIZE(v), other = Py_SIZE(w);
            if ((size_t)(size + 1) <= 2 && (size_t)(other + 1) <= 2)
                return holds(size * (long)((PyLongObject *)v)->ob_digit[0] - other * (long)((PyLongObject *)w)->ob_digit[0], op);
        } else if (PyUnicode_CheckExact(v) && PyUnicode_IS_READY(v) && PyUnicode_IS_READY(w)) {
            return op == Py_EQ ? _PyUnicode_EQ(v, w) : op == Py_NE ? !_PyUnicode_EQ(v, w) : holds(PyUnicode_Compare(v, w), op);
        } else if (PyFloat_CheckExact(v)) {
            double x = PyFloat_AS_DOUBLE(v), y = PyFloat_AS_DOUBLE(w);
            switch (op) { /* a NaN has no order */
            case Py_LT: return x < y;
            case Py_LE: return x <= y;
            case Py_EQ: return x == y;
            case Py_NE: return x != y;
            case Py_GT: return x > y;
            default: return x >= y;
            }
        }
    }
    PyObject *result = PyObject_RichCompare(v, w, op);
    if (result == NULL) return -1;
    int truth = PyBool_Check(result) ? result == Py_True : PyObject_IsTrue(result);
    Py_DECREF(result);
    return truth;
}

Py_hash_t PyObject_HashNotImplemented(PyObject *v) {
    PyErr_Format(PyExc_TypeError, "unhashable type: '%.200s'", Py_TYPE(v)->tp_name);
    return -1;
}

Py_hash_t PyObject_Hash(PyObject *v) {
    PyTypeObject *type = Py_TYPE(v);
    if (type->tp_hash != NULL) return type->tp_hash(v);
    if (type->tp_dict == NULL) {
        /* A static type of an extension module that was never made ready. */
        if (PyType_Ready(type) < 0) return -1;
        if (type->tp_hash != NULL) return type->tp_hash(v);
    }
    return PyObject_HashNotImplemented(v);
}

int PyObject_IsTrue(PyObject *v) {
    if (v == Py_True) return 1;
    if (v == Py_False || v == Py_None) return 0;
    PyTypeObject *type = Py_TYPE(v);
    Py_ssize_t truth;
    if (type->tp_as_number != NULL && type->tp_as_number->nb_bool != NULL) {
        truth = type->tp_as_number->nb_bool(v);
    } else if (type->tp_as_mapping != NULL && type->tp_as_mapping->mp_length != NULL) {
        truth = type->tp_as_mapping->mp_length(v);
    } else if (type->tp_as_sequence != NULL && type->tp_as_sequence->sq_length != NULL) {
        truth = type->tp_as_sequence->sq_length(v);
    } else {
        return 1;
    }
    return truth > 0 ? 1 : (int)truth;
}

int PyObject_Not(PyObject *v) {
    int truth = PyObject_IsTrue(v);
    return truth < 0 ? truth : !truth;
}

int PyCallable_Check(PyObject *x) { return x != NULL && Py_TYPE(x)->tp_call != NULL; }

PyObject *PyObject_SelfIter(PyObject *obj) { return Py_NewRef(obj); }

/* tp_iternext of classes without __next__, so that the slot of a class is never empty. */
PyObject *_PyObject_NextNotImplemented(PyObject *self) {
    PyErr_Format(PyExc_TypeError, "'%.200s' object is not iterable", Py_TYPE(self)->tp_name);
    return NULL;
}

/* -- Attributes ------------------------------------------------------------------------------------------------ */

void kr_attribute_error_add_context(PyObject *obj, PyObject *name) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && PyErr_GivenExceptionMatches(value, PyExc_AttributeError)) {
        PyAttributeErrorObject *error = (PyAttributeErrorObject *)value;
        if (error->name == NULL && error->obj == NULL) {
            error->name = Py_NewRef(name);
            error->obj = Py_NewRef(obj);
        }
    }
    PyErr_Restore(type, value, traceback);
}

static int check_attribute_name(PyObject *name) {
    if (PyUnicode_Check(name)) return 0;
    PyErr_Format(PyExc_TypeError, "attribute name must be string, not '%.200s'", Py_TYPE(name)->tp_name);
    return -1;
}

PyObject *PyObject_GetAttr(PyObject *v, PyObject *name) {
    PyTypeObject *type = Py_TYPE(v);
    if (check_attribute_name(name) < 0) return NULL;
    PyObject *result;
    if (type->tp_getattro != NULL) {
        result = type->tp_getattro(v, name);
    } else if (type->tp_getattr != NULL) {
        const char *text = PyUnicode_AsUTF8(name);
        if (text == NULL) return NULL;
        result = type->tp_getattr(v, (char *)text);
    } else {
        PyErr_Format(PyExc_AttributeError, "'%.50s' object has no attribute '%U'", type->tp_name, name);
        result = NULL;
    }
    if (result == NULL) kr_attribute_error_add_context(v, name);
    return result;
}

PyObject *PyObject_GetAttrString(PyObject *v, const char *name) {
    if (Py_TYPE(v)->tp_getattr != NULL) return Py_TYPE(v)->tp_getattr(v, (char *)name);
    PyObject *text = PyUnicode_InternFromString(name); /* most likely it is interned already, and lookups are cached */
    if (text == NULL) return NULL;
    PyObject *result = PyObject_GetAttr(v, text);
    Py_DECREF(text);
    return result;
}

PyObject *_PyObject_GetAttrId(PyObject *v, _Py_Identifier *name) {
    PyObject *text = _PyUnicode_FromId(name);
    return text != NULL ? PyObject_GetAttr(v, text) : NULL;
}

/* Sets *result to the attribute (a new reference) and returns 1; or to NULL and returns 0 if there is none, -1 with an
 * exception for any failure other than AttributeError. Avoids making the exception where it can. */
int _PyObject_LookupAttr(PyObject *v, PyObject *name, PyObject **result) {
    PyTypeObject *type = Py_TYPE(v);
    *result = NULL;
    if (check_attribute_name(name) < 0) return -1;
    getattrofunc function = type->tp_getattro;
    if (function == PyObject_GenericGetAttr) {
        *result = _PyObject_GenericGetAttrWithDict(v, name, NULL, 1);
    } else if (function == PyType_Type.tp_getattro && function != NULL) {
        *result = kr_type_get_attribute((PyTypeObject *)v, name, 1);
    } else if (function == PyModule_Type.tp_getattro && function != NULL) {
        *result = kr_module_get_attribute(v, name, 1);
    } else {
        if (function != NULL) {
            *result = function(v, name);
        } else if (type->tp_getattr != NULL) {
            const char *text = PyUnicode_AsUTF8(name);
            if (text == NULL) return -1;
            *result = type->tp_getattr(v, (char *)text);
        } else {
            return 0;
        }
        if (*result != NULL) return 1;
        if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return -1;
        PyErr_Clear();
        return 0;
    }
    if (*result != NULL) return 1;
    return PyErr_Occurred() ? -1 : 0;
}

int _PyObject_LookupAttrId(PyObject *v, _Py_Identifier *name, PyObject **result) {
    PyObject *text = _PyUnicode_FromId(name);
    if (text == NULL) {
        *result = NULL;
        return -1;
    }
    return _PyObject_LookupAttr(v, text, result);
}

int PyObject_HasAttr(PyObject *v, PyObject *name) {
    PyObject *result;
    if (_PyObject_LookupAttr(v, name, &result) < 0) {
        PyErr_Clear();
        return 0;
    }
    if (result == NULL) return 0;
    Py_DECREF(result);
    return 1;
}

int PyObject_HasAttrString(PyObject *v, const char *name) {
    PyObject *result = PyObject_GetAttrString(v, name);
    if (result == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(result);
    return 1;
}

int PyObject_SetAttr(PyObject *v, PyObject *name, PyObject *value) {
    PyTypeObject *type = Py_TYPE(v);
    if (check_attribute_name(name) < 0) return -1;
    int status = -1;
    Py_INCREF(name);
    PyUnicode_InternInPlace(&name);
    if (type->tp_setattro != NULL) {
        status = type->tp_setattro(v, name, value);
    } else if (type->tp_setattr != NULL) {
        const char *text = PyUnicode_AsUTF8(name);
        if (text != NULL) status = type->tp_setattr(v, (char *)text, value);
    } else {
        const char *what = type->tp_getattr == NULL && type->tp_getattro == NULL ? "no" : "only read-only";
        PyErr_Format(PyExc_TypeError, "'%.100s' object has %s attributes (%s .%U)", type->tp_name, what,
                     value == NULL ? "del" : "assign to", name);
    }
    Py_DECREF(name);
    return status;
}

int PyObject_SetAttrString(PyObject *v, const char *name, PyObject *value) {
    if (Py_TYPE(v)->tp_setattr != NULL) return Py_TYPE(v)->tp_setattr(v, (char *)name, value);
    PyObject *text = PyUnicode_InternFromString(name);
    if (text == NULL) return -1;
    int status = PyObject_SetAttr(v, text, value);
    Py_DECREF(text);
    return status;
}

int _PyObject_SetAttrId(PyObject *v, _Py_Identifier *name, PyObject *value) {
    PyObject *text = _PyUnicode_FromId(name);
    return text != NULL ? PyObject_SetAttr(v, text, value) : -1;
}

/* -- Generic attributes: descriptors of the type, then the instance's own dict ----------------------------------- */

/* Returns the address of the dict pointer of an object whose type has a plain tp_dictoffset, or NULL. */
static PyObject **plain_dict_pointer(PyObject *obj) {
    PyTypeObject *type = Py_TYPE(obj);
    Py_ssize_t offset = type->tp_dictoffset;
    if (offset == 0) return NULL;
    if (offset < 0) {
        Py_ssize_t count = Py_SIZE(obj);
        offset += _PyObject_VAR_SIZE(type, count < 0 ? -count : count);
    }
    return (PyObject **)((char *)obj + offset);
}

/* For extension modules. The word of a class with managed attributes is not a plain pointer: these get the address of
 * one of a few cells that hold a copy, good for reading until the cells are used again. */
PyObject **_PyObject_GetDictPtr(PyObject *obj) {
    if (!(Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT)) return plain_dict_pointer(obj);
    static struct {
        PyObject *cell[16];
        unsigned next;
    } state;
    PyObject *dict = kr_instance_dict(obj);
    if (dict == NULL) {
        PyErr_Clear();
        return NULL;
    }
    PyObject **cell = &state.cell[state.next++ % Py_ARRAY_LENGTH(state.cell)];
    *cell = dict;
    return cell;
}

PyObject *PyObject_GenericGetDict(PyObject *obj, void *context) {
    if (Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyObject *dict = kr_instance_dict(obj);
        return Py_XNewRef(dict);
    }
    PyObject **pointer = plain_dict_pointer(obj);
    if (pointer == NULL) {
        PyErr_SetString(PyExc_AttributeError, "This object has no __dict__");
        return NULL;
    }
    if (*pointer == NULL && (*pointer = PyDict_New()) == NULL) return NULL;
    return Py_NewRef(*pointer);
}

int PyObject_GenericSetDict(PyObject *obj, PyObject *value, void *context) {
    int managed = (Py_TYPE(obj)->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0;
    PyObject **pointer = managed ? NULL : plain_dict_pointer(obj);
    if (!managed && pointer == NULL) {
        PyErr_SetString(PyExc_AttributeError, "This object has no __dict__");
        return -1;
    }
    if (value == NULL) {
        PyErr_SetString(PyExc_TypeError, "cannot delete __dict__");
        return -1;
    }
    if (!PyDict_Check(value)) {
        PyErr_Format(PyExc_TypeError, "__dict__ must be set to a dictionary, not a '%.200s'", Py_TYPE(value)->tp_name);
        return -1;
    }
    if (managed) return kr_instance_set_dict(obj, value);
    Py_INCREF(value);
    Py_XSETREF(*pointer, value);
    return 0;
}

static int generic_name_ready(PyTypeObject *type, PyObject *name) {
    if (check_attribute_name(name) < 0) return -1;
    return type->tp_dict == NULL ? PyType_Ready(type) : 0;
}

/* Looks a name up in the instance's own attributes (`dict`, or where the type keeps them). New reference; NULL with or
 * without an exception. */
static PyObject *own_attribute(PyObject *obj, PyObject *name, PyObject *dict) {
    if (dict == NULL) {
        PyTypeObject *type = Py_TYPE(obj);
        if (type->tp_flags & Py_TPFLAGS_MANAGED_DICT) return kr_instance_get(obj, name);
        PyObject **pointer = plain_dict_pointer(obj);
        if (pointer == NULL || (dict = *pointer) == NULL) return NULL;
    }
    Py_INCREF(dict);
    PyObject *value = PyDict_GetItemWithError(dict, name);
    Py_XINCREF(value);
    Py_DECREF(dict);
    return value;
}

/* Forgets an AttributeError if the caller asked for that. */
static PyObject *pass_result(PyObject *result, int suppress) {
    if (result == NULL && suppress && PyErr_ExceptionMatches(PyExc_AttributeError)) PyErr_Clear();
    return result;
}

PyObject *_PyObject_GenericGetAttrWithDict(PyObject *obj, PyObject *name, PyObject *dict, int suppress) {
    PyTypeObject *type = Py_TYPE(obj);
    if (generic_name_ready(type, name) < 0) return NULL;
    PyObject *result;
    PyObject *descriptor = _PyType_Lookup(type, name);
    descrgetfunc get = NULL;
    if (descriptor != NULL) {
        Py_INCREF(descriptor);
        get = Py_TYPE(descriptor)->tp_descr_get;
        if (get != NULL && Py_TYPE(descriptor)->tp_descr_set != NULL) {
            result = pass_result(get(descriptor, obj, (PyObject *)type), suppress);
            goto done;
        }
    }
    result = own_attribute(obj, name, dict);
    if (result != NULL) goto done;
    if (PyErr_Occurred()) {
        if (!suppress || !PyErr_ExceptionMatches(PyExc_AttributeError)) goto done;
        PyErr_Clear();
    }
    if (get != NULL) {
        result = pass_result(get(descriptor, obj, (PyObject *)type), suppress);
    } else if (descriptor != NULL) {
        result = descriptor;
        descriptor = NULL;
    } else if (!suppress) {
        PyErr_Format(PyExc_AttributeError, "'%.50s' object has no attribute '%U'", type->tp_name, name);
        kr_attribute_error_add_context(obj, name);
    }
done:
    Py_XDECREF(descriptor);
    return result;
}

PyObject *PyObject_GenericGetAttr(PyObject *obj, PyObject *name) {
    return _PyObject_GenericGetAttrWithDict(obj, name, NULL, 0);
}

/* Finds what `obj.name(...)` calls. Returns 1 with *method = an unbound function that wants obj as first argument, or 0
 * with *method = a callable of its own, or NULL with an exception. *method is a new reference. */
int _PyObject_GetMethod(PyObject *obj, PyObject *name, PyObject **method) {
    PyTypeObject *type = Py_TYPE(obj);
    *method = NULL;
    if (type->tp_getattro != PyObject_GenericGetAttr || !PyUnicode_CheckExact(name)) {
        *method = PyObject_GetAttr(obj, name);
        return 0;
    }
    if (type->tp_dict == NULL && PyType_Ready(type) < 0) return 0;

    PyObject *descriptor = _PyType_Lookup(type, name);
    descrgetfunc get = NULL;
    int is_method = 0;
    if (descriptor != NULL) {
        Py_INCREF(descriptor);
        if (PyType_HasFeature(Py_TYPE(descriptor), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
            is_method = 1;
        } else {
            get = Py_TYPE(descriptor)->tp_descr_get;
            if (get != NULL && Py_TYPE(descriptor)->tp_descr_set != NULL) {
                *method = get(descriptor, obj, (PyObject *)type);
                Py_DECREF(descriptor);
                return 0;
            }
        }
    }
    PyObject *own = own_attribute(obj, name, NULL);
    if (own != NULL || PyErr_Occurred()) {
        Py_XDECREF(descriptor);
        *method = own;
        return 0;
    }
    if (is_method) {
        *method = descriptor;
        return 1;
    }
    if (get != NULL) {
        *method = get(descriptor, obj, (PyObject *)type);
        Py_DECREF(descriptor);
        return 0;
    }
    if (descriptor != NULL) {
        *method = descriptor;
        return 0;
    }
    PyErr_Format(PyExc_AttributeError, "'%.50s' object has no attribute '%U'", type->tp_name, name);
    kr_attribute_error_add_context(obj, name);
    return 0;
}

static void no_attribute_to_set(PyObject *obj, PyObject *name) {
    PyTypeObject *type = Py_TYPE(obj);
    if (PyType_IsSubtype(type, &PyType_Type)) {
        PyErr_Format(PyExc_AttributeError, "type object '%.50s' has no attribute '%U'", ((PyTypeObject *)obj)->tp_name,
                     name);
    } else {
        PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'", type->tp_name, name);
    }
}

int _PyObject_GenericSetAttrWithDict(PyObject *obj, PyObject *name, PyObject *value, PyObject *dict) {
    PyTypeObject *type = Py_TYPE(obj);
    if (generic_name_ready(type, name) < 0) return -1;
    Py_INCREF(name);
    int status = -1;
    PyObject *descriptor = _PyType_Lookup(type, name);
    if (descriptor != NULL) {
        Py_INCREF(descriptor);
        descrsetfunc set = Py_TYPE(descriptor)->tp_descr_set;
        if (set != NULL) {
            status = set(descriptor, obj, value);
            goto done;
        }
    }
    if (dict == NULL && (type->tp_flags & Py_TPFLAGS_MANAGED_DICT)) {
        status = kr_instance_set(obj, name, value);
    } else {
        if (dict == NULL) {
            PyObject **pointer = plain_dict_pointer(obj);
            if (pointer == NULL) {
                if (descriptor != NULL) {
                    PyErr_Format(PyExc_AttributeError, "'%.50s' object attribute '%U' is read-only", type->tp_name,
                                 name);
                } else {
                    PyErr_Format(PyExc_AttributeError, "'%.100s' object has no attribute '%U'", type->tp_name, name);
                }
                goto done;
            }
            if (*pointer == NULL) {
                if (value == NULL) {
                    no_attribute_to_set(obj, name);
                    goto done;
                }
                if ((*pointer = PyDict_New()) == NULL) goto done;
            }
            dict = *pointer;
        }
        Py_INCREF(dict);
        status = value != NULL ? PyDict_SetItem(dict, name, value) : PyDict_DelItem(dict, name);
        Py_DECREF(dict);
    }
    if (status < 0 && value == NULL && PyErr_ExceptionMatches(PyExc_KeyError)) no_attribute_to_set(obj, name);
done:
    Py_XDECREF(descriptor);
    Py_DECREF(name);
    return status;
}

int PyObject_GenericSetAttr(PyObject *obj, PyObject *name, PyObject *value) {
    return _PyObject_GenericSetAttrWithDict(obj, name, value, NULL);
}

/* -- dir() ----------------------------------------------------------------------------------------------------- */

static PyObject *names_of_locals(void) {
    PyObject *locals = PyEval_GetLocals();
    if (locals == NULL) return NULL;
    PyObject *names = PyMapping_Keys(locals);
    if (names == NULL) return NULL;
    if (!PyList_Check(names)) {
        PyErr_Format(PyExc_TypeError, "dir(): expected keys() of locals to be a list, not '%.200s'",
                     Py_TYPE(names)->tp_name);
        Py_DECREF(names);
        return NULL;
    }
    return names;
}

static PyObject *names_of_object(PyObject *obj) {
    PyObject *method = kr_special_lookup(obj, KR_NAME(__dir__));
    if (method == NULL) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "object does not provide __dir__");
        return NULL;
    }
    PyObject *result = PyObject_CallNoArgs(method);
    Py_DECREF(method);
    if (result == NULL) return NULL;
    PyObject *names = PySequence_List(result);
    Py_DECREF(result);
    return names;
}

PyObject *PyObject_Dir(PyObject *obj) {
    PyObject *names = obj == NULL ? names_of_locals() : names_of_object(obj);
    if (names != NULL && PyList_Sort(names) < 0) Py_CLEAR(names);
    return names;
}

/* -- Guard against infinite repr() of objects that contain themselves --------------------------------------------- */

static PyObject *repr_running_list(int create) {
    PyObject *dict = PyThreadState_GetDict();
    if (dict == NULL) return NULL;
    PyObject *list = PyDict_GetItemWithError(dict, KR_NAME(Py_Repr));
    if (list != NULL || !create || PyErr_Occurred()) return list;
    list = PyList_New(0);
    if (list == NULL) return NULL;
    if (PyDict_SetItem(dict, KR_NAME(Py_Repr), list) < 0) {
        Py_DECREF(list);
        return NULL;
    }
    Py_DECREF(list);
    return list;
}

/* Returns 0 and remembers the object; 1 if its repr is being made already; -1 on error. */
int Py_ReprEnter(PyObject *obj) {
    PyObject *list = repr_running_list(1);
    if (list == NULL) return PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t i = PyList_GET_SIZE(list); --i >= 0;) {
        if (PyList_GET_ITEM(list, i) == obj) return 1;
    }
    return PyList_Append(list, obj);
}

void Py_ReprLeave(PyObject *obj) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *list = repr_running_list(0);
    if (list != NULL && PyList_Check(list)) {
        for (Py_ssize_t i = PyList_GET_SIZE(list); --i >= 0;) {
            if (PyList_GET_ITEM(list, i) == obj) {
                PyList_SetSlice(list, i, i + 1, NULL);
                break;
            }
        }
    }
    PyErr_Restore(type, value, traceback);
}

/* -- Singletons ------------------------------------------------------------------------------------------------- */

static void singleton_dealloc(PyObject *self) { Py_FatalError("deallocating an object that must live for ever"); }

static int no_arguments(const char *type_name, PyObject *args, PyObject *kwargs) {
    if (PyTuple_GET_SIZE(args) || (kwargs != NULL && PyDict_GET_SIZE(kwargs))) {
        PyErr_Format(PyExc_TypeError, "%s takes no arguments", type_name);
        return -1;
    }
    return 0;
}

static PyObject *none_repr(PyObject *self) { return PyUnicode_FromString("None"); }

static PyObject *none_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return no_arguments("NoneType", args, kwargs) < 0 ? NULL : Py_NewRef(Py_None);
}

static int none_bool(PyObject *self) { return 0; }

static PyNumberMethods none_as_number = {.nb_bool = none_bool};

PyTypeObject _PyNone_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "NoneType",
    .tp_dealloc = singleton_dealloc,
    .tp_repr = none_repr,
    .tp_as_number = &none_as_number,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = none_new,
};

PyObject _Py_NoneStruct = {1, &_PyNone_Type};

static PyObject *not_implemented_repr(PyObject *self) { return PyUnicode_FromString("NotImplemented"); }

static PyObject *not_implemented_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return no_arguments("NotImplementedType", args, kwargs) < 0 ? NULL : Py_NewRef(Py_NotImplemented);
}

static int not_implemented_bool(PyObject *self) {
    if (PyErr_WarnEx(PyExc_DeprecationWarning, "NotImplemented should not be used in a boolean context", 1) < 0) {
        return -1;
    }
    return 1;
}

static PyObject *singleton_reduce(PyObject *self, PyObject *unused) { return PyObject_Repr(self); }

static PyMethodDef singleton_methods[] = {
    {"__reduce__", singleton_reduce, METH_NOARGS, NULL},
    {NULL},
};

static PyNumberMethods not_implemented_as_number = {.nb_bool = not_implemented_bool};

PyTypeObject _PyNotImplemented_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "NotImplementedType",
    .tp_dealloc = singleton_dealloc,
    .tp_repr = not_implemented_repr,
    .tp_as_number = &not_implemented_as_number,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = singleton_methods,
    .tp_new = not_implemented_new,
};

PyObject _Py_NotImplementedStruct = {1, &_PyNotImplemented_Type};

static PyObject *ellipsis_repr(PyObject *self) { return PyUnicode_FromString("Ellipsis"); }

static PyObject *ellipsis_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    return no_arguments("EllipsisType", args, kwargs) < 0 ? NULL : Py_NewRef(Py_Ellipsis);
}

PyTypeObject PyEllipsis_Type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "ellipsis",
    .tp_dealloc = singleton_dealloc,
    .tp_repr = ellipsis_repr,
    .tp_getattro = PyObject_GenericGetAttr,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_methods = singleton_methods,
    .tp_new = ellipsis_new,
};

PyObject _Py_EllipsisObject = {1, &PyEllipsis_Type};

/* -- Shutdown ---------------------------------------------------------------------------------------------------- */

void kr_object_model_finalize(void) {
    kr_type_cache_finalize();
    kr_type_slots_finalize();
    kr_names_finalize();
    kr_method_clear_free_list();
}
