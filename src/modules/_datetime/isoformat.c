/* Dates and times as ISO 8601 text: writing, and the class methods fromisoformat().
 *
 * Accepted are YYYY-MM-DD, YYYYMMDD, YYYY-Www[-D] and YYYYWww[D]; then any one character; then HH[:MM[:SS]] or
 * HH[MM[SS]] with a fraction after a point or comma; then Z or an offset, a sign and a time of that form.
 */
#include <Python.h>

#include "modules/_datetime/datetime.h"

/* ---- Writing ---- */

static inline char *write_two(char *out, int value) {
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
    return out + 2;
}

char *kr_iso_write_date(char *out, int year, int month, int day) {
    out = write_two(write_two(out, year / 100), year % 100);
    *out++ = '-';
    out = write_two(out, month);
    *out++ = '-';
    return write_two(out, day);
}

static char *write_fraction(char *out, int microsecond, int digits) {
    *out++ = '.';
    out = write_two(out, microsecond / 10000 % 100);
    *out++ = (char)('0' + microsecond / 1000 % 10);
    if (digits == 3) return out;
    *out++ = (char)('0' + microsecond / 100 % 10);
    return write_two(out, microsecond % 100);
}

char *kr_iso_write_time(char *out, const Fields *fields, TimeSpec spec) {
    if (spec == SPEC_AUTO) spec = fields->microsecond != 0 ? SPEC_MICROSECONDS : SPEC_SECONDS;
    out = write_two(out, fields->hour);
    if (spec == SPEC_HOURS) return out;
    *out++ = ':';
    out = write_two(out, fields->minute);
    if (spec == SPEC_MINUTES) return out;
    *out++ = ':';
    out = write_two(out, fields->second);
    if (spec == SPEC_SECONDS) return out;
    return write_fraction(out, fields->microsecond, spec == SPEC_MILLISECONDS ? 3 : 6);
}

int kr_iso_time_spec(const char *text, TimeSpec *spec) {
    static const char *const names[] = {"auto", "hours", "minutes", "seconds", "milliseconds", "microseconds"};
    *spec = SPEC_AUTO;
    if (text == NULL) return 0;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *spec = (TimeSpec)i;
            return 0;
        }
    }
    PyErr_SetString(PyExc_ValueError, "Unknown timespec value");
    return -1;
}

static char *write_separated(char *out, const char *separator, int value) {
    if (*separator != '\0') *out++ = *separator;
    return write_two(out, value);
}

/* The offset is less than a day, so its microseconds fit 64 bits. */
char *kr_iso_write_delta(char *out, PyObject *offset, const char *separator) {
    int64_t us = (int64_t)delta_us(offset);
    *out++ = us < 0 ? '-' : '+';
    if (us < 0) us = -us;
    int seconds = (int)(us / US_PER_SECOND), microsecond = (int)(us % US_PER_SECOND);
    out = write_two(out, seconds / 3600);
    out = write_separated(out, separator, seconds / 60 % 60);
    if (seconds % 60 == 0 && microsecond == 0) return out;
    out = write_separated(out, separator, seconds % 60);
    return microsecond != 0 ? write_fraction(out, microsecond, 6) : out;
}

char *kr_iso_write_offset(char *out, PyObject *zone, PyObject *moment, const char *separator) {
    PyObject *offset = kr_zone_offset(zone, moment);
    if (offset == NULL) return NULL;
    if (offset != Py_None) out = kr_iso_write_delta(out, offset, separator);
    Py_DECREF(offset);
    return out;
}

/* ---- Reading ---- */

enum { SHORT_TEXT = 80, NOT_ASCII = 1 };

/* A text to parse, as bytes with a NUL at the end; a character that is not ASCII is a byte that fits nowhere. */
typedef struct {
    const char *chars;
    Py_ssize_t length;
    char *allocated; /* or NULL */
    char small[SHORT_TEXT];
} Text;

