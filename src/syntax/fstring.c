/* f-strings: literal text, and expressions in braces, which are parsed by a parser of their own. */
#include <Python.h>

#include "syntax/literal.h"
#include "syntax/syntax_error.h"

enum { MAX_NESTING = 2 }; /* an expression may stand in a format specification, but not deeper */

static bool read_part(KrFormatted *f, const char **s, const char *end, int nesting);

static bool refuse(KrFormatted *f, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    PyObject *message = PyUnicode_FromFormatV(format, arguments);
    va_end(arguments);
    f->p->failed = true;
    if (message == NULL) return false;
    kr_syntax_error_last(f->p->lexer, PyExc_SyntaxError, &f->p->tokens[f->p->count - 1], "%U", message);
    Py_DECREF(message);
    return false;
}

static KrNode *place_whole(KrFormatted *f, void *made) {
    KrNode *node = made;
    if (node == NULL) {
        f->p->failed = true;
        return NULL;
    }
    node->lineno = f->place.lineno;
    node->col_offset = f->place.col_offset;
    node->end_lineno = f->place.end_lineno;
    node->end_col_offset = f->place.end_col_offset;
    return node;
}

bool kr_fstring_flush(KrFormatted *f) {
    PyObject *text = _PyUnicodeWriter_Finish(&f->literal);
    _PyUnicodeWriter_Init(&f->literal);
    f->literal.overallocate = 1;
    if (text != NULL && PyUnicode_GET_LENGTH(text) == 0) {
        Py_DECREF(text);
        return true;
    }
    if (kr_parser_own(f->p, text) == NULL) return false;
    KrNode *node = place_whole(f, KR_NEW(f->p->arena, Constant, .value = text, .kind = f->kind));
    return node != NULL && kr_push(f->p, node);
}

static bool write_text(KrFormatted *f, const char *s, const char *end, bool raw) {
    if (s == end) return true;
    PyObject *text = kr_literal_decode(f->p, &f->token, s, end, raw, true);
    bool written = text != NULL && _PyUnicodeWriter_WriteStr(&f->literal, text) == 0;
    Py_XDECREF(text);
    return written;
}

/* Reads literal text up to an opening brace, the closing brace of the format specification we are in, or the end. A doubled
 * brace stands for itself. */
static bool read_text(KrFormatted *f, const char **place, const char *end, int nesting) {
    const char *s = *place, *start = s;
    while (s < end) {
        char c = *s++;
        if (!f->raw && c == '\\' && s < end) {
            c = *s++;
            if (c == 'N') {
                /* The braces of \N{name} are no expression. */
                if (s < end && *s++ == '{') {
                    while (s < end && *s++ != '}') continue;
                }
                continue;
            }
            if (c == '{' && !kr_literal_warn_escape(f->p, &f->token, c, -1)) return false;
        }
        if (c != '{' && c != '}') continue;
        if (nesting == 0) {
            if (s < end && *s == c) {
                if (!write_text(f, start, s, f->raw)) return false;
                start = ++s;
                continue;
            }
            if (c == '}') {
                *place = s;
                return refuse(f, "f-string: single '}' is not allowed");
            }
        }
        s--;
        break;
    }
    *place = s;
    return write_text(f, start, s, f->raw);
}

static bool is_blank(const char *s, const char *end) {
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\f' || *s == '\r')) s++;
    return s == end;
}

/* Tells where an expression stands in the source: the lines between the start of the literal and its brace, and the
 * column of the brace in its line, or 0 if the expression begins on the next line. Braces come in order. */
static void find_place(KrFormatted *f, const char *brace, int *lines, int *columns) {
    for (; f->counted < brace; f->counted++) {
        if (*f->counted != '\n') continue;
        f->lines++;
        f->line_start = f->counted + 1;
    }
    const char *s = brace + 1;
    while (*s == ' ' || *s == '\t' || *s == '\f') s++;
    *lines = f->lines;
    *columns = *s != '\n' && *s != '}' ? (int)(brace - f->line_start) : 0;
}

