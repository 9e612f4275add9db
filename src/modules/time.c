/* time: clocks, sleeping, and calendar time. */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <wchar.h>

#include "modules/constants.h"
#include "object/names.h"
#include "object/namespace.h"
#include "types/int.h"

typedef struct {
    PyTypeObject *struct_time;
} ModuleState;

enum { SHOWN_ITEMS = 9, ITEMS = 11 };

static ModuleState *module_state(PyObject *module) { return PyModule_GetState(module); }
static PyObject *seconds_object(_PyTime_t time) { return PyFloat_FromDouble(_PyTime_AsSecondsDouble(time)); }

/* ---- Clocks ---- */

typedef int (*ClockReader)(_PyTime_t *time, _Py_clock_info_t *info);

/* Reads a clock of the system that only goes forward. Returns 0 or -1. */
static int read_cpu_clock(clockid_t clock, const char *name, _PyTime_t *time, _Py_clock_info_t *info) {
    struct timespec now, resolution;
    if (clock_gettime(clock, &now) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (info != NULL) {
        if (clock_getres(clock, &resolution) != 0) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        info->implementation = name;
        info->monotonic = 1;
        info->adjustable = 0;
        info->resolution = (double)resolution.tv_sec + (double)resolution.tv_nsec * 1e-9;
    }
    return _PyTime_FromTimespec(time, &now);
}

static int read_process_clock(_PyTime_t *time, _Py_clock_info_t *info) {
    return read_cpu_clock(CLOCK_PROCESS_CPUTIME_ID, "clock_gettime(CLOCK_PROCESS_CPUTIME_ID)", time, info);
}

static int read_thread_clock(_PyTime_t *time, _Py_clock_info_t *info) {
    return read_cpu_clock(CLOCK_THREAD_CPUTIME_ID, "clock_gettime(CLOCK_THREAD_CPUTIME_ID)", time, info);
}

static const struct {
    const char *name;
    ClockReader read;
} clocks[] = {
    {"time", _PyTime_GetSystemClockWithInfo},
    {"monotonic", _PyTime_GetMonotonicClockWithInfo},
    {"perf_counter", _PyTime_GetPerfCounterWithInfo},
    {"process_time", read_process_clock},
    {"thread_time", read_thread_clock},
};

/* The two functions of a clock: seconds as a float, nanoseconds as an int. */
#define CLOCK_FUNCTIONS(name, read)                                                                                    \
    static PyObject *time_##name(PyObject *module, PyObject *unused) {                                                 \
        _PyTime_t time;                                                                                                \
        return read(&time, NULL) < 0 ? NULL : seconds_object(time);                                                    \
    }                                                                                                                  \
    static PyObject *time_##name##_ns(PyObject *module, PyObject *unused) {                                            \
        _PyTime_t time;                                                                                                \
        return read(&time, NULL) < 0 ? NULL : _PyTime_AsNanosecondsObject(time);                                       \
    }
CLOCK_FUNCTIONS(time, _PyTime_GetSystemClockWithInfo)
CLOCK_FUNCTIONS(monotonic, _PyTime_GetMonotonicClockWithInfo)
CLOCK_FUNCTIONS(perf_counter, _PyTime_GetPerfCounterWithInfo)
CLOCK_FUNCTIONS(process_time, read_process_clock)
CLOCK_FUNCTIONS(thread_time, read_thread_clock)

static int set_and_drop(PyObject *dict, const char *name, PyObject *value) {
    int result = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return result;
}

PyDoc_STRVAR(get_clock_info_doc, "get_clock_info(name: str) -> dict\n\n"
                                 "A namespace that tells a clock's implementation, resolution in seconds, and whether\n"
                                 "it is monotonic and adjustable. ValueError for an unknown name.");
