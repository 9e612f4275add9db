/* Places in the source: decoding the location table of a code object.
 *
 * The table is a sequence of entries. An entry's first byte is 1kkkknnn: its kind k and the number n + 1 of code units it
 * covers; the bytes that follow, up to the next one with the high bit set, say where these units come from. Lines are
 * differences to the line of the entry before.
 */
#include <Python.h>

#include "types/code.h"

static unsigned read_varint(const uint8_t **next, const uint8_t *limit) {
    unsigned value = 0, shift = 0;
    while (*next < limit) {
        unsigned byte = *(*next)++;
        if (shift < 32) value |= (byte & 0x3f) << shift;
        shift += 6;
        if (!(byte & 0x40)) break;
    }
    return value;
}

static int read_signed_varint(const uint8_t **next, const uint8_t *limit) {
    unsigned value = read_varint(next, limit);
    return value & 1 ? (int)(0 - (value >> 1)) : (int)(value >> 1);
}

static unsigned read_byte(const uint8_t **next, const uint8_t *limit) { return *next < limit ? *(*next)++ : 0; }

static int entry_units(uint8_t first) { return (first & 7) + 1; }
static int entry_kind(uint8_t first) { return (first >> 3) & 15; }

void kr_location_walk_init(KrLocationWalk *walk, PyCodeObject *code) {
    walk->next = (const uint8_t *)PyBytes_AS_STRING(code->co_linetable);
    walk->limit = walk->next + PyBytes_GET_SIZE(code->co_linetable);
    walk->start = walk->end = 0;
    walk->line = code->co_firstlineno;
    walk->location = (KrCodeLocation){-1, -1, -1, -1};
}

int kr_location_walk_step(KrLocationWalk *walk) {
    if (walk->next >= walk->limit) return 0;
    const uint8_t *limit = walk->limit;
    uint8_t first = *walk->next++;
    int kind = entry_kind(first);
    walk->start = walk->end;
    walk->end += entry_units(first) * (int)sizeof(_Py_CODEUNIT);
    KrCodeLocation *at = &walk->location;
    switch (kind) {
        case PY_CODE_LOCATION_INFO_NONE: *at = (KrCodeLocation){-1, -1, -1, -1}; break;
        case PY_CODE_LOCATION_INFO_LONG:
            walk->line += read_signed_varint(&walk->next, limit);
            at->lineno = walk->line;
            at->end_lineno = walk->line + (int)read_varint(&walk->next, limit);
            at->column = (int)read_varint(&walk->next, limit) - 1;
            at->end_column = (int)read_varint(&walk->next, limit) - 1;
            break;
        case PY_CODE_LOCATION_INFO_NO_COLUMNS:
            walk->line += read_signed_varint(&walk->next, limit);
            *at = (KrCodeLocation){walk->line, walk->line, -1, -1};
            break;
        case PY_CODE_LOCATION_INFO_ONE_LINE0:
        case PY_CODE_LOCATION_INFO_ONE_LINE1:
        case PY_CODE_LOCATION_INFO_ONE_LINE2:
            walk->line += kind - PY_CODE_LOCATION_INFO_ONE_LINE0;
            at->lineno = at->end_lineno = walk->line;
            at->column = (int)read_byte(&walk->next, limit);
            at->end_column = (int)read_byte(&walk->next, limit);
            break;
        default: {
            unsigned second = read_byte(&walk->next, limit);
            at->lineno = at->end_lineno = walk->line;
            at->column = kind << 3 | (int)(second >> 4);
            at->end_column = at->column + (int)(second & 15);
            break;
        }
    }
    /* Whatever the kind, the next entry starts at the next marked byte. */
    while (walk->next < limit && !(*walk->next & 0x80)) walk->next++;
    return 1;
}

/* Finds the entry of a code offset in bytes. Returns 0 if the table has none. */
static int find_entry(PyCodeObject *code, int offset, KrLocationWalk *walk) {
    kr_location_walk_init(walk, code);
    while (kr_location_walk_step(walk))
        if (offset < walk->end) return 1;
    return 0;
}

int PyCode_Addr2Line(PyCodeObject *code, int offset) {
    if (offset < 0) return code->co_firstlineno;
    KrLocationWalk walk;
    return find_entry(code, offset, &walk) ? walk.location.lineno : -1;
}

