/* The module _datetime: its types, constants, and the capsule through which other extension modules use them. */
#include <Python.h>

#include "modules/_datetime/datetime.h"

/* ---- The C API ---- */

static PyObject *api_datetime_with_fold(int year, int month, int day, int hour, int minute, int second, int microsecond,
                                        PyObject *zone, int fold, PyTypeObject *type) {
    Fields fields = {year, month, day, hour, minute, second, microsecond, fold};
    return kr_datetime_new(&fields, zone, type);
}

static PyObject *api_datetime(int year, int month, int day, int hour, int minute, int second, int microsecond,
                              PyObject *zone, PyTypeObject *type) {
    return api_datetime_with_fold(year, month, day, hour, minute, second, microsecond, zone, 0, type);
}

static PyObject *api_time(int hour, int minute, int second, int microsecond, PyObject *zone, PyTypeObject *type) {
    return kr_time_new(hour, minute, second, microsecond, zone, 0, type);
}

static PyDateTime_CAPI capi = {
    .DateType = &kr_date_type,
    .DateTimeType = &kr_datetime_type,
    .TimeType = &kr_time_type,
    .DeltaType = &kr_delta_type,
    .TZInfoType = &kr_tzinfo_type,
    .Date_FromDate = kr_date_new,
    .DateTime_FromDateAndTime = api_datetime,
    .Time_FromTime = api_time,
    .Delta_FromDelta = kr_delta_new,
    .TimeZone_FromTimeZone = kr_timezone_new,
    .DateTime_FromTimestamp = kr_datetime_from_timestamp,
    .Date_FromTimestamp = kr_date_from_timestamp,
    .DateTime_FromDateAndTimeAndFold = api_datetime_with_fold,
    .Time_FromTimeAndFold = kr_time_new,
};

/* ---- Constants ---- */

/* Sets a class attribute; takes over the reference, which may be NULL. */
static int set_constant(PyTypeObject *type, const char *name, PyObject *value) {
    if (value == NULL) return -1;
    int failed = PyDict_SetItemString(type->tp_dict, name, value);
    Py_DECREF(value);
    return failed;
}

static PyObject *zone_of_seconds(int seconds) {
    PyObject *offset = new_delta(0, seconds, 0);
    PyObject *zone = offset != NULL ? kr_timezone_new(offset, NULL) : NULL;
    Py_XDECREF(offset);
    return zone;
}

static int set_constants(void) {
    enum { WIDEST_ZONE = SECONDS_PER_DAY - 60 };
    Fields first = {MIN_YEAR, 1, 1, 0, 0, 0, 0, 0}, last = {MAX_YEAR, 12, 31, 23, 59, 59, US_PER_SECOND - 1, 0};
    if (kr_timezone_utc == NULL && (kr_timezone_utc = zone_of_seconds(0)) == NULL) return -1;
    capi.TimeZone_UTC = kr_timezone_utc;
    if (set_constant(&kr_delta_type, "resolution", new_delta(0, 0, 1)) < 0 ||
        set_constant(&kr_delta_type, "min", new_delta(-MAX_DELTA_DAYS, 0, 0)) < 0 ||
        set_constant(&kr_delta_type, "max", new_delta(MAX_DELTA_DAYS, SECONDS_PER_DAY - 1, US_PER_SECOND - 1)) < 0 ||
        set_constant(&kr_date_type, "min", kr_date_new(MIN_YEAR, 1, 1, &kr_date_type)) < 0 ||
        set_constant(&kr_date_type, "max", kr_date_new(MAX_YEAR, 12, 31, &kr_date_type)) < 0 ||
        set_constant(&kr_date_type, "resolution", new_delta(1, 0, 0)) < 0 ||
        set_constant(&kr_time_type, "min", kr_time_new(0, 0, 0, 0, Py_None, 0, &kr_time_type)) < 0 ||
        set_constant(&kr_time_type, "max", kr_time_new(23, 59, 59, US_PER_SECOND - 1, Py_None, 0, &kr_time_type)) < 0 ||
        set_constant(&kr_time_type, "resolution", new_delta(0, 0, 1)) < 0 ||
        set_constant(&kr_datetime_type, "min", kr_datetime_new(&first, Py_None, &kr_datetime_type)) < 0 ||
        set_constant(&kr_datetime_type, "max", kr_datetime_new(&last, Py_None, &kr_datetime_type)) < 0 ||
        set_constant(&kr_datetime_type, "resolution", new_delta(0, 0, 1)) < 0 ||
        set_constant(&kr_timezone_type, "utc", Py_NewRef(kr_timezone_utc)) < 0 ||
        set_constant(&kr_timezone_type, "min", zone_of_seconds(-WIDEST_ZONE)) < 0 ||
        set_constant(&kr_timezone_type, "max", zone_of_seconds(WIDEST_ZONE)) < 0)
        return -1;
    return 0;
}

void kr_datetime_finalize(void) {
    Py_CLEAR(kr_timezone_utc);
    capi.TimeZone_UTC = NULL;
}

static int datetime_exec(PyObject *module) {
    PyTypeObject *public[] = {&kr_date_type,  &kr_datetime_type, &kr_time_type,
                              &kr_delta_type, &kr_tzinfo_type,   &kr_timezone_type};
    if (PyType_Ready(&kr_iso_date_type) < 0) return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(public); i++) {
        if (PyModule_AddType(module, public[i]) < 0) return -1;
    }
    if (set_constants() < 0) return -1;
    for (size_t i = 0; i < Py_ARRAY_LENGTH(public); i++) PyType_Modified(public[i]);
    if (PyModule_AddIntConstant(module, "MINYEAR", MIN_YEAR) < 0 ||
        PyModule_AddIntConstant(module, "MAXYEAR", MAX_YEAR) < 0 ||
        PyModule_AddObjectRef(module, "UTC", kr_timezone_utc) < 0)
        return -1;
    PyObject *capsule = PyCapsule_New(&capi, PyDateTime_CAPSULE_NAME, NULL);
    int failed = capsule == NULL || PyModule_AddObjectRef(module, "datetime_CAPI", capsule) < 0;
    Py_XDECREF(capsule);
    return failed ? -1 : 0;
}

static PyModuleDef_Slot datetime_slots[] = {
    {Py_mod_exec, datetime_exec},
    {0, NULL},
};

static struct PyModuleDef datetime_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_datetime",
    .m_doc = "Dates, times, durations and time zones.",
    .m_slots = datetime_slots,
};

PyMODINIT_FUNC PyInit__datetime(void) { return PyModuleDef_Init(&datetime_module); }
