/* Days, months, years and ISO weeks of the proleptic Gregorian calendar. */
#include <Python.h>

#include "modules/_datetime/datetime.h"

enum { DAYS_PER_400_YEARS = 146097, DAYS_PER_100_YEARS = 36524, DAYS_PER_4_YEARS = 1461, THURSDAY = 3 };

static inline int is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int kr_date_days_in_month(int year, int month) {
    if (month == 2) return 28 + is_leap(year);
    return 30 + ((month + (month >> 3)) & 1);
}

int kr_date_days_before_month(int year, int month) {
    static const short before[13] = {0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    return before[month] + (month > 2 && is_leap(year));
}

int kr_date_to_ordinal(int year, int month, int day) {
    int past = year - 1;
    if (past < 0) return kr_date_days_before_month(year, month) + day - 366; /* year 0, a leap year */
    return past * 365 + past / 4 - past / 100 + past / 400 + kr_date_days_before_month(year, month) + day;
}

/* Years are counted from March, so that the leap day is the last one of its year. Months then have a regular pattern of
 * 153 days in five months. */
CivilDate kr_date_from_ordinal(int ordinal) {
    unsigned day = (unsigned)ordinal + 305; /* days since March 1st of the year 0 */
    unsigned era = day / DAYS_PER_400_YEARS, day_of_era = day % DAYS_PER_400_YEARS;
    unsigned year_of_era = (day_of_era - day_of_era / (DAYS_PER_4_YEARS - 1) + day_of_era / DAYS_PER_100_YEARS -
                            day_of_era / (DAYS_PER_400_YEARS - 1)) /
                           365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* March is 0 */
    int january = month >= 10;
    return (CivilDate){(int)(era * 400 + year_of_era) + january, (int)month + (january ? -9 : 3),
                       (int)(day_of_year - (153 * month + 2) / 5) + 1};
}

int kr_date_iso_year_start(int year) {
    int first = kr_date_to_ordinal(year, 1, 1), weekday = ordinal_weekday(first);
    int monday = first - weekday;
    return weekday > THURSDAY ? monday + 7 : monday;
}

int kr_date_from_iso(int iso_year, int iso_week, int iso_day, CivilDate *date) {
    if (iso_year < MIN_YEAR || iso_year > MAX_YEAR) return -4;
    if (iso_week < 1 || iso_week > 53) return -2;
    int start = kr_date_iso_year_start(iso_year);
    if (iso_week == 53) {
        /* The next year's first week must not have begun: a year of 53 weeks begins or ends on a Thursday. */
        int first = ordinal_weekday(kr_date_to_ordinal(iso_year, 1, 1));
        if (first != THURSDAY && !(first == THURSDAY - 1 && is_leap(iso_year))) return -2;
    }
    if (iso_day < 1 || iso_day > 7) return -3;
    int ordinal = start + (iso_week - 1) * 7 + iso_day - 1;
    if (ordinal > MAX_ORDINAL) { /* the last days of the last week of 9999 */
        *date = (CivilDate){MAX_YEAR + 1, 1, ordinal - MAX_ORDINAL};
        return 0;
    }
    *date = kr_date_from_ordinal(ordinal);
    return 0;
}

int kr_date_check(int year, int month, int day) {
    if (year < MIN_YEAR || year > MAX_YEAR) {
        PyErr_Format(PyExc_ValueError, "year %i is out of range", year);
    } else if (month < 1 || month > 12) {
        PyErr_SetString(PyExc_ValueError, "month must be in 1..12");
    } else if (day < 1 || (day > 28 && day > kr_date_days_in_month(year, month))) {
        PyErr_SetString(PyExc_ValueError, "day is out of range for month");
    } else {
        return 0;
    }
    return -1;
}

int kr_time_check(int hour, int minute, int second, int microsecond, int fold) {
    const char *message;
    if (hour < 0 || hour > 23)
        message = "hour must be in 0..23";
    else if (minute < 0 || minute > 59)
        message = "minute must be in 0..59";
    else if (second < 0 || second > 59)
        message = "second must be in 0..59";
    else if (microsecond < 0 || microsecond >= US_PER_SECOND)
        message = "microsecond must be in 0..999999";
    else if (fold != 0 && fold != 1)
        message = "fold must be either 0 or 1";
    else
        return 0;
    PyErr_SetString(PyExc_ValueError, message);
    return -1;
}