int PyCode_Addr2Location(PyCodeObject *code, int offset, int *start_line, int *start_column, int *end_line,
                         int *end_column) {
    KrLocationWalk walk;
    if (offset < 0) {
        *start_line = *end_line = code->co_firstlineno;
        *start_column = *end_column = 0;
        return 1;
    }
    if (!find_entry(code, offset, &walk)) walk.location = (KrCodeLocation){-1, -1, -1, -1};
    *start_line = walk.location.lineno;
    *start_column = walk.location.column;
    *end_line = walk.location.end_lineno;
    *end_column = walk.location.end_column;
    return 1;
}

/* Ranges that move both ways, for tracing */

static int line_delta(const uint8_t *entry, const uint8_t *limit) {
    int kind = entry_kind(*entry);
    const uint8_t *next = entry + 1;
    switch (kind) {
        case PY_CODE_LOCATION_INFO_NO_COLUMNS:
        case PY_CODE_LOCATION_INFO_LONG: return read_signed_varint(&next, limit);
        case PY_CODE_LOCATION_INFO_ONE_LINE1: return 1;
        case PY_CODE_LOCATION_INFO_ONE_LINE2: return 2;
        default: return 0;
    }
}

static void set_line(PyCodeAddressRange *bounds, const uint8_t *entry) {
    bounds->ar_line = entry_kind(*entry) == PY_CODE_LOCATION_INFO_NONE ? -1 : bounds->opaque.computed_line;
}

static int advance(PyCodeAddressRange *bounds) {
    const uint8_t *entry = bounds->opaque.lo_next, *limit = bounds->opaque.limit;
    if (entry >= limit) return 0;
    bounds->opaque.computed_line += line_delta(entry, limit);
    bounds->ar_start = bounds->ar_end;
    bounds->ar_end += entry_units(*entry) * (int)sizeof(_Py_CODEUNIT);
    set_line(bounds, entry);
    do entry++;
    while (entry < limit && !(*entry & 0x80));
    bounds->opaque.lo_next = entry;
    return 1;
}

static int retreat(PyCodeAddressRange *bounds) {
    if (bounds->ar_start <= 0) return 0;
    const uint8_t *entry = bounds->opaque.lo_next, *limit = bounds->opaque.limit;
    do entry--;
    while (!(*entry & 0x80));
    bounds->opaque.lo_next = entry;
    bounds->opaque.computed_line -= line_delta(entry, limit);
    const uint8_t *previous = entry;
    do previous--;
    while (!(*previous & 0x80));
    bounds->ar_end = bounds->ar_start;
    bounds->ar_start -= entry_units(*previous) * (int)sizeof(_Py_CODEUNIT);
    set_line(bounds, previous);
    return 1;
}

int _PyCode_CheckLineNumber(int offset, PyCodeAddressRange *bounds) {
    while (bounds->ar_end <= offset)
        if (!advance(bounds)) return -1;
    while (bounds->ar_start > offset)
        if (!retreat(bounds)) return -1;
    return bounds->ar_line;
}

/* Other forms of the table */

PyObject *kr_location_table_without_columns(PyObject *table) {
    const uint8_t *entry = (const uint8_t *)PyBytes_AS_STRING(table), *limit = entry + PyBytes_GET_SIZE(table);
    /* A difference of lines that kinds ONE_LINE1 and 2 imply needs a byte of its own. */
    PyObject *result = PyBytes_FromStringAndSize(NULL, 2 * PyBytes_GET_SIZE(table));
    if (result == NULL) return NULL;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(result), *start = out;
    while (entry < limit) {
        int units = entry_units(*entry);
        if (entry_kind(*entry) == PY_CODE_LOCATION_INFO_NONE) {
            *out++ = *entry;
        } else {
            int delta = line_delta(entry, limit);
            *out++ = (uint8_t)(0x80 | PY_CODE_LOCATION_INFO_NO_COLUMNS << 3 | (units - 1));
            unsigned value = delta < 0 ? (0 - (unsigned)delta) << 1 | 1 : (unsigned)delta << 1;
            for (; value >= 64; value >>= 6) *out++ = (uint8_t)(0x40 | (value & 0x3f));
            *out++ = (uint8_t)value;
        }
        do entry++;
        while (entry < limit && !(*entry & 0x80));
    }
    if (_PyBytes_Resize(&result, out - start) < 0) return NULL;
    return result;
}

