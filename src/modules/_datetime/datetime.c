/* The type datetime: a date and a time of day, with or without a time zone. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "modules/_datetime/datetime.h"
#include "object/names.h"

#define DATETIME(object) ((PyDateTime_DateTime *)(object))

/* ---- Making ---- */

static PyObject *allocate(PyTypeObject *type, PyObject *zone, int fold) {
    PyDateTime_DateTime *self = (PyDateTime_DateTime *)allocate_zoned(type, &kr_datetime_type, sizeof(_PyDateTime_BaseDateTime), zone);
    if (self == NULL) return NULL;
    self->fold = (unsigned char)fold;
    if (zone != Py_None) self->tzinfo = Py_NewRef(zone);
    return (PyObject *)self;
}

static PyObject *new_unchecked(const Fields *fields, PyObject *zone, PyTypeObject *type) {
    PyObject *self = allocate(type, zone, fields->fold);
    if (self == NULL) return NULL;
    put_date(DATETIME(self)->data, fields->year, fields->month, fields->day);
    put_time(DATETIME(self)->data + _PyDateTime_DATE_DATASIZE, fields->hour, fields->minute, fields->second,
             fields->microsecond);
    return self;
}

PyObject *kr_datetime_new(const Fields *fields, PyObject *zone, PyTypeObject *type) {
    if (kr_date_check(fields->year, fields->month, fields->day) < 0 ||
        kr_time_check(fields->hour, fields->minute, fields->second, fields->microsecond, fields->fold) < 0 ||
        kr_zone_check(zone) < 0)
        return NULL;
    return new_unchecked(fields, zone, type);
}

PyObject *kr_datetime_make(PyObject *type, const Fields *fields, PyObject *zone) {
    if (type == (PyObject *)&kr_datetime_type) return kr_datetime_new(fields, zone, &kr_datetime_type);
    PyObject *self = PyObject_CallFunction(type, "iiiiiiiO", fields->year, fields->month, fields->day, fields->hour,
                                           fields->minute, fields->second, fields->microsecond, zone);
    if (self != NULL && fields->fold && DATETIME_CHECK(self)) DATETIME(self)->fold = 1;
    return self;
}

/* Returns NULL without an exception if the arguments are not those of a pickle. */
static PyObject *datetime_from_pickle(PyTypeObject *type, PyObject *args) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    if (count < 1 || count > 2) return NULL;
    PyObject *zone = count == 2 ? PyTuple_GET_ITEM(args, 1) : Py_None;
    PyObject *bytes = kr_pickle_state(PyTuple_GET_ITEM(args, 0), _PyDateTime_DATETIME_DATASIZE, 2, 1, 12, "datetime");
    if (bytes == NULL) return NULL;
    PyObject *self = NULL;
    if (zone != Py_None && !TZINFO_CHECK(zone)) {
        PyErr_SetString(PyExc_TypeError, "bad tzinfo state arg");
    } else if ((self = allocate(type, zone, 0)) != NULL) {
        memcpy(DATETIME(self)->data, PyBytes_AS_STRING(bytes), _PyDateTime_DATETIME_DATASIZE);
        DATETIME(self)->fold = DATETIME(self)->data[2] >> 7;
        DATETIME(self)->data[2] &= 0x7f;
    }
    Py_DECREF(bytes);
    return self;
}

static char *keywords[] = {"year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold", NULL};

static PyObject *datetime_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    Fields fields = {0, 0, 0, 0, 0, 0, 0, 0};
    PyObject *zone = Py_None, *self = datetime_from_pickle(type, args);
    if (self != NULL || PyErr_Occurred()) return self;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "iii|iiiiO$i", keywords, &fields.year, &fields.month, &fields.day,
                                     &fields.hour, &fields.minute, &fields.second, &fields.microsecond, &zone,
                                     &fields.fold))
        return NULL;
    return kr_datetime_new(&fields, zone, type);
}

/* Positional arguments and tzinfo=; everything else goes the general way. */
static PyObject *datetime_vectorcall(PyObject *type, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    int values[7] = {0};
    PyObject *zone = Py_None;
    if (count < 3 || count > 8) goto general;
    if (count == 8) zone = args[7];
    if (kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0) {
        if (count == 8 || PyTuple_GET_SIZE(kwnames) != 1 || PyTuple_GET_ITEM(kwnames, 0) != KR_NAME(tzinfo)) goto general;
        zone = args[count];
    }
    if (plain_ints(args, count < 7 ? count : 7, values) < 0) goto general;
    Fields fields = {values[0], values[1], values[2], values[3], values[4], values[5], values[6], 0};
    return kr_datetime_new(&fields, zone, &kr_datetime_type);
general:
    return _PyObject_MakeTpCall(PyThreadState_Get(), type, args, count, kwnames);
}

static void datetime_dealloc(PyObject *self) {
    if (DATETIME(self)->hastzinfo) Py_XDECREF(DATETIME(self)->tzinfo);
    Py_TYPE(self)->tp_free(self);
}

/* ---- Moments as seconds, counted from the day before 0001-01-01 ---- */

static int64_t to_seconds(const Fields *fields) {
    return (int64_t)kr_date_to_ordinal(fields->year, fields->month, fields->day) * SECONDS_PER_DAY + fields->hour * 3600 +
           fields->minute * 60 + fields->second;
}

