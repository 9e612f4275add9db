/* _PyUnicodeWriter: builds a string piece by piece, widening it when a wider character comes.
 *
 * The buffer is a str under construction, `size` characters long, of which `pos` are written. With `readonly` it is
 * somebody's finished string, taken as it is because it is all that was written so far. It may also lie on the C stack: a
 * reference of its own keeps it from being resized, given away or freed.
 */
#include <Python.h>

#include "types/str/str.h"

/* Takes kind, width and room over from the buffer. */
static inline void update(_PyUnicodeWriter *writer) {
    writer->maxchar = PyUnicode_MAX_CHAR_VALUE(writer->buffer);
    writer->data = PyUnicode_DATA(writer->buffer);
    if (writer->readonly) {
        /* Kind 0 and size 0 send every later write through PrepareInternal. */
        writer->kind = PyUnicode_WCHAR_KIND;
        writer->size = 0;
    } else {
        writer->kind = PyUnicode_KIND(writer->buffer);
        writer->size = PyUnicode_GET_LENGTH(writer->buffer);
    }
}

void _PyUnicodeWriter_Init(_PyUnicodeWriter *writer) {
    memset(writer, 0, sizeof *writer);
    writer->min_char = 127;
}

void kr_writer_start(_PyUnicodeWriter *writer, KrWriterRoom *room) {
    _PyUnicodeWriter_Init(writer);
    writer->overallocate = 1;
    writer->buffer = kr_str_start_ascii(&room->header, sizeof room->text - 1);
    Py_INCREF(writer->buffer);
    update(writer);
}

int _PyUnicodeWriter_PrepareInternal(_PyUnicodeWriter *writer, Py_ssize_t length, Py_UCS4 maxchar) {
    if (length > PY_SSIZE_T_MAX - writer->pos) {
        PyErr_NoMemory();
        return -1;
    }
    Py_ssize_t needed = writer->pos + length;
    maxchar = Py_MAX(maxchar, writer->min_char);

    if (writer->buffer != NULL && !writer->readonly && needed <= writer->size && maxchar <= writer->maxchar) return 0;
    Py_ssize_t size = needed;
    if (writer->buffer != NULL && !writer->readonly && needed <= writer->size) {
        size = writer->size;
    } else {
        if (writer->overallocate && size <= PY_SSIZE_T_MAX - size / 4) size += size / 4;
        size = Py_MAX(size, writer->min_length);
    }

    if (writer->buffer == NULL) {
        writer->buffer = PyUnicode_New(size, maxchar);
        if (writer->buffer == NULL) return -1;
        update(writer);
        return 0;
    }
    if (!writer->readonly && maxchar <= writer->maxchar) {
        if (PyUnicode_Resize(&writer->buffer, size) < 0) return -1;
        update(writer);
        return 0;
    }
    PyObject *wider = PyUnicode_New(size, Py_MAX(maxchar, writer->maxchar));
    if (wider == NULL) return -1;
    _PyUnicode_FastCopyCharacters(wider, 0, writer->buffer, 0, writer->pos);
    writer->readonly = 0;
    Py_SETREF(writer->buffer, wider);
    update(writer);
    return 0;
}

int _PyUnicodeWriter_PrepareKindInternal(_PyUnicodeWriter *writer, enum PyUnicode_Kind kind) {
    Py_UCS4 maxchar = kind == PyUnicode_1BYTE_KIND ? 255 : kind == PyUnicode_2BYTE_KIND ? 65535 : KR_STR_MAX_CODE;
    return _PyUnicodeWriter_PrepareInternal(writer, 0, maxchar);
}

int _PyUnicodeWriter_WriteChar(_PyUnicodeWriter *writer, Py_UCS4 ch) {
    if (_PyUnicodeWriter_Prepare(writer, 1, ch) < 0) return -1;
    PyUnicode_WRITE(writer->kind, writer->data, writer->pos, ch);
    writer->pos++;
    return 0;
}

/* Copies ready characters behind the text; room was made. */
static inline void append(_PyUnicodeWriter *writer, int kind, const void *text, Py_ssize_t length) {
    kr_str_convert(writer->kind, (char *)writer->data + writer->pos * (Py_ssize_t)writer->kind, kind, text, length);
    writer->pos += length;
}

