/* str objects: creation, destruction, resizing, copying, and access to single characters. */
#include <Python.h>

#include "types/str/str.h"

#include <wchar.h>

_Static_assert(sizeof(PyASCIIObject) == 48, "read by compiled modules");
_Static_assert(sizeof(PyCompactUnicodeObject) == 72, "read by compiled modules");
_Static_assert(sizeof(PyUnicodeObject) == 80, "read by compiled modules");
_Static_assert(sizeof(wchar_t) == 4, "wide strings are stored like 4-byte strings");

/* A count that no program reaches by dropping references, so that the static strings live for ever. */
enum { STATIC_REFERENCES = 999999999 };

#define STATIC_HEADER(size, is_ascii)                                                                                  \
    {                                                                                                                  \
        .ob_base = {STATIC_REFERENCES, &PyUnicode_Type}, .length = (size), .hash = -1,                                 \
        .state = {.kind = PyUnicode_1BYTE_KIND, .compact = 1, .ascii = (is_ascii), .ready = 1}                         \
    }
#define ASCII_1(c)                                                                                                     \
    { STATIC_HEADER(1, 1), {(c), 0} }
#define LATIN1_1(c)                                                                                                    \
    {                                                                                                                  \
        {._base = STATIC_HEADER(1, 0)}, { (c), 0 }                                                                     \
    }
#define TIMES_4(entry, c) entry(c), entry((c) + 1), entry((c) + 2), entry((c) + 3)
#define TIMES_16(entry, c)                                                                                             \
    TIMES_4(entry, c), TIMES_4(entry, (c) + 4), TIMES_4(entry, (c) + 8), TIMES_4(entry, (c) + 12)
#define TIMES_128(entry, c)                                                                                            \
    TIMES_16(entry, c), TIMES_16(entry, (c) + 16), TIMES_16(entry, (c) + 32), TIMES_16(entry, (c) + 48),               \
        TIMES_16(entry, (c) + 64), TIMES_16(entry, (c) + 80), TIMES_16(entry, (c) + 96), TIMES_16(entry, (c) + 112)

KrSharedStrings kr_str_shared = {
    .empty = {STATIC_HEADER(0, 1), {0, 0}},
    .ascii = {TIMES_128(ASCII_1, 0)},
    .latin1 = {TIMES_128(LATIN1_1, 128)},
};

static inline int is_static(PyObject *self) {
    return (size_t)((char *)self - (char *)&kr_str_shared) < sizeof kr_str_shared;
}

/* ---- widths ---- */

Py_UCS4 kr_str_widest(int kind, const void *text, Py_ssize_t length) {
    if (kind == PyUnicode_1BYTE_KIND) {
        const Py_UCS1 *p = text, *end = p + length;
        for (; end - p >= 32; p += 32) {
            uint64_t words[4];
            memcpy(words, p, 32);
            if ((words[0] | words[1] | words[2] | words[3]) & 0x8080808080808080u) return 255;
        }
        Py_UCS1 bits = 0;
        for (; p < end; p++) bits |= *p;
        return bits & 0x80 ? 255 : 127;
    }
    if (kind == PyUnicode_2BYTE_KIND) {
        const Py_UCS2 *p = text, *end = p + length;
        unsigned int bits = 0;
        while (p < end) {
            const Py_UCS2 *stop = end - p > 64 ? p + 64 : end;
            for (; p < stop; p++) bits |= *p;
            if (bits > 255) return 65535;
        }
        return bits > 127 ? 255 : 127;
    }
    const Py_UCS4 *p = text, *end = p + length;
    Py_UCS4 bits = 0;
    while (p < end) {
        const Py_UCS4 *stop = end - p > 64 ? p + 64 : end;
        const Py_UCS4 *block = p;
        for (; p < stop; p++) bits |= *p;
        if (bits > KR_STR_MAX_CODE) {
            for (p = block; p < stop; p++)
                if (*p > KR_STR_MAX_CODE) return *p;
            bits = KR_STR_MAX_CODE;
        }
    }
    return bits > 65535 ? KR_STR_MAX_CODE : bits > 255 ? 65535 : bits > 127 ? 255 : 127;
}

void kr_str_convert(int to_kind, void *to, int from_kind, const void *from, Py_ssize_t length) {
#define COPY(TO, FROM)                                                                                                 \
    do {                                                                                                               \
        TO *restrict t = to;                                                                                           \
        const FROM *restrict f = from;                                                                                 \
        for (Py_ssize_t i = 0; i < length; i++) t[i] = (TO)f[i];                                                       \
    } while (0)
    if (to_kind == from_kind) {
        memcpy(to, from, (size_t)length * to_kind);
        return;
    }
    switch (to_kind * 8 + from_kind) {
    case 1 * 8 + 2: COPY(Py_UCS1, Py_UCS2); break;
    case 1 * 8 + 4: COPY(Py_UCS1, Py_UCS4); break;
    case 2 * 8 + 1: COPY(Py_UCS2, Py_UCS1); break;
    case 2 * 8 + 4: COPY(Py_UCS2, Py_UCS4); break;
    case 4 * 8 + 1: COPY(Py_UCS4, Py_UCS1); break;
    case 4 * 8 + 2: COPY(Py_UCS4, Py_UCS2); break;
    default: Py_UNREACHABLE();
    }
#undef COPY
}