static void set_seconds(Fields *fields, int64_t seconds) {
    int ordinal = (int)(seconds / SECONDS_PER_DAY), rest = (int)(seconds % SECONDS_PER_DAY);
    CivilDate date = kr_date_from_ordinal(ordinal);
    fields->year = date.year;
    fields->month = date.month;
    fields->day = date.day;
    fields->hour = rest / 3600;
    fields->minute = rest / 60 % 60;
    fields->second = rest % 60;
}

/* What the local clock shows at a moment of UTC, in the same count. Returns -1 with an exception if there is no such
 * date. */
static int64_t local_seconds(int64_t utc, Fields *fields) {
    struct tm tm;
    if (_PyTime_localtime((time_t)(utc - EPOCH_SECONDS), &tm) < 0) return -1;
    int year = tm.tm_year + 1900;
    if (year < MIN_YEAR || year > MAX_YEAR) {
        PyErr_Format(PyExc_ValueError, "year %i is out of range", year);
        return -1;
    }
    *fields = (Fields){year,      tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec < 60 ? tm.tm_sec : 59,
                       0,         0};
    return to_seconds(fields);
}

/* The moment of UTC at which the local clock shows the given time. If the clock shows it twice `fold` selects one; if
 * never, the offset before (fold 0) or after the change applies. Returns -1 with an exception. */
static int64_t utc_of_local(const Fields *fields) {
    Fields shown;
    int64_t wanted = to_seconds(fields);
    int64_t local = local_seconds(wanted, &shown);
    if (local == -1) return -1;
    int64_t first = wanted - (local - wanted); /* a guess: the offset that applies at about that time */
    int64_t at_first = local_seconds(first, &shown), offset;
    if (at_first == -1) return -1;
    if (at_first == wanted) {
        /* Right, but a day earlier (fold 0) or later another offset may apply, and be right as well. */
        int64_t probe = first + (fields->fold ? SECONDS_PER_DAY : -SECONDS_PER_DAY);
        int64_t at_probe = local_seconds(probe, &shown);
        if (at_probe == -1) return -1;
        offset = at_probe - probe;
        if (offset == local - wanted) return first;
    } else {
        offset = at_first - first;
    }
    int64_t second = wanted - offset;
    int64_t at_second = local_seconds(second, &shown);
    if (at_second == -1) return -1;
    if (at_second == wanted) return second;
    if (at_first == wanted) return first;
    return (first < second) == (fields->fold != 0) ? first : second; /* in the gap */
}

/* ---- Time stamps ---- */

/* The datetime for a time stamp: local without a zone, else UTC converted to the zone. */
static PyObject *from_stamp(PyObject *type, time_t stamp, int microsecond, int utc, PyObject *zone) {
    Fields fields = {0, 0, 0, 0, 0, 0, 0, 0};
    if (utc) {
        int64_t seconds = 0;
        if (!__builtin_add_overflow((int64_t)stamp, EPOCH_SECONDS, &seconds) && seconds >= SECONDS_PER_DAY &&
            seconds < (int64_t)(MAX_ORDINAL + 1) * SECONDS_PER_DAY) {
            set_seconds(&fields, seconds);
        } else {
            struct tm tm;
            if (_PyTime_gmtime(stamp, &tm) < 0) return NULL;
            return PyErr_Format(PyExc_ValueError, "year %i is out of range", tm.tm_year + 1900);
        }
    } else {
        struct tm tm;
        if (_PyTime_localtime(stamp, &tm) < 0) return NULL;
        fields = (Fields){tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
                          tm.tm_sec < 60 ? tm.tm_sec : 59, 0, 0};
        if (fields.year >= MIN_YEAR && fields.year <= MAX_YEAR) {
            /* The clock was put back within the last day if it shows less than a day more than a day ago. If it showed
             * this time before the change as well this is the second time. */
            Fields shown;
            int64_t seconds = to_seconds(&fields), now = stamp + EPOCH_SECONDS;
            if (fields.year > MIN_YEAR || fields.month > 1 || fields.day > 2) {
                int64_t before = local_seconds(now - SECONDS_PER_DAY, &shown);
                if (before == -1) return NULL;
                int64_t change = seconds - before - SECONDS_PER_DAY;
                if (change < 0) {
                    int64_t earlier = local_seconds(now + change, &shown);
                    if (earlier == -1) return NULL;
                    fields.fold = earlier == seconds;
                }
            }
        }
    }
    fields.microsecond = microsecond;
    if (zone == Py_None) return kr_datetime_make(type, &fields, zone);
    PyObject *self = kr_datetime_make(type, &fields, zone);
    if (self == NULL) return NULL;
    PyObject *result = kr_zone_from_utc(zone, self);
    Py_DECREF(self);
    return result;
}

static PyObject *from_object(PyObject *type, PyObject *stamp, int utc, PyObject *zone) {
    time_t seconds;
    long microsecond;
    if (_PyTime_ObjectToTimeval(stamp, &seconds, &microsecond, _PyTime_ROUND_HALF_EVEN) < 0) return NULL;
    return from_stamp(type, seconds, (int)microsecond, utc, zone);
}