/* Parses the expression between `s` and `end`, the brace being at s[-1]. */
static KrNode *parse_expression(KrFormatted *f, const char *s, const char *end) {
    KrParser *p = f->p;
    if (is_blank(s, end)) {
        if (*end == '!' || *end == ':' || *end == '=') {
            refuse(f, "f-string: expression required before '%c'", *end);
        } else {
            refuse(f, "f-string: empty expression not allowed");
        }
        return NULL;
    }
    size_t length = (size_t)(end - s);
    char *source = PyMem_Malloc(length + 4);
    if (source == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    source[0] = '(';
    memcpy(source + 1, s, length);
    memcpy(source + 1 + length, ")\n", 3);
    int lines, columns;
    find_place(f, s - 1, &lines, &columns);

    KrLexer lexer;
    KrParser inner;
    PyCompilerFlags flags = {.cf_flags = p->flags, .cf_feature_version = p->feature_version};
    kr_lexer_init(&lexer, source, length + 3, p->lexer->filename, KR_PARSE_EXPRESSION);
    lexer.is_fstring = true;
    lexer.silent = p->silent;
    lexer.first_lineno = f->token.lineno + lines;
    lexer.first_col = lines != 0 ? columns : f->token.col + columns;
    lexer.lineno = lexer.first_lineno - 1;
    KrNode *node = NULL;
    if (kr_parser_init(&inner, &lexer, KR_PARSE_EXPRESSION, &flags, p->arena) == 0) {
        inner.depth = inner.probed = p->depth + KR_DEPTH_EXPRESSION;
        inner.silent = p->silent;
        inner.feature_version = p->feature_version;
        node = kr_parser_run_fstring(&inner);
        if (node == NULL) kr_diagnose_failure(&inner, &flags);
        kr_parser_destroy(&inner);
    }
    PyMem_Free(source);
    if (node == NULL) p->failed = true;
    return node;
}

/* Finds the end of an expression: `!`, `:`, `=` or `}` outside of strings and brackets. Returns NULL with SyntaxError. */
static const char *find_expression_end(KrFormatted *f, const char *s, const char *end) {
    char brackets[KR_MAX_BRACKETS], quote = 0;
    int depth = 0, quotes = 0; /* 1 or 3 quotes around the string we are in */
    for (; s < end; s++) {
        char c = *s;
        if (c == '\\') {
            refuse(f, "f-string expression part cannot include a backslash");
            return NULL;
        }
        if (quote != 0) {
            if (c != quote) continue;
            if (quotes == 1) {
                quote = 0;
            } else if (s + 2 < end && s[1] == c && s[2] == c) {
                s += 2;
                quote = 0;
            }
            continue;
        }
        switch (c) {
        case '\'':
        case '"':
            quote = c;
            quotes = s + 2 < end && s[1] == c && s[2] == c ? 3 : 1;
            s += quotes - 1;
            continue;
        case '[':
        case '{':
        case '(':
            if (depth >= KR_MAX_BRACKETS) {
                refuse(f, "f-string: too many nested parenthesis");
                return NULL;
            }
            brackets[depth++] = c;
            continue;
        case '#': refuse(f, "f-string expression part cannot include '#'"); return NULL;
        default: break;
        }
        if (depth == 0 && (c == '!' || c == ':' || c == '}' || c == '=' || c == '>' || c == '<')) {
            if (s + 1 < end && s[1] == '=' && (c == '!' || c == '=' || c == '<' || c == '>')) {
                s++;
                continue;
            }
            if (c == '>' || c == '<') continue;
            return s;
        }
        if (c == ']' || c == '}' || c == ')') {
            if (depth == 0) {
                refuse(f, "f-string: unmatched '%c'", c);
                return NULL;
            }
            char opening = brackets[--depth];
            if (!((opening == '(' && c == ')') || (opening == '[' && c == ']') || (opening == '{' && c == '}'))) {
                refuse(f, "f-string: closing parenthesis '%c' does not match opening parenthesis '%c'", c, opening);
                return NULL;
            }
        }
    }
    if (quote != 0) {
        refuse(f, "f-string: unterminated string");
        return NULL;
    }
    if (depth > 0) {
        refuse(f, "f-string: unmatched '%c'", brackets[depth - 1]);
        return NULL;
    }
    return s;
}

/* Reads a format specification up to its closing brace. */
static KrNode *read_specification(KrFormatted *f, const char **place, const char *end, int nesting) {
    KrParser *p = f->p;
    _PyUnicodeWriter outer = f->literal;
    Py_ssize_t base = p->item_count;
    _PyUnicodeWriter_Init(&f->literal);
    f->literal.overallocate = 1;
    KrNode *node = NULL;
    if (!read_part(f, place, end, nesting + 1)) {
        _PyUnicodeWriter_Dealloc(&f->literal);
    } else {
        /* The specification and its last text have the position of the literal that they stand in. */
        KrNode whole = f->place;
        f->place.lineno = f->token.lineno;
        f->place.col_offset = f->token.col;
        f->place.end_lineno = f->token.end_lineno;
        f->place.end_col_offset = f->token.end_col;
        if (kr_fstring_flush(f)) {
            KrSeq *values = kr_parser_take(p, base);
            if (!p->failed) node = place_whole(f, KR_NEW(p->arena, JoinedStr, .values = values));
        }
        f->place = whole;
    }
    f->literal = outer;
    return node;
}

/* Reads `{expression!r:specification}` with the brace at *place. Pushes a FormattedValue. */
static bool read_expression(KrFormatted *f, const char **place, const char *end, int nesting) {
    if (nesting >= MAX_NESTING) return refuse(f, "f-string: expressions nested too deeply");
    const char *start = *place + 1, *s = find_expression_end(f, start, end);
    if (s == NULL) return false;
    if (s >= end) return refuse(f, "f-string: expecting '}'");
    KrNode *value = parse_expression(f, start, s), *specification = NULL;
    if (value == NULL) return false;
    bool debug = *s == '=';
    int conversion = -1;
    if (debug) {
        if (f->p->feature_version < 8)
            return refuse(f, "f-string: self documenting expressions are only supported in Python 3.8 and greater");
        s++;
        while (s < end && Py_ISSPACE(Py_CHARMASK(*s))) s++;
        if (!write_text(f, start, s, true)) return false;
    }
    if (s >= end) return refuse(f, "f-string: expecting '}'");
    if (*s == '!') {
        s++;
        if (s >= end) return refuse(f, "f-string: expecting '}'");
        conversion = (unsigned char)*s++;
        if (conversion != 's' && conversion != 'r' && conversion != 'a')
            return refuse(f, "f-string: invalid conversion character: expected 's', 'r', or 'a'");
    }
    if (s >= end) return refuse(f, "f-string: expecting '}'");
    if (*s == ':') {
        s++;
        if (s >= end) return refuse(f, "f-string: expecting '}'");
        if (!kr_fstring_flush(f)) return false;
        specification = read_specification(f, &s, end, nesting);
        if (specification == NULL) return false;
    }
    if (s >= end || *s != '}') return refuse(f, "f-string: expecting '}'");
    *place = s + 1;
    if (debug && specification == NULL && conversion == -1) conversion = 'r';
    if (!kr_fstring_flush(f)) return false;
    KrNode *node = place_whole(f, KR_NEW(f->p->arena, FormattedValue, .value = value, .conversion = conversion,
                                         .format_spec = specification));
    return node != NULL && kr_push(f->p, node);
}

/* Reads text and expressions up to the end, or to the closing brace of the specification we are in. */
static bool read_part(KrFormatted *f, const char **place, const char *end, int nesting) {
    for (;;) {
        if (!read_text(f, place, end, nesting)) return false;
        if (*place >= end || **place == '}') break;
        if (!read_expression(f, place, end, nesting)) return false;
    }
    if (nesting == 0 && *place < end) return refuse(f, "f-string: unexpected end of string");
    if (nesting > 0 && *place >= end) return refuse(f, "f-string: expecting '}'");
    return true;
}

bool kr_fstring_read(KrFormatted *f, const char *s, const char *end) {
    f->counted = f->line_start = f->p->lexer->text + f->token.start;
    f->lines = 0;
    return read_part(f, &s, end, 0);
}
