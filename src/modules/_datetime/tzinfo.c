/* Time zones: the abstract type tzinfo, the type timezone of fixed offsets, and calls of a zone's methods. */
#include <Python.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

typedef struct {
    PyObject_HEAD
    PyObject *offset; /* a timedelta of less than a day */
    PyObject *name;   /* a str, or NULL */
} TimeZone;

PyObject *kr_timezone_utc;

#define ZONE(object) ((TimeZone *)(object))
#define IS_FIXED(zone) Py_IS_TYPE(zone, &kr_timezone_type)

/* ---- Calls of a zone's methods ---- */

int kr_zone_check(PyObject *zone) {
    if (zone == Py_None || TZINFO_CHECK(zone)) return 0;
    PyErr_Format(PyExc_TypeError, "tzinfo argument must be None or of a tzinfo subclass, not type '%s'",
                 Py_TYPE(zone)->tp_name);
    return -1;
}

/* Whether an offset is less than a day either way. */
static int offset_in_range(PyObject *offset) {
    int days = PyDateTime_DELTA_GET_DAYS(offset);
    return days == 0 || (days == -1 && (PyDateTime_DELTA_GET_SECONDS(offset) > 0 ||
                                        PyDateTime_DELTA_GET_MICROSECONDS(offset) > 0));
}

static PyObject *call_for_delta(PyObject *zone, PyObject *name, PyObject *moment) {
    PyObject *offset = PyObject_CallMethodOneArg(zone, name, moment);
    if (offset == Py_None || offset == NULL) return offset;
    if (!DELTA_CHECK(offset)) {
        PyErr_Format(PyExc_TypeError, "tzinfo.%U() must return None or timedelta, not '%.200s'", name,
                     Py_TYPE(offset)->tp_name);
        Py_CLEAR(offset);
    } else if (!offset_in_range(offset)) {
        PyErr_SetString(PyExc_ValueError, "offset must be a timedelta strictly between"
                                          " -timedelta(hours=24) and timedelta(hours=24).");
        Py_CLEAR(offset);
    }
    return offset;
}

PyObject *kr_zone_offset(PyObject *zone, PyObject *moment) {
    if (zone == Py_None) Py_RETURN_NONE;
    if (IS_FIXED(zone)) return Py_NewRef(ZONE(zone)->offset);
    return call_for_delta(zone, KR_NAME(utcoffset), moment);
}

PyObject *kr_zone_dst(PyObject *zone, PyObject *moment) {
    if (zone == Py_None || IS_FIXED(zone)) Py_RETURN_NONE;
    return call_for_delta(zone, KR_NAME(dst), moment);
}

static PyObject *fixed_name(TimeZone *self) {
    char text[ISO_OFFSET_SIZE];
    if (self->name != NULL) return Py_NewRef(self->name);
    if ((PyObject *)self == kr_timezone_utc ||
        (PyDateTime_DELTA_GET_DAYS(self->offset) == 0 && PyDateTime_DELTA_GET_SECONDS(self->offset) == 0 &&
         PyDateTime_DELTA_GET_MICROSECONDS(self->offset) == 0))
        return PyUnicode_FromString("UTC");
    *kr_iso_write_delta(text, self->offset, ":") = '\0';
    return PyUnicode_FromFormat("UTC%s", text);
}

PyObject *kr_zone_name(PyObject *zone, PyObject *moment) {
    if (zone == Py_None) Py_RETURN_NONE;
    if (IS_FIXED(zone)) return fixed_name(ZONE(zone));
    PyObject *name = PyObject_CallMethodOneArg(zone, KR_NAME(tzname), moment);
    if (name == NULL || name == Py_None || PyUnicode_Check(name)) return name;
    PyErr_Format(PyExc_TypeError, "tzinfo.tzname() must return None or a string, not '%s'", Py_TYPE(name)->tp_name);
    Py_DECREF(name);
    return NULL;
}

PyObject *kr_zone_from_utc(PyObject *zone, PyObject *moment) {
    if (IS_FIXED(zone)) return kr_datetime_shift(moment, ZONE(zone)->offset, 1);
    return PyObject_CallMethodOneArg(zone, KR_NAME(fromutc), moment);
}

/* ---- tzinfo ---- */

static PyObject *not_implemented(const char *method) {
    PyErr_Format(PyExc_NotImplementedError, "a tzinfo subclass must implement %s()", method);
    return NULL;
}

PyDoc_STRVAR(tzname_doc, "tzname(dt): the zone's name at that time, or None.");
PyDoc_STRVAR(utcoffset_doc, "utcoffset(dt): how far local time is ahead of UTC (a timedelta), or None.");
PyDoc_STRVAR(dst_doc, "dst(dt): by how much summer time has moved the clock (a timedelta), or None.");
PyDoc_STRVAR(fromutc_doc, "fromutc(dt): the local time for a datetime that is in UTC but carries this zone.");
PyDoc_STRVAR(reduce_doc, "What pickle needs: class, arguments and state.");