static int text_open(Text *text, PyObject *object) {
    if (!PyUnicode_Check(object)) {
        PyErr_SetString(PyExc_TypeError, "fromisoformat: argument must be str");
        return -1;
    }
    if (PyUnicode_READY(object) < 0) return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    text->length = length;
    text->allocated = NULL;
    if (PyUnicode_IS_ASCII(object)) {
        text->chars = (const char *)PyUnicode_1BYTE_DATA(object);
        return 0;
    }
    char *chars = text->small;
    if (length >= SHORT_TEXT && (chars = text->allocated = PyMem_Malloc((size_t)length + 1)) == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 c = PyUnicode_READ_CHAR(object, i);
        chars[i] = c < 128 ? (char)c : NOT_ASCII;
    }
    chars[length] = '\0';
    text->chars = chars;
    return 0;
}

static void text_close(Text *text) { PyMem_Free(text->allocated); }

static PyObject *invalid(PyObject *object) {
    return PyErr_Format(PyExc_ValueError, "Invalid isoformat string: %R", object);
}

static inline int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Reads a number of so many digits. Returns where it ends, or NULL. */
static const char *read_number(const char *at, int digits, int *value) {
    int number = 0;
    for (int i = 0; i < digits; i++, at++) {
        if (!is_digit(*at)) return NULL;
        number = number * 10 + (*at - '0');
    }
    *value = number;
    return at;
}

/* Reads a date from the text's first `length` characters, at least 7. What follows a date without dashes is not looked
 * at. Returns 0 or -1, without an exception; ranges of months and days are not checked. */
static int read_date(const char *text, Py_ssize_t length, CivilDate *date) {
    int week, weekday = 1;
    const char *at = read_number(text, 4, &date->year);
    if (at == NULL) return -1;
    int dashes = *at == '-';
    at += dashes;
    if (*at != 'W') {
        if ((at = read_number(at, 2, &date->month)) == NULL || (dashes && *at++ != '-')) return -1;
        return read_number(at, 2, &date->day) != NULL ? 0 : -1;
    }
    if ((at = read_number(at + 1, 2, &week)) == NULL) return -1;
    if (at < text + length) {
        if (dashes && *at++ != '-') return -1;
        if (read_number(at, 1, &weekday) == NULL) return -1;
    }
    if (date->year != 0) return kr_date_from_iso(date->year, week, weekday, date) == 0 ? 0 : -1;
    /* The year 0 has the weeks of the year 400. No such date exists, which is reported as a wrong month. */
    if (kr_date_from_iso(400, week, weekday, date) != 0) return -1;
    *date = (CivilDate){MIN_YEAR, 0, 0};
    return 0;
}

/* Where the date of a text for a datetime ends. The text has at least 7 characters. */
static Py_ssize_t date_length(const char *text, Py_ssize_t length) {
    if (text[4] == '-') {
        if (text[5] != 'W') return 10;
        if (length > 8 && text[8] == '-') {
            /* One digit is the weekday; two are hours after a dash that separates the time. */
            return length > 10 && is_digit(text[10]) ? 8 : 10;
        }
        return 8;
    }
    if (text[4] != 'W') return 8;
    /* The separator may be a digit, too: then an even or odd number of digits tells whether there is a weekday. */
    Py_ssize_t end = 7;
    while (end < length && is_digit(text[end])) end++;
    if (end < 9) return end;
    return end % 2 == 0 ? 7 : 8;
}

typedef struct {
    int hour, minute, second, microsecond;
} Clock;