static PyObject *now(PyObject *type, int utc, PyObject *zone) {
    struct timespec moment;
    if (clock_gettime(CLOCK_REALTIME, &moment) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    return from_stamp(type, moment.tv_sec, (int)(moment.tv_nsec / 1000), utc, zone);
}

PyObject *kr_datetime_now(PyObject *type, PyObject *zone) {
    return kr_zone_check(zone) < 0 ? NULL : now(type, zone != Py_None, zone);
}

PyDoc_STRVAR(now_doc, "now($type, /, tz=None)\n--\n\nThe date and time now, in the zone tz, or local time without one.");
static PyObject *datetime_now(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const names[] = {"tz", NULL};
    static _PyArg_Parser parser = {.keywords = names, .fname = "now"};
    PyObject *slots[1] = {NULL};
    if (nargs == 0 && kwnames == NULL) return now(type, 0, Py_None);
    args = _PyArg_UnpackKeywords(args, nargs, NULL, kwnames, &parser, 0, 1, 0, slots);
    if (args == NULL) return NULL;
    return kr_datetime_now(type, args[0] != NULL ? args[0] : Py_None);
}

PyDoc_STRVAR(utcnow_doc, "The date and time now in UTC, without a zone.");
static PyObject *datetime_utcnow(PyObject *type, PyObject *unused) { return now(type, 1, Py_None); }

PyDoc_STRVAR(fromtimestamp_doc, "fromtimestamp(timestamp[, tz]): the moment so many seconds after 1970 began in UTC;\n"
                                "in the zone tz, or in local time without one.");
PyObject *kr_datetime_from_timestamp(PyObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"timestamp", "tz", NULL};
    PyObject *stamp, *zone = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:fromtimestamp", names, &stamp, &zone) || kr_zone_check(zone) < 0)
        return NULL;
    return from_object(type, stamp, zone != Py_None, zone);
}

static PyObject *datetime_fromtimestamp(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const names[] = {"timestamp", "tz", NULL};
    static _PyArg_Parser parser = {.keywords = names, .format = "O|O:fromtimestamp"};
    PyObject *stamp, *zone = Py_None;
    if (nargs == 1 && kwnames == NULL) return from_object(type, args[0], 0, Py_None);
    if (!_PyArg_ParseStackAndKeywords(args, nargs, kwnames, &parser, &stamp, &zone) || kr_zone_check(zone) < 0) return NULL;
    return from_object(type, stamp, zone != Py_None, zone);
}

PyDoc_STRVAR(utcfromtimestamp_doc, "utcfromtimestamp(timestamp): the same in UTC, without a zone.");
static PyObject *datetime_utcfromtimestamp(PyObject *type, PyObject *args) {
    PyObject *stamp;
    if (!PyArg_ParseTuple(args, "O:utcfromtimestamp", &stamp)) return NULL;
    return from_object(type, stamp, 1, Py_None);
}

/* ---- Other constructors ---- */

PyDoc_STRVAR(strptime_doc, "strptime(string, format): the moment that a text means, read by a format of strftime().");
static PyObject *datetime_strptime(PyObject *type, PyObject *args) {
    PyObject *text, *format;
    if (!PyArg_ParseTuple(args, "UU:strptime", &text, &format)) return NULL;
    PyObject *module = PyImport_GetModule(KR_NAME(_strptime));
    if (module == NULL && (PyErr_Occurred() || (module = PyImport_ImportModule("_strptime")) == NULL)) return NULL;
    PyObject *result = PyObject_CallMethodObjArgs(module, KR_NAME(_strptime_datetime), type, text, format, NULL);
    Py_DECREF(module);
    return result;
}

PyDoc_STRVAR(combine_doc, "combine(date, time[, tzinfo]): a datetime of the two; the zone is tzinfo, or that of the time.");
static PyObject *datetime_combine(PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames) {
    static const char *const names[] = {"date", "time", "tzinfo", NULL};
    static _PyArg_Parser parser = {.keywords = names, .format = "O!O!|O:combine"};
    PyObject *date, *time, *zone = NULL;
    if (nargs == 2 && kwnames == NULL && DATE_CHECK(args[0]) && TIME_CHECK(args[1])) {
        date = args[0];
        time = args[1];
    } else if (!_PyArg_ParseStackAndKeywords(args, nargs, kwnames, &parser, &kr_date_type, &date, &kr_time_type, &time,
                                             &zone)) {
        return NULL;
    }
    Fields fields = time_fields(time);
    fields.year = PyDateTime_GET_YEAR(date);
    fields.month = PyDateTime_GET_MONTH(date);
    fields.day = PyDateTime_GET_DAY(date);
    return kr_datetime_make(type, &fields, zone != NULL ? zone : PyDateTime_TIME_GET_TZINFO(time));
}

/* ---- Attributes ---- */