void *kr_str_widened(int to_kind, int from_kind, const void *text, Py_ssize_t length) {
    if (to_kind == from_kind) return (void *)text;
    if (length >= PY_SSIZE_T_MAX / to_kind) return PyErr_NoMemory();
    void *copy = PyMem_Malloc((size_t)(length ? length : 1) * to_kind);
    if (copy == NULL) return PyErr_NoMemory();
    kr_str_convert(to_kind, copy, from_kind, text, length);
    return copy;
}

void kr_str_fill(int kind, void *text, Py_ssize_t start, Py_ssize_t length, Py_UCS4 ch) {
    if (kind == PyUnicode_1BYTE_KIND) {
        memset((Py_UCS1 *)text + start, (int)ch, (size_t)length);
    } else if (kind == PyUnicode_2BYTE_KIND) {
        Py_UCS2 *p = (Py_UCS2 *)text + start;
        for (Py_ssize_t i = 0; i < length; i++) p[i] = (Py_UCS2)ch;
    } else {
        Py_UCS4 *p = (Py_UCS4 *)text + start;
        for (Py_ssize_t i = 0; i < length; i++) p[i] = ch;
    }
}

/* ---- creation ---- */

PyObject *kr_str_new_ascii(Py_ssize_t length) {
    if (length > PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(PyASCIIObject) - 1) return PyErr_NoMemory();
    PyASCIIObject *self = PyObject_Malloc(sizeof(PyASCIIObject) + (size_t)length + 1);
    if (self == NULL) return PyErr_NoMemory();
    return kr_str_start_ascii(self, length);
}

PyObject *PyUnicode_New(Py_ssize_t length, Py_UCS4 maxchar) {
    if (length == 0) return Py_NewRef(kr_str_empty());
    if (length < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_New");
        return NULL;
    }
    if (maxchar < 128) return kr_str_new_ascii(length);
    if (maxchar > KR_STR_MAX_CODE) {
        PyErr_SetString(PyExc_SystemError, "invalid maximum character passed to PyUnicode_New");
        return NULL;
    }
    int kind = maxchar < 256 ? PyUnicode_1BYTE_KIND : maxchar < 65536 ? PyUnicode_2BYTE_KIND : PyUnicode_4BYTE_KIND;
    if (length > (PY_SSIZE_T_MAX - (Py_ssize_t)sizeof(PyCompactUnicodeObject)) / kind - 1) return PyErr_NoMemory();
    PyCompactUnicodeObject *self = PyObject_Malloc(sizeof(PyCompactUnicodeObject) + (size_t)(length + 1) * kind);
    if (self == NULL) return PyErr_NoMemory();
    kr_str_start_ascii(&self->_base, 0);
    self->_base.length = length;
    self->_base.state.kind = (unsigned)kind;
    self->_base.state.ascii = 0;
    self->utf8 = NULL;
    self->utf8_length = 0;
    self->wstr_length = 0;
    void *text = self + 1;
    if (kind == PyUnicode_4BYTE_KIND) {
        self->_base.wstr = text;
        self->wstr_length = length;
    }
    PyUnicode_WRITE(kind, text, length, 0);
    return (PyObject *)self;
}

PyObject *kr_str_wide_char(Py_UCS4 ch) {
    PyObject *self = PyUnicode_New(1, ch);
    if (self != NULL) PyUnicode_WRITE(PyUnicode_KIND(self), PyUnicode_DATA(self), 0, ch);
    return self;
}

PyObject *_PyUnicode_FromASCII(const char *text, Py_ssize_t length) {
    if (length <= 1) return Py_NewRef(length == 0 ? kr_str_empty() : kr_str_latin1((unsigned char)text[0]));
    PyObject *self = kr_str_new_ascii(length);
    if (self != NULL) memcpy(PyUnicode_1BYTE_DATA(self), text, (size_t)length);
    return self;
}

PyObject *kr_str_from_ucs1(const Py_UCS1 *text, Py_ssize_t length) {
    if (length <= 1) return Py_NewRef(length == 0 ? kr_str_empty() : kr_str_latin1(text[0]));
    PyObject *self = PyUnicode_New(length, kr_str_widest(PyUnicode_1BYTE_KIND, text, length));
    if (self != NULL) memcpy(PyUnicode_1BYTE_DATA(self), text, (size_t)length);
    return self;
}

static PyObject *from_wide(int kind, const void *text, Py_ssize_t length) {
    if (length == 0) return Py_NewRef(kr_str_empty());
    Py_UCS4 widest = kr_str_widest(kind, text, length);
    if (length == 1 && widest < 256) return Py_NewRef(kr_str_latin1(PyUnicode_READ(kind, text, 0)));
    PyObject *self = PyUnicode_New(length, widest);
    if (self != NULL) kr_str_convert(PyUnicode_KIND(self), PyUnicode_DATA(self), kind, text, length);
    return self;
}

PyObject *kr_str_from_ucs2(const Py_UCS2 *text, Py_ssize_t length) {
    return from_wide(PyUnicode_2BYTE_KIND, text, length);
}

