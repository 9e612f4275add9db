/* The type time: a time of day, with or without a time zone. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

#define TIME(object) ((PyDateTime_Time *)(object))

/* ---- Making ---- */

static PyObject *allocate(PyTypeObject *type, PyObject *zone, int fold) {
    PyDateTime_Time *self = (PyDateTime_Time *)allocate_zoned(type, &kr_time_type, sizeof(_PyDateTime_BaseTime), zone);
    if (self == NULL) return NULL;
    self->fold = (unsigned char)fold;
    if (zone != Py_None) self->tzinfo = Py_NewRef(zone);
    return (PyObject *)self;
}

PyObject *kr_time_new(int hour, int minute, int second, int microsecond, PyObject *zone, int fold, PyTypeObject *type) {
    if (kr_time_check(hour, minute, second, microsecond, fold) < 0 || kr_zone_check(zone) < 0) return NULL;
    PyObject *self = allocate(type, zone, fold);
    if (self != NULL) put_time(TIME(self)->data, hour, minute, second, microsecond);
    return self;
}

PyObject *kr_time_make(PyObject *type, const Fields *fields, PyObject *zone) {
    if (type == (PyObject *)&kr_time_type)
        return kr_time_new(fields->hour, fields->minute, fields->second, fields->microsecond, zone, fields->fold,
                           &kr_time_type);
    return PyObject_CallFunction(type, "iiiiO", fields->hour, fields->minute, fields->second, fields->microsecond, zone);
}

/* Returns NULL without an exception if the arguments are not those of a pickle. */
static PyObject *time_from_pickle(PyTypeObject *type, PyObject *args) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count < 1 || count > 2) return NULL;
    PyObject *zone = count == 2 ? PyTuple_GET_ITEM(args, 1) : Py_None;
    PyObject *bytes = kr_pickle_state(PyTuple_GET_ITEM(args, 0), _PyDateTime_TIME_DATASIZE, 0, 0, 23, "time");
    if (bytes == NULL) return NULL;
    PyObject *self = NULL;
    if (zone != Py_None && !TZINFO_CHECK(zone)) {
        PyErr_SetString(PyExc_TypeError, "bad tzinfo state arg");
    } else if ((self = allocate(type, zone, 0)) != NULL) {
        memcpy(TIME(self)->data, PyBytes_AS_STRING(bytes), _PyDateTime_TIME_DATASIZE);
        TIME(self)->fold = TIME(self)->data[0] >> 7;
        TIME(self)->data[0] &= 0x7f;
    }
    Py_DECREF(bytes);
    return self;
}

static char *keywords[] = {"hour", "minute", "second", "microsecond", "tzinfo", "fold", NULL};

static PyObject *time_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    int hour = 0, minute = 0, second = 0, microsecond = 0, fold = 0;
    PyObject *zone = Py_None, *self = time_from_pickle(type, args);
    if (self != NULL || PyErr_Occurred()) return self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iiiiO$i", keywords, &hour, &minute, &second, &microsecond, &zone,
                                     &fold))
        return NULL;
    return kr_time_new(hour, minute, second, microsecond, zone, fold, type);
}

/* Calls with plain ints need no argument tuple. */
static PyObject *time_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    int values[4] = {0};
    if (count > 4 || (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0)) goto general;
    if (plain_ints(args, count, values) < 0) goto general;
    return kr_time_new(values[0], values[1], values[2], values[3], Py_None, 0, &kr_time_type);
general:
    return _PyObject_MakeTpCall(PyThreadState_Get(), type, args, count, kwnames);
}

static void time_dealloc(PyObject *self) {
    if (TIME(self)->hastzinfo) Py_XDECREF(TIME(self)->tzinfo);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Attributes ---- */

static PyObject *time_hour(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_TIME_GET_HOUR(self)); }
static PyObject *time_minute(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_TIME_GET_MINUTE(self)); }
static PyObject *time_second(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_TIME_GET_SECOND(self)); }
static PyObject *time_microsecond(PyObject *self, void *closure) {
    return PyLong_FromLong(PyDateTime_TIME_GET_MICROSECOND(self));
}
static PyObject *time_tzinfo(PyObject *self, void *closure) { return Py_NewRef(PyDateTime_TIME_GET_TZINFO(self)); }
static PyObject *time_fold(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_TIME_GET_FOLD(self)); }

/* ---- Text ---- */

PyDoc_STRVAR(isoformat_doc, "isoformat(timespec='auto'): text in the form HH:MM:SS[.ffffff][+HH:MM].\n\n"
                            "timespec is the last field to show: 'hours', 'minutes', 'seconds', 'milliseconds',\n"
                            "'microseconds', or 'auto', which leaves out microseconds if there are none.");
