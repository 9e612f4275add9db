/* Time stamps of 64-bit nanoseconds, their conversions, and the clocks (cpython/pytime.h).
 *
 * Functions that return an int report overflow as OverflowError and -1; the others clamp.
 */
#include <Python.h>

#include <errno.h>
#include <math.h>
#include <time.h>

enum { NS_PER_US = 1000, US_PER_SECOND = 1000 * 1000, NS_PER_MS = 1000 * 1000 };
static const _PyTime_t ns_per_second = 1000 * 1000 * 1000;

static void time_t_overflow(void) {
    PyErr_SetString(PyExc_OverflowError, "timestamp out of range for platform time_t");
}

static void stamp_overflow(void) {
    PyErr_SetString(PyExc_OverflowError, "timestamp too large to convert to C _PyTime_t");
}

/* ---- Arithmetic ---- */

_PyTime_t _PyTime_Add(_PyTime_t a, _PyTime_t b) {
    _PyTime_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b > 0 ? _PyTime_MAX : _PyTime_MIN;
}

static int multiply(_PyTime_t *value, _PyTime_t factor) {
    _PyTime_t product;
    if (__builtin_mul_overflow(*value, factor, &product)) {
        *value = (*value < 0) == (factor < 0) ? _PyTime_MAX : _PyTime_MIN;
        return -1;
    }
    *value = product;
    return 0;
}

_PyTime_t _PyTime_MulDiv(_PyTime_t ticks, _PyTime_t factor, _PyTime_t divisor) {
    /* whole and rest apart, so that ticks * factor cannot overflow */
    _PyTime_t whole = ticks / divisor, rest = ticks % divisor * factor / divisor;
    (void)multiply(&whole, factor);
    return _PyTime_Add(whole, rest);
}

static double round_double(double value, _PyTime_round_t round_mode) {
    switch (round_mode) {
        case _PyTime_ROUND_HALF_EVEN: {
            double rounded = round(value);
            return fabs(value - rounded) == 0.5 ? 2.0 * round(value / 2.0) : rounded;
        }
        case _PyTime_ROUND_CEILING: return ceil(value);
        case _PyTime_ROUND_FLOOR: return floor(value);
        default: return value >= 0.0 ? ceil(value) : floor(value);
    }
}

/* value / divisor, rounded; the divisor is greater than 1. */
static _PyTime_t divide(_PyTime_t value, _PyTime_t divisor, _PyTime_round_t round_mode) {
    _PyTime_t quotient = value / divisor, rest = value % divisor; /* rest has the sign of value */
    _PyTime_t away = value >= 0 ? 1 : -1;
    if (rest == 0) return quotient;
    switch (round_mode) {
        case _PyTime_ROUND_HALF_EVEN: {
            _PyTime_t size = rest < 0 ? -rest : rest, half = divisor / 2; /* the divisors are even */
            return size > half || (size == half && (quotient & 1)) ? quotient + away : quotient;
        }
        case _PyTime_ROUND_CEILING: return value > 0 ? quotient + 1 : quotient;
        case _PyTime_ROUND_FLOOR: return value < 0 ? quotient - 1 : quotient;
        default: return quotient + away;
    }
}

/* Divides rounding towards minus infinity, so that the rest is not negative. */
static void split(_PyTime_t value, _PyTime_t divisor, _PyTime_t *quotient, _PyTime_t *rest) {
    *quotient = value / divisor;
    *rest = value % divisor;
    if (*rest < 0) {
        *rest += divisor;
        *quotient -= 1;
    }
}

/* ---- time_t ---- */

time_t _PyLong_AsTime_t(PyObject *object) {
    long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError)) time_t_overflow();
    return (time_t)value;
}

PyObject *_PyLong_FromTime_t(time_t value) { return PyLong_FromLongLong(value); }

static int check_nan(double value) {
    if (!isnan(value)) return 0;
    PyErr_SetString(PyExc_ValueError, "Invalid value NaN (not a number)");
    return -1;
}

/* True if a whole number fits 64 bits. (double)INT64_MAX would be rounded up to 2**63, which does not fit. */
static int fits(double value) { return -9223372036854775808.0 <= value && value < 9223372036854775808.0; }

int _PyTime_ObjectToTime_t(PyObject *object, time_t *seconds, _PyTime_round_t round_mode) {
    if (!PyFloat_Check(object)) {
        *seconds = _PyLong_AsTime_t(object);
        return *seconds == (time_t)-1 && PyErr_Occurred() ? -1 : 0;
    }
    double value = PyFloat_AsDouble(object), whole;
    if (check_nan(value) < 0) return -1;
    (void)modf(round_double(value, round_mode), &whole);
    if (!fits(whole)) {
        time_t_overflow();
        return -1;
    }
    *seconds = (time_t)whole;
    return 0;
}