PyObject *kr_str_from_ucs4(const Py_UCS4 *text, Py_ssize_t length) {
    return from_wide(PyUnicode_4BYTE_KIND, text, length);
}

PyObject *PyUnicode_FromKindAndData(int kind, const void *text, Py_ssize_t length) {
    if (length < 0) {
        PyErr_SetString(PyExc_ValueError, "size must be positive");
        return NULL;
    }
    switch (kind) {
    case PyUnicode_1BYTE_KIND: return kr_str_from_ucs1(text, length);
    case PyUnicode_2BYTE_KIND: return kr_str_from_ucs2(text, length);
    case PyUnicode_4BYTE_KIND: return kr_str_from_ucs4(text, length);
    default: PyErr_SetString(PyExc_SystemError, "invalid kind"); return NULL;
    }
}

/* A legacy string of undefined wide characters, not ready yet. */
static PyObject *new_legacy(Py_ssize_t length) {
    if (length > (PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(wchar_t)) - 1) return PyErr_NoMemory();
    PyUnicodeObject *self = PyObject_Malloc(sizeof(PyUnicodeObject));
    if (self == NULL) return PyErr_NoMemory();
    wchar_t *wide = PyObject_Malloc((size_t)(length + 1) * sizeof(wchar_t));
    if (wide == NULL) {
        PyObject_Free(self);
        return PyErr_NoMemory();
    }
    memset(self, 0, sizeof *self);
    Py_SET_TYPE(self, &PyUnicode_Type);
    Py_SET_REFCNT(self, 1);
    self->_base._base.hash = -1;
    self->_base._base.wstr = wide;
    self->_base.wstr_length = length;
    wide[0] = 0;
    wide[length] = 0;
    return (PyObject *)self;
}

PyObject *PyUnicode_FromStringAndSize(const char *text, Py_ssize_t length) {
    if (length < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_FromStringAndSize");
        return NULL;
    }
    if (text == NULL) {
        if (length > 0 &&
            PyErr_WarnEx(PyExc_DeprecationWarning,
                         "PyUnicode_FromStringAndSize(NULL, size) is deprecated; use PyUnicode_New() instead", 1) < 0)
            return NULL;
        return length == 0 ? Py_NewRef(kr_str_empty()) : new_legacy(length);
    }
    if (kr_str_widest(PyUnicode_1BYTE_KIND, text, length) < 128) return _PyUnicode_FromASCII(text, length);
    return PyUnicode_DecodeUTF8Stateful(text, length, NULL, NULL);
}

PyObject *PyUnicode_FromString(const char *text) {
    size_t length = strlen(text);
    if (length > PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "input too long");
        return NULL;
    }
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)length);
}

PyObject *PyUnicode_FromOrdinal(int ordinal) {
    if (ordinal < 0 || ordinal > (int)KR_STR_MAX_CODE) {
        PyErr_SetString(PyExc_ValueError, "chr() arg not in range(0x110000)");
        return NULL;
    }
    return kr_str_char((Py_UCS4)ordinal);
}

PyObject *PyUnicode_FromObject(PyObject *object) {
    if (PyUnicode_Check(object)) {
        if (PyUnicode_READY(object) < 0) return NULL;
        return kr_str_unchanged(object);
    }
    PyErr_Format(PyExc_TypeError, "Can't convert '%.100s' object to str implicitly", Py_TYPE(object)->tp_name);
    return NULL;
}

PyObject *_PyUnicode_Copy(PyObject *self) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    PyObject *copy = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(self));
    if (copy != NULL && length > 0)
        memcpy(PyUnicode_DATA(copy), PyUnicode_DATA(self), (size_t)length * PyUnicode_KIND(self));
    return copy;
}

PyObject *PyUnicode_Substring(PyObject *self, Py_ssize_t start, Py_ssize_t end) {
    if (PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (end > length) end = length;
    if (start == 0 && end == length) return kr_str_unchanged(self);
    if (start < 0 || end < 0) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return NULL;
    }
    if (start >= length || end <= start) return Py_NewRef(kr_str_empty());
    length = end - start;
    if (PyUnicode_IS_ASCII(self)) return _PyUnicode_FromASCII((char *)PyUnicode_1BYTE_DATA(self) + start, length);
    return PyUnicode_FromKindAndData(PyUnicode_KIND(self), kr_str_at(self, start), length);
}

/* ---- legacy strings ---- */

PyObject *PyUnicode_FromUnicode(const Py_UNICODE *text, Py_ssize_t length) {
    if (length == 0) return Py_NewRef(kr_str_empty());
    if (text != NULL) return PyUnicode_FromWideChar(text, length);
    if (PyErr_WarnEx(PyExc_DeprecationWarning,
                     "PyUnicode_FromUnicode(NULL, size) is deprecated; use PyUnicode_New() instead", 1) < 0)
        return NULL;
    if (length < 0) {
        PyErr_SetString(PyExc_SystemError, "Negative size passed to PyUnicode_New");
        return NULL;
    }
    return new_legacy(length);
}

