/* What the files of the module _datetime share.
 *
 * Object layouts are those of <datetime.h>. A time or datetime without a time zone may be allocated shorter than its type
 * says (up to the byte `fold`, which lies in the padding of the short form); `hastzinfo` tells whether the member
 * `tzinfo` exists, and then it is never NULL. All fields are in range at any time, except those that come from a pickle:
 * only the month (date, datetime) or hour (time) of a pickle is checked.
 *
 * Days are counted from 0001-01-01, which is day 1. A timedelta is normalised: 0 <= seconds < 86400,
 * 0 <= microseconds < 1000000, and days carries the sign.
 */
#ifndef KR_MODULES_DATETIME_DATETIME_H
#define KR_MODULES_DATETIME_DATETIME_H

#include <Python.h>

#define _PY_DATETIME_IMPL
#include <datetime.h>
#include <time.h>

enum {
    SECONDS_PER_DAY = 24 * 60 * 60,
    US_PER_SECOND = 1000 * 1000,
    MAX_ORDINAL = 3652059,      /* 9999-12-31 */
    MAX_DELTA_DAYS = 999999999,
    MIN_YEAR = 1,
    MAX_YEAR = 9999,
};
#define US_PER_DAY ((__int128)SECONDS_PER_DAY * US_PER_SECOND)
#define EPOCH_SECONDS (719163LL * SECONDS_PER_DAY) /* 1970-01-01, in seconds with the same origin as ordinals */

extern PyTypeObject kr_date_type, kr_time_type, kr_datetime_type, kr_delta_type, kr_tzinfo_type, kr_timezone_type,
    kr_iso_date_type;

/* The constant timezone.utc, made when the module is first imported. */
extern PyObject *kr_timezone_utc;

#define DATE_CHECK(object) PyObject_TypeCheck(object, &kr_date_type)
#define DATETIME_CHECK(object) PyObject_TypeCheck(object, &kr_datetime_type)
#define TIME_CHECK(object) PyObject_TypeCheck(object, &kr_time_type)
#define DELTA_CHECK(object) PyObject_TypeCheck(object, &kr_delta_type)
#define TZINFO_CHECK(object) PyObject_TypeCheck(object, &kr_tzinfo_type)

#define FASTCALL(function) (PyCFunction)(void (*)(void))(function)

/* ---- Fields ---- */

typedef struct {
    int year, month, day;
} CivilDate;

/* Everything that a datetime or a time holds except its time zone. */
typedef struct {
    int year, month, day, hour, minute, second, microsecond, fold;
} Fields;

static inline void put_date(unsigned char *data, int year, int month, int day) {
    data[0] = (unsigned char)(year >> 8);
    data[1] = (unsigned char)year;
    data[2] = (unsigned char)month;
    data[3] = (unsigned char)day;
}

static inline void put_time(unsigned char *data, int hour, int minute, int second, int microsecond) {
    data[0] = (unsigned char)hour;
    data[1] = (unsigned char)minute;
    data[2] = (unsigned char)second;
    data[3] = (unsigned char)(microsecond >> 16);
    data[4] = (unsigned char)(microsecond >> 8);
    data[5] = (unsigned char)microsecond;
}

static inline Fields datetime_fields(PyObject *self) {
    return (Fields){PyDateTime_GET_YEAR(self),         PyDateTime_GET_MONTH(self),
                    PyDateTime_GET_DAY(self),          PyDateTime_DATE_GET_HOUR(self),
                    PyDateTime_DATE_GET_MINUTE(self),  PyDateTime_DATE_GET_SECOND(self),
                    PyDateTime_DATE_GET_MICROSECOND(self), PyDateTime_DATE_GET_FOLD(self)};
}

static inline Fields time_fields(PyObject *self) {
    return (Fields){1900,
                    1,
                    1,
                    PyDateTime_TIME_GET_HOUR(self),
                    PyDateTime_TIME_GET_MINUTE(self),
                    PyDateTime_TIME_GET_SECOND(self),
                    PyDateTime_TIME_GET_MICROSECOND(self),
                    PyDateTime_TIME_GET_FOLD(self)};
}

/* The time zone of a date, time or datetime: borrowed, None if it has none. */
static inline PyObject *zone_of(PyObject *self) {
    if (DATETIME_CHECK(self)) return PyDateTime_DATE_GET_TZINFO(self);
    if (TIME_CHECK(self)) return PyDateTime_TIME_GET_TZINFO(self);
    return Py_None;
}

