/* Reading and writing fields of C structures as Python objects: PyMember_GetOne and PyMember_SetOne. */
#include <Python.h>
#include <limits.h>
#include <structmember.h>
#include <string.h>

PyObject *PyMember_GetOne(const char *obj_addr, PyMemberDef *member) {
    const char *field = obj_addr + member->offset;
    PyObject *value;
    switch (member->type) {
    case T_BOOL: return PyBool_FromLong(*field);
    case T_BYTE: return PyLong_FromLong(*(signed char *)field);
    case T_UBYTE: return PyLong_FromUnsignedLong(*(unsigned char *)field);
    case T_SHORT: return PyLong_FromLong(*(short *)field);
    case T_USHORT: return PyLong_FromUnsignedLong(*(unsigned short *)field);
    case T_INT: return PyLong_FromLong(*(int *)field);
    case T_UINT: return PyLong_FromUnsignedLong(*(unsigned int *)field);
    case T_LONG: return PyLong_FromLong(*(long *)field);
    case T_ULONG: return PyLong_FromUnsignedLong(*(unsigned long *)field);
    case T_LONGLONG: return PyLong_FromLongLong(*(long long *)field);
    case T_ULONGLONG: return PyLong_FromUnsignedLongLong(*(unsigned long long *)field);
    case T_PYSSIZET: return PyLong_FromSsize_t(*(Py_ssize_t *)field);
    case T_FLOAT: return PyFloat_FromDouble((double)*(float *)field);
    case T_DOUBLE: return PyFloat_FromDouble(*(double *)field);
    case T_STRING:
        if (*(char **)field == NULL) Py_RETURN_NONE;
        return PyUnicode_FromString(*(char **)field);
    case T_STRING_INPLACE: return PyUnicode_FromString(field);
    case T_CHAR: return PyUnicode_FromStringAndSize(field, 1);
    case T_OBJECT:
        value = *(PyObject **)field;
        return Py_NewRef(value != NULL ? value : Py_None);
    case T_OBJECT_EX:
        value = *(PyObject **)field;
        if (value == NULL) {
            PyErr_Format(PyExc_AttributeError, "'%.200s' object has no attribute '%s'",
                         Py_TYPE((PyObject *)obj_addr)->tp_name, member->name);
        }
        return Py_XNewRef(value);
    case T_NONE: Py_RETURN_NONE;
    default: PyErr_SetString(PyExc_SystemError, "bad memberdescr type"); return NULL;
    }
}

static int warn(const char *message) { return PyErr_WarnEx(PyExc_RuntimeWarning, message, 1); }

#define WARN_NEGATIVE() warn("Writing negative value into unsigned field")

/* Stores a long in a narrower field; warns if it does not fit. */
#define STORE_NARROW(type, smallest, largest, name)                                                                    \
    do {                                                                                                               \
        long number = PyLong_AsLong(value);                                                                            \
        if (number == -1 && PyErr_Occurred()) return -1;                                                               \
        *(type *)field = (type)number;                                                                                 \
        if (number < (smallest) || number > (long)(largest)) return warn("Truncation of value to " name);              \
        return 0;                                                                                                      \
    } while (0)

static int delete_member(char *field, PyMemberDef *member) {
    if (member->type == T_OBJECT_EX) {
        if (*(PyObject **)field == NULL) {
            PyErr_SetString(PyExc_AttributeError, member->name);
            return -1;
        }
    } else if (member->type != T_OBJECT) {
        PyErr_SetString(PyExc_TypeError, "can't delete numeric/char attribute");
        return -1;
    }
    Py_CLEAR(*(PyObject **)field);
    return 0;
}

static int store_unsigned_int(unsigned int *field, PyObject *value) {
    unsigned long number = PyLong_AsUnsignedLong(value);
    if (number == (unsigned long)-1 && PyErr_Occurred()) {
        PyErr_Clear();
        number = (unsigned long)PyLong_AsLong(value);
        if (number == (unsigned long)-1 && PyErr_Occurred()) return -1;
        *field = (unsigned int)number;
        if (WARN_NEGATIVE() < 0) return -1;
    } else {
        *field = (unsigned int)number;
    }
    return number > UINT_MAX ? warn("Truncation of value to unsigned int") : 0;
}

