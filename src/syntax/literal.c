/* Constants: numbers, strings and bytes. */
#include <Python.h>

#include "syntax/literal.h"
#include "syntax/syntax_error.h"

/* Numbers */

/* Converts digits that may exceed what int() accepts by default. */
static PyObject *parse_long(KrParser *p, const KrToken *token, const char *text) {
    PyObject *value = PyLong_FromString(text, NULL, 0);
    if (value != NULL || !PyErr_ExceptionMatches(PyExc_ValueError)) return value;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    kr_syntax_error(p->lexer, PyExc_SyntaxError, token->lineno, -1, token->end_lineno, -1,
                    "%S - Consider hexadecimal for huge integer literals to avoid decimal conversion limits.", error);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    return NULL;
}

/* Converts a literal without underscores. */
static PyObject *parse_number_text(KrParser *p, const KrToken *token, const char *text, size_t length) {
    bool based = text[0] == '0' && (text[1] == 'x' || text[1] == 'X' || text[1] == 'o' || text[1] == 'O' ||
                                    text[1] == 'b' || text[1] == 'B');
    if (based) return parse_long(p, token, text);
    if (strspn(text, "0") == length) return PyLong_FromLong(0);
    if (text[length - 1] == 'j' || text[length - 1] == 'J') {
        Py_complex value = {0.0, PyOS_string_to_double(text, (char **)&(const char *){NULL}, NULL)};
        if (value.imag == -1.0 && PyErr_Occurred()) return NULL;
        return PyComplex_FromCComplex(value);
    }
    if (strpbrk(text, ".eE") != NULL) {
        double value = PyOS_string_to_double(text, NULL, NULL);
        if (value == -1.0 && PyErr_Occurred()) return NULL;
        return PyFloat_FromDouble(value);
    }
    return parse_long(p, token, text);
}

/* The value of a NUMBER token: a new reference, or NULL with an exception. */
static PyObject *number_value(KrParser *p, const KrToken *token) {
    enum { SHORT = 18 }; /* so many decimal digits fit a long */
    const char *text = p->lexer->text + token->start;
    uint32_t length = token->length, digits = 0;
    long small = 0;
    if (length <= SHORT) {
        while (digits < length && Py_ISDIGIT(Py_CHARMASK(text[digits]))) small = small * 10 + (text[digits++] - '0');
        if (digits == length) return PyLong_FromLong(small);
    }
    char buffer[64], *copy = length < sizeof(buffer) ? buffer : PyMem_Malloc((size_t)length + 1);
    if (copy == NULL) return PyErr_NoMemory();
    size_t used = 0;
    for (uint32_t i = 0; i < length; i++) {
        if (text[i] != '_') copy[used++] = text[i];
    }
    copy[used] = '\0';
    PyObject *value = NULL;
    if (used != length && p->feature_version < 6) {
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                             "Underscores in numeric literals are only supported in Python 3.6 and greater");
    } else {
        value = parse_number_text(p, token, copy, used);
    }
    if (copy != buffer) PyMem_Free(copy);
    return value;
}

KrNode *kr_parse_number(KrParser *p) {
    int start = p->mark;
    PyObject *value = kr_parser_own(p, number_value(p, &p->tokens[start]));
    if (value == NULL) return NULL;
    kr_skip(p);
    return KR_MAKE(p, start, Constant, .value = value);
}

/* Strings */

KrStringLiteral kr_literal_split(const char *text, uint32_t length) {
    KrStringLiteral literal = {text, text + length, false, false, false};
    for (;; literal.body++) {
        switch (*literal.body) {
        case 'b':
        case 'B': literal.bytes = true; continue;
        case 'r':
        case 'R': literal.raw = true; continue;
        case 'f':
        case 'F': literal.formatted = true; continue;
        case 'u':
        case 'U': continue;
        default: break;
        }
        break;
    }
    char quote = *literal.body;
    Py_ssize_t quotes = literal.end - literal.body >= 6 && literal.body[1] == quote && literal.body[2] == quote ? 3 : 1;
    literal.body += quotes;
    literal.end -= quotes;
    return literal;
}

bool kr_literal_warn_escape(KrParser *p, const KrToken *token, int escaped, int octal) {
    if (p->silent) return true;
    char message[64];
    if (octal >= 0) {
        snprintf(message, sizeof(message), "invalid octal escape sequence '\\%o'", (unsigned)octal);
    } else {
        snprintf(message, sizeof(message), "invalid escape sequence '\\%c'", escaped);
    }
    int status = kr_syntax_warn(p->lexer, PyExc_DeprecationWarning, token->lineno, "%s", message);
    if (status != 0) p->warned = true;
    if (status > 0) kr_syntax_error_last(p->lexer, PyExc_SyntaxError, token, "%s", message);
    return status == 0;
}

