/* The types date and IsoCalendarDate. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

#define DATE(object) ((PyDateTime_Date *)(object))

/* ---- Making ---- */

static PyObject *new_unchecked(int year, int month, int day, PyTypeObject *type) {
    PyDateTime_Date *self;
    if (type == &kr_date_type)
        self = PyObject_New(PyDateTime_Date, type);
    else
        self = (PyDateTime_Date *)type->tp_alloc(type, 0);
    if (self == NULL) return NULL;
    self->hashcode = -1;
    self->hastzinfo = 0;
    put_date(self->data, year, month, day);
    return (PyObject *)self;
}

PyObject *kr_date_new(int year, int month, int day, PyTypeObject *type) {
    return kr_date_check(year, month, day) < 0 ? NULL : new_unchecked(year, month, day, type);
}

PyObject *kr_date_make(PyObject *type, int year, int month, int day) {
    if (type == (PyObject *)&kr_date_type) return kr_date_new(year, month, day, &kr_date_type);
    return PyObject_CallFunction(type, "iii", year, month, day);
}

PyObject *kr_pickle_state(PyObject *state, Py_ssize_t size, int index, int low, int high, const char *name) {
    if (PyBytes_Check(state)) {
        if (PyBytes_GET_SIZE(state) != size) return NULL;
        int byte = PyBytes_AS_STRING(state)[index] & 0x7f;
        return byte >= low && byte <= high ? Py_NewRef(state) : NULL;
    }
    if (!PyUnicode_Check(state) || PyUnicode_READY(state) < 0 || PyUnicode_GET_LENGTH(state) != size) return NULL;
    Py_UCS4 byte = PyUnicode_READ_CHAR(state, index) & ~0x80u;
    if (byte < (Py_UCS4)low || byte > (Py_UCS4)high) return NULL;
    PyObject *bytes = PyUnicode_AsLatin1String(state);
    if (bytes == NULL && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        PyErr_Format(PyExc_ValueError,
                     "Failed to encode latin1 string when unpickling a %s object. "
                     "pickle.load(data, encoding='latin1') is assumed.",
                     name);
    return bytes;
}

static PyObject *date_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"year", "month", "day", NULL};
    int year, month, day;
    if (PyTuple_GET_SIZE(args) == 1) {
        PyObject *bytes = kr_pickle_state(PyTuple_GET_ITEM(args, 0), _PyDateTime_DATE_DATASIZE, 2, 1, 12, "date");
        if (bytes != NULL && (PyBytes_AS_STRING(bytes)[2] & 0x80) == 0) {
            PyObject *self = new_unchecked(1, 1, 1, type);
            if (self != NULL) memcpy(DATE(self)->data, PyBytes_AS_STRING(bytes), _PyDateTime_DATE_DATASIZE);
            Py_DECREF(bytes);
            return self;
        }
        Py_XDECREF(bytes);
        if (PyErr_Occurred()) return NULL;
    }
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iii", keywords, &year, &month, &day)) return NULL;
    return kr_date_new(year, month, day, type);
}

static PyObject *date_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    if (count == 3 && kwnames == NULL && PyLong_CheckExact(args[0]) && PyLong_CheckExact(args[1]) &&
        PyLong_CheckExact(args[2])) {
        int year = _PyLong_AsInt(args[0]), month = _PyLong_AsInt(args[1]), day = _PyLong_AsInt(args[2]);
        if (!PyErr_Occurred()) return kr_date_new(year, month, day, &kr_date_type);
        PyErr_Clear();
    }
    return _PyObject_MakeTpCall(PyThreadState_Get(), type, args, count, kwnames);
}

/* ---- Class methods ---- */