static PyObject *datetime_hour(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_DATE_GET_HOUR(self)); }
static PyObject *datetime_minute(PyObject *self, void *closure) {
    return PyLong_FromLong(PyDateTime_DATE_GET_MINUTE(self));
}
static PyObject *datetime_second(PyObject *self, void *closure) {
    return PyLong_FromLong(PyDateTime_DATE_GET_SECOND(self));
}
static PyObject *datetime_microsecond(PyObject *self, void *closure) {
    return PyLong_FromLong(PyDateTime_DATE_GET_MICROSECOND(self));
}
static PyObject *datetime_tzinfo(PyObject *self, void *closure) { return Py_NewRef(PyDateTime_DATE_GET_TZINFO(self)); }
static PyObject *datetime_fold(PyObject *self, void *closure) { return PyLong_FromLong(PyDateTime_DATE_GET_FOLD(self)); }

PyDoc_STRVAR(date_doc, "The date alone.");
static PyObject *datetime_date(PyObject *self, PyObject *unused) {
    return kr_date_new(PyDateTime_GET_YEAR(self), PyDateTime_GET_MONTH(self), PyDateTime_GET_DAY(self), &kr_date_type);
}

static PyObject *time_part(PyObject *self, PyObject *zone) {
    Fields fields = datetime_fields(self);
    return kr_time_new(fields.hour, fields.minute, fields.second, fields.microsecond, zone, fields.fold, &kr_time_type);
}

PyDoc_STRVAR(time_doc, "The time of day alone, without the zone.");
static PyObject *datetime_time(PyObject *self, PyObject *unused) { return time_part(self, Py_None); }

PyDoc_STRVAR(timetz_doc, "The time of day with the zone.");
static PyObject *datetime_timetz(PyObject *self, PyObject *unused) {
    return time_part(self, PyDateTime_DATE_GET_TZINFO(self));
}

/* ---- The zone ---- */

PyDoc_STRVAR(utcoffset_doc, "self.tzinfo.utcoffset(self), or None without a zone.");
static PyObject *datetime_utcoffset(PyObject *self, PyObject *unused) {
    return kr_zone_offset(PyDateTime_DATE_GET_TZINFO(self), self);
}

PyDoc_STRVAR(dst_doc, "self.tzinfo.dst(self), or None without a zone.");
static PyObject *datetime_dst(PyObject *self, PyObject *unused) {
    return kr_zone_dst(PyDateTime_DATE_GET_TZINFO(self), self);
}

PyDoc_STRVAR(tzname_doc, "self.tzinfo.tzname(self), or None without a zone.");
static PyObject *datetime_tzname(PyObject *self, PyObject *unused) {
    return kr_zone_name(PyDateTime_DATE_GET_TZINFO(self), self);
}

/* ---- Arithmetic ---- */

/* Moves the fields by sign times a duration. Returns 0, or -1 with OverflowError. */
static int shift_fields(Fields *fields, PyObject *delta, int sign) {
    int microsecond = fields->microsecond + sign * PyDateTime_DELTA_GET_MICROSECONDS(delta);
    int second = fields->hour * 3600 + fields->minute * 60 + fields->second + sign * PyDateTime_DELTA_GET_SECONDS(delta);
    int days = sign * PyDateTime_DELTA_GET_DAYS(delta);
    second += floor_divide(microsecond, US_PER_SECOND, &fields->microsecond);
    days += floor_divide(second, SECONDS_PER_DAY, &second);
    fields->hour = second / 3600;
    fields->minute = second / 60 % 60;
    fields->second = second % 60;
    if (days >= -28 && days <= 28 && fields->day + days >= 1 && fields->day + days <= 28) { /* in the same month */
        fields->day += days;
        return 0;
    }
    int ordinal = kr_date_to_ordinal(fields->year, fields->month, fields->day) + days;
    if (ordinal < 1 || ordinal > MAX_ORDINAL) {
        PyErr_SetString(PyExc_OverflowError, "date value out of range");
        return -1;
    }
    CivilDate date = kr_date_from_ordinal(ordinal);
    fields->year = date.year;
    fields->month = date.month;
    fields->day = date.day;
    return 0;
}

PyObject *kr_datetime_shift(PyObject *moment, PyObject *delta, int sign) {
    Fields fields = datetime_fields(moment);
    fields.fold = 0;
    if (shift_fields(&fields, delta, sign) < 0) return NULL;
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(moment);
    if (Py_IS_TYPE(moment, &kr_datetime_type)) return new_unchecked(&fields, zone, &kr_datetime_type);
    return kr_datetime_make((PyObject *)Py_TYPE(moment), &fields, zone);
}

/* a - b, of what their clocks show; minus the difference of their offsets, which may be NULL. */
static PyObject *difference(PyObject *a, PyObject *b, PyObject *offset_a, PyObject *offset_b) {
    Fields x = datetime_fields(a), y = datetime_fields(b);
    int days = kr_date_to_ordinal(x.year, x.month, x.day) - kr_date_to_ordinal(y.year, y.month, y.day);
    int seconds = (x.hour - y.hour) * 3600 + (x.minute - y.minute) * 60 + x.second - y.second;
    int microseconds = x.microsecond - y.microsecond;
    if (offset_a != NULL) {
        days -= PyDateTime_DELTA_GET_DAYS(offset_a) - PyDateTime_DELTA_GET_DAYS(offset_b);
        seconds -= PyDateTime_DELTA_GET_SECONDS(offset_a) - PyDateTime_DELTA_GET_SECONDS(offset_b);
        microseconds -= PyDateTime_DELTA_GET_MICROSECONDS(offset_a) - PyDateTime_DELTA_GET_MICROSECONDS(offset_b);
    }
    return new_delta(days, seconds, microseconds);
}