static PyObject *time_isoformat(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"timespec", NULL};
    const char *name = NULL;
    char text[ISO_SIZE];
    TimeSpec spec;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|s:isoformat", names, &name) || kr_iso_time_spec(name, &spec) < 0)
        return NULL;
    Fields fields = time_fields(self);
    char *end = kr_iso_write_time(text, &fields, spec);
    end = kr_iso_write_offset(end, PyDateTime_TIME_GET_TZINFO(self), Py_None, ":");
    return end != NULL ? PyUnicode_DecodeASCII(text, end - text, NULL) : NULL;
}

static PyObject *time_str(PyObject *self) { return PyObject_CallMethodNoArgs(self, KR_NAME(isoformat)); }

static PyObject *time_repr(PyObject *self) {
    char text[80], *out = text;
    Fields fields = time_fields(self);
    const char *fold = fields.fold ? ", fold=1" : "", *type = Py_TYPE(self)->tp_name;
    out += sprintf(out, "%d, %d", fields.hour, fields.minute);
    if (fields.second != 0 || fields.microsecond != 0) out += sprintf(out, ", %d", fields.second);
    if (fields.microsecond != 0) sprintf(out, ", %d", fields.microsecond);
    if (!TIME(self)->hastzinfo) return PyUnicode_FromFormat("%s(%s%s)", type, text, fold);
    return PyUnicode_FromFormat("%s(%s, tzinfo=%R%s)", type, text, TIME(self)->tzinfo, fold);
}

PyDoc_STRVAR(strftime_doc, "strftime(format): text made according to a format, as time.strftime() does.");
static PyObject *time_strftime(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"format", NULL};
    PyObject *format;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:strftime", names, &format)) return NULL;
    Fields fields = time_fields(self);
    PyObject *tuple = Py_BuildValue("iiiiiiiii", fields.year, fields.month, fields.day, fields.hour, fields.minute,
                                    fields.second, 0, 1, -1);
    if (tuple == NULL) return NULL;
    PyObject *result = kr_strftime(self, format, tuple, Py_None);
    Py_DECREF(tuple);
    return result;
}

/* ---- The zone ---- */

PyDoc_STRVAR(utcoffset_doc, "self.tzinfo.utcoffset(None), or None without a zone.");
static PyObject *time_utcoffset(PyObject *self, PyObject *unused) {
    return kr_zone_offset(PyDateTime_TIME_GET_TZINFO(self), Py_None);
}

PyDoc_STRVAR(dst_doc, "self.tzinfo.dst(None), or None without a zone.");
static PyObject *time_dst(PyObject *self, PyObject *unused) {
    return kr_zone_dst(PyDateTime_TIME_GET_TZINFO(self), Py_None);
}

PyDoc_STRVAR(tzname_doc, "self.tzinfo.tzname(None), or None without a zone.");
static PyObject *time_tzname(PyObject *self, PyObject *unused) {
    return kr_zone_name(PyDateTime_TIME_GET_TZINFO(self), Py_None);
}

/* ---- Comparison, hash ---- */

static int seconds_of_day(PyObject *self) {
    return PyDateTime_TIME_GET_HOUR(self) * 3600 + PyDateTime_TIME_GET_MINUTE(self) * 60 + PyDateTime_TIME_GET_SECOND(self);
}

static int offset_seconds(PyObject *offset) {
    return PyDateTime_DELTA_GET_DAYS(offset) * SECONDS_PER_DAY + PyDateTime_DELTA_GET_SECONDS(offset);
}

static PyObject *time_compare(PyObject *self, PyObject *other, int op) {
    if (!TIME_CHECK(other)) Py_RETURN_NOTIMPLEMENTED;
    int difference = memcmp(TIME(self)->data, TIME(other)->data, _PyDateTime_TIME_DATASIZE);
    if (PyDateTime_TIME_GET_TZINFO(self) == PyDateTime_TIME_GET_TZINFO(other)) return compare_result(difference, op);
    PyObject *a = time_utcoffset(self, NULL), *b = a != NULL ? time_utcoffset(other, NULL) : NULL, *result = NULL;
    if (b == NULL) goto done;
    if (a != Py_None && b != Py_None) {
        int x = seconds_of_day(self) - offset_seconds(a), y = seconds_of_day(other) - offset_seconds(b);
        if (x == y) {
            x = PyDateTime_TIME_GET_MICROSECOND(self);
            y = PyDateTime_TIME_GET_MICROSECOND(other);
        }
        difference = x - y;
    } else if (a != b) {
        if (op == Py_EQ || op == Py_NE)
            result = PyBool_FromLong(op == Py_NE);
        else
            PyErr_SetString(PyExc_TypeError, "can't compare offset-naive and offset-aware times");
        goto done;
    }
    result = compare_result(difference, op);
done:
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

static Py_hash_t time_hash(PyObject *self) {
    if (TIME(self)->hashcode != -1) return TIME(self)->hashcode;
    PyObject *offset = time_utcoffset(self, NULL);
    if (offset == NULL) return -1;
    if (offset == Py_None) {
        TIME(self)->hashcode = _Py_HashBytes(TIME(self)->data, _PyDateTime_TIME_DATASIZE);
    } else {
        PyObject *local = new_delta(0, seconds_of_day(self), PyDateTime_TIME_GET_MICROSECOND(self));
        TIME(self)->hashcode = kr_delta_hash_difference(local, offset);
    }
    Py_DECREF(offset);
    return TIME(self)->hashcode;
}

/* ---- Copies ---- */

PyDoc_STRVAR(replace_doc, "replace(hour=..., minute=..., second=..., microsecond=..., tzinfo=..., *, fold=...):\n"
                          "a time with those fields changed.");
static PyObject *time_replace(PyObject *self, PyObject *args, PyObject *kwargs) {
    Fields fields = time_fields(self);
    PyObject *zone = PyDateTime_TIME_GET_TZINFO(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iiiiO$i:replace", keywords, &fields.hour, &fields.minute,
                                     &fields.second, &fields.microsecond, &zone, &fields.fold))
        return NULL;
    return kr_time_new(fields.hour, fields.minute, fields.second, fields.microsecond, zone, fields.fold, Py_TYPE(self));
}