PyObject *kr_date_from_stamp(PyObject *type, PyObject *stamp) {
    time_t seconds;
    struct tm tm;
    if (_PyTime_ObjectToTime_t(stamp, &seconds, _PyTime_ROUND_FLOOR) < 0 || _PyTime_localtime(seconds, &tm) < 0)
        return NULL;
    return kr_date_make(type, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

PyObject *kr_date_from_timestamp(PyObject *type, PyObject *args) {
    PyObject *stamp;
    if (!PyArg_UnpackTuple(args, "fromtimestamp", 1, 1, &stamp)) return NULL;
    return kr_date_from_stamp(type, stamp);
}

PyDoc_STRVAR(today_doc, "The date, or the date and time, now: self.fromtimestamp(time.time()).");

static PyObject *date_today(PyObject *type, PyObject *unused) {
    if (type == (PyObject *)&kr_datetime_type) return kr_datetime_now(type, Py_None);
    PyObject *stamp = PyFloat_FromDouble(_PyTime_AsSecondsDouble(_PyTime_GetSystemClock()));
    if (stamp == NULL) return NULL;
    PyObject *result = type == (PyObject *)&kr_date_type
                           ? kr_date_from_stamp(type, stamp)
                           : PyObject_CallMethodOneArg(type, KR_NAME(fromtimestamp), stamp);
    Py_DECREF(stamp);
    return result;
}

PyDoc_STRVAR(fromtimestamp_doc, "fromtimestamp($type, timestamp, /)\n--\n\n"
                                "The local date of a time stamp, in seconds since 1970.");
PyDoc_STRVAR(fromordinal_doc, "fromordinal(int): the date that many days into the calendar; 0001-01-01 is day 1.");

static PyObject *date_fromordinal(PyObject *type, PyObject *const *args, Py_ssize_t nargs) {
    int ordinal;
    if (nargs == 1 && PyLong_CheckExact(args[0]) && Py_SIZE(args[0]) == 1)
        ordinal = (int)((PyLongObject *)args[0])->ob_digit[0];
    else if (!_PyArg_ParseStack(args, nargs, "i:fromordinal", &ordinal))
        return NULL;
    if (ordinal < 1) {
        PyErr_SetString(PyExc_ValueError, "ordinal must be >= 1");
        return NULL;
    }
    if (ordinal > INT_MAX - 400) ordinal = INT_MAX - 400;
    CivilDate date = kr_date_from_ordinal(ordinal);
    return kr_date_make(type, date.year, date.month, date.day);
}

PyDoc_STRVAR(fromisoformat_doc, "fromisoformat(str): the value of a text in an ISO 8601 format.");

PyDoc_STRVAR(fromisocalendar_doc, "fromisocalendar(year, week, day): the date of an ISO week date; Monday is 1.");

static PyObject *date_fromisocalendar(PyObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"year", "week", "day", NULL};
    int year, week, day;
    CivilDate date;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iii:fromisocalendar", keywords, &year, &week, &day)) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError))
            PyErr_SetString(PyExc_ValueError, "ISO calendar component out of range");
        return NULL;
    }
    switch (kr_date_from_iso(year, week, day, &date)) {
    case 0: return kr_date_make(type, date.year, date.month, date.day);
    case -4: return PyErr_Format(PyExc_ValueError, "Year is out of range: %d", year);
    case -2: return PyErr_Format(PyExc_ValueError, "Invalid week: %d", week);
    default: return PyErr_Format(PyExc_ValueError, "Invalid day: %d (range is [1, 7])", day);
    }
}

/* ---- Attributes, conversions ---- */

static PyObject *date_year(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_GET_YEAR(self)); }
static PyObject *date_month(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_GET_MONTH(self)); }
static PyObject *date_day(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_GET_DAY(self)); }

static int ordinal_of(PyObject *self) {
    return kr_date_to_ordinal(PyDateTime_GET_YEAR(self), PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self));
}

static Fields date_fields(PyObject *self) {
    return (Fields){PyDateTime_GET_YEAR(self), PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self), 0, 0, 0, 0, 0};
}

PyDoc_STRVAR(toordinal_doc, "The number of the day in the calendar; 0001-01-01 is day 1.");
static PyObject *date_toordinal(PyObject *self, PyObject *unused) { return PyLong_FromLong(ordinal_of(self)); }