static PyObject *time_get_clock_info(PyObject *module, PyObject *args) {
    const char *name;
    _Py_clock_info_t info;
    _PyTime_t time;
    ClockReader read = NULL;
    if (!PyArg_ParseTuple(args, "s:get_clock_info", &name)) return NULL;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(clocks); i++)
        if (strcmp(name, clocks[i].name) == 0) read = clocks[i].read;
    if (read == NULL) {
        PyErr_SetString(PyExc_ValueError, "unknown clock");
        return NULL;
    }
    if (read(&time, &info) < 0) return NULL;
    PyObject *dict = PyDict_New(), *result = NULL;
    if (dict != NULL && set_and_drop(dict, "implementation", PyUnicode_FromString(info.implementation)) == 0 &&
        set_and_drop(dict, "monotonic", PyBool_FromLong(info.monotonic)) == 0 &&
        set_and_drop(dict, "adjustable", PyBool_FromLong(info.adjustable)) == 0 &&
        set_and_drop(dict, "resolution", PyFloat_FromDouble(info.resolution)) == 0)
        result = _PyNamespace_New(dict);
    Py_XDECREF(dict);
    return result;
}

PyDoc_STRVAR(clock_gettime_doc, "clock_gettime(clk_id) -> float\n\nThe time of a system clock in seconds.");
static PyObject *time_clock_gettime(PyObject *module, PyObject *args) {
    int clock;
    struct timespec now;
    if (!PyArg_ParseTuple(args, "i:clock_gettime", &clock)) return NULL;
    if (clock_gettime((clockid_t)clock, &now) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return PyFloat_FromDouble((double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

PyDoc_STRVAR(clock_gettime_ns_doc, "clock_gettime_ns(clk_id) -> int\n\nThe time of a system clock in nanoseconds.");
static PyObject *time_clock_gettime_ns(PyObject *module, PyObject *args) {
    int clock;
    struct timespec now;
    _PyTime_t time;
    if (!PyArg_ParseTuple(args, "i:clock_gettime", &clock)) return NULL;
    if (clock_gettime((clockid_t)clock, &now) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return _PyTime_FromTimespec(&time, &now) < 0 ? NULL : _PyTime_AsNanosecondsObject(time);
}

static PyObject *set_clock(int clock, _PyTime_t time) {
    struct timespec value;
    if (_PyTime_AsTimespec(time, &value) < 0) return NULL;
    if (clock_settime((clockid_t)clock, &value) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(clock_settime_doc, "clock_settime(clk_id, time)\n\nSet a system clock to a time in seconds.");
static PyObject *time_clock_settime(PyObject *module, PyObject *args) {
    int clock;
    PyObject *object;
    _PyTime_t time;
    if (!PyArg_ParseTuple(args, "iO:clock_settime", &clock, &object)) return NULL;
    return _PyTime_FromSecondsObject(&time, object, _PyTime_ROUND_FLOOR) < 0 ? NULL : set_clock(clock, time);
}

PyDoc_STRVAR(clock_settime_ns_doc, "clock_settime_ns(clk_id, time)\n\nSet a system clock to a time in nanoseconds.");
static PyObject *time_clock_settime_ns(PyObject *module, PyObject *args) {
    int clock;
    PyObject *object;
    _PyTime_t time;
    if (!PyArg_ParseTuple(args, "iO:clock_settime", &clock, &object)) return NULL;
    return _PyTime_FromNanosecondsObject(&time, object) < 0 ? NULL : set_clock(clock, time);
}

PyDoc_STRVAR(clock_getres_doc, "clock_getres(clk_id) -> floating point number\n\nThe resolution of a system clock in seconds.");
static PyObject *time_clock_getres(PyObject *module, PyObject *args) {
    int clock;
    struct timespec resolution;
    if (!PyArg_ParseTuple(args, "i:clock_getres", &clock)) return NULL;
    if (clock_getres((clockid_t)clock, &resolution) != 0) return PyErr_SetFromErrno(PyExc_OSError);
    return PyFloat_FromDouble((double)resolution.tv_sec + (double)resolution.tv_nsec * 1e-9);
}

PyDoc_STRVAR(pthread_getcpuclockid_doc, "pthread_getcpuclockid(thread_id) -> int\n\n"
                                        "The number of the clock that measures a thread's processor time.");
static PyObject *time_pthread_getcpuclockid(PyObject *module, PyObject *args) {
    unsigned long thread;
    clockid_t clock;
    if (!PyArg_ParseTuple(args, "k:pthread_getcpuclockid", &thread)) return NULL;
    int error = pthread_getcpuclockid((pthread_t)thread, &clock);
    if (error != 0) {
        errno = error;
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return PyLong_FromLong(clock);
}

/* ---- Sleeping ---- */

PyDoc_STRVAR(sleep_doc, "sleep(seconds)\n\nLet the thread rest for some seconds (int or float), at least.");
static PyObject *time_sleep(PyObject *module, PyObject *argument) {
    _PyTime_t timeout, deadline;
    struct timespec until;
    if (_PyTime_FromSecondsObject(&timeout, argument, _PyTime_ROUND_TIMEOUT) < 0) return NULL;
    if (timeout < 0) {
        PyErr_SetString(PyExc_ValueError, "sleep length must be non-negative");
        return NULL;
    }
    if (_PyTime_GetMonotonicClockWithInfo(&deadline, NULL) < 0) return NULL;
    deadline = _PyTime_Add(deadline, timeout);
    if (_PyTime_AsTimespec(deadline, &until) < 0) return NULL;
    for (;;) {
        int error;
        Py_BEGIN_ALLOW_THREADS
        error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        Py_END_ALLOW_THREADS
        if (error == 0) Py_RETURN_NONE;
        if (error != EINTR) {
            errno = error;
            return PyErr_SetFromErrno(PyExc_OSError);
        }
        if (PyErr_CheckSignals() < 0) return NULL;
    }
}

/* ---- struct_time ---- */

static PyStructSequence_Field struct_time_fields[] = {
    {"tm_year", "year, with its century"},
    {"tm_mon", "month, 1 to 12"},
    {"tm_mday", "day of the month, 1 to 31"},
    {"tm_hour", "hour, 0 to 23"},
    {"tm_min", "minute, 0 to 59"},
    {"tm_sec", "second, 0 to 61"},
    {"tm_wday", "day of the week, 0 (Monday) to 6"},
    {"tm_yday", "day of the year, 1 to 366"},
    {"tm_isdst", "1 in summer time, 0 otherwise, -1 if unknown"},
    {"tm_zone", "name of the time zone, or None"},
    {"tm_gmtoff", "seconds east of Greenwich, or None"},
    {NULL, NULL},
};

static PyStructSequence_Desc struct_time_description = {
    "time.struct_time", "A point in calendar time: a tuple of nine numbers, with names.", struct_time_fields, SHOWN_ITEMS};

/* Returns the text of a zone's name, which is in the locale's encoding: mostly a few ASCII letters. */
static PyObject *decode(const char *name) {
    size_t size = 0;
    while (name[size] > 0) size++;
    if (name[size] != 0) return PyUnicode_DecodeLocale(name, "surrogateescape");
    return PyUnicode_FromStringAndSize(name, (Py_ssize_t)size);
}

static PyObject *make_struct_time(PyObject *module, const struct tm *tm) {
    PyObject *result = PyStructSequence_New(module_state(module)->struct_time);
    if (result == NULL) return NULL;
    const int values[] = {tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday,           tm->tm_hour,    tm->tm_min,
                          tm->tm_sec,         (tm->tm_wday + 6) % 7, tm->tm_yday + 1, tm->tm_isdst};
    for (int i = 0; i < SHOWN_ITEMS; i++) PyStructSequence_SET_ITEM(result, i, PyLong_FromLong(values[i]));
    PyStructSequence_SET_ITEM(result, 9, decode(tm->tm_zone));
    PyStructSequence_SET_ITEM(result, 10, PyLong_FromLong(tm->tm_gmtoff));
    if (PyErr_Occurred()) Py_CLEAR(result);
    return result;
}

/* Parses an optional argument in seconds; the current time if it is missing or None. Returns 0 or -1. */
static int seconds_argument(PyObject *const *args, Py_ssize_t count, const char *format, time_t *seconds) {
    PyObject *object = NULL;
    if (!_PyArg_ParseStack(args, count, format, &object)) return -1;
    if (object != NULL && object != Py_None) return _PyTime_ObjectToTime_t(object, seconds, _PyTime_ROUND_FLOOR);
    *seconds = time(NULL);
    return 0;
}

PyDoc_STRVAR(gmtime_doc, "gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,\n"
                         "                       tm_sec, tm_wday, tm_yday, tm_isdst)\n\n"
                         "Seconds since the epoch (default: now) as calendar time in UTC.");
static PyObject *time_gmtime(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    time_t seconds;
    struct tm tm;
    if (seconds_argument(args, count, "|O:gmtime", &seconds) < 0 || _PyTime_gmtime(seconds, &tm) < 0) return NULL;
    return make_struct_time(module, &tm);
}

PyDoc_STRVAR(localtime_doc, "localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,\n"
                            "                          tm_sec,tm_wday,tm_yday,tm_isdst)\n\n"
                            "Seconds since the epoch (default: now) as local calendar time.");
static PyObject *time_localtime(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    time_t seconds;
    struct tm tm;
    if (seconds_argument(args, count, "|O:localtime", &seconds) < 0 || _PyTime_localtime(seconds, &tm) < 0) return NULL;
    return make_struct_time(module, &tm);
}

/* Reads nine numbers that are all exactly ints of one digit. Returns 1, or 0 without an exception if something else is
 * there. */
static int read_plain_tuple(PyObject *tuple, int *year, struct tm *tm) {
    int *const fields[SHOWN_ITEMS] = {year,        &tm->tm_mon,  &tm->tm_mday, &tm->tm_hour, &tm->tm_min,
                                      &tm->tm_sec, &tm->tm_wday, &tm->tm_yday, &tm->tm_isdst};
    if (PyTuple_GET_SIZE(tuple) != SHOWN_ITEMS) return 0;
    for (int i = 0; i < SHOWN_ITEMS; i++) {
        PyObject *item = PyTuple_GET_ITEM(tuple, i);
        if (!PyLong_CheckExact(item) || !kr_int_is_single((PyLongObject *)item)) return 0;
        *fields[i] = kr_int_single((PyLongObject *)item);
    }
    return 1;
}

/* Reads a tuple of nine numbers, or a struct_time with its zone. `format` names the function in the message about a tuple
 * that does not fit. Returns 0 or -1. */
static int read_tuple(PyObject *module, PyObject *tuple, struct tm *tm, const char *format) {
    int year;
    memset(tm, 0, sizeof *tm);
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "Tuple or struct_time argument required");
        return -1;
    }
    if (!read_plain_tuple(tuple, &year, tm) &&
        !PyArg_ParseTuple(tuple, format, &year, &tm->tm_mon, &tm->tm_mday, &tm->tm_hour, &tm->tm_min, &tm->tm_sec,
                          &tm->tm_wday, &tm->tm_yday, &tm->tm_isdst))
        return -1;
    if (year < INT_MIN + 1900) {
        PyErr_SetString(PyExc_OverflowError, "year out of range");
        return -1;
    }
    tm->tm_year = year - 1900;
    tm->tm_mon--;
    tm->tm_wday = (tm->tm_wday + 1) % 7;
    tm->tm_yday--;
    if (!Py_IS_TYPE(tuple, module_state(module)->struct_time)) return 0;
    PyObject *zone = PyStructSequence_GET_ITEM(tuple, 9), *offset = PyStructSequence_GET_ITEM(tuple, 10);
    if (zone != Py_None) {
        tm->tm_zone = PyUnicode_AsUTF8(zone);
        if (tm->tm_zone == NULL) return -1;
    }
    if (offset != Py_None) {
        tm->tm_gmtoff = PyLong_AsLong(offset);
        if (tm->tm_gmtoff == -1 && PyErr_Occurred()) return -1;
    }
    return 0;
}

/* Checks what the C library takes on trust; a month, day or day of the year of 0 counts as 1. Returns 0 or -1. */
static int check_tuple(struct tm *tm) {
    const char *wrong = NULL;
    if (tm->tm_mon == -1) tm->tm_mon = 0;
    if (tm->tm_mday == 0) tm->tm_mday = 1;
    if (tm->tm_yday == -1) tm->tm_yday = 0;
    if (tm->tm_mon < 0 || tm->tm_mon > 11)
        wrong = "month out of range";
    else if (tm->tm_mday < 0 || tm->tm_mday > 31)
        wrong = "day of month out of range";
    else if (tm->tm_hour < 0 || tm->tm_hour > 23)
        wrong = "hour out of range";
    else if (tm->tm_min < 0 || tm->tm_min > 59)
        wrong = "minute out of range";
    else if (tm->tm_sec < 0 || tm->tm_sec > 61)
        wrong = "seconds out of range";
    else if (tm->tm_wday < 0)
        wrong = "day of week out of range";
    else if (tm->tm_yday < 0 || tm->tm_yday > 365)
        wrong = "day of year out of range";
    if (wrong == NULL) return 0;
    PyErr_SetString(PyExc_ValueError, wrong);
    return -1;
}

/* ---- Text ---- */

/* Formats with memory from the heap. */
static PyObject *format_long_time(PyObject *format, const struct tm *tm) {
    PyObject *result = NULL;
    wchar_t *wide = PyUnicode_AsWideCharString(format, NULL);
    if (wide == NULL) return NULL;
    /* The result 0 may mean a lack of room or an empty text: the latter is believed when there is plenty of room. */
    size_t length = wcslen(wide), enough = 256 * (length + 1);
    for (size_t room = 1024;; room += room) {
        wchar_t *buffer = PyMem_Malloc(room * sizeof(wchar_t));
        if (buffer == NULL) {
            PyErr_NoMemory();
            break;
        }
        size_t used = wcsftime(buffer, room, wide, tm);
        if (used > 0 || room >= enough) result = PyUnicode_FromWideChar(buffer, (Py_ssize_t)used);
        PyMem_Free(buffer);
        if (used > 0 || room >= enough) break;
    }
    PyMem_Free(wide);
    return result;
}

enum { USUAL_FORMAT = 64, USUAL_TEXT = 128 }; /* characters, with the null at the end */

static PyObject *format_time(PyObject *format, const struct tm *tm) {
    wchar_t wide[USUAL_FORMAT], text[USUAL_TEXT];
    if (PyUnicode_GetLength(format) >= USUAL_FORMAT) return format_long_time(format, tm);
    Py_ssize_t length = PyUnicode_AsWideChar(format, wide, USUAL_FORMAT);
    if (length < 0) return NULL;
    size_t used = wcslen(wide) == (size_t)length ? wcsftime(text, USUAL_TEXT, wide, tm) : 0;
    return used > 0 ? PyUnicode_FromWideChar(text, (Py_ssize_t)used) : format_long_time(format, tm);
}

PyDoc_STRVAR(strftime_doc, "strftime(format[, tuple]) -> string\n\n"
                           "Calendar time (default: now, local) as text, as the C function strftime() formats it.");
static PyObject *time_strftime(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    PyObject *format, *tuple = NULL;
    struct tm tm;
    if (!_PyArg_ParseStack(args, count, "U|O:strftime", &format, &tuple)) return NULL;
    if (tuple == NULL) {
        if (_PyTime_localtime(time(NULL), &tm) < 0) return NULL;
    } else if (read_tuple(module, tuple, &tm, "iiiiiiiii;strftime(): illegal time tuple argument") < 0 ||
               check_tuple(&tm) < 0) {
        return NULL;
    }
    /* negative means "look it up", a value beyond 1 is no flag */
    tm.tm_isdst = tm.tm_isdst < -1 ? -1 : tm.tm_isdst > 1 ? 1 : tm.tm_isdst;
    return format_time(format, &tm);
}

PyDoc_STRVAR(strptime_doc, "strptime(string, format) -> struct_time\n\nThe time that a text means, read by a format of strftime().");
static PyObject *time_strptime(PyObject *module, PyObject *args) {
    PyObject *parser = PyImport_ImportModule("_strptime");
    if (parser == NULL) return NULL;
    PyObject *function = PyObject_GetAttr(parser, KR_NAME(_strptime_time));
    PyObject *result = function == NULL ? NULL : PyObject_Call(function, args, NULL);
    Py_XDECREF(function);
    Py_DECREF(parser);
    return result;
}

static PyObject *format_asctime(const struct tm *tm) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char text[64];
    int size = sprintf(text, "%s %s%3d %.2d:%.2d:%.2d %d", days[tm->tm_wday], months[tm->tm_mon], tm->tm_mday, tm->tm_hour,
                       tm->tm_min, tm->tm_sec, 1900 + tm->tm_year);
    return PyUnicode_FromStringAndSize(text, size);
}

PyDoc_STRVAR(asctime_doc, "asctime([tuple]) -> string\n\nCalendar time (default: now, local) as in 'Sat Jun 06 16:26:11 1998'.");
static PyObject *time_asctime(PyObject *module, PyObject *args) {
    PyObject *tuple = NULL;
    struct tm tm;
    if (!PyArg_UnpackTuple(args, "asctime", 0, 1, &tuple)) return NULL;
    if (tuple == NULL) {
        if (_PyTime_localtime(time(NULL), &tm) < 0) return NULL;
    } else if (read_tuple(module, tuple, &tm, "iiiiiiiii;asctime(): illegal time tuple argument") < 0 ||
               check_tuple(&tm) < 0) {
        return NULL;
    }
    return format_asctime(&tm);
}

PyDoc_STRVAR(ctime_doc, "ctime(seconds) -> string\n\nasctime(localtime(seconds)).");
static PyObject *time_ctime(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    time_t seconds;
    struct tm tm;
    if (seconds_argument(args, count, "|O:ctime", &seconds) < 0 || _PyTime_localtime(seconds, &tm) < 0) return NULL;
    return format_asctime(&tm);
}

PyDoc_STRVAR(mktime_doc, "mktime(tuple) -> floating point number\n\nLocal calendar time as seconds since the epoch.");
static PyObject *time_mktime(PyObject *module, PyObject *tuple) {
    struct tm tm;
    if (read_tuple(module, tuple, &tm, "iiiiiiiii;mktime(): illegal time tuple argument") < 0) return NULL;
    tm.tm_wday = -1; /* still so after a failure, when -1 is not the second before the epoch */
    time_t seconds = mktime(&tm);
    if (seconds == (time_t)-1 && tm.tm_wday == -1) {
        PyErr_SetString(PyExc_OverflowError, "mktime argument out of range");
        return NULL;
    }
    return PyFloat_FromDouble((double)seconds);
}

/* ---- The time zone ---- */

enum { SECONDS_PER_YEAR = (365 * 24 + 6) * 3600 };

/* Name and offset (seconds west of Greenwich) of the zone at a time. Returns 0 or -1. */
static int zone_at(time_t seconds, char *name, size_t size, long *west) {
    struct tm tm;
    if (_PyTime_localtime(seconds, &tm) < 0) return -1;
    snprintf(name, size, "%s", tm.tm_zone != NULL ? tm.tm_zone : "   ");
    *west = -tm.tm_gmtoff;
    return 0;
}

static int add_names(PyObject *module, const char *standard, const char *summer) {
    PyObject *one = decode(standard);
    PyObject *other = one == NULL ? NULL : decode(summer);
    PyObject *names = other == NULL ? NULL : PyTuple_Pack(2, one, other);
    int result = names == NULL ? -1 : PyModule_AddObjectRef(module, "tzname", names);
    Py_XDECREF(one);
    Py_XDECREF(other);
    Py_XDECREF(names);
    return result;
}

/* Sets timezone, altzone, daylight and tzname from what the zone is this January and July. Returns 0 or -1. */
static int add_zone(PyObject *module) {
    char january[64], july[64];
    long january_west, july_west;
    time_t year = time(NULL) / SECONDS_PER_YEAR * SECONDS_PER_YEAR;
    if (zone_at(year, january, sizeof january, &january_west) < 0 ||
        zone_at(year + SECONDS_PER_YEAR / 2, july, sizeof july, &july_west) < 0)
        return -1;
    int southern = january_west < july_west; /* summer time in January */
    if (PyModule_AddIntConstant(module, "timezone", southern ? july_west : january_west) < 0) return -1;
    if (PyModule_AddIntConstant(module, "altzone", southern ? january_west : july_west) < 0) return -1;
    if (PyModule_AddIntConstant(module, "daylight", january_west != july_west) < 0) return -1;
    return add_names(module, southern ? july : january, southern ? january : july);
}

PyDoc_STRVAR(tzset_doc, "tzset()\n\nTake the time zone from the environment variable TZ anew.");
static PyObject *time_tzset(PyObject *module, PyObject *unused) {
    tzset();
    if (add_zone(module) < 0) return NULL;
    Py_RETURN_NONE;
}

/* ---- The module ---- */

#define FAST(function) (PyCFunction)(void (*)(void))(function)

static PyMethodDef methods[] = {
    {"time", time_time, METH_NOARGS, "time() -> floating point number\n\nSeconds since the epoch."},
    {"time_ns", time_time_ns, METH_NOARGS, "time_ns() -> int\n\nNanoseconds since the epoch."},
    {"clock_gettime", time_clock_gettime, METH_VARARGS, clock_gettime_doc},
    {"clock_gettime_ns", time_clock_gettime_ns, METH_VARARGS, clock_gettime_ns_doc},
    {"clock_settime", time_clock_settime, METH_VARARGS, clock_settime_doc},
    {"clock_settime_ns", time_clock_settime_ns, METH_VARARGS, clock_settime_ns_doc},
    {"clock_getres", time_clock_getres, METH_VARARGS, clock_getres_doc},
    {"pthread_getcpuclockid", time_pthread_getcpuclockid, METH_VARARGS, pthread_getcpuclockid_doc},
    {"sleep", time_sleep, METH_O, sleep_doc},
    {"gmtime", FAST(time_gmtime), METH_FASTCALL, gmtime_doc},
    {"localtime", FAST(time_localtime), METH_FASTCALL, localtime_doc},
    {"asctime", time_asctime, METH_VARARGS, asctime_doc},
    {"ctime", FAST(time_ctime), METH_FASTCALL, ctime_doc},
    {"mktime", time_mktime, METH_O, mktime_doc},
    {"strftime", FAST(time_strftime), METH_FASTCALL, strftime_doc},
    {"strptime", time_strptime, METH_VARARGS, strptime_doc},
    {"tzset", time_tzset, METH_NOARGS, tzset_doc},
    {"monotonic", time_monotonic, METH_NOARGS, "monotonic() -> float\n\nSeconds of a clock that never goes back."},
    {"monotonic_ns", time_monotonic_ns, METH_NOARGS,
     "monotonic_ns() -> int\n\nNanoseconds of a clock that never goes back."},
    {"process_time", time_process_time, METH_NOARGS,
     "process_time() -> float\n\nSeconds of processor time that the process has used."},
    {"process_time_ns", time_process_time_ns, METH_NOARGS,
     "process_time() -> int\n\nNanoseconds of processor time that the process has used."},
    {"thread_time", time_thread_time, METH_NOARGS,
     "thread_time() -> float\n\nSeconds of processor time that the thread has used."},
    {"thread_time_ns", time_thread_time_ns, METH_NOARGS,
     "thread_time() -> int\n\nNanoseconds of processor time that the thread has used."},
    {"perf_counter", time_perf_counter, METH_NOARGS,
     "perf_counter() -> float\n\nSeconds of the clock that measures short times best."},
    {"perf_counter_ns", time_perf_counter_ns, METH_NOARGS,
     "perf_counter_ns() -> int\n\nNanoseconds of the clock that measures short times best."},
    {"get_clock_info", time_get_clock_info, METH_VARARGS, get_clock_info_doc},
    {NULL},
};

static int execute(PyObject *module) {
    static const KrConstant constants[] = {
        {"_STRUCT_TM_ITEMS", ITEMS},
        {"CLOCK_REALTIME", CLOCK_REALTIME},
        {"CLOCK_MONOTONIC", CLOCK_MONOTONIC},
        {"CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW},
        {"CLOCK_PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID},
        {"CLOCK_THREAD_CPUTIME_ID", CLOCK_THREAD_CPUTIME_ID},
        {"CLOCK_BOOTTIME", CLOCK_BOOTTIME},
        {"CLOCK_TAI", CLOCK_TAI},
    };
    tzset();
    if (add_zone(module) < 0) return -1;
    if (KR_ADD_CONSTANTS(module, constants) < 0) return -1;
    ModuleState *state = module_state(module);
    state->struct_time = PyStructSequence_NewType(&struct_time_description);
    return state->struct_time == NULL ? -1 : PyModule_AddType(module, state->struct_time);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    Py_VISIT(module_state(module)->struct_time);
    return 0;
}

static int module_clear(PyObject *module) {
    Py_CLEAR(module_state(module)->struct_time);
    return 0;
}

static void module_free(void *module) { module_clear(module); }

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "time",
    .m_doc = "Clocks, sleeping, and calendar time.\n\n"
             "A time is a number of seconds since the epoch (1970-01-01 00:00 UTC), or calendar time: a struct_time.",
    .m_size = sizeof(ModuleState),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit_time(void) { return PyModuleDef_Init(&definition); }
