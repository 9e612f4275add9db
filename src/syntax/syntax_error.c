/* Raising SyntaxError with the position and text of the wrong source. */
#include <Python.h>

#include "syntax/syntax_error.h"

/* The line with a number of the source, without its newline: a new reference, or NULL. */
static PyObject *source_line(const KrLexer *lexer, int lineno) {
    const char *line = lexer->text;
    int relative = lexer->first_lineno ? lineno - lexer->first_lineno + 1 : lineno;
    for (int i = 1; i < relative; i++) {
        const char *newline = memchr(line, '\n', (size_t)(lexer->limit - line));
        if (newline == NULL) break;
        line = newline + 1;
    }
    const char *newline = memchr(line, '\n', (size_t)(lexer->limit - line));
    return PyUnicode_DecodeUTF8(line, (newline != NULL ? newline : lexer->limit) - line, "replace");
}

/* The text that belongs to an error: from the file if there is one, else the line being read, else an earlier line. */
static PyObject *error_text(const KrLexer *lexer, int lineno) {
    if (lexer->interactive) return source_line(lexer, lineno);
    if (lexer->mode == KR_PARSE_FILE && !lexer->is_fstring) {
        PyObject *line = _PyErr_ProgramDecodedTextObject(lexer->filename, lineno, lexer->encoding);
        if (line != NULL) return line;
        PyErr_Clear();
    }
    if (lexer->lineno <= lineno) {
        const char *end = kr_lexer_line_end(lexer, lexer->string_end != NULL ? lexer->string_end : lexer->line_start);
        if (lexer->lineno > 0 && end > lexer->buffer)
            return PyUnicode_DecodeUTF8(lexer->buffer, end - lexer->buffer, "replace");
    }
    return source_line(lexer, lineno);
}

/* Characters in the first `bytes` bytes of a line; a position behind its end is one behind its end. */
static Py_ssize_t count_characters(PyObject *line, Py_ssize_t bytes) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(line, &length);
    if (text == NULL) {
        PyErr_Clear();
        return bytes;
    }
    Py_ssize_t beyond = bytes > length;
    if (beyond) bytes = length;
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < bytes; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count + beyond;
}

/* Raises with the numbers as the exception shows them: columns in bytes from 1, not yet converted to characters. */
static void raise_at(KrLexer *lexer, PyObject *type, Py_ssize_t lineno, Py_ssize_t col, Py_ssize_t end_lineno,
                     Py_ssize_t end_col, const char *format, va_list arguments) {
    PyObject *message = PyUnicode_FromFormatV(format, arguments), *line = NULL, *value = NULL;
    if (message == NULL) return;
    if (lexer->is_fstring) {
        PyObject *prefixed = PyUnicode_FromFormat("f-string: %U", message);
        Py_SETREF(message, prefixed);
        if (message == NULL) return;
    }
    if (end_col == KR_NO_COLUMN) {
        end_lineno = lexer->lineno;
        end_col = lexer->cursor - lexer->line_start;
    }
    line = error_text(lexer, (int)lineno);
    if (line == NULL) goto done;
    if (lexer->is_fstring) {
        col -= lexer->first_col;
        end_col -= lexer->first_col;
    }
    if (lexer->encoded) {
        if (col > 0) col = count_characters(line, col);
        if (end_col > 0) end_col = count_characters(line, end_col);
    }
    value = Py_BuildValue("(O(OnnOnn))", message, lexer->filename, lineno, col, line, end_lineno, end_col);
    if (value != NULL) PyErr_SetObject(type, value);

done:
    Py_DECREF(message);
    Py_XDECREF(line);
    Py_XDECREF(value);
}

void kr_syntax_error_va(KrLexer *lexer, PyObject *type, int lineno, int col, int end_lineno, int end_col,
                        const char *format, va_list arguments) {
    raise_at(lexer, type, lineno, col + 1, end_lineno, end_col == KR_NO_COLUMN ? end_col : end_col + 1, format,
             arguments);
}

void kr_syntax_error(KrLexer *lexer, PyObject *type, int lineno, int col, int end_lineno, int end_col,
                     const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    kr_syntax_error_va(lexer, type, lineno, col, end_lineno, end_col, format, arguments);
    va_end(arguments);
}

static void raise_last(KrLexer *lexer, PyObject *type, const KrToken *last, const char *format, va_list arguments) {
    if (last == NULL) {
        raise_at(lexer, type, 0, 0, 0, -1, format, arguments);
        return;
    }
    Py_ssize_t col = last->col + 1, end_col = last->end_col == -1 ? -1 : last->end_col + 1;
    if (last->col == -1) col = lexer->cursor == lexer->buffer ? 0 : lexer->cursor - lexer->line_start;
    raise_at(lexer, type, last->lineno, col, last->end_lineno, end_col, format, arguments);
}