/* Returns the widest character of a wide string, or a value above 0x10ffff with ValueError set. */
static Py_UCS4 widest_of_wide(const wchar_t *text, Py_ssize_t length) {
    Py_UCS4 widest = kr_str_widest(PyUnicode_4BYTE_KIND, text, length);
    if (widest > KR_STR_MAX_CODE)
        PyErr_Format(PyExc_ValueError, "character U+%x is not in range [U+0000; U+10ffff]", widest);
    return widest;
}

int _PyUnicode_Ready(PyObject *object) {
    PyUnicodeObject *self = (PyUnicodeObject *)object;
    PyASCIIObject *header = &self->_base._base;
    if (header->state.ready) return 0;
    Py_ssize_t length = self->_base.wstr_length;
    Py_UCS4 widest = widest_of_wide(header->wstr, length);
    if (widest > KR_STR_MAX_CODE) return -1;
    if (widest < 65536) {
        int kind = widest < 256 ? PyUnicode_1BYTE_KIND : PyUnicode_2BYTE_KIND;
        void *text = PyObject_Malloc((size_t)(length + 1) * kind);
        if (text == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        kr_str_convert(kind, text, PyUnicode_4BYTE_KIND, header->wstr, length);
        PyUnicode_WRITE(kind, text, length, 0);
        PyObject_Free(header->wstr);
        header->wstr = NULL;
        self->_base.wstr_length = 0;
        self->data.any = text;
        header->state.kind = (unsigned)kind;
        if (widest < 128) {
            header->state.ascii = 1;
            self->_base.utf8 = text;
            self->_base.utf8_length = length;
        }
    } else {
        self->data.any = header->wstr;
        header->state.kind = PyUnicode_4BYTE_KIND;
    }
    header->length = length;
    header->state.ready = 1;
    return 0;
}

Py_UNICODE *PyUnicode_AsUnicodeAndSize(PyObject *self, Py_ssize_t *size) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadArgument();
        return NULL;
    }
    PyASCIIObject *header = kr_str_header(self);
    if (header->wstr == NULL) {
        Py_ssize_t length = header->length;
        if (length > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(wchar_t) - 1) {
            PyErr_NoMemory();
            return NULL;
        }
        wchar_t *wide = PyObject_Malloc((size_t)(length + 1) * sizeof(wchar_t));
        if (wide == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        kr_str_convert(PyUnicode_4BYTE_KIND, wide, PyUnicode_KIND(self), PyUnicode_DATA(self), length);
        wide[length] = 0;
        header->wstr = wide;
        if (!PyUnicode_IS_COMPACT_ASCII(self)) kr_str_compact(self)->wstr_length = length;
    }
    if (size != NULL) *size = PyUnicode_IS_COMPACT_ASCII(self) ? header->length : kr_str_compact(self)->wstr_length;
    return header->wstr;
}

Py_UNICODE *PyUnicode_AsUnicode(PyObject *self) {
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    return PyUnicode_AsUnicodeAndSize(self, NULL);
    _Py_COMP_DIAG_POP
}

const Py_UNICODE *_PyUnicode_AsUnicode(PyObject *self) {
    Py_ssize_t size;
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    const Py_UNICODE *wide = PyUnicode_AsUnicodeAndSize(self, &size);
    _Py_COMP_DIAG_POP
    if (wide != NULL && wcslen(wide) != (size_t)size) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return wide;
}

Py_ssize_t PyUnicode_GetSize(PyObject *self) {
    Py_ssize_t size;
    _Py_COMP_DIAG_PUSH
    _Py_COMP_DIAG_IGNORE_DEPR_DECLS
    return PyUnicode_AsUnicodeAndSize(self, &size) == NULL ? -1 : size;
    _Py_COMP_DIAG_POP
}

/* ---- wide characters ---- */