static PyObject *tzinfo_tzname(PyObject *self, PyObject *moment) { return not_implemented("tzname"); }
static PyObject *tzinfo_utcoffset(PyObject *self, PyObject *moment) { return not_implemented("utcoffset"); }
static PyObject *tzinfo_dst(PyObject *self, PyObject *moment) { return not_implemented("dst"); }

static int check_from_utc(PyObject *self, PyObject *moment) {
    if (!DATETIME_CHECK(moment)) {
        PyErr_SetString(PyExc_TypeError, "fromutc: argument must be a datetime");
        return -1;
    }
    if (PyDateTime_DATE_GET_TZINFO(moment) != self) {
        PyErr_SetString(PyExc_ValueError, "fromutc: dt.tzinfo is not self");
        return -1;
    }
    return 0;
}

/* The standard offset is what remains of utcoffset() without dst(); at that local time dst() is asked again, so that the
 * result is right except in the hour that a change of the clocks repeats or leaves out. */
static PyObject *tzinfo_fromutc(PyObject *self, PyObject *moment) {
    PyObject *offset = NULL, *dst = NULL, *standard = NULL, *local = NULL, *result = NULL;
    if (check_from_utc(self, moment) < 0) return NULL;
    if ((offset = PyObject_CallMethodNoArgs(moment, KR_NAME(utcoffset))) == NULL) return NULL;
    if (offset == Py_None) {
        PyErr_SetString(PyExc_ValueError, "fromutc: non-None utcoffset() result required");
        goto done;
    }
    if ((dst = PyObject_CallMethodNoArgs(moment, KR_NAME(dst))) == NULL) goto done;
    if (dst == Py_None) {
        PyErr_SetString(PyExc_ValueError, "fromutc: non-None dst() result required");
        goto done;
    }
    if ((standard = kr_delta_subtract(offset, dst)) == NULL) goto done;
    if ((local = kr_datetime_shift(moment, standard, 1)) == NULL) goto done;
    Py_DECREF(dst);
    if ((dst = PyObject_CallMethodNoArgs(local, KR_NAME(dst))) == NULL) goto done;
    if (dst == Py_None) {
        PyErr_SetString(PyExc_ValueError, "fromutc: tz.dst() gave inconsistent results; cannot convert");
        goto done;
    }
    result = kr_datetime_shift(local, dst, 1);
done:
    Py_XDECREF(offset);
    Py_XDECREF(dst);
    Py_XDECREF(standard);
    Py_XDECREF(local);
    return result;
}

static PyObject *tzinfo_reduce(PyObject *self, PyObject *unused) {
    PyObject *get, *args, *state = NULL, *result = NULL;
    if (_PyObject_LookupAttr(self, KR_NAME(__getinitargs__), &get) < 0) return NULL;
    args = get != NULL ? PyObject_CallNoArgs(get) : PyTuple_New(0);
    Py_XDECREF(get);
    if (args == NULL) return NULL;
    if ((state = PyObject_CallMethodNoArgs(self, KR_NAME(__getstate__))) != NULL)
        result = PyTuple_Pack(3, (PyObject *)Py_TYPE(self), args, state);
    Py_DECREF(args);
    Py_XDECREF(state);
    return result;
}

static PyMethodDef tzinfo_methods[] = {
    {"tzname", tzinfo_tzname, METH_O, tzname_doc},
    {"utcoffset", tzinfo_utcoffset, METH_O, utcoffset_doc},
    {"dst", tzinfo_dst, METH_O, dst_doc},
    {"fromutc", tzinfo_fromutc, METH_O, fromutc_doc},
    {"__reduce__", tzinfo_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

PyDoc_STRVAR(tzinfo_doc, "The base of all time zones; its methods are for subclasses to define.");

PyTypeObject kr_tzinfo_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.tzinfo",
    .tp_basicsize = sizeof(PyDateTime_TZInfo),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = tzinfo_doc,
    .tp_new = PyType_GenericNew,
    .tp_methods = tzinfo_methods,
    .tp_getattro = PyObject_GenericGetAttr,
};

/* ---- timezone ---- */

static PyObject *make_timezone(PyObject *offset, PyObject *name) {
    TimeZone *self = PyObject_New(TimeZone, &kr_timezone_type);
    if (self == NULL) return NULL;
    self->offset = Py_NewRef(offset);
    self->name = Py_XNewRef(name);
    return (PyObject *)self;
}

PyObject *kr_timezone_new(PyObject *offset, PyObject *name) {
    if (name == NULL && PyDateTime_DELTA_GET_DAYS(offset) == 0 && PyDateTime_DELTA_GET_SECONDS(offset) == 0 &&
        PyDateTime_DELTA_GET_MICROSECONDS(offset) == 0)
        return kr_timezone_utc != NULL ? Py_NewRef(kr_timezone_utc) : make_timezone(offset, NULL);
    if (!offset_in_range(offset)) {
        PyErr_Format(PyExc_ValueError,
                     "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not %R.",
                     offset);
        return NULL;
    }
    return make_timezone(offset, name);
}

static PyObject *timezone_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"offset", "name", NULL};
    PyObject *offset, *name = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!|U:timezone", keywords, &kr_delta_type, &offset, &name)) return NULL;
    return kr_timezone_new(offset, name);
}