void kr_syntax_error_last(KrLexer *lexer, PyObject *type, const KrToken *last, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    raise_last(lexer, type, last, format, arguments);
    va_end(arguments);
}

void kr_syntax_error_in_token(KrLexer *lexer, int col, int end_col, const char *format, ...) {
    lexer->state = KR_LEXER_RAISED;
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments), *line = NULL, *value = NULL;
    va_end(arguments);
    if (message == NULL) return;
    Py_ssize_t column = col;
    if (col == -1) {
        PyObject *head = PyUnicode_DecodeUTF8(lexer->line_start, lexer->cursor - lexer->line_start, "replace");
        if (head == NULL) goto done;
        column = PyUnicode_GET_LENGTH(head);
        Py_DECREF(head);
    }
    const char *newline = memchr(lexer->line_start, '\n', (size_t)(lexer->limit - lexer->line_start));
    line = PyUnicode_DecodeUTF8(lexer->line_start, (newline != NULL ? newline : lexer->limit) - lexer->line_start,
                                "replace");
    if (line == NULL) goto done;
    value = Py_BuildValue("(O(OinOin))", message, lexer->filename, lexer->lineno, column, line, lexer->lineno,
                          end_col == -1 ? column : (Py_ssize_t)end_col);
    if (value != NULL) PyErr_SetObject(PyExc_SyntaxError, value);

done:
    Py_DECREF(message);
    Py_XDECREF(line);
    Py_XDECREF(value);
}

int kr_syntax_warn(KrLexer *lexer, PyObject *category, int lineno, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    if (message == NULL) return -1;
    int status = PyErr_WarnExplicitObject(category, message, lexer->filename, lineno, NULL, NULL);
    Py_DECREF(message);
    if (status == 0) return 0;
    if (!PyErr_ExceptionMatches(category)) return -1;
    PyErr_Clear();
    return 1;
}

void kr_syntax_error_unclosed(KrLexer *lexer) {
    int lineno = lexer->brackets[lexer->level - 1].lineno, col = lexer->brackets[lexer->level - 1].col;
    kr_syntax_error(lexer, PyExc_SyntaxError, lineno, col, lineno, -1, "'%c' was never closed",
                    lexer->brackets[lexer->level - 1].bracket);
}

void kr_syntax_error_convert(KrLexer *lexer, const KrToken *last) {
    const char *kind = NULL;
    if (PyErr_ExceptionMatches(PyExc_UnicodeError)) {
        kind = "unicode error";
    } else if (PyErr_ExceptionMatches(PyExc_ValueError)) {
        kind = "value error";
    }
    if (kind == NULL) return;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    PyObject *text = error != NULL ? PyObject_Str(error) : NULL;
    if (text != NULL) {
        kr_syntax_error_last(lexer, PyExc_SyntaxError, last, "(%s) %U", kind, text);
    } else if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
        PyErr_Clear();
        kr_syntax_error_last(lexer, PyExc_SyntaxError, last, "(%s) unknown error", kind);
    }
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

void kr_syntax_error_from_lexer(KrLexer *lexer, const KrToken *last) {
    PyObject *type = PyExc_SyntaxError;
    const char *message;
    int col = 0;
    switch (lexer->state) {
    case KR_LEXER_RAISED:
        if (!PyErr_Occurred()) kr_syntax_error_last(lexer, type, last, "unknown parsing error");
        return;
    case KR_LEXER_AT_END:
        if (lexer->level > 0) {
            kr_syntax_error_unclosed(lexer);
        } else {
            kr_syntax_error_last(lexer, type, last, "unexpected EOF while parsing");
        }
        return;
    case KR_LEXER_BAD_DEDENT:
        kr_syntax_error_last(lexer, PyExc_IndentationError, last,
                             "unindent does not match any outer indentation level");
        return;
    case KR_LEXER_BAD_DECODING: kr_syntax_error_convert(lexer, last); return;
    case KR_LEXER_BAD_TABS:
        type = PyExc_TabError;
        message = "inconsistent use of tabs and spaces in indentation";
        break;
    case KR_LEXER_TOO_DEEP:
        type = PyExc_IndentationError;
        message = "too many levels of indentation";
        break;
    case KR_LEXER_BAD_CONTINUATION:
        message = "unexpected character after line continuation character";
        col = (int)(lexer->cursor - lexer->buffer) - 1;
        break;
    default: message = "unknown parsing error"; break;
    }
    kr_syntax_error(lexer, type, lexer->lineno, col >= 0 ? col : 0, lexer->lineno, -1, "%s", message);
}