/* Seconds and a numerator over `denominator`. */
static int to_fraction(PyObject *object, time_t *seconds, long *numerator, long denominator, _PyTime_round_t round_mode) {
    if (!PyFloat_Check(object)) {
        *numerator = 0;
        return _PyTime_ObjectToTime_t(object, seconds, round_mode);
    }
    double value = PyFloat_AsDouble(object), whole;
    if (check_nan(value) < 0) {
        *numerator = 0;
        return -1;
    }
    double part = round_double(modf(value, &whole) * (double)denominator, round_mode);
    if (part >= (double)denominator) {
        part -= (double)denominator;
        whole += 1.0;
    } else if (part < 0) {
        part += (double)denominator;
        whole -= 1.0;
    }
    if (!fits(whole)) {
        time_t_overflow();
        return -1;
    }
    *seconds = (time_t)whole;
    *numerator = (long)part;
    return 0;
}

int _PyTime_ObjectToTimeval(PyObject *object, time_t *seconds, long *microseconds, _PyTime_round_t round_mode) {
    return to_fraction(object, seconds, microseconds, US_PER_SECOND, round_mode);
}

int _PyTime_ObjectToTimespec(PyObject *object, time_t *seconds, long *nanoseconds, _PyTime_round_t round_mode) {
    return to_fraction(object, seconds, nanoseconds, (long)ns_per_second, round_mode);
}

/* ---- To time stamps ---- */

_PyTime_t _PyTime_FromSeconds(int seconds) { return (_PyTime_t)seconds * ns_per_second; }
_PyTime_t _PyTime_FromNanoseconds(_PyTime_t nanoseconds) { return nanoseconds; }

int _PyTime_FromNanosecondsObject(_PyTime_t *result, PyObject *object) {
    if (!PyLong_Check(object)) {
        PyErr_Format(PyExc_TypeError, "expect int, got %s", Py_TYPE(object)->tp_name);
        return -1;
    }
    long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) stamp_overflow();
        return -1;
    }
    *result = value;
    return 0;
}

static int from_object(_PyTime_t *result, PyObject *object, _PyTime_round_t round_mode, _PyTime_t unit) {
    if (PyFloat_Check(object)) {
        double value = PyFloat_AsDouble(object);
        if (check_nan(value) < 0) return -1;
        value = round_double(value * (double)unit, round_mode);
        if (!fits(value)) {
            stamp_overflow();
            return -1;
        }
        *result = (_PyTime_t)value;
        return 0;
    }
    long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) {
        if (PyErr_ExceptionMatches(PyExc_OverflowError)) stamp_overflow();
        return -1;
    }
    *result = value;
    if (multiply(result, unit) == 0) return 0;
    stamp_overflow();
    return -1;
}

int _PyTime_FromSecondsObject(_PyTime_t *result, PyObject *object, _PyTime_round_t round_mode) {
    return from_object(result, object, round_mode, ns_per_second);
}

int _PyTime_FromMillisecondsObject(_PyTime_t *result, PyObject *object, _PyTime_round_t round_mode) {
    return from_object(result, object, round_mode, NS_PER_MS);
}

/* Returns -1 after clamping. */
static int from_parts(_PyTime_t *result, time_t seconds, _PyTime_t nanoseconds) {
    *result = seconds;
    int overflow = multiply(result, ns_per_second);
    if (overflow == 0) overflow = __builtin_add_overflow(*result, nanoseconds, result) ? -1 : 0;
    if (overflow < 0) *result = seconds < 0 ? _PyTime_MIN : _PyTime_MAX;
    return overflow;
}

int _PyTime_FromTimespec(_PyTime_t *result, struct timespec *time) {
    if (from_parts(result, time->tv_sec, time->tv_nsec) == 0) return 0;
    stamp_overflow();
    return -1;
}

int _PyTime_FromTimeval(_PyTime_t *result, struct timeval *time) {
    if (from_parts(result, time->tv_sec, (_PyTime_t)time->tv_usec * NS_PER_US) == 0) return 0;
    stamp_overflow();
    return -1;
}

/* ---- From time stamps ---- */

double _PyTime_AsSecondsDouble(_PyTime_t time) {
    /* whole seconds are converted without a division, which could round */
    if (time % ns_per_second == 0) return (double)(time / ns_per_second);
    return (double)time / 1e9;
}