/* Reads a time between two places of a text. Returns 0, 1 if something follows it up to the end of the text, or -1. */
static int read_clock(const char *at, const char *end, Clock *clock) {
    static const int scale[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int *parts[] = {&clock->hour, &clock->minute, &clock->second};
    int colons = 0;
    *clock = (Clock){0, 0, 0, 0};
    for (int i = 0; i < 3; i++) {
        if ((at = read_number(at, 2, parts[i])) == NULL) return -1;
        char next = *at++;
        if (at >= end) return next != '\0';
        if (i == 0) colons = next == ':';
        if (colons && next == ':') continue;
        if (next == '.' || next == ',') break;
        if (colons) return -1;
        at--;
    }
    int digits = end - at < 6 ? (int)(end - at) : 6;
    if ((at = read_number(at, digits, &clock->microsecond)) == NULL) return -1;
    clock->microsecond *= scale[digits];
    while (is_digit(*at)) at++;
    return *at != '\0';
}

/* Reads a time of day and the offset behind it. Gives a new reference to the zone. Returns 0; or -1, with an exception
 * unless the text is not valid. */
static int read_time(const char *at, const char *end, Fields *fields, PyObject **zone) {
    const char *sign = at;
    while (sign < end && *sign != '+' && *sign != '-' && *sign != 'Z') sign++;
    Clock clock, offset;
    int status = read_clock(at, sign, &clock);
    if (status < 0 || (sign == end && status != 0)) return -1;
    fields->hour = clock.hour;
    fields->minute = clock.minute;
    fields->second = clock.second;
    fields->microsecond = clock.microsecond;
    if (sign == end) {
        *zone = Py_NewRef(Py_None);
        return 0;
    }
    if (*sign == 'Z') {
        if (sign + 1 != end) return -1;
        *zone = Py_NewRef(kr_timezone_utc);
        return 0;
    }
    if (read_clock(sign + 1, end, &offset) != 0) return -1;
    int factor = *sign == '-' ? -1 : 1, seconds = offset.hour * 3600 + offset.minute * 60 + offset.second;
    if (seconds == 0) {
        *zone = Py_NewRef(kr_timezone_utc);
        return 0;
    }
    PyObject *delta = new_delta(0, factor * seconds, factor * offset.microsecond);
    *zone = delta != NULL ? kr_timezone_new(delta, NULL) : NULL;
    Py_XDECREF(delta);
    return *zone != NULL ? 0 : -1;
}

PyObject *kr_iso_parse_date(PyObject *type, PyObject *object) {
    Text text;
    CivilDate date;
    if (text_open(&text, object) < 0) return NULL;
    int known = (text.length == 7 || text.length == 8 || text.length == 10) &&
                read_date(text.chars, text.length, &date) == 0;
    text_close(&text);
    return known ? kr_date_make(type, date.year, date.month, date.day) : invalid(object);
}

PyObject *kr_iso_parse_time(PyObject *type, PyObject *object) {
    Text text;
    Fields fields = {1900, 1, 1, 0, 0, 0, 0, 0};
    PyObject *zone = NULL, *result = NULL;
    if (text_open(&text, object) < 0) return NULL;
    int failed = read_time(text.chars + (text.chars[0] == 'T'), text.chars + text.length, &fields, &zone);
    text_close(&text);
    if (!failed)
        result = kr_time_make(type, &fields, zone);
    else if (!PyErr_Occurred())
        invalid(object);
    Py_XDECREF(zone);
    return result;
}

PyObject *kr_iso_parse_datetime(PyObject *type, PyObject *object) {
    Text text;
    CivilDate date = {0, 0, 0};
    Fields fields = {0, 0, 0, 0, 0, 0, 0, 0};
    PyObject *zone = NULL, *result = NULL;
    if (text_open(&text, object) < 0) return NULL;
    int failed = -1;
    if (text.length >= 7) {
        Py_ssize_t length = date_length(text.chars, text.length);
        failed = read_date(text.chars, length, &date);
        if (!failed && text.length > length)
            failed = read_time(text.chars + length + 1, text.chars + text.length, &fields, &zone);
    }
    text_close(&text);
    if (!failed) {
        fields.year = date.year;
        fields.month = date.month;
        fields.day = date.day;
        result = kr_datetime_make(type, &fields, zone != NULL ? zone : Py_None);
    } else if (!PyErr_Occurred()) {
        invalid(object);
    }
    Py_XDECREF(zone);
    return result;
}