PyDoc_STRVAR(weekday_doc, "The day of the week; Monday is 0.");
static PyObject *date_weekday(PyObject *self, PyObject *unused) {
    return PyLong_FromLong(ordinal_weekday(ordinal_of(self)));
}

PyDoc_STRVAR(isoweekday_doc, "The day of the week; Monday is 1, Sunday 7.");
static PyObject *date_isoweekday(PyObject *self, PyObject *unused) {
    return PyLong_FromLong(ordinal_weekday(ordinal_of(self)) + 1);
}

PyDoc_STRVAR(isoformat_doc, "The date as text in the form YYYY-MM-DD.");
static PyObject *date_isoformat(PyObject *self, PyObject *unused) {
    char text[ISO_SIZE];
    char *end = kr_iso_write_date(text, PyDateTime_GET_YEAR(self), PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self));
    return PyUnicode_DecodeASCII(text, end - text, NULL);
}

static PyObject *date_str(PyObject *self) {
    if (Py_IS_TYPE(self, &kr_date_type)) return date_isoformat(self, NULL);
    return PyObject_CallMethodNoArgs(self, KR_NAME(isoformat));
}

static PyObject *date_repr(PyObject *self) {
    return PyUnicode_FromFormat("%s(%d, %d, %d)", Py_TYPE(self)->tp_name, PyDateTime_GET_YEAR(self),
                                PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self));
}

PyDoc_STRVAR(ctime_doc, "The text that the C function ctime() makes of it, such as 'Mon Feb  3 00:00:00 2020'.");
static PyObject *date_ctime(PyObject *self, PyObject *unused) {
    Fields fields = date_fields(self);
    return kr_ctime(&fields);
}

PyDoc_STRVAR(timetuple_doc, "A time.struct_time, such as time.localtime() returns.");
static PyObject *date_timetuple(PyObject *self, PyObject *unused) {
    Fields fields = date_fields(self);
    return kr_struct_time(&fields, -1);
}

PyDoc_STRVAR(strftime_doc, "strftime(format): text made according to a format, as time.strftime() does.");
static PyObject *date_strftime(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"format", NULL};
    PyObject *format;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U:strftime", keywords, &format)) return NULL;
    PyObject *tuple = PyObject_CallMethodNoArgs(self, KR_NAME(timetuple));
    if (tuple == NULL) return NULL;
    PyObject *result = kr_strftime(self, format, tuple, self);
    Py_DECREF(tuple);
    return result;
}

PyDoc_STRVAR(format_doc, "The text that strftime() makes, or str() if the format is empty.");
PyObject *kr_date_format(PyObject *self, PyObject *args) {
    PyObject *format;
    if (!PyArg_ParseTuple(args, "U:__format__", &format)) return NULL;
    if (PyUnicode_GetLength(format) == 0) return PyObject_Str(self);
    return PyObject_CallMethodOneArg(self, KR_NAME(strftime), format);
}

PyDoc_STRVAR(replace_doc, "replace(year=..., month=..., day=...): a date with those fields changed.");
static PyObject *date_replace(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"year", "month", "day", NULL};
    int year = PyDateTime_GET_YEAR(self), month = PyDateTime_GET_MONTH(self), day = PyDateTime_GET_DAY(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iii:replace", keywords, &year, &month, &day)) return NULL;
    return kr_date_new(year, month, day, Py_TYPE(self));
}

PyDoc_STRVAR(isocalendar_doc, "The ISO year, week and weekday, a named tuple.");
static PyObject *date_isocalendar(PyObject *self, PyObject *unused) {
    int year = PyDateTime_GET_YEAR(self), today = ordinal_of(self);
    int start = kr_date_iso_year_start(year);
    if (today < start) {
        start = kr_date_iso_year_start(--year);
    } else if (today >= start + 52 * 7) {
        int next = kr_date_iso_year_start(year + 1);
        if (today >= next) {
            start = next;
            year++;
        }
    }
    int values[] = {year, (today - start) / 7 + 1, (today - start) % 7 + 1};
    PyObject *result = kr_iso_date_type.tp_alloc(&kr_iso_date_type, 3);
    if (result == NULL) return NULL;
    for (int i = 0; i < 3; i++) {
        PyObject *item = PyLong_FromLong(values[i]);
        if (item == NULL) {
            Py_DECREF(result);
            return NULL;
        }
        PyTuple_SET_ITEM(result, i, item);
    }
    return result;
}