/* Writes the run of characters beyond ASCII at *place as escapes, and moves *place behind it. Returns the end of what was
 * written, or NULL with UnicodeDecodeError. */
static char *escape_run(char *out, const char **place, const char *end) {
    const char *s = *place;
    while (s < end && (unsigned char)*s >= 128) s++;
    PyObject *run = PyUnicode_DecodeUTF8(*place, s - *place, NULL);
    if (run == NULL) return NULL;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(run); i++)
        out += sprintf(out, "\\U%08x", (unsigned)PyUnicode_READ_CHAR(run, i));
    Py_DECREF(run);
    *place = s;
    return out;
}

/* Copies a body with every character beyond ASCII written as an escape, and likewise a backslash that escapes nothing. */
static char *escape_all(const char *s, const char *end, size_t *length) {
    char *result = PyMem_Malloc((size_t)(end - s) * 6 + 1), *out = result;
    if (result == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    while (s < end) {
        unsigned char c = (unsigned char)*s;
        if (c == '\\') {
            *out++ = *s++;
            if (s >= end || (unsigned char)*s >= 128) {
                memcpy(out, "u005c", 5);
                out += 5;
            } else {
                *out++ = *s++;
            }
        } else if (c < 128) {
            *out++ = *s++;
        } else {
            out = escape_run(out, &s, end);
            if (out == NULL) {
                PyMem_Free(result);
                return NULL;
            }
        }
    }
    *length = (size_t)(out - result);
    return result;
}

PyObject *kr_literal_decode(KrParser *p, const KrToken *token, const char *s, const char *end, bool raw,
                            bool formatted) {
    size_t length = (size_t)(end - s);
    bool plain = raw || memchr(s, '\\', length) == NULL, ascii = true;
    for (const char *c = s; c < end && ascii; c++) ascii = (unsigned char)*c < 128;
    if (plain && ascii) return _PyUnicode_FromASCII(s, (Py_ssize_t)length);
    if (plain) {
        PyObject *result = PyUnicode_DecodeUTF8(s, (Py_ssize_t)length, NULL);
        if (result != NULL || raw || !formatted || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return result;
        /* The text of f-strings is always decoded run by run, so that is where positions in the error count from. */
        PyErr_Clear();
    }
    char *copy = NULL;
    if (!ascii || end[-1] == '\\') {
        copy = escape_all(s, end, &length);
        if (copy == NULL) return NULL;
        s = copy;
    }
    int wrong = -1;
    const char *wrong_place = NULL;
    PyObject *result = _PyUnicode_DecodeUnicodeEscapeInternal2(s, (Py_ssize_t)length, NULL, NULL, &wrong, &wrong_place);
    if (result != NULL && wrong != -1 && !kr_literal_warn_escape(p, token, wrong, wrong > 0xff ? wrong : -1))
        Py_CLEAR(result);
    PyMem_Free(copy);
    return result;
}

/* Returns a new bytes object. */
static PyObject *decode_bytes(KrParser *p, const KrToken *token, const KrStringLiteral *literal) {
    for (const char *c = literal->body; c < literal->end; c++) {
        if ((unsigned char)*c >= 128) {
            kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                                 "bytes can only contain ASCII literal characters");
            return NULL;
        }
    }
    Py_ssize_t length = literal->end - literal->body;
    if (literal->raw || memchr(literal->body, '\\', (size_t)length) == NULL)
        return PyBytes_FromStringAndSize(literal->body, length);
    int wrong = -1;
    const char *wrong_place = NULL;
    PyObject *result = _PyBytes_DecodeEscape2(literal->body, length, NULL, &wrong, &wrong_place);
    if (result != NULL && wrong != -1 && !kr_literal_warn_escape(p, token, wrong, wrong > 0xff ? wrong : -1))
        Py_CLEAR(result);
    return result;
}

static KrStringLiteral split_token(KrParser *p, int index) {
    return kr_literal_split(p->lexer->text + p->tokens[index].start, p->tokens[index].length);
}

static PyObject *concatenate_bytes(KrParser *p, int start, int count) {
    PyObject *result = NULL;
    for (int i = start; i < start + count; i++) {
        KrStringLiteral literal = split_token(p, i);
        PyObject *part = decode_bytes(p, &p->tokens[i], &literal);
        if (part == NULL) {
            Py_XDECREF(result);
            return NULL;
        }
        if (result == NULL) {
            result = part;
        } else {
            PyBytes_ConcatAndDel(&result, part);
            if (result == NULL) return NULL;
        }
    }
    return result;
}

static PyObject *concatenate_text(KrParser *p, int start, int count) {
    _PyUnicodeWriter writer;
    _PyUnicodeWriter_Init(&writer);
    writer.overallocate = 1;
    for (int i = start; i < start + count; i++) {
        KrStringLiteral literal = split_token(p, i);
        PyObject *part = kr_literal_decode(p, &p->tokens[i], literal.body, literal.end, literal.raw, false);
        if (part == NULL || count == 1) return part;
        int status = _PyUnicodeWriter_WriteStr(&writer, part);
        Py_DECREF(part);
        if (status < 0) {
            _PyUnicodeWriter_Dealloc(&writer);
            return NULL;
        }
    }
    return _PyUnicodeWriter_Finish(&writer);
}

/* A JoinedStr of strings of which at least one is an f-string. */
static KrNode *join_formatted(KrParser *p, int start, int count, PyObject *kind) {
    KrFormatted f = {.p = p, .kind = kind};
    Py_ssize_t base = p->item_count;
    kr_place(p, &f.place, start);
    _PyUnicodeWriter_Init(&f.literal);
    f.literal.overallocate = 1;
    for (int i = start; i < start + count; i++) {
        KrStringLiteral literal = split_token(p, i);
        f.token = p->tokens[i];
        f.raw = literal.raw;
        bool read;
        if (literal.formatted) {
            read = kr_fstring_read(&f, literal.body, literal.end);
        } else {
            PyObject *part = kr_literal_decode(p, &f.token, literal.body, literal.end, literal.raw, false);
            read = part != NULL && _PyUnicodeWriter_WriteStr(&f.literal, part) == 0;
            Py_XDECREF(part);
        }
        if (!read) {
            _PyUnicodeWriter_Dealloc(&f.literal);
            return NULL;
        }
    }
    if (!kr_fstring_flush(&f)) return NULL;
    KrSeq *values = kr_parser_take(p, base);
    return p->failed ? NULL : KR_MAKE(p, start, JoinedStr, .values = values);
}

/* The constant or f-string that `count` literals of the same kind make. */
static KrNode *join(KrParser *p, int start, int count, bool bytes, bool formatted) {
    PyObject *kind = NULL;
    if (p->lexer->text[p->tokens[start].start] == 'u') {
        kind = kr_parser_own(p, PyUnicode_InternFromString("u"));
        if (kind == NULL) return NULL;
    }
    if (formatted) return join_formatted(p, start, count, kind);
    PyObject *value = bytes ? concatenate_bytes(p, start, count) : concatenate_text(p, start, count);
    if (value == NULL || kr_parser_own(p, value) == NULL) return NULL;
    return KR_MAKE(p, start, Constant, .value = value, .kind = kind);
}

/* Raises the first error of literals of which the one at `other` does not go with those before it. */
static void refuse_mixture(KrParser *p, int start, int other, bool formatted) {
    KrStringLiteral literal = split_token(p, other);
    if (join(p, start, other - start, !literal.bytes, formatted) == NULL) return;
    if (!literal.formatted) {
        PyObject *value = literal.bytes
                              ? decode_bytes(p, &p->tokens[other], &literal)
                              : kr_literal_decode(p, &p->tokens[other], literal.body, literal.end, literal.raw, false);
        if (value == NULL) return;
        Py_DECREF(value);
    }
    kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1], "cannot mix bytes and nonbytes literals");
}

KrNode *kr_parse_strings(KrParser *p) {
    int start = p->mark, other = 0;
    bool formatted = false, bytes = false, old = false;
    while (kr_peek_kind(p) == STRING) {
        KrStringLiteral literal = split_token(p, p->mark);
        if (p->mark > start && literal.bytes != bytes && other == 0) other = p->mark;
        bytes = literal.bytes;
        formatted |= literal.formatted && other == 0;
        old |= literal.formatted && p->feature_version < 6;
        kr_skip(p);
    }
    if (p->failed) return NULL;
    KrNode *node = NULL;
    /* Literals that are read again after going back do not warn again. */
    bool silent = p->silent;
    uint32_t end = p->tokens[p->mark - 1].start + 1;
    p->silent |= end <= p->warned_until;
    if (old) {
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                             "Format strings are only supported in Python 3.6 and greater");
    } else if (other != 0) {
        refuse_mixture(p, start, other, formatted);
    } else {
        node = join(p, start, p->mark - start, bytes, formatted);
    }
    p->silent = silent;
    if (end > p->warned_until) p->warned_until = end;
    if (node == NULL) {
        p->failed = true;
        kr_syntax_error_convert(p->lexer, &p->tokens[p->count - 1]);
    }
    return node;
}