static int store_unsigned_long(unsigned long *field, PyObject *value) {
    *field = PyLong_AsUnsignedLong(value);
    if (*field != (unsigned long)-1 || !PyErr_Occurred()) return 0;
    PyErr_Clear();
    *field = (unsigned long)PyLong_AsLong(value);
    if (*field == (unsigned long)-1 && PyErr_Occurred()) return -1;
    return WARN_NEGATIVE();
}

int PyMember_SetOne(char *addr, PyMemberDef *member, PyObject *value) {
    char *field = addr + member->offset;
    if (member->flags & READONLY) {
        PyErr_SetString(PyExc_AttributeError, "readonly attribute");
        return -1;
    }
    if (value == NULL) return delete_member(field, member);
    switch (member->type) {
    case T_BOOL:
        if (!PyBool_Check(value)) {
            PyErr_SetString(PyExc_TypeError, "attribute value type must be bool");
            return -1;
        }
        *field = value == Py_True;
        return 0;
    case T_BYTE: STORE_NARROW(char, CHAR_MIN, CHAR_MAX, "char");
    case T_UBYTE: STORE_NARROW(unsigned char, 0, UCHAR_MAX, "unsigned char");
    case T_SHORT: STORE_NARROW(short, SHRT_MIN, SHRT_MAX, "short");
    case T_USHORT: STORE_NARROW(unsigned short, 0, USHRT_MAX, "unsigned short");
    case T_INT: STORE_NARROW(int, INT_MIN, INT_MAX, "int");
    case T_UINT: return store_unsigned_int((unsigned int *)field, value);
    case T_ULONG: return store_unsigned_long((unsigned long *)field, value);
    case T_LONG: *(long *)field = PyLong_AsLong(value); return *(long *)field == -1 && PyErr_Occurred() ? -1 : 0;
    case T_PYSSIZET:
        *(Py_ssize_t *)field = PyLong_AsSsize_t(value);
        return *(Py_ssize_t *)field == -1 && PyErr_Occurred() ? -1 : 0;
    case T_LONGLONG:
        *(long long *)field = PyLong_AsLongLong(value);
        return *(long long *)field == -1 && PyErr_Occurred() ? -1 : 0;
    case T_ULONGLONG:
        *(unsigned long long *)field =
            PyLong_Check(value) ? PyLong_AsUnsignedLongLong(value) : (unsigned long long)PyLong_AsLong(value);
        return *(unsigned long long *)field == (unsigned long long)-1 && PyErr_Occurred() ? -1 : 0;
    case T_FLOAT: {
        double number = PyFloat_AsDouble(value);
        if (number == -1.0 && PyErr_Occurred()) return -1;
        *(float *)field = (float)number;
        return 0;
    }
    case T_DOUBLE:
        *(double *)field = PyFloat_AsDouble(value);
        return *(double *)field == -1.0 && PyErr_Occurred() ? -1 : 0;
    case T_OBJECT:
    case T_OBJECT_EX: {
        PyObject *old = *(PyObject **)field;
        *(PyObject **)field = Py_NewRef(value);
        Py_XDECREF(old);
        return 0;
    }
    case T_CHAR: {
        Py_ssize_t length;
        const char *text = PyUnicode_AsUTF8AndSize(value, &length);
        if (text == NULL || length != 1) {
            PyErr_BadArgument();
            return -1;
        }
        *field = text[0];
        return 0;
    }
    case T_STRING:
    case T_STRING_INPLACE: PyErr_SetString(PyExc_TypeError, "readonly attribute"); return -1;
    default: PyErr_Format(PyExc_SystemError, "bad memberdescr type for %s", member->name); return -1;
    }
}