PyDoc_STRVAR(reduce_doc, "What pickle needs: class and arguments.");
static PyObject *date_reduce(PyObject *self, PyObject *unused) {
    return Py_BuildValue("O(y#)", Py_TYPE(self), DATE(self)->data, (Py_ssize_t)_PyDateTime_DATE_DATASIZE);
}

/* ---- Arithmetic, comparison ---- */

static PyObject *date_shift(PyObject *self, PyObject *delta, int sign) {
    int days = sign * PyDateTime_DELTA_GET_DAYS(delta);
    CivilDate date = {PyDateTime_GET_YEAR(self), PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self) + days};
    if (date.day < 1 || date.day > 28) { /* perhaps another month */
        int ordinal = ordinal_of(self) + days;
        if (ordinal < 1 || ordinal > MAX_ORDINAL) {
            PyErr_SetString(PyExc_OverflowError, "date value out of range");
            return NULL;
        }
        date = kr_date_from_ordinal(ordinal);
    }
    if (Py_IS_TYPE(self, &kr_date_type)) return new_unchecked(date.year, date.month, date.day, &kr_date_type);
    return kr_date_make((PyObject *)Py_TYPE(self), date.year, date.month, date.day);
}

static PyObject *date_add(PyObject *a, PyObject *b) {
    if (DATETIME_CHECK(a) || DATETIME_CHECK(b)) Py_RETURN_NOTIMPLEMENTED;
    if (DATE_CHECK(a)) {
        if (DELTA_CHECK(b)) return date_shift(a, b, 1);
    } else if (DELTA_CHECK(a)) {
        return date_shift(b, a, 1);
    }
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *date_subtract(PyObject *a, PyObject *b) {
    if (DATETIME_CHECK(a) || DATETIME_CHECK(b) || !DATE_CHECK(a)) Py_RETURN_NOTIMPLEMENTED;
    if (DATE_CHECK(b)) return new_delta(ordinal_of(a) - ordinal_of(b), 0, 0);
    if (DELTA_CHECK(b)) return date_shift(a, b, -1);
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *date_compare(PyObject *self, PyObject *other, int op) {
    if (!DATE_CHECK(other)) Py_RETURN_NOTIMPLEMENTED;
    int difference = memcmp(DATE(self)->data, DATE(other)->data, _PyDateTime_DATE_DATASIZE);
    Py_RETURN_RICHCOMPARE(difference, 0, op);
}

static Py_hash_t date_hash(PyObject *self) {
    if (DATE(self)->hashcode == -1) DATE(self)->hashcode = _Py_HashBytes(DATE(self)->data, _PyDateTime_DATE_DATASIZE);
    return DATE(self)->hashcode;
}

static PyMethodDef date_methods[] = {
    {"fromtimestamp", kr_date_from_stamp, METH_O | METH_CLASS, fromtimestamp_doc},
    {"fromordinal", FASTCALL(date_fromordinal), METH_FASTCALL | METH_CLASS, fromordinal_doc},
    {"fromisoformat", kr_iso_parse_date, METH_O | METH_CLASS, fromisoformat_doc},
    {"fromisocalendar", FASTCALL(date_fromisocalendar), METH_VARARGS | METH_KEYWORDS | METH_CLASS, fromisocalendar_doc},
    {"today", date_today, METH_NOARGS | METH_CLASS, today_doc},
    {"ctime", date_ctime, METH_NOARGS, ctime_doc},
    {"strftime", FASTCALL(date_strftime), METH_VARARGS | METH_KEYWORDS, strftime_doc},
    {"__format__", kr_date_format, METH_VARARGS, format_doc},
    {"timetuple", date_timetuple, METH_NOARGS, timetuple_doc},
    {"isocalendar", date_isocalendar, METH_NOARGS, isocalendar_doc},
    {"isoformat", date_isoformat, METH_NOARGS, isoformat_doc},
    {"isoweekday", date_isoweekday, METH_NOARGS, isoweekday_doc},
    {"toordinal", date_toordinal, METH_NOARGS, toordinal_doc},
    {"weekday", date_weekday, METH_NOARGS, weekday_doc},
    {"replace", FASTCALL(date_replace), METH_VARARGS | METH_KEYWORDS, replace_doc},
    {"__reduce__", date_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyGetSetDef date_attributes[] = {
    {"year", date_year, NULL, NULL, NULL},
    {"month", date_month, NULL, NULL, NULL},
    {"day", date_day, NULL, NULL, NULL},
    {NULL},
};

static PyNumberMethods date_number = {.nb_add = date_add, .nb_subtract = date_subtract};

PyDoc_STRVAR(date_doc, "date(year, month, day): a day of the Gregorian calendar, years 1 to 9999.");

PyTypeObject kr_date_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.date",
    .tp_basicsize = sizeof(PyDateTime_Date),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = date_doc,
    .tp_new = date_new,
    .tp_vectorcall = date_vectorcall,
    .tp_repr = date_repr,
    .tp_str = date_str,
    .tp_hash = date_hash,
    .tp_richcompare = date_compare,
    .tp_as_number = &date_number,
    .tp_methods = date_methods,
    .tp_getset = date_attributes,
    .tp_getattro = PyObject_GenericGetAttr,
};

/* ---- IsoCalendarDate: what isocalendar() returns ---- */

static PyObject *iso_date_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *keywords[] = {"year", "week", "weekday", NULL};
    int values[3];
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iii:IsoCalendarDate", keywords, &values[0], &values[1], &values[2]))
        return NULL;
    PyObject *self = type->tp_alloc(type, 3);
    for (int i = 0; self != NULL && i < 3; i++) {
        PyObject *item = PyLong_FromLong(values[i]);
        if (item == NULL)
            Py_CLEAR(self);
        else
            PyTuple_SET_ITEM(self, i, item);
    }
    return self;
}

static PyObject *iso_date_repr(PyObject *self) {
    return PyUnicode_FromFormat("%.200s(year=%S, week=%S, weekday=%S)", Py_TYPE(self)->tp_name, PyTuple_GET_ITEM(self, 0),
                                PyTuple_GET_ITEM(self, 1), PyTuple_GET_ITEM(self, 2));
}

static PyObject *iso_date_item(PyObject *self, void *index) { return Py_NewRef(PyTuple_GET_ITEM(self, (intptr_t)index)); }

/* Pickled as a plain tuple. */
static PyObject *iso_date_reduce(PyObject *self, PyObject *unused) {
    PyObject *tuple = PyTuple_Pack(3, PyTuple_GET_ITEM(self, 0), PyTuple_GET_ITEM(self, 1), PyTuple_GET_ITEM(self, 2));
    return tuple != NULL ? Py_BuildValue("O(N)", &PyTuple_Type, tuple) : NULL;
}

static PyMethodDef iso_date_methods[] = {
    {"__reduce__", iso_date_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyGetSetDef iso_date_attributes[] = {
    {"year", iso_date_item, NULL, NULL, (void *)0},
    {"week", iso_date_item, NULL, NULL, (void *)1},
    {"weekday", iso_date_item, NULL, NULL, (void *)2},
    {NULL},
};

PyTypeObject kr_iso_date_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.IsoCalendarDate",
    .tp_basicsize = sizeof(PyTupleObject) - sizeof(PyObject *),
    .tp_itemsize = sizeof(PyObject *),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_doc = "The year, week and weekday of an ISO week date.",
    .tp_base = &PyTuple_Type,
    .tp_new = iso_date_new,
    .tp_repr = iso_date_repr,
    .tp_methods = iso_date_methods,
    .tp_getset = iso_date_attributes,
};