static PyObject *subtract_moments(PyObject *a, PyObject *b) {
    if (PyDateTime_DATE_GET_TZINFO(a) == PyDateTime_DATE_GET_TZINFO(b)) return difference(a, b, NULL, NULL);
    PyObject *x = datetime_utcoffset(a, NULL), *y = x != NULL ? datetime_utcoffset(b, NULL) : NULL, *result = NULL;
    if (y != NULL) {
        if ((x == Py_None) != (y == Py_None))
            PyErr_SetString(PyExc_TypeError, "can't subtract offset-naive and offset-aware datetimes");
        else
            result = x == Py_None ? difference(a, b, NULL, NULL) : difference(a, b, x, y);
    }
    Py_XDECREF(x);
    Py_XDECREF(y);
    return result;
}

static PyObject *datetime_add(PyObject *a, PyObject *b) {
    if (DATETIME_CHECK(a)) {
        if (DELTA_CHECK(b)) return kr_datetime_shift(a, b, 1);
    } else if (DELTA_CHECK(a)) {
        return kr_datetime_shift(b, a, 1);
    }
    Py_RETURN_NOTIMPLEMENTED;
}

static PyObject *datetime_subtract(PyObject *a, PyObject *b) {
    if (!DATETIME_CHECK(a)) Py_RETURN_NOTIMPLEMENTED;
    if (DATETIME_CHECK(b)) return subtract_moments(a, b);
    if (DELTA_CHECK(b)) return kr_datetime_shift(a, b, -1);
    Py_RETURN_NOTIMPLEMENTED;
}

/* ---- Comparison, hash ---- */

/* A copy of the exact type with that fold. */
static PyObject *with_fold(PyObject *self, int fold) {
    Fields fields = datetime_fields(self);
    fields.fold = fold;
    return new_unchecked(&fields, PyDateTime_DATE_GET_TZINFO(self), Py_TYPE(self));
}

static int same_offset(PyObject *a, PyObject *b) {
    return a == b || (a != Py_None && b != Py_None && kr_delta_compare(a, b) == 0);
}

/* Whether the offset depends on the fold; such a moment equals no moment of another zone. Returns -1 on error. */
static int depends_on_fold(PyObject *self, PyObject *offset) {
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(self);
    if (zone == Py_None || Py_IS_TYPE(zone, &kr_timezone_type)) return 0;
    PyObject *flipped = with_fold(self, !PyDateTime_DATE_GET_FOLD(self));
    if (flipped == NULL) return -1;
    PyObject *other = datetime_utcoffset(flipped, NULL);
    Py_DECREF(flipped);
    if (other == NULL) return -1;
    int result = !same_offset(offset, other);
    Py_DECREF(other);
    return result;
}

/* Compares the fields of two moments, which are big-endian numbers, as memcmp() does. */
static inline int compare_fields(PyObject *a, PyObject *b) {
    uint64_t x, y;
    const unsigned char *p = DATETIME(a)->data, *q = DATETIME(b)->data;
    memcpy(&x, p, sizeof x);
    memcpy(&y, q, sizeof y);
    if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
    return (p[8] << 8 | p[9]) - (q[8] << 8 | q[9]);
}

static PyObject *datetime_compare(PyObject *self, PyObject *other, int op) {
    int equality = op == Py_EQ || op == Py_NE;
    if (!DATETIME_CHECK(other)) {
        /* A date compares with any date, but not with a datetime. */
        if (!DATE_CHECK(other)) Py_RETURN_NOTIMPLEMENTED;
        if (equality) return compare_result(1, op);
        return PyErr_Format(PyExc_TypeError, "can't compare %s to %s", Py_TYPE(self)->tp_name, Py_TYPE(other)->tp_name);
    }
    int order = compare_fields(self, other);
    if (PyDateTime_DATE_GET_TZINFO(self) == PyDateTime_DATE_GET_TZINFO(other)) return compare_result(order, op);
    PyObject *a = datetime_utcoffset(self, NULL), *b = a != NULL ? datetime_utcoffset(other, NULL) : NULL, *result = NULL;
    if (b == NULL) goto done;
    if (!same_offset(a, b)) {
        if (a == Py_None || b == Py_None) {
            if (equality)
                result = compare_result(1, op);
            else
                PyErr_SetString(PyExc_TypeError, "can't compare offset-naive and offset-aware datetimes");
            goto done;
        }
        PyObject *delta = difference(self, other, a, b);
        if (delta == NULL) goto done;
        order = PyDateTime_DELTA_GET_DAYS(delta);
        if (order == 0) order = PyDateTime_DELTA_GET_SECONDS(delta) | PyDateTime_DELTA_GET_MICROSECONDS(delta);
        Py_DECREF(delta);
    }
    if (equality && order == 0) {
        int apart = depends_on_fold(self, a);
        if (apart == 0) apart = depends_on_fold(other, b);
        if (apart < 0) goto done;
        order = apart;
    }
    result = compare_result(order, op);
done:
    Py_XDECREF(a);
    Py_XDECREF(b);
    return result;
}