static inline int floor_divide(int value, int divisor, int *remainder) {
    int quotient = value / divisor, rest = value % divisor;
    if (rest < 0) {
        rest += divisor;
        quotient--;
    }
    *remainder = rest;
    return quotient;
}

/* ---- calendar.c: the proleptic Gregorian calendar ---- */

int kr_date_days_in_month(int year, int month);
int kr_date_days_before_month(int year, int month);

/* The ordinal of a date whose month is 1 ... 12; the day may be any number. */
int kr_date_to_ordinal(int year, int month, int day);

/* The date with an ordinal between 1 and MAX_ORDINAL. */
CivilDate kr_date_from_ordinal(int ordinal);

/* Monday is 0. */
static inline int ordinal_weekday(int ordinal) { return (ordinal + 6) % 7; }

/* The ordinal of the Monday on which the year's first ISO week begins. */
int kr_date_iso_year_start(int year);

/* The Monday-based ISO week date. Returns 0, -4 for the year, -2 for the week or -3 for the day out of range. */
int kr_date_from_iso(int iso_year, int iso_week, int iso_day, CivilDate *date);

/* Checks ranges. Return 0, or -1 with ValueError. */
int kr_date_check(int year, int month, int day);
int kr_time_check(int hour, int minute, int second, int microsecond, int fold);

/* ---- zones: the parts of tzinfo.c that others use ---- */

/* Checks that an argument is None or a tzinfo. Returns 0, or -1 with TypeError. */
int kr_zone_check(PyObject *zone);

/* Call zone.utcoffset(moment) and zone.dst(moment). Return a timedelta of less than a day, None, or NULL. */
PyObject *kr_zone_offset(PyObject *zone, PyObject *moment);
PyObject *kr_zone_dst(PyObject *zone, PyObject *moment);

/* Calls zone.tzname(moment). Returns a str, None, or NULL. */
PyObject *kr_zone_name(PyObject *zone, PyObject *moment);

/* Calls zone.fromutc(moment). */
PyObject *kr_zone_from_utc(PyObject *zone, PyObject *moment);

/* The time zone with a fixed offset; name may be NULL. An offset of zero without a name is the constant utc. */
PyObject *kr_timezone_new(PyObject *offset, PyObject *name);

/* ---- timedelta.c ---- */

/* Makes a timedelta, bringing seconds and microseconds into range first if `normalise`. NULL with OverflowError. */
PyObject *kr_delta_new(int days, int seconds, int microseconds, int normalise, PyTypeObject *type);

static inline PyObject *new_delta(int days, int seconds, int microseconds) {
    return kr_delta_new(days, seconds, microseconds, 1, &kr_delta_type);
}

/* a - b and -a of two timedeltas. */
PyObject *kr_delta_subtract(PyObject *a, PyObject *b);
PyObject *kr_delta_negate(PyObject *delta);
int kr_delta_compare(PyObject *a, PyObject *b);

/* Returns the hash of a - b, or -1 with an exception. Takes the reference to `a`, which may be NULL with an exception. */
Py_hash_t kr_delta_hash_difference(PyObject *a, PyObject *b);

static inline __int128 delta_us(PyObject *delta) {
    PyDateTime_Delta *self = (PyDateTime_Delta *)delta;
    return self->days * US_PER_DAY + (int64_t)self->seconds * US_PER_SECOND + self->microseconds;
}

/* ---- What time and datetime have in common ---- */

/* Allocates a time or a datetime, whose structs begin alike and end with the zone: without a zone, an object of exactly the
 * type `own` is only `naive_size` bytes long. The caller sets what follows the head. */
static inline PyObject *allocate_zoned(PyTypeObject *type, PyTypeObject *own, Py_ssize_t naive_size, PyObject *zone) {
    int aware = zone != Py_None;
    PyObject *self;
    if (type == own) {
        self = PyObject_Malloc((size_t)(aware ? own->tp_basicsize : naive_size));
        if (self == NULL) return PyErr_NoMemory();
        PyObject_Init(self, type);
    } else {
        self = type->tp_alloc(type, 0);
        if (self == NULL) return NULL;
    }
    _PyDateTime_BaseTZInfo *head = (_PyDateTime_BaseTZInfo *)self;
    head->hashcode = -1;
    head->hastzinfo = (char)aware;
    return self;
}