PyObject *PyUnicode_FromWideChar(const wchar_t *text, Py_ssize_t length) {
    if (text == NULL && length != 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (length == -1) length = (Py_ssize_t)wcslen(text);
    if (length == 0) return Py_NewRef(kr_str_empty());
    if (widest_of_wide(text, length) > KR_STR_MAX_CODE) return NULL;
    return kr_str_from_ucs4((const Py_UCS4 *)text, length);
}

Py_ssize_t PyUnicode_AsWideChar(PyObject *self, wchar_t *to, Py_ssize_t size) {
    if (self == NULL) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (!PyUnicode_Check(self)) {
        PyErr_BadArgument();
        return -1;
    }
    if (PyUnicode_READY(self) < 0) return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (to == NULL) return length + 1;
    Py_ssize_t copied = size > length ? length : size;
    kr_str_convert(PyUnicode_4BYTE_KIND, to, PyUnicode_KIND(self), PyUnicode_DATA(self), copied);
    if (size > length) to[length] = 0;
    return copied;
}

wchar_t *PyUnicode_AsWideCharString(PyObject *self, Py_ssize_t *size) {
    if (self == NULL) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (!PyUnicode_Check(self)) {
        PyErr_BadArgument();
        return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    wchar_t *wide = PyMem_New(wchar_t, length + 1);
    if (wide == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    PyUnicode_AsWideChar(self, wide, length + 1);
    if (size != NULL) {
        *size = length;
    } else if (wcslen(wide) != (size_t)length) {
        PyMem_Free(wide);
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        return NULL;
    }
    return wide;
}

int _PyUnicode_WideCharString_Converter(PyObject *object, void *address) {
    wchar_t **result = address;
    if (object == NULL) {
        PyMem_Free(*result);
        *result = NULL;
        return 1;
    }
    if (!PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "argument must be str, not %.50s", Py_TYPE(object)->tp_name);
        return 0;
    }
    *result = PyUnicode_AsWideCharString(object, NULL);
    return *result == NULL ? 0 : Py_CLEANUP_SUPPORTED;
}

int _PyUnicode_WideCharString_Opt_Converter(PyObject *object, void *address) {
    wchar_t **result = address;
    if (object == Py_None) {
        *result = NULL;
        return 1;
    }
    if (object != NULL && !PyUnicode_Check(object)) {
        PyErr_Format(PyExc_TypeError, "argument must be str or None, not %.50s", Py_TYPE(object)->tp_name);
        return 0;
    }
    return _PyUnicode_WideCharString_Converter(object, address);
}

/* ---- 4-byte copies ---- */

Py_UCS4 *PyUnicode_AsUCS4(PyObject *self, Py_UCS4 *target, Py_ssize_t size, int copy_null) {
    if (target == NULL || size < 0) {
        PyErr_BadInternalCall();
        return NULL;
    }
    if (PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    if (size < length + (copy_null != 0)) {
        PyErr_SetString(PyExc_SystemError, "string is longer than the buffer");
        if (copy_null && size > 0) target[0] = 0;
        return NULL;
    }
    kr_str_convert(PyUnicode_4BYTE_KIND, target, PyUnicode_KIND(self), PyUnicode_DATA(self), length);
    if (copy_null) target[length] = 0;
    return target;
}

Py_UCS4 *PyUnicode_AsUCS4Copy(PyObject *self) {
    if (self == NULL || PyUnicode_READY(self) < 0) return NULL;
    Py_ssize_t length = PyUnicode_GET_LENGTH(self);
    Py_UCS4 *copy = PyMem_New(Py_UCS4, length + 1);
    if (copy == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return PyUnicode_AsUCS4(self, copy, length + 1, 1);
}

/* ---- destruction ---- */

/* True if the wide form is a block of its own. */
static int owns_wide(PyObject *self) {
    PyASCIIObject *header = kr_str_header(self);
    return header->wstr != NULL && (!header->state.ready || (void *)header->wstr != PyUnicode_DATA(self));
}

static int owns_utf8(PyObject *self) {
    if (PyUnicode_IS_COMPACT_ASCII(self)) return 0;
    char *utf8 = kr_str_compact(self)->utf8;
    return utf8 != NULL && (!PyUnicode_IS_READY(self) || (void *)utf8 != PyUnicode_DATA(self));
}

/* Releases the cached wide and UTF-8 forms. */
static void drop_caches(PyObject *self) {
    if (owns_wide(self)) PyObject_Free(kr_str_header(self)->wstr);
    if (owns_utf8(self)) PyObject_Free(kr_str_compact(self)->utf8);
}

void kr_str_dealloc(PyObject *self) {
    if (is_static(self)) {
        Py_SET_REFCNT(self, STATIC_REFERENCES);
        return;
    }
    PyASCIIObject *header = kr_str_header(self);
    if (header->state.interned) kr_str_intern_forget(self);
    if (!PyUnicode_IS_COMPACT_ASCII(self) || header->wstr != NULL) {
        drop_caches(self);
        if (!header->state.compact && ((PyUnicodeObject *)self)->data.any != NULL)
            PyObject_Free(((PyUnicodeObject *)self)->data.any);
    }
    if (PyUnicode_CheckExact(self)) PyObject_Free(self);
    else Py_TYPE(self)->tp_free(self);
}

/* ---- resizing ---- */

/* Changes the length of a compact string that only the caller refers to. Returns the moved object or NULL; then the
 * old one is untouched. */
static PyObject *resize_compact(PyObject *self, Py_ssize_t length) {
    int kind = PyUnicode_KIND(self);
    size_t header_size = PyUnicode_IS_ASCII(self) ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
    if (length > (PY_SSIZE_T_MAX - (Py_ssize_t)header_size) / kind - 1) return PyErr_NoMemory();
    int shares_wide = kr_str_header(self)->wstr != NULL && !owns_wide(self);
    if (owns_wide(self)) {
        PyObject_Free(kr_str_header(self)->wstr);
        kr_str_header(self)->wstr = NULL;
        if (!PyUnicode_IS_ASCII(self)) kr_str_compact(self)->wstr_length = 0;
    }
    if (owns_utf8(self)) {
        PyObject_Free(kr_str_compact(self)->utf8);
        kr_str_compact(self)->utf8 = NULL;
        kr_str_compact(self)->utf8_length = 0;
    }
    PyObject *moved = PyObject_Realloc(self, header_size + (size_t)(length + 1) * kind);
    if (moved == NULL) return PyErr_NoMemory();
    kr_str_header(moved)->length = length;
    kr_str_header(moved)->hash = -1;
    if (shares_wide) {
        kr_str_header(moved)->wstr = PyUnicode_DATA(moved);
        if (!PyUnicode_IS_ASCII(moved)) kr_str_compact(moved)->wstr_length = length;
    }
    PyUnicode_WRITE(kind, PyUnicode_DATA(moved), length, 0);
    return moved;
}

/* The same for a ready legacy string; its object stays where it is. */
static int resize_legacy(PyObject *object, Py_ssize_t length) {
    PyUnicodeObject *self = (PyUnicodeObject *)object;
    PyASCIIObject *header = &self->_base._base;
    int kind = (int)header->state.kind;
    if (length > PY_SSIZE_T_MAX / kind - 1) {
        PyErr_NoMemory();
        return -1;
    }
    drop_caches(object);
    void *block = self->data.any;
    int shares_wide = block == header->wstr;
    int shares_utf8 = header->state.ascii;
    header->wstr = NULL;
    self->_base.wstr_length = 0;
    self->_base.utf8 = NULL;
    self->_base.utf8_length = 0;
    void *moved = PyObject_Realloc(block, (size_t)(length + 1) * kind);
    if (moved == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    self->data.any = moved;
    if (shares_wide) {
        header->wstr = moved;
        self->_base.wstr_length = length;
    }
    if (shares_utf8) {
        self->_base.utf8 = moved;
        self->_base.utf8_length = length;
    }
    header->length = length;
    header->hash = -1;
    PyUnicode_WRITE(kind, moved, length, 0);
    return 0;
}

/* The same for a legacy string that is not ready. */
static int resize_unready(PyObject *object, Py_ssize_t length) {
    PyCompactUnicodeObject *self = kr_str_compact(object);
    if (length > PY_SSIZE_T_MAX / (Py_ssize_t)sizeof(wchar_t) - 1) {
        PyErr_NoMemory();
        return -1;
    }
    wchar_t *moved = PyObject_Realloc(self->_base.wstr, (size_t)(length + 1) * sizeof(wchar_t));
    if (moved == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    moved[length] = 0;
    self->_base.wstr = moved;
    self->wstr_length = length;
    return 0;
}

/* Makes a string of another length with the characters they have in common. */
static PyObject *resized_copy(PyObject *self, Py_ssize_t length) {
    if (PyUnicode_READY(self) < 0) return NULL;
    PyObject *copy = PyUnicode_New(length, PyUnicode_MAX_CHAR_VALUE(self));
    if (copy == NULL) return NULL;
    Py_ssize_t common = Py_MIN(length, PyUnicode_GET_LENGTH(self));
    memcpy(PyUnicode_DATA(copy), PyUnicode_DATA(self), (size_t)common * PyUnicode_KIND(self));
    return copy;
}

int PyUnicode_Resize(PyObject **address, Py_ssize_t length) {
    PyObject *self = address == NULL ? NULL : *address;
    if (self == NULL || !PyUnicode_Check(self) || length < 0) {
        PyErr_BadInternalCall();
        return -1;
    }
    PyASCIIObject *header = kr_str_header(self);
    if ((header->state.ready ? header->length : kr_str_compact(self)->wstr_length) == length) return 0;
    if (length == 0) {
        Py_SETREF(*address, Py_NewRef(kr_str_empty()));
        return 0;
    }
    if (!kr_str_is_private(self)) {
        PyObject *copy = resized_copy(self, length);
        if (copy == NULL) return -1;
        Py_SETREF(*address, copy);
        return 0;
    }
    if (!header->state.ready) return resize_unready(self, length);
    if (!header->state.compact) return resize_legacy(self, length);
    PyObject *moved = resize_compact(self, length);
    if (moved == NULL) return -1;
    *address = moved;
    return 0;
}

/* ---- concatenation ---- */

static int check_sum(Py_ssize_t left, Py_ssize_t right) {
    if (left > PY_SSIZE_T_MAX - right) {
        PyErr_SetString(PyExc_OverflowError, "strings are too large to concat");
        return -1;
    }
    return 0;
}

/* Joins two ready strings, neither of which is empty. */
static PyObject *concat(PyObject *left, PyObject *right) {
    Py_ssize_t left_length = PyUnicode_GET_LENGTH(left), right_length = PyUnicode_GET_LENGTH(right);
    if (check_sum(left_length, right_length) < 0) return NULL;
    if (PyUnicode_IS_ASCII(left) && PyUnicode_IS_ASCII(right)) {
        PyObject *result = kr_str_new_ascii(left_length + right_length);
        if (result == NULL) return NULL;
        Py_UCS1 *text = PyUnicode_1BYTE_DATA(result);
        memcpy(text, PyUnicode_DATA(left), (size_t)left_length);
        memcpy(text + left_length, PyUnicode_DATA(right), (size_t)right_length);
        return result;
    }
    Py_UCS4 widest = Py_MAX(PyUnicode_MAX_CHAR_VALUE(left), PyUnicode_MAX_CHAR_VALUE(right));
    PyObject *result = PyUnicode_New(left_length + right_length, widest);
    if (result == NULL) return NULL;
    int kind = PyUnicode_KIND(result);
    char *text = PyUnicode_DATA(result);
    kr_str_convert(kind, text, PyUnicode_KIND(left), PyUnicode_DATA(left), left_length);
    kr_str_convert(kind, text + left_length * kind, PyUnicode_KIND(right), PyUnicode_DATA(right), right_length);
    return result;
}

PyObject *PyUnicode_Concat(PyObject *left, PyObject *right) {
    if (kr_str_require(left) < 0) return NULL;
    if (!PyUnicode_Check(right)) {
        PyErr_Format(PyExc_TypeError, "can only concatenate str (not \"%.200s\") to str", Py_TYPE(right)->tp_name);
        return NULL;
    }
    if (PyUnicode_READY(right) < 0) return NULL;
    if (PyUnicode_GET_LENGTH(left) == 0) return PyUnicode_FromObject(right);
    if (PyUnicode_GET_LENGTH(right) == 0) return PyUnicode_FromObject(left);
    return concat(left, right);
}

void PyUnicode_Append(PyObject **address, PyObject *right) {
    PyObject *left = address == NULL ? NULL : *address;
    if (left == NULL || right == NULL || !PyUnicode_Check(left) || !PyUnicode_Check(right)) {
        if (!PyErr_Occurred()) PyErr_BadInternalCall();
        goto error;
    }
    if (PyUnicode_READY(left) < 0 || PyUnicode_READY(right) < 0) goto error;
    Py_ssize_t left_length = PyUnicode_GET_LENGTH(left), right_length = PyUnicode_GET_LENGTH(right);
    if (left_length == 0) {
        PyObject *result = PyUnicode_FromObject(right);
        if (result == NULL) goto error;
        Py_SETREF(*address, result);
        return;
    }
    if (right_length == 0) {
        if (PyUnicode_CheckExact(left)) return;
        PyObject *result = PyUnicode_FromObject(left);
        if (result == NULL) goto error;
        Py_SETREF(*address, result);
        return;
    }
    if (check_sum(left_length, right_length) < 0) goto error;
    if (kr_str_is_private(left) && PyUnicode_IS_COMPACT(left) && left != right &&
        PyUnicode_MAX_CHAR_VALUE(right) <= PyUnicode_MAX_CHAR_VALUE(left)) {
        PyObject *moved = resize_compact(left, left_length + right_length);
        if (moved == NULL) goto error;
        *address = moved;
        int kind = PyUnicode_KIND(moved);
        kr_str_convert(kind, (char *)PyUnicode_DATA(moved) + left_length * kind, PyUnicode_KIND(right),
                       PyUnicode_DATA(right), right_length);
        return;
    }
    PyObject *result = concat(left, right);
    if (result == NULL) goto error;
    Py_SETREF(*address, result);
    return;
error:
    if (address != NULL) Py_CLEAR(*address);
}

void PyUnicode_AppendAndDel(PyObject **address, PyObject *right) {
    PyUnicode_Append(address, right);
    Py_XDECREF(right);
}

/* ---- single characters and ranges ---- */

Py_ssize_t PyUnicode_GetLength(PyObject *self) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadArgument();
        return -1;
    }
    if (PyUnicode_READY(self) < 0) return -1;
    return PyUnicode_GET_LENGTH(self);
}

static int check_index(PyObject *self, Py_ssize_t index) {
    if (index < 0 || index >= PyUnicode_GET_LENGTH(self)) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    return 0;
}

Py_UCS4 PyUnicode_ReadChar(PyObject *self, Py_ssize_t index) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadArgument();
        return (Py_UCS4)-1;
    }
    if (PyUnicode_READY(self) < 0 || check_index(self, index) < 0) return (Py_UCS4)-1;
    return PyUnicode_READ_CHAR(self, index);
}

static int check_modifiable(PyObject *self) {
    if (kr_str_is_private(self) && kr_str_header(self)->hash == -1) return 0;
    PyErr_SetString(PyExc_SystemError, "Cannot modify a string currently used");
    return -1;
}

int PyUnicode_WriteChar(PyObject *self, Py_ssize_t index, Py_UCS4 ch) {
    if (!PyUnicode_Check(self) || !PyUnicode_IS_COMPACT(self)) {
        PyErr_BadArgument();
        return -1;
    }
    if (check_index(self, index) < 0 || check_modifiable(self) < 0) return -1;
    if (ch > PyUnicode_MAX_CHAR_VALUE(self)) {
        PyErr_SetString(PyExc_ValueError, "character out of range");
        return -1;
    }
    PyUnicode_WRITE(PyUnicode_KIND(self), PyUnicode_DATA(self), index, ch);
    return 0;
}

Py_UCS4 _PyUnicode_FindMaxChar(PyObject *self, Py_ssize_t start, Py_ssize_t end) {
    if (start == 0 && end == PyUnicode_GET_LENGTH(self)) return PyUnicode_MAX_CHAR_VALUE(self);
    if (start == end || PyUnicode_IS_ASCII(self)) return 127;
    return kr_str_widest(PyUnicode_KIND(self), kr_str_at(self, start), end - start);
}

void _PyUnicode_FastCopyCharacters(PyObject *to, Py_ssize_t to_start, PyObject *from, Py_ssize_t from_start,
                                   Py_ssize_t count) {
    if (count == 0) return;
    kr_str_convert(PyUnicode_KIND(to), (void *)kr_str_at(to, to_start), PyUnicode_KIND(from),
                   kr_str_at(from, from_start), count);
}

static const char *kind_name(PyObject *self) {
    int compact = PyUnicode_IS_COMPACT(self);
    switch (PyUnicode_KIND(self)) {
    case PyUnicode_1BYTE_KIND:
        if (PyUnicode_IS_ASCII(self)) return compact ? "ascii" : "legacy ascii";
        return compact ? "latin1" : "legacy latin1";
    case PyUnicode_2BYTE_KIND: return compact ? "UCS2" : "legacy UCS2";
    default: return compact ? "UCS4" : "legacy UCS4";
    }
}

Py_ssize_t PyUnicode_CopyCharacters(PyObject *to, Py_ssize_t to_start, PyObject *from, Py_ssize_t from_start,
                                    Py_ssize_t count) {
    if (!PyUnicode_Check(from) || !PyUnicode_Check(to)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyUnicode_READY(from) < 0 || PyUnicode_READY(to) < 0) return -1;
    Py_ssize_t to_length = PyUnicode_GET_LENGTH(to), from_length = PyUnicode_GET_LENGTH(from);
    if (from_start < 0 || from_start > from_length || to_start < 0 || to_start > to_length) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    if (count < 0) {
        PyErr_SetString(PyExc_SystemError, "how_many cannot be negative");
        return -1;
    }
    count = Py_MIN(count, from_length - from_start);
    if (count > to_length - to_start) {
        PyErr_Format(PyExc_SystemError, "Cannot write %zi characters at %zi in a string of %zi characters", count,
                     to_start, to_length);
        return -1;
    }
    if (count == 0) return 0;
    if (check_modifiable(to) < 0) return -1;
    Py_UCS4 room = PyUnicode_MAX_CHAR_VALUE(to);
    if (PyUnicode_MAX_CHAR_VALUE(from) > room &&
        kr_str_widest(PyUnicode_KIND(from), kr_str_at(from, from_start), count) > room) {
        PyErr_Format(PyExc_SystemError, "Cannot copy %s characters into a string of %s characters", kind_name(from),
                     kind_name(to));
        return -1;
    }
    _PyUnicode_FastCopyCharacters(to, to_start, from, from_start, count);
    return count;
}

void _PyUnicode_FastFill(PyObject *self, Py_ssize_t start, Py_ssize_t length, Py_UCS4 ch) {
    kr_str_fill(PyUnicode_KIND(self), PyUnicode_DATA(self), start, length, ch);
}

Py_ssize_t PyUnicode_Fill(PyObject *self, Py_ssize_t start, Py_ssize_t length, Py_UCS4 ch) {
    if (!PyUnicode_Check(self)) {
        PyErr_BadInternalCall();
        return -1;
    }
    if (PyUnicode_READY(self) < 0 || check_modifiable(self) < 0) return -1;
    if (start < 0) {
        PyErr_SetString(PyExc_IndexError, "string index out of range");
        return -1;
    }
    if (ch > PyUnicode_MAX_CHAR_VALUE(self)) {
        PyErr_SetString(PyExc_ValueError, "fill character is bigger than the string maximum character");
        return -1;
    }
    length = Py_MIN(length, PyUnicode_GET_LENGTH(self) - start);
    if (length <= 0) return 0;
    _PyUnicode_FastFill(self, start, length, ch);
    return length;
}

/* ---- checks ---- */

int _PyUnicode_CheckConsistency(PyObject *self, int check_content) {
    assert(PyUnicode_Check(self));
    PyASCIIObject *header = kr_str_header(self);
    if (!header->state.ready) return header->wstr != NULL && header->state.kind == PyUnicode_WCHAR_KIND;
    if (header->length < 0 || PyUnicode_DATA(self) == NULL) return 0;
    if (header->state.ascii && header->state.kind != PyUnicode_1BYTE_KIND) return 0;
    if (check_content && kr_str_widest(PyUnicode_KIND(self), PyUnicode_DATA(self), header->length) !=
                             PyUnicode_MAX_CHAR_VALUE(self))
        return 0;
    return PyUnicode_READ_CHAR(self, header->length) == 0;
}

/* str.__sizeof__: the object with its separate blocks. */
PyObject *kr_str_sizeof(PyObject *self, PyObject *unused) {
    PyASCIIObject *header = kr_str_header(self);
    size_t size;
    if (PyUnicode_IS_COMPACT_ASCII(self)) {
        size = sizeof(PyASCIIObject) + (size_t)header->length + 1;
    } else if (header->state.compact) {
        size = sizeof(PyCompactUnicodeObject) + (size_t)(header->length + 1) * header->state.kind;
    } else {
        size = (size_t)Py_TYPE(self)->tp_basicsize;
        if (header->state.ready) size += (size_t)(header->length + 1) * header->state.kind;
    }
    if (owns_wide(self)) {
        Py_ssize_t wide = PyUnicode_IS_COMPACT_ASCII(self) ? header->length : kr_str_compact(self)->wstr_length;
        size += (size_t)(wide + 1) * sizeof(wchar_t);
    }
    if (owns_utf8(self)) size += (size_t)kr_str_compact(self)->utf8_length + 1;
    return PyLong_FromSize_t(size);
}