static Py_hash_t datetime_hash(PyObject *self) {
    if (DATETIME(self)->hashcode != -1) return DATETIME(self)->hashcode;
    PyObject *offset;
    if (PyDateTime_DATE_GET_FOLD(self)) {
        PyObject *unfolded = with_fold(self, 0);
        if (unfolded == NULL) return -1;
        offset = datetime_utcoffset(unfolded, NULL);
        Py_DECREF(unfolded);
    } else {
        offset = datetime_utcoffset(self, NULL);
    }
    if (offset == NULL) return -1;
    if (offset == Py_None) {
        DATETIME(self)->hashcode = _Py_HashBytes(DATETIME(self)->data, _PyDateTime_DATETIME_DATASIZE);
    } else {
        Fields fields = datetime_fields(self);
        PyObject *local = new_delta(kr_date_to_ordinal(fields.year, fields.month, fields.day),
                                    fields.hour * 3600 + fields.minute * 60 + fields.second, fields.microsecond);
        DATETIME(self)->hashcode = kr_delta_hash_difference(local, offset);
    }
    Py_DECREF(offset);
    return DATETIME(self)->hashcode;
}

/* ---- Text ---- */

static PyObject *iso_text(PyObject *self, Py_UCS4 separator, TimeSpec spec) {
    char text[ISO_SIZE];
    Fields fields = datetime_fields(self);
    char *end = kr_iso_write_date(text, fields.year, fields.month, fields.day);
    Py_ssize_t date_length = end - text;
    *end++ = (char)separator;
    end = kr_iso_write_time(end, &fields, spec);
    if ((end = kr_iso_write_offset(end, PyDateTime_DATE_GET_TZINFO(self), self, ":")) == NULL) return NULL;
    if (separator < 128) {
        PyObject *result = PyUnicode_New(end - text, 127);
        if (result != NULL) memcpy(PyUnicode_1BYTE_DATA(result), text, (size_t)(end - text));
        return result;
    }
    text[date_length] = *end = '\0';
    return PyUnicode_FromFormat("%s%c%s", text, (int)separator, text + date_length + 1);
}

PyDoc_STRVAR(isoformat_doc, "isoformat(sep='T', timespec='auto'): text in the form YYYY-MM-DDTHH:MM:SS[.ffffff][+HH:MM].\n\n"
                            "sep is the character between date and time. timespec is the last field to show: 'hours',\n"
                            "'minutes', 'seconds', 'milliseconds', 'microseconds', or 'auto', which leaves out\n"
                            "microseconds if there are none.");
static PyObject *datetime_isoformat(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"sep", "timespec", NULL};
    int separator = 'T';
    const char *name = NULL;
    TimeSpec spec;
    if (PyTuple_GET_SIZE(args) == 0 && kwargs == NULL) return iso_text(self, 'T', SPEC_AUTO);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Cs:isoformat", names, &separator, &name) ||
        kr_iso_time_spec(name, &spec) < 0)
        return NULL;
    return iso_text(self, (Py_UCS4)separator, spec);
}

static PyObject *datetime_str(PyObject *self) {
    if (Py_IS_TYPE(self, &kr_datetime_type)) return iso_text(self, ' ', SPEC_AUTO);
    return PyObject_CallMethodOneArg(self, KR_NAME(isoformat), KR_NAME_TEXT(" "));
}

static PyObject *datetime_repr(PyObject *self) {
    char text[120], *out = text;
    Fields fields = datetime_fields(self);
    const char *fold = fields.fold ? ", fold=1" : "", *type = Py_TYPE(self)->tp_name;
    out += sprintf(out, "%d, %d, %d, %d, %d", fields.year, fields.month, fields.day, fields.hour, fields.minute);
    if (fields.second != 0 || fields.microsecond != 0) out += sprintf(out, ", %d", fields.second);
    if (fields.microsecond != 0) sprintf(out, ", %d", fields.microsecond);
    if (!DATETIME(self)->hastzinfo) return PyUnicode_FromFormat("%s(%s%s)", type, text, fold);
    return PyUnicode_FromFormat("%s(%s%s, tzinfo=%R)", type, text, fold, DATETIME(self)->tzinfo);
}

PyDoc_STRVAR(ctime_doc, "The text that the C function ctime() makes of it, such as 'Mon Feb  3 04:05:06 2020'.");
static PyObject *datetime_ctime(PyObject *self, PyObject *unused) {
    Fields fields = datetime_fields(self);
    return kr_ctime(&fields);
}

/* ---- Conversions ---- */

PyDoc_STRVAR(timetuple_doc, "A time.struct_time, such as time.localtime() returns.");
static PyObject *datetime_timetuple(PyObject *self, PyObject *unused) {
    PyObject *dst = datetime_dst(self, NULL);
    if (dst == NULL) return NULL;
    int flag = dst == Py_None ? -1 : kr_delta_type.tp_as_number->nb_bool(dst);
    Py_DECREF(dst);
    Fields fields = datetime_fields(self);
    return kr_struct_time(&fields, flag);
}

