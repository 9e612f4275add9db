/* What the files of the str type share.
 *
 * A str made here is *compact*: a header (PyASCIIObject, or PyCompactUnicodeObject if it holds a character above 127)
 * and, in the same block, its characters in 1, 2 or 4 bytes each, and a null character. Instances of subclasses, and
 * strings made through the Py_UNICODE functions, are *legacy*: a PyUnicodeObject whose `data` points to another block.
 *
 * Invariant: a string is stored in the narrowest form that holds its widest character (ASCII, Latin-1, 2 bytes, 4
 * bytes). So strings of different kinds are never equal, and equal strings have equal bytes. A string under
 * construction may break this until it is finished.
 *
 * The empty string and the 256 one-character Latin-1 strings exist once, in static memory.
 */
#ifndef KR_TYPES_STR_STR_H
#define KR_TYPES_STR_STR_H

#include <Python.h>

#define KR_STR_MAX_CODE 0x10ffffu

typedef struct {
    PyASCIIObject header;
    Py_UCS1 text[2];
} KrAsciiChar;

typedef struct {
    PyCompactUnicodeObject header;
    Py_UCS1 text[2];
} KrLatin1Char;

/* The shared strings, side by side so that one comparison recognises them. */
typedef struct {
    KrAsciiChar empty;
    KrAsciiChar ascii[128];
    KrLatin1Char latin1[128]; /* U+0080 to U+00FF */
} KrSharedStrings;

extern KrSharedStrings kr_str_shared;

/* Returns the shared empty string, borrowed. */
static inline PyObject *kr_str_empty(void) { return (PyObject *)&kr_str_shared.empty; }

/* Returns the shared string of a character below 256, borrowed. */
static inline PyObject *kr_str_latin1(Py_UCS4 ch) {
    return ch < 128 ? (PyObject *)&kr_str_shared.ascii[ch] : (PyObject *)&kr_str_shared.latin1[ch - 128];
}

/* Returns a string of one character (new reference). */
PyObject *kr_str_wide_char(Py_UCS4 ch);
static inline PyObject *kr_str_char(Py_UCS4 ch) { return ch < 256 ? Py_NewRef(kr_str_latin1(ch)) : kr_str_wide_char(ch); }

/* The string itself if it is exactly a str, else a str with the same characters (new reference). */
static inline PyObject *kr_str_unchanged(PyObject *self) {
    return PyUnicode_CheckExact(self) ? Py_NewRef(self) : _PyUnicode_Copy(self);
}

static inline PyASCIIObject *kr_str_header(PyObject *self) { return (PyASCIIObject *)self; }
static inline PyCompactUnicodeObject *kr_str_compact(PyObject *self) { return (PyCompactUnicodeObject *)self; }

/* True if nobody but the caller can see the string, so that it may be changed in place. */
static inline int kr_str_is_private(PyObject *self) {
    return Py_REFCNT(self) == 1 && PyUnicode_CheckExact(self) && !kr_str_header(self)->state.interned;
}

/* A compact ASCII string of uninitialised characters, for length >= 1 (the most frequent allocation). */
PyObject *kr_str_new_ascii(Py_ssize_t length);

/* Initialises the header of fresh memory for such a string; the characters stay undefined, but for the final null. */
static inline PyObject *kr_str_start_ascii(PyASCIIObject *self, Py_ssize_t length) {
    Py_SET_TYPE(self, &PyUnicode_Type);
    Py_SET_REFCNT(self, 1);
    self->length = length;
    self->hash = -1;
    memset(&self->state, 0, sizeof self->state);
    self->state.kind = PyUnicode_1BYTE_KIND;
    self->state.compact = 1;
    self->state.ascii = 1;
    self->state.ready = 1;
    self->wstr = NULL;
    ((char *)(self + 1))[length] = 0;
    return (PyObject *)self;
}

/* Room on the C stack for a writer's first characters: most texts are short, and get their block when they are finished. The
 * writer must not outlive it. */
typedef struct {
    PyASCIIObject header;
    char text[208];
} KrWriterRoom;

/* Starts a writer that overallocates. */
void kr_writer_start(_PyUnicodeWriter *writer, KrWriterRoom *room);