static void timezone_dealloc(PyObject *self) {
    Py_CLEAR(ZONE(self)->offset);
    Py_CLEAR(ZONE(self)->name);
    Py_TYPE(self)->tp_free(self);
}

static PyObject *timezone_compare(PyObject *self, PyObject *other, int op) {
    if ((op != Py_EQ && op != Py_NE) || !IS_FIXED(other)) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong((kr_delta_compare(ZONE(self)->offset, ZONE(other)->offset) == 0) == (op == Py_EQ));
}

static Py_hash_t timezone_hash(PyObject *self) { return PyObject_Hash(ZONE(self)->offset); }

static PyObject *timezone_repr(PyObject *self) {
    const char *type = Py_TYPE(self)->tp_name;
    if (self == kr_timezone_utc) return PyUnicode_FromFormat("%s.utc", type);
    if (ZONE(self)->name == NULL) return PyUnicode_FromFormat("%s(%R)", type, ZONE(self)->offset);
    return PyUnicode_FromFormat("%s(%R, %R)", type, ZONE(self)->offset, ZONE(self)->name);
}

static PyObject *timezone_str(PyObject *self) { return fixed_name(ZONE(self)); }

static int check_moment(PyObject *moment, const char *method) {
    if (moment == Py_None || DATETIME_CHECK(moment)) return 0;
    PyErr_Format(PyExc_TypeError, "%s(dt) argument must be a datetime instance or None, not %.200s", method,
                 Py_TYPE(moment)->tp_name);
    return -1;
}

PyDoc_STRVAR(fixed_tzname_doc, "The name given to the constructor, else 'UTC' and the offset.");
PyDoc_STRVAR(fixed_utcoffset_doc, "The offset, whatever the time.");
PyDoc_STRVAR(fixed_dst_doc, "None: a fixed offset knows no summer time.");
PyDoc_STRVAR(fixed_fromutc_doc, "fromutc(dt): the datetime moved by the offset.");
PyDoc_STRVAR(getinitargs_doc, "The constructor's arguments, for pickling.");

static PyObject *timezone_tzname(PyObject *self, PyObject *moment) {
    return check_moment(moment, "tzname") < 0 ? NULL : fixed_name(ZONE(self));
}

static PyObject *timezone_utcoffset(PyObject *self, PyObject *moment) {
    return check_moment(moment, "utcoffset") < 0 ? NULL : Py_NewRef(ZONE(self)->offset);
}

static PyObject *timezone_dst(PyObject *self, PyObject *moment) {
    if (check_moment(moment, "dst") < 0) return NULL;
    Py_RETURN_NONE;
}

static PyObject *timezone_fromutc(PyObject *self, PyObject *moment) {
    return check_from_utc(self, moment) < 0 ? NULL : kr_datetime_shift(moment, ZONE(self)->offset, 1);
}

static PyObject *timezone_getinitargs(PyObject *self, PyObject *unused) {
    if (ZONE(self)->name == NULL) return PyTuple_Pack(1, ZONE(self)->offset);
    return PyTuple_Pack(2, ZONE(self)->offset, ZONE(self)->name);
}

static PyMethodDef timezone_methods[] = {
    {"tzname", timezone_tzname, METH_O, fixed_tzname_doc},
    {"utcoffset", timezone_utcoffset, METH_O, fixed_utcoffset_doc},
    {"dst", timezone_dst, METH_O, fixed_dst_doc},
    {"fromutc", timezone_fromutc, METH_O, fixed_fromutc_doc},
    {"__getinitargs__", timezone_getinitargs, METH_NOARGS, getinitargs_doc},
    {NULL},
};

PyDoc_STRVAR(timezone_doc, "A time zone that is always the same timedelta ahead of UTC.");

PyTypeObject kr_timezone_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.timezone",
    .tp_basicsize = sizeof(TimeZone),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = timezone_doc,
    .tp_base = &kr_tzinfo_type,
    .tp_new = timezone_new,
    .tp_dealloc = timezone_dealloc,
    .tp_repr = timezone_repr,
    .tp_str = timezone_str,
    .tp_hash = timezone_hash,
    .tp_richcompare = timezone_compare,
    .tp_methods = timezone_methods,
};