PyDoc_STRVAR(utctimetuple_doc, "A time.struct_time in UTC, such as time.gmtime() returns.");
static PyObject *datetime_utctimetuple(PyObject *self, PyObject *unused) {
    Fields fields = datetime_fields(self);
    PyObject *offset = datetime_utcoffset(self, NULL);
    if (offset == NULL) return NULL;
    int failed = offset != Py_None && shift_fields(&fields, offset, -1) < 0;
    Py_DECREF(offset);
    return failed ? NULL : kr_struct_time(&fields, 0);
}

PyDoc_STRVAR(timestamp_doc, "The time stamp: seconds since 1970 began in UTC, a float.");
static PyObject *datetime_timestamp(PyObject *self, PyObject *unused) {
    Fields fields = datetime_fields(self);
    PyObject *offset = NULL;
    if (DATETIME(self)->hastzinfo && (offset = datetime_utcoffset(self, NULL)) == NULL) return NULL;
    if (offset == NULL || offset == Py_None) {
        Py_XDECREF(offset);
        int64_t utc = utc_of_local(&fields);
        if (utc == -1) return NULL;
        return PyFloat_FromDouble((double)(utc - EPOCH_SECONDS) + fields.microsecond / 1e6);
    }
    /* All microseconds of ten thousand years need 59 bits; the quotient is rounded once. */
    int64_t us = (to_seconds(&fields) - EPOCH_SECONDS) * US_PER_SECOND + fields.microsecond - (int64_t)delta_us(offset);
    Py_DECREF(offset);
    if (us < (1LL << 53) && us > -(1LL << 53)) return PyFloat_FromDouble((double)us / 1e6);
    PyObject *number = PyLong_FromLongLong(us), *second = PyLong_FromLong(US_PER_SECOND);
    PyObject *result = number != NULL && second != NULL ? PyNumber_TrueDivide(number, second) : NULL;
    Py_XDECREF(number);
    Py_XDECREF(second);
    return result;
}

PyDoc_STRVAR(replace_doc, "replace(year=..., month=..., day=..., hour=..., minute=..., second=..., microsecond=..., tzinfo=..., *,\n"
                          "fold=...): a datetime with those fields changed.");
static PyObject *datetime_replace(PyObject *self, PyObject *args, PyObject *kwargs) {
    Fields fields = datetime_fields(self);
    PyObject *zone = PyDateTime_DATE_GET_TZINFO(self);
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|iiiiiiiO$i:replace", keywords, &fields.year, &fields.month,
                                     &fields.day, &fields.hour, &fields.minute, &fields.second, &fields.microsecond,
                                     &zone, &fields.fold))
        return NULL;
    return kr_datetime_new(&fields, zone, Py_TYPE(self));
}

/* The local zone at a moment: a timezone with its offset and name at that time. */
static PyObject *local_zone(int64_t utc) {
    struct tm tm;
    if (_PyTime_localtime((time_t)(utc - EPOCH_SECONDS), &tm) < 0) return NULL;
    PyObject *offset = new_delta(0, (int)tm.tm_gmtoff, 0), *zone = NULL;
    PyObject *name = offset != NULL && tm.tm_zone != NULL ? PyUnicode_DecodeLocale(tm.tm_zone, "surrogateescape") : NULL;
    if (offset != NULL && !PyErr_Occurred()) zone = kr_timezone_new(offset, name);
    Py_XDECREF(offset);
    Py_XDECREF(name);
    return zone;
}

PyDoc_STRVAR(astimezone_doc, "astimezone(tz): the same moment in another zone; in the local one if tz is missing or None.");
static PyObject *datetime_astimezone(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"tz", NULL};
    PyObject *target = Py_None, *offset = NULL, *result = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:astimezone", names, &target) || kr_zone_check(target) < 0) return NULL;
    PyObject *source = Py_NewRef(PyDateTime_DATE_GET_TZINFO(self)), *zone = NULL, *utc = NULL;
    Fields fields = datetime_fields(self);
    if (source != Py_None) {
        if (source == target) {
            Py_DECREF(source);
            return Py_NewRef(self);
        }
        if ((offset = kr_zone_offset(source, self)) == NULL) goto done;
    }
    if (offset == NULL || offset == Py_None) { /* naive: local time */
        int64_t moment = utc_of_local(&fields);
        if (moment == -1) goto done;
        Py_SETREF(source, local_zone(moment));
        if (source == NULL || source == target) {
            result = source != NULL ? Py_NewRef(self) : NULL;
            goto done;
        }
        Py_XSETREF(offset, kr_zone_offset(source, self));
        if (offset == NULL) goto done;
    }
    fields.fold = 0;
    if (shift_fields(&fields, offset, -1) < 0) goto done;
    if (target != Py_None)
        zone = Py_NewRef(target);
    else if ((zone = local_zone(to_seconds(&fields))) == NULL)
        goto done;
    if ((utc = kr_datetime_make((PyObject *)Py_TYPE(self), &fields, zone)) == NULL) goto done;
    result = kr_zone_from_utc(zone, utc);
done:
    Py_XDECREF(source);
    Py_XDECREF(offset);
    Py_XDECREF(zone);
    Py_XDECREF(utc);
    return result;
}