/* What a rich comparison of two moments returns, by the sign of their difference. */
static inline PyObject *compare_result(int difference, int op) { Py_RETURN_RICHCOMPARE(difference, 0, op); }

/* Reads positional arguments that are all exactly ints. Returns 0, or -1 without an exception if one is not or does not
 * fit: then the general way finds the words. */
static inline int plain_ints(PyObject *const *args, Py_ssize_t count, int *values) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyLong_CheckExact(args[i])) return -1;
        values[i] = _PyLong_AsInt(args[i]);
        if (values[i] == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return -1;
        }
    }
    return 0;
}

/* ---- Constructors: a new object of exactly that type, after checking ranges ---- */

PyObject *kr_date_new(int year, int month, int day, PyTypeObject *type);
PyObject *kr_time_new(int hour, int minute, int second, int microsecond, PyObject *zone, int fold, PyTypeObject *type);
PyObject *kr_datetime_new(const Fields *fields, PyObject *zone, PyTypeObject *type);

/* The same, but a subclass is called as Python code would call it. */
PyObject *kr_date_make(PyObject *type, int year, int month, int day);
PyObject *kr_time_make(PyObject *type, const Fields *fields, PyObject *zone);
PyObject *kr_datetime_make(PyObject *type, const Fields *fields, PyObject *zone);

/* moment + sign * delta, of the type of the moment. */
PyObject *kr_datetime_shift(PyObject *moment, PyObject *delta, int sign);

/* The class method datetime.fromtimestamp and date.fromtimestamp as the C API gives them. */
PyObject *kr_datetime_from_timestamp(PyObject *type, PyObject *args, PyObject *kwargs);
PyObject *kr_date_from_timestamp(PyObject *type, PyObject *args);
PyObject *kr_date_from_stamp(PyObject *type, PyObject *stamp);

/* datetime.now() for a moment of the system clock in local time. */
PyObject *kr_datetime_now(PyObject *type, PyObject *zone);

/* Reads the bytes of a pickle, or of the str that Python 2 wrote, of `size` bytes whose byte at `index`, without the fold
 * bit, is between low and high. Returns NULL, without an exception if `state` is something else; a new reference. */
PyObject *kr_pickle_state(PyObject *state, Py_ssize_t size, int index, int low, int high, const char *name);

/* ---- isoformat.c ---- */

typedef enum { SPEC_AUTO, SPEC_HOURS, SPEC_MINUTES, SPEC_SECONDS, SPEC_MILLISECONDS, SPEC_MICROSECONDS } TimeSpec;

/* Finds the value of the parameter timespec; NULL is auto. Returns 0, or -1 with an exception. */
int kr_iso_time_spec(const char *text, TimeSpec *spec);

/* Write a date, a time of day, an offset from UTC. Return the end of the text. */
char *kr_iso_write_date(char *out, int year, int month, int day);
char *kr_iso_write_time(char *out, const Fields *fields, TimeSpec spec);

/* Write the offset +HH:MM[:SS[.ffffff]] with that separator, "" or ":"; nothing if there is none. NULL on error. */
char *kr_iso_write_offset(char *out, PyObject *zone, PyObject *moment, const char *separator);
char *kr_iso_write_delta(char *out, PyObject *offset, const char *separator);
enum { ISO_OFFSET_SIZE = 32, ISO_SIZE = 80 };

/* The class methods fromisoformat. */
PyObject *kr_iso_parse_date(PyObject *type, PyObject *text);
PyObject *kr_iso_parse_time(PyObject *type, PyObject *text);
PyObject *kr_iso_parse_datetime(PyObject *type, PyObject *text);

/* ---- strftime.c ---- */

/* Replaces %z %Z %f in the format, and leaves the rest to time.strftime(). `moment` is what the zone's methods get. */
PyObject *kr_strftime(PyObject *self, PyObject *format, PyObject *tuple, PyObject *moment);

/* Methods that date and time have in common. */
PyObject *kr_date_format(PyObject *self, PyObject *args);

/* A time.struct_time. */
PyObject *kr_struct_time(const Fields *fields, int dst);

/* The text of ctime(). */
PyObject *kr_ctime(const Fields *fields);

#endif