/* New strings from characters of one width, narrowed to the canonical form. */
PyObject *kr_str_from_ucs1(const Py_UCS1 *text, Py_ssize_t length);
PyObject *kr_str_from_ucs2(const Py_UCS2 *text, Py_ssize_t length);
PyObject *kr_str_from_ucs4(const Py_UCS4 *text, Py_ssize_t length);

/* Returns a bound of the widest character that gives the canonical form: 127, 255, 65535 or 0x10ffff. (Values above
 * 0x10ffff in 4-byte text are returned as they are.) */
Py_UCS4 kr_str_widest(int kind, const void *text, Py_ssize_t length);

/* Copies `length` characters from one width to another; the characters must fit. */
void kr_str_convert(int to_kind, void *to, int from_kind, const void *from, Py_ssize_t length);

/* Returns `text` itself if the kinds agree, else a PyMem_Malloc'ed copy in the wider kind (NULL: MemoryError set). */
void *kr_str_widened(int to_kind, int from_kind, const void *text, Py_ssize_t length);
static inline void kr_str_widened_free(void *widened, const void *text) {
    if (widened != text) PyMem_Free(widened);
}

/* Writes `length` copies of a character. */
void kr_str_fill(int kind, void *text, Py_ssize_t start, Py_ssize_t length, Py_UCS4 ch);

static inline const void *kr_str_at(PyObject *self, Py_ssize_t index) {
    return (const char *)PyUnicode_DATA(self) + index * PyUnicode_KIND(self);
}

/* Checks that an argument is a str and ready. Returns 0, or -1 with TypeError("must be str, not T"). */
static inline int kr_str_require(PyObject *object) {
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "must be str, not %.100s", Py_TYPE(object)->tp_name);
        return -1;
    }
    return PyUnicode_READY(object);
}

/* Turns start and end of a slice-like argument pair into 0 <= start, end <= length (start may exceed end). */
static inline void kr_str_clip(Py_ssize_t *start, Py_ssize_t *end, Py_ssize_t length) {
    if (*end > length) *end = length;
    else if (*end < 0 && (*end += length) < 0) *end = 0;
    if (*start < 0 && (*start += length) < 0) *start = 0;
}

/* Argument i of a function that called _PyArg_UnpackKeywords with `buffer` (filled with NULL before), or NULL. */
static inline PyObject *kr_str_option(PyObject *const *args, Py_ssize_t nargs, PyObject *const *buffer, Py_ssize_t i) {
    return i < nargs ? args[i] : args == buffer ? buffer[i] : NULL;
}

/* Forgets a mortal interned string that is being destroyed (intern.c). */
void kr_str_intern_forget(PyObject *self);

/* The slots that the type object (type.c) collects from the other files. */
void kr_str_dealloc(PyObject *self);
Py_hash_t kr_str_hash(PyObject *self);
PyObject *kr_str_repr(PyObject *self);
PyObject *kr_str_iter(PyObject *self);
PyObject *kr_str_repeat(PyObject *self, Py_ssize_t count);
PyObject *kr_str_item(PyObject *self, Py_ssize_t index);
PyObject *kr_str_subscript(PyObject *self, PyObject *key);

/* The methods. */
#define NONE(function, name, doc) PyObject *function(PyObject *self, PyObject *unused);
#define ONE(function, name, doc) PyObject *function(PyObject *self, PyObject *argument);
#define FAST(function, name, doc) PyObject *function(PyObject *self, PyObject *const *args, Py_ssize_t nargs);
#define KEYWORDS(function, name, doc)                                                                                  \
    PyObject *function(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
#define TUPLE_DICT(function, name, doc) PyObject *function(PyObject *self, PyObject *args, PyObject *kwargs);
#define STATIC(function, name, doc) FAST(function, name, doc)
#include "types/str/methods.def"
#undef NONE
#undef ONE
#undef FAST
#undef KEYWORDS
#undef TUPLE_DICT
#undef STATIC

/* Parts of str.format that the `_string` module offers (format.c). */
PyObject *kr_str_formatter_parser(PyObject *self);
PyObject *kr_str_formatter_field_name_split(PyObject *self);
extern PyTypeObject kr_formatter_iterator_type;
extern PyTypeObject kr_str_ascii_iter_type;
extern PyTypeObject kr_field_name_iterator_type;

#endif