/* Protocol 4 and later know the fold, the highest bit of the month. */
static PyObject *reduce(PyObject *self, int protocol) {
    unsigned char data[_PyDateTime_DATETIME_DATASIZE];
    memcpy(data, DATETIME(self)->data, sizeof data);
    if (protocol > 3 && DATETIME(self)->fold) data[2] |= 0x80;
    if (DATETIME(self)->hastzinfo)
        return Py_BuildValue("O(y#O)", Py_TYPE(self), data, (Py_ssize_t)sizeof data, DATETIME(self)->tzinfo);
    return Py_BuildValue("O(y#)", Py_TYPE(self), data, (Py_ssize_t)sizeof data);
}

PyDoc_STRVAR(reduce_ex_doc, "__reduce_ex__(protocol): what pickle needs, class and arguments.");
static PyObject *datetime_reduce_ex(PyObject *self, PyObject *args) {
    int protocol;
    return PyArg_ParseTuple(args, "i:__reduce_ex__", &protocol) ? reduce(self, protocol) : NULL;
}

PyDoc_STRVAR(reduce_doc, "What pickle protocol 2 needs: class and arguments.");
static PyObject *datetime_reduce(PyObject *self, PyObject *unused) { return reduce(self, 2); }

PyDoc_STRVAR(fromisoformat_doc, "fromisoformat(str): the date and time of a text in an ISO 8601 format.");

static PyMethodDef datetime_methods[] = {
    {"now", FASTCALL(datetime_now), METH_FASTCALL | METH_KEYWORDS | METH_CLASS, now_doc},
    {"utcnow", datetime_utcnow, METH_NOARGS | METH_CLASS, utcnow_doc},
    {"fromtimestamp", FASTCALL(datetime_fromtimestamp), METH_FASTCALL | METH_KEYWORDS | METH_CLASS, fromtimestamp_doc},
    {"utcfromtimestamp", datetime_utcfromtimestamp, METH_VARARGS | METH_CLASS, utcfromtimestamp_doc},
    {"strptime", datetime_strptime, METH_VARARGS | METH_CLASS, strptime_doc},
    {"combine", FASTCALL(datetime_combine), METH_FASTCALL | METH_KEYWORDS | METH_CLASS, combine_doc},
    {"fromisoformat", kr_iso_parse_datetime, METH_O | METH_CLASS, fromisoformat_doc},
    {"date", datetime_date, METH_NOARGS, date_doc},
    {"time", datetime_time, METH_NOARGS, time_doc},
    {"timetz", datetime_timetz, METH_NOARGS, timetz_doc},
    {"ctime", datetime_ctime, METH_NOARGS, ctime_doc},
    {"timetuple", datetime_timetuple, METH_NOARGS, timetuple_doc},
    {"timestamp", datetime_timestamp, METH_NOARGS, timestamp_doc},
    {"utctimetuple", datetime_utctimetuple, METH_NOARGS, utctimetuple_doc},
    {"isoformat", FASTCALL(datetime_isoformat), METH_VARARGS | METH_KEYWORDS, isoformat_doc},
    {"utcoffset", datetime_utcoffset, METH_NOARGS, utcoffset_doc},
    {"tzname", datetime_tzname, METH_NOARGS, tzname_doc},
    {"dst", datetime_dst, METH_NOARGS, dst_doc},
    {"replace", FASTCALL(datetime_replace), METH_VARARGS | METH_KEYWORDS, replace_doc},
    {"astimezone", FASTCALL(datetime_astimezone), METH_VARARGS | METH_KEYWORDS, astimezone_doc},
    {"__reduce_ex__", datetime_reduce_ex, METH_VARARGS, reduce_ex_doc},
    {"__reduce__", datetime_reduce, METH_NOARGS, reduce_doc},
    {NULL},
};

static PyGetSetDef datetime_attributes[] = {
    {"hour", datetime_hour, NULL, NULL, NULL},
    {"minute", datetime_minute, NULL, NULL, NULL},
    {"second", datetime_second, NULL, NULL, NULL},
    {"microsecond", datetime_microsecond, NULL, NULL, NULL},
    {"tzinfo", datetime_tzinfo, NULL, NULL, NULL},
    {"fold", datetime_fold, NULL, NULL, NULL},
    {NULL},
};

static PyNumberMethods datetime_number = {.nb_add = datetime_add, .nb_subtract = datetime_subtract};

PyDoc_STRVAR(datetime_doc, "datetime(year, month, day, hour=0, minute=0, second=0, microsecond=0, tzinfo=None, *, fold=0):\n"
                           "a date and a time of day.\n\n"
                           "tzinfo is None or an instance of a tzinfo subclass; the others are ints.");

PyTypeObject kr_datetime_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "datetime.datetime",
    .tp_basicsize = sizeof(PyDateTime_DateTime),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .tp_doc = datetime_doc,
    .tp_base = &kr_date_type,
    .tp_new = datetime_new,
    .tp_vectorcall = datetime_vectorcall,
    .tp_dealloc = datetime_dealloc,
    .tp_repr = datetime_repr,
    .tp_str = datetime_str,
    .tp_hash = datetime_hash,
    .tp_richcompare = datetime_compare,
    .tp_as_number = &datetime_number,
    .tp_methods = datetime_methods,
    .tp_getset = datetime_attributes,
    .tp_getattro = PyObject_GenericGetAttr,
};
