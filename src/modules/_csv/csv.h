/* What the files of the module _csv share: its state, and the settings of a dialect. */
#ifndef KR_MODULES_CSV_CSV_H
#define KR_MODULES_CSV_CSV_H

#include <Python.h>

enum { QUOTE_MINIMAL, QUOTE_ALL, QUOTE_NONNUMERIC, QUOTE_NONE };

/* Stands for a character that is not set; no character has this value. */
#define NOT_SET ((Py_UCS4)-1)

typedef struct {
    PyObject *error;    /* _csv.Error */
    PyObject *dialects; /* dict of registered dialects by name */
    PyTypeObject *dialect_type;
    PyTypeObject *reader_type;
    PyTypeObject *writer_type;
    long field_limit; /* greatest length of a field that a reader accepts */
} CsvState;

typedef struct {
    PyObject_HEAD
    char doublequote; /* a quote character in a field is written twice */
    char skipinitialspace;
    char strict; /* bad input is an error */
    int quoting;
    Py_UCS4 delimiter;
    Py_UCS4 quotechar;
    Py_UCS4 escapechar;
    PyObject *lineterminator;
} Dialect;

extern struct PyModuleDef kr_csv_module;
extern PyType_Spec kr_csv_dialect_spec, kr_csv_reader_spec, kr_csv_writer_spec;

static inline CsvState *csv_state(PyObject *module) { return (CsvState *)PyModule_GetState(module); }

/* The state of the module that a type, or a base of it, belongs to; NULL with an exception. */
static inline CsvState *csv_state_of_type(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &kr_csv_module);
    return module != NULL ? csv_state(module) : NULL;
}

/* Returns the registered dialect of that name, a new reference, or NULL with Error set. */
PyObject *kr_csv_find_dialect(CsvState *state, PyObject *name);

/* Makes a dialect from a name, a Dialect or an object with such attributes (or NULL) and keyword arguments (or NULL). */
PyObject *kr_csv_make_dialect(CsvState *state, PyObject *base, PyObject *kwargs);

/* The module's functions reader() and writer(). */
PyObject *kr_csv_reader(PyObject *module, PyObject *args, PyObject *kwargs);
PyObject *kr_csv_writer(PyObject *module, PyObject *args, PyObject *kwargs);

#endif
