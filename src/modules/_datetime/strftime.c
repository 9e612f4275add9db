/* Text through the module time: strftime(), struct_time, and the form of ctime(). */
#include <Python.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

/* Calls a function of the module time with one or two arguments. */
static PyObject *call_time(PyObject *name, PyObject *first, PyObject *second) {
    PyObject *args[] = {PyImport_GetModule(KR_NAME(time)), first, second}, *module = args[0];
    if (module == NULL && (PyErr_Occurred() || (args[0] = module = PyImport_ImportModule("time")) == NULL)) return NULL;
    PyObject *result = PyObject_VectorcallMethod(name, args, second != NULL ? 3 : 2, NULL);
    Py_DECREF(module);
    return result;
}

/* What %z, %Z or %f stands for: a new str, "" without a zone. */
static PyObject *replacement(PyObject *self, PyObject *moment, Py_UCS4 directive) {
    PyObject *zone = zone_of(self);
    char text[ISO_OFFSET_SIZE], *end;
    if (directive == 'z') {
        end = kr_iso_write_offset(text, zone, moment, "");
        return end != NULL ? PyUnicode_DecodeASCII(text, end - text, NULL) : NULL;
    }
    if (directive == 'f') {
        int microsecond = DATETIME_CHECK(self)  ? PyDateTime_DATE_GET_MICROSECOND(self)
                          : TIME_CHECK(self) ? PyDateTime_TIME_GET_MICROSECOND(self)
                                             : 0;
        return PyUnicode_FromFormat("%06d", microsecond);
    }
    PyObject *name = kr_zone_name(zone, moment);
    if (name == NULL) return NULL;
    if (name == Py_None) {
        Py_DECREF(name);
        return PyUnicode_FromString("");
    }
    /* time.strftime() will read the result. */
    PyObject *quoted = PyObject_CallMethod(name, "replace", "ss", "%", "%%");
    Py_DECREF(name);
    if (quoted != NULL && !PyUnicode_Check(quoted)) {
        PyErr_SetString(PyExc_TypeError, "tzname.replace() did not return a string");
        Py_CLEAR(quoted);
    } else if (quoted != NULL && PyUnicode_AsUTF8(quoted) == NULL) { /* a lone surrogate */
        Py_CLEAR(quoted);
    }
    return quoted;
}

PyObject *kr_strftime(PyObject *self, PyObject *format, PyObject *tuple, PyObject *moment) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(format), copied = 0;
    if (PyUnicode_AsUTF8(format) == NULL) return NULL; /* a lone surrogate */
    Py_ssize_t nul = PyUnicode_FindChar(format, 0, 0, length, 1);
    int cut = nul >= 0; /* the format ends at a NUL */
    if (cut) length = nul;
    PyObject *parts[3] = {NULL}, *expanded = NULL, *result = NULL;
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    for (Py_ssize_t i = 0; i + 1 < length; i++) {
        if (PyUnicode_READ_CHAR(format, i) != '%') continue;
        Py_UCS4 directive = PyUnicode_READ_CHAR(format, ++i);
        if (directive != 'z' && directive != 'Z' && directive != 'f') continue;
        PyObject **part = &parts[directive == 'z' ? 0 : directive == 'Z' ? 1 : 2];
        if (*part == NULL && (*part = replacement(self, moment, directive)) == NULL) goto done;
        if (_PyUnicodeWriter_WriteSubstring(&writer, format, copied, i - 1) < 0 ||
            _PyUnicodeWriter_WriteStr(&writer, *part) < 0)
            goto done;
        copied = i + 1;
    }
    if (copied == 0 && !cut) {
        result = call_time(KR_NAME(strftime), format, tuple);
        goto done;
    }
    if (_PyUnicodeWriter_WriteSubstring(&writer, format, copied, length) < 0) goto done;
    expanded = _PyUnicodeWriter_Finish(&writer);
    _PyUnicodeWriter_Init(&writer);
    if (expanded != NULL) result = call_time(KR_NAME(strftime), expanded, tuple);
done:
    _PyUnicodeWriter_Dealloc(&writer);
    Py_XDECREF(expanded);
    for (int i = 0; i < 3; i++) Py_XDECREF(parts[i]);
    return result;
}

PyObject *kr_struct_time(const Fields *fields, int dst) {
    int ordinal = kr_date_to_ordinal(fields->year, fields->month, fields->day);
    int items[] = {fields->year,
                   fields->month,
                   fields->day,
                   fields->hour,
                   fields->minute,
                   fields->second,
                   ordinal_weekday(ordinal),
                   kr_date_days_before_month(fields->year, fields->month) + fields->day,
                   dst};
    PyObject *tuple = PyTuple_New(Py_ARRAY_LENGTH(items));
    if (tuple == NULL) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(items); i++) {
        PyObject *item = PyLong_FromLong(items[i]);
        if (item == NULL) {
            Py_DECREF(tuple);
            return NULL;
        }
        PyTuple_SET_ITEM(tuple, i, item);
    }
    PyObject *result = call_time(KR_NAME(struct_time), tuple, NULL);
    Py_DECREF(tuple);
    return result;
}

PyObject *kr_ctime(const Fields *fields) {
    static const char days[] = "MonTueWedThuFriSatSun", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int weekday = ordinal_weekday(kr_date_to_ordinal(fields->year, fields->month, fields->day));
    char text[80];
    int length = sprintf(text, "%.3s %.3s %2d %02d:%02d:%02d %04d", days + 3 * weekday, months + 3 * (fields->month - 1),
                         fields->day, fields->hour, fields->minute, fields->second, fields->year);
    return PyUnicode_DecodeASCII(text, length, NULL);
}