/* Appends one pair of the old line number table: bytes of code, and lines, since the pair before. */
static int put_pair(PyObject **table, Py_ssize_t *used, int bytes, int lines) {
    if (*used + 2 > PyBytes_GET_SIZE(*table) && _PyBytes_Resize(table, 2 * *used + 32) < 0) return -1;
    char *out = PyBytes_AS_STRING(*table) + *used;
    out[0] = (char)bytes;
    out[1] = (char)lines;
    *used += 2;
    return 0;
}

static int put_difference(PyObject **table, Py_ssize_t *used, int bytes, int lines) {
    for (; bytes > 255; bytes -= 255)
        if (put_pair(table, used, 255, 0) < 0) return -1;
    for (; lines > 127; lines -= 127, bytes = 0)
        if (put_pair(table, used, bytes, 127) < 0) return -1;
    for (; lines < -128; lines += 128, bytes = 0)
        if (put_pair(table, used, bytes, -128) < 0) return -1;
    return put_pair(table, used, bytes, lines);
}

PyObject *kr_code_line_number_table(PyCodeObject *code) {
    PyObject *table = PyBytes_FromStringAndSize(NULL, 64);
    if (table == NULL) return NULL;
    Py_ssize_t used = 0;
    int line = code->co_firstlineno, offset = 0;
    KrLocationWalk walk;
    kr_location_walk_init(&walk, code);
    while (kr_location_walk_step(&walk)) {
        if (walk.line == line) continue;
        if (put_difference(&table, &used, walk.start - offset, walk.line - line) < 0) {
            Py_XDECREF(table);
            return NULL;
        }
        line = walk.line;
        offset = walk.start;
    }
    if (_PyBytes_Resize(&table, used) < 0) return NULL;
    return table;
}

/* Iterators */

typedef struct LocationIterator {
    PyObject_HEAD
    PyCodeObject *code;
    KrLocationWalk walk;
    int offset; /* of the next code unit, for positions */
} LocationIterator;

static PyObject *iterator_new(PyTypeObject *type, PyCodeObject *code) {
    LocationIterator *iterator = PyObject_New(LocationIterator, type);
    if (iterator == NULL) return NULL;
    iterator->code = (PyCodeObject *)Py_NewRef(code);
    iterator->offset = 0;
    kr_location_walk_init(&iterator->walk, code);
    return (PyObject *)iterator;
}

PyObject *kr_code_line_iterator(PyCodeObject *code) { return iterator_new(&kr_line_iterator_type, code); }
PyObject *kr_code_position_iterator(PyCodeObject *code) { return iterator_new(&kr_position_iterator_type, code); }

static void iterator_dealloc(LocationIterator *iterator) {
    Py_DECREF(iterator->code);
    PyObject_Free(iterator);
}

static PyObject *number_or_none(int number) { return number < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(number); }

static PyObject *next_line(LocationIterator *iterator) {
    KrLocationWalk *walk = &iterator->walk;
    if (!kr_location_walk_step(walk)) return NULL;
    PyObject *line = number_or_none(walk->location.lineno);
    return line == NULL ? NULL : Py_BuildValue("(iiN)", walk->start, walk->end, line);
}

static PyObject *next_position(LocationIterator *iterator) {
    KrLocationWalk *walk = &iterator->walk;
    while (iterator->offset >= walk->end)
        if (!kr_location_walk_step(walk)) return NULL;
    iterator->offset += (int)sizeof(_Py_CODEUNIT);
    const KrCodeLocation *at = &walk->location;
    const int numbers[] = {at->lineno, at->end_lineno, at->column, at->end_column};
    PyObject *position = PyTuple_New(4);
    if (position == NULL) return NULL;
    for (int i = 0; i < 4; i++) {
        PyObject *number = number_or_none(numbers[i]);
        if (number == NULL) {
            Py_DECREF(position);
            return NULL;
        }
        PyTuple_SET_ITEM(position, i, number);
    }
    return position;
}

PyTypeObject kr_line_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "line_iterator",
    .tp_basicsize = sizeof(LocationIterator),
    .tp_dealloc = (destructor)iterator_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)next_line,
    .tp_free = PyObject_Del,
};

PyTypeObject kr_position_iterator_type = {
    PyVarObject_HEAD_INIT(&PyType_Type, 0)
    .tp_name = "positions_iterator",
    .tp_basicsize = sizeof(LocationIterator),
    .tp_dealloc = (destructor)iterator_dealloc,
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_iter = PyObject_SelfIter,
    .tp_iternext = (iternextfunc)next_position,
    .tp_free = PyObject_Del,
};