/* Makes a finished string all that was written so far; takes the reference. */
static inline void take(_PyUnicodeWriter *writer, PyObject *str) {
    Py_XSETREF(writer->buffer, str);
    writer->readonly = 1;
    writer->pos = PyUnicode_GET_LENGTH(str);
    update(writer);
}

int _PyUnicodeWriter_WriteStr(_PyUnicodeWriter *writer, PyObject *str) {
    if (PyUnicode_READY(str) < 0) return -1;
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (length == 0) return 0;
    if (writer->pos == 0 && !writer->overallocate && PyUnicode_CheckExact(str)) {
        take(writer, Py_NewRef(str));
        return 0;
    }
    Py_UCS4 maxchar = PyUnicode_MAX_CHAR_VALUE(str);
    if (maxchar > writer->maxchar || length > writer->size - writer->pos) {
        if (_PyUnicodeWriter_PrepareInternal(writer, length, maxchar) < 0) return -1;
    }
    append(writer, PyUnicode_KIND(str), PyUnicode_DATA(str), length);
    return 0;
}

int _PyUnicodeWriter_WriteSubstring(_PyUnicodeWriter *writer, PyObject *str, Py_ssize_t start, Py_ssize_t end) {
    if (PyUnicode_READY(str) < 0) return -1;
    if (end == 0 || start == end) return 0;
    if (start == 0 && end == PyUnicode_GET_LENGTH(str)) return _PyUnicodeWriter_WriteStr(writer, str);
    Py_UCS4 maxchar = PyUnicode_MAX_CHAR_VALUE(str);
    if (maxchar > writer->maxchar) maxchar = _PyUnicode_FindMaxChar(str, start, end);
    if (_PyUnicodeWriter_Prepare(writer, end - start, maxchar) < 0) return -1;
    append(writer, PyUnicode_KIND(str), kr_str_at(str, start), end - start);
    return 0;
}

int _PyUnicodeWriter_WriteASCIIString(_PyUnicodeWriter *writer, const char *text, Py_ssize_t length) {
    if (length == -1) length = (Py_ssize_t)strlen(text);
    if (length == 0) return 0;
    if (writer->pos == 0 && !writer->overallocate) {
        PyObject *str = _PyUnicode_FromASCII(text, length);
        if (str == NULL) return -1;
        take(writer, str);
        return 0;
    }
    if (_PyUnicodeWriter_Prepare(writer, length, 127) < 0) return -1;
    append(writer, PyUnicode_1BYTE_KIND, text, length);
    return 0;
}

int _PyUnicodeWriter_WriteLatin1String(_PyUnicodeWriter *writer, const char *text, Py_ssize_t length) {
    if (length == 0) return 0;
    Py_UCS4 maxchar = kr_str_widest(PyUnicode_1BYTE_KIND, text, length);
    if (_PyUnicodeWriter_Prepare(writer, length, maxchar) < 0) return -1;
    append(writer, PyUnicode_1BYTE_KIND, text, length);
    return 0;
}

PyObject *_PyUnicodeWriter_Finish(_PyUnicodeWriter *writer) {
    if (writer->pos == 0) {
        Py_CLEAR(writer->buffer);
        return Py_NewRef(kr_str_empty());
    }
    PyObject *str = writer->buffer;
    writer->buffer = NULL;
    if (writer->readonly) return str;
    if (Py_REFCNT(str) > 1) return _PyUnicode_FromASCII(writer->data, writer->pos); /* the room on the stack */
    if (writer->pos == 1) {
        Py_UCS4 ch = PyUnicode_READ_CHAR(str, 0);
        if (ch < 256) {
            Py_DECREF(str);
            return Py_NewRef(kr_str_latin1(ch));
        }
    }
    if (PyUnicode_GET_LENGTH(str) != writer->pos && PyUnicode_Resize(&str, writer->pos) < 0) {
        Py_DECREF(str);
        return NULL;
    }
    return str;
}

void _PyUnicodeWriter_Dealloc(_PyUnicodeWriter *writer) { Py_CLEAR(writer->buffer); }