_PyTime_t _PyTime_AsMilliseconds(_PyTime_t time, _PyTime_round_t round_mode) { return divide(time, NS_PER_MS, round_mode); }
_PyTime_t _PyTime_AsMicroseconds(_PyTime_t time, _PyTime_round_t round_mode) { return divide(time, NS_PER_US, round_mode); }
_PyTime_t _PyTime_AsNanoseconds(_PyTime_t time) { return time; }
PyObject *_PyTime_AsNanosecondsObject(_PyTime_t time) { return PyLong_FromLongLong(time); }

int _PyTime_AsTimevalTime_t(_PyTime_t time, time_t *seconds, int *microseconds, _PyTime_round_t round_mode) {
    _PyTime_t whole, rest;
    split(divide(time, NS_PER_US, round_mode), US_PER_SECOND, &whole, &rest);
    *seconds = whole;
    *microseconds = (int)rest;
    return 0;
}

void _PyTime_AsTimeval_clamp(_PyTime_t time, struct timeval *result, _PyTime_round_t round_mode) {
    int microseconds;
    _PyTime_AsTimevalTime_t(time, &result->tv_sec, &microseconds, round_mode);
    result->tv_usec = microseconds;
}

int _PyTime_AsTimeval(_PyTime_t time, struct timeval *result, _PyTime_round_t round_mode) {
    _PyTime_AsTimeval_clamp(time, result, round_mode); /* time_t has 64 bits: everything fits */
    return 0;
}

void _PyTime_AsTimespec_clamp(_PyTime_t time, struct timespec *result) {
    _PyTime_t whole, rest;
    split(time, ns_per_second, &whole, &rest);
    result->tv_sec = whole;
    result->tv_nsec = (long)rest;
}

int _PyTime_AsTimespec(_PyTime_t time, struct timespec *result) {
    _PyTime_AsTimespec_clamp(time, result);
    return 0;
}

_Static_assert(sizeof(time_t) == 8, "conversions to time_t cannot overflow");

/* ---- Clocks ---- */

/* Reads a clock; if `raise` is false, failures give 0. Returns 0 or -1. */
static int read_clock(clockid_t clock, _PyTime_t *time, _Py_clock_info_t *info, const char *name, int adjustable, int raise) {
    struct timespec now, resolution;
    *time = 0;
    if (clock_gettime(clock, &now) != 0) {
        if (raise) PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (from_parts(time, now.tv_sec, now.tv_nsec) < 0 && raise) {
        stamp_overflow();
        return -1;
    }
    if (info == NULL) return 0;
    info->implementation = name;
    info->adjustable = adjustable;
    info->monotonic = !adjustable;
    info->resolution = clock_getres(clock, &resolution) == 0
                           ? (double)resolution.tv_sec + (double)resolution.tv_nsec * 1e-9
                           : 1e-9;
    return 0;
}

_PyTime_t _PyTime_GetSystemClock(void) {
    _PyTime_t time;
    read_clock(CLOCK_REALTIME, &time, NULL, NULL, 1, 0);
    return time;
}

int _PyTime_GetSystemClockWithInfo(_PyTime_t *time, _Py_clock_info_t *info) {
    return read_clock(CLOCK_REALTIME, time, info, "clock_gettime(CLOCK_REALTIME)", 1, 1);
}

_PyTime_t _PyTime_GetMonotonicClock(void) {
    _PyTime_t time;
    read_clock(CLOCK_MONOTONIC, &time, NULL, NULL, 0, 0);
    return time;
}

int _PyTime_GetMonotonicClockWithInfo(_PyTime_t *time, _Py_clock_info_t *info) {
    return read_clock(CLOCK_MONOTONIC, time, info, "clock_gettime(CLOCK_MONOTONIC)", 0, 1);
}

_PyTime_t _PyTime_GetPerfCounter(void) { return _PyTime_GetMonotonicClock(); }

int _PyTime_GetPerfCounterWithInfo(_PyTime_t *time, _Py_clock_info_t *info) {
    return _PyTime_GetMonotonicClockWithInfo(time, info);
}

_PyTime_t _PyDeadline_Init(_PyTime_t timeout) { return _PyTime_Add(_PyTime_GetMonotonicClock(), timeout); }
_PyTime_t _PyDeadline_Get(_PyTime_t deadline) { return deadline - _PyTime_GetMonotonicClock(); }

/* ---- Calendar ---- */

int _PyTime_localtime(time_t time, struct tm *result) {
    errno = 0;
    if (localtime_r(&time, result) != NULL) return 0;
    if (errno == 0) errno = EINVAL;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}

int _PyTime_gmtime(time_t time, struct tm *result) {
    errno = 0;
    if (gmtime_r(&time, result) != NULL) return 0;
    if (errno == 0) errno = EINVAL;
    PyErr_SetFromErrno(PyExc_OSError);
    return -1;
}