/* Protocol 4 and later know the fold, the highest bit of the first byte. */
static PyObject *reduce(PyObject *self, int protocol) {
    unsigned char data[_PyDateTime_TIME_DATASIZE];
    memcpy(data, TIME(self)->data, sizeof data);
    if (protocol > 3 && TIME(self)->fold) data[0] |= 0x80;
    if (TIME(self)->hastzinfo)
        return Py_BuildValue("O(y#O)", Py_TYPE(self), data, (Py_ssize_t)sizeof data, TIME(self)->tzinfo);
    return Py_BuildValue("O(y#)", Py_TYPE(self), data, (Py_ssize_t)sizeof data);
}

PyDoc_STRVAR(reduce_ex_doc, "__reduce_ex__(protocol): what pickle needs, class and arguments.");
static PyObject *time_reduce_ex(PyObject *self, PyObject *args) {
    int protocol;
    return PyArg_ParseTuple(args, "i:__reduce_ex__", &protocol) ? reduce(self, protocol) : NULL;
}

PyDoc_STRVAR(reduce_doc, "What pickle protocol 2 needs: class and arguments.");
static PyObject *time_reduce(PyObject *self, PyObject *unused) { return reduce(self, 2); }

PyDoc_STRVAR(format_doc, "The text that strftime() makes, or str() if the format is empty.");
PyDoc_STRVAR(fromisoformat_doc, "fromisoformat(str): the time of a text in an ISO 8601 format.");

static PyMethodDef time_methods[] = {
    {"isoformat", FASTCALL(time_isoformat), METH_VARARGS | METH_KEYWORDS, isoformat_doc},
    {"strftime", FASTCALL(time_strftime), METH_VARARGS | METH_KEYWORDS, strftime_doc},
    {"__format__", kr_date_format, METH_VARARGS, format_doc},
    {"utcoffset", time_utcoffset, METH_NOARGS, utcoffset_doc},
    {"tzname", time_tzname, METH_NOARGS, tzname_doc},
    {"dst", time_dst, METH_NOARGS, dst_doc},
    {"replace", FASTCALL(time_replace), METH_VARARGS | METH_KEYWORDS, replace_doc},
    {"fromisoformat", kr_iso_parse_time, METH_O | METH_CLASS, fromisoformat_doc},
    {"__reduce_ex__", time_reduce_ex, METH_VARARGS, reduce_ex_doc},
    {"__reduce__", time_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyGetSetDef time_attributes[] = {
    {"hour", time_hour, NULL, NULL, NULL},
    {"minute", time_minute, NULL, NULL, NULL},
    {"second", time_second, NULL, NULL, NULL},
    {"microsecond", time_microsecond, NULL, NULL, NULL},
    {"tzinfo", time_tzinfo, NULL, NULL, NULL},
    {"fold", time_fold, NULL, NULL, NULL},
    {NULL},
};

PyDoc_STRVAR(time_doc, "time(hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0): a time of day.\n\n"
                       "tzinfo is None or an instance of a tzinfo subclass; the others are ints.");

PyTypeObject kr_time_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.time",
    .tp_basicsize = sizeof(PyDateTime_Time),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = time_doc,
    .tp_new = time_new,
    .tp_vectorcall = time_vectorcall,
    .tp_dealloc = time_dealloc,
    .tp_repr = time_repr,
    .tp_str = time_str,
    .tp_hash = time_hash,
    .tp_richcompare = time_compare,
    .tp_methods = time_methods,
    .tp_getset = time_attributes,
    .tp_getattro = PyObject_GenericGetAttr,
};
