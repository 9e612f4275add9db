/* Showing exceptions and tracebacks. The layout is interface: doctest and programs' tests read it. */
#include <Python.h>
#include <frameobject.h>

#include <fcntl.h>
#include <unistd.h>

#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "runtime/display.h"
#include "syntax/parse.h"
#include "types/code.h"
#include "vm/frame.h"

enum {
    TRACEBACK_LIMIT = 1000,  /* frames shown when sys.tracebacklimit is not set */
    REPEATS_SHOWN = 3,       /* of a frame that recurs, this many; then a count */
    GROUP_WIDTH = 15,        /* exceptions of a group that are shown */
    GROUP_DEPTH = 10,        /* nesting of groups that is shown */
};

typedef struct {
    PyObject *file;
    PyObject *seen;   /* set of ids: chained exceptions already shown */
    int indent;       /* columns */
    int group_depth;  /* 0 outside of groups */
    int need_close;   /* the last exception of a group closes the frame of lines */
    int shortened;    /* something was left out because there was no memory to show it */
} Display;

/* Ends an exception that what is being shown can do without. */
static void do_without(Display *display) {
    if (PyErr_ExceptionMatches(PyExc_MemoryError)) display->shortened = 1;
    PyErr_Clear();
}

static int write_text(Display *display, const char *text) { return PyFile_WriteString(text, display->file); }

static int write_object(Display *display, PyObject *text) {
    int result = text == NULL ? -1 : PyFile_WriteObject(text, display->file, Py_PRINT_RAW);
    Py_XDECREF(text);
    return result;
}

static int write_indent(Display *display, int columns) {
    char spaces[64];
    while (columns > 0) {
        int count = columns > 60 ? 60 : columns;
        memset(spaces, ' ', (size_t)count);
        spaces[count] = 0;
        if (write_text(display, spaces) < 0) return -1;
        columns -= count;
    }
    return 0;
}

/* The margin of a line inside an exception group: indentation and a bar. */
static int write_margin(Display *display) {
    if (display->indent > 0 && write_indent(display, display->indent) < 0) return -1;
    return display->group_depth > 0 ? write_text(display, "| ") : 0;
}

/* ---- Source lines ---- */

/* Finds a PEP 263 cookie in a line, which must hold nothing but a comment, and copies its name. */
static void read_cookie(const char *line, char *encoding, size_t capacity) {
    line += strspn(line, " \t\f");
    const char *cookie = *line == '#' ? strstr(line, "coding") : NULL;
    if (cookie == NULL || (cookie[6] != ':' && cookie[6] != '=')) return;
    cookie += 7;
    cookie += strspn(cookie, " \t");
    size_t size = strspn(cookie, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    if (size == 0 || size >= capacity) return;
    memcpy(encoding, cookie, size);
    encoding[size] = 0;
}

/* The text of a line of a file, without its newline; NULL without an exception if it cannot be had. A new reference. */
static PyObject *source_line(Display *display, PyObject *filename, int number) {
    PyObject *bytes = PyUnicode_EncodeFSDefault(filename), *result = NULL;
    if (bytes == NULL) {
        do_without(display);
        return NULL;
    }
    FILE *stream = fopen(PyBytes_AS_STRING(bytes), "rb");
    if (stream == NULL) { /* a relative name from a library folder: look along sys.path */
        const char *tail = strrchr(PyBytes_AS_STRING(bytes), '/');
        tail = tail == NULL ? PyBytes_AS_STRING(bytes) : tail + 1;
        PyObject *path = PySys_GetObject("path");
        for (Py_ssize_t i = 0; stream == NULL && path != NULL && PyList_Check(path) && i < PyList_GET_SIZE(path); i++) {
            PyObject *folder = PyList_GET_ITEM(path, i);
            if (!PyUnicode_Check(folder) || PyUnicode_GET_LENGTH(folder) == 0) continue;
            const char *text = PyUnicode_AsUTF8(folder);
            char candidate[4096];
            if (text == NULL) {
                do_without(display);
                continue;
            }
            snprintf(candidate, sizeof candidate, "%s/%s", text, tail);
            stream = fopen(candidate, "rb");
        }
    }
    Py_DECREF(bytes);
    if (stream == NULL) return NULL;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = -1;
    char encoding[64] = "utf-8";
    int may_have_cookie = 1; /* in the second line only if the first one has no code */
    for (int i = 1; i <= number; i++) {
        length = getline(&line, &capacity, stream);
        if (length < 0) break;
        if (i <= 2 && may_have_cookie) {
            read_cookie(line, encoding, sizeof encoding);
            may_have_cookie = line[strspn(line, " \t\f\r\n")] == 0 || line[strspn(line, " \t\f")] == '#';
        }
    }
    fclose(stream);
    if (length >= 0) {
        while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) length--;
        const char *start = line;
        if (number == 1 && length >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
            start += 3;
            length -= 3;
        }
        result = PyUnicode_Decode(start, length, encoding, "replace");
        if (result == NULL) do_without(display);
    }
    free(line);
    return result;
}

/* Columns that leading blanks take; *count gets their number. */
static Py_ssize_t leading_blanks(PyObject *line) {
    Py_ssize_t i = 0, length = PyUnicode_GET_LENGTH(line);
    while (i < length) {
        Py_UCS4 c = PyUnicode_READ_CHAR(line, i);
        if (c != ' ' && c != '\t' && c != '\014') break;
        i++;
    }
    return i;
}

static int show_source_line(Display *display, PyObject *filename, int number, int indent, PyObject **line_out,
                            Py_ssize_t *stripped) {
    if (line_out != NULL) *line_out = NULL;
    if (filename == NULL || number <= 0) return 0;
    PyObject *line = source_line(display, filename, number);
    if (line == NULL) return 0;
    Py_ssize_t blanks = leading_blanks(line), end = PyUnicode_GET_LENGTH(line);
    if (stripped != NULL) *stripped = blanks;
    PyObject *text = PyUnicode_Substring(line, blanks, end);
    int result = text == NULL || write_margin(display) < 0 || write_indent(display, indent) < 0 ||
                         PyFile_WriteObject(text, display->file, Py_PRINT_RAW) < 0 || write_text(display, "\n") < 0
                     ? -1
                     : 0;
    Py_XDECREF(text);
    if (result == 0 && line_out != NULL)
        *line_out = line;
    else
        Py_DECREF(line);
    return result;
}

int _Py_DisplaySourceLine(PyObject *file, PyObject *filename, int number, int indent, int *truncation, PyObject **line) {
    Display display = {.file = file};
    Py_ssize_t stripped = 0;
    int result = show_source_line(&display, filename, number, indent, line, &stripped);
    if (truncation != NULL) *truncation = (int)stripped;
    return result;
}

/* ---- Carets ---- */

/* Character offset of a UTF-8 byte offset in a line. */
static Py_ssize_t character_offset(Display *display, PyObject *line, int byte_offset) {
    const char *text = PyUnicode_AsUTF8(line);
    if (text == NULL || byte_offset < 0) {
        do_without(display);
        return -1;
    }
    Py_ssize_t count = 0;
    for (int i = 0; i < byte_offset && text[i] != 0; i++)
        if (((unsigned char)text[i] & 0xC0) != 0x80) count++;
    return count;
}

/* Finds the operator or bracket inside the marked text that deserves '^' while its operands get '~'. Offsets are in
 * characters from the start of the segment. Returns 1 if there is one. */
static int find_anchor(Display *display, PyObject *segment, Py_ssize_t *left, Py_ssize_t *right) {
    PyObject *bytes = PyUnicode_AsUTF8String(segment);
    if (bytes == NULL) {
        do_without(display);
        return 0;
    }
    int found = 0;
    KrArena *arena = kr_arena_new();
    PyObject *name = PyUnicode_FromString("<caret>");
    PyCompilerFlags flags = _PyCompilerFlags_INIT;
    flags.cf_flags = PyCF_IGNORE_COOKIE;
    KrNode *tree = arena == NULL || name == NULL ? NULL
                                                 : kr_parse(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes), name,
                                                            KR_PARSE_FILE, &flags, arena);
    if (tree == NULL) do_without(display);
    KrSeq *body = tree == NULL ? NULL : KR_AS(Module, tree)->body;
    KrNode *statement = kr_seq_count(body) == 1 ? kr_seq_node(body, 0) : NULL;
    if (statement != NULL && statement->kind == KR_Expr) {
        KrNode *value = KR_AS(Expr, statement)->value;
        const char *text = PyBytes_AS_STRING(bytes);
        if (value->kind == KR_BinOp && KR_AS(BinOp, value)->left->lineno == KR_AS(BinOp, value)->right->lineno) {
            KrNode *first = KR_AS(BinOp, value)->left, *second = KR_AS(BinOp, value)->right;
            for (int i = first->end_col_offset; i < second->col_offset; i++) {
                if (text[i] == ' ' || text[i] == '\t' || text[i] == '\014' || text[i] == ')') continue;
                *left = character_offset(display, segment, i);
                *right = *left + 1;
                if (i + 1 < second->col_offset && text[i + 1] != ' ' && text[i + 1] != '\t' && text[i + 1] != '(') ++*right;
                found = 1;
                break;
            }
        } else if (value->kind == KR_Subscript) {
            int open = KR_AS(Subscript, value)->value->end_col_offset, close = KR_AS(Subscript, value)->slice->end_col_offset + 1;
            while (text[open] != 0 && text[open] != '[') open++;
            int size = (int)PyBytes_GET_SIZE(bytes);
            if (close > size) close = size;
            *left = character_offset(display, segment, open);
            *right = character_offset(display, segment, close);
            if (*right < *left) *right = *left;
            found = 1;
        }
    }
    kr_arena_free(arena);
    Py_XDECREF(name);
    Py_DECREF(bytes);
    return found;
}

static int show_carets(Display *display, PyTracebackObject *entry, PyCodeObject *code, PyObject *line, Py_ssize_t stripped) {
    int first_line, first_column, last_line, last_column;
    if (entry->tb_lasti < 0 || !PyCode_Addr2Location(code, entry->tb_lasti, &first_line, &first_column, &last_line, &last_column))
        return 0;
    if (first_line < 0 || last_line < 0 || first_line != entry->tb_lineno || first_column < 0 || last_column < 0) return 0;
    Py_ssize_t length = PyUnicode_GET_LENGTH(line);
    Py_ssize_t start = character_offset(display, line, first_column);
    Py_ssize_t end = first_line == last_line ? character_offset(display, line, last_column) : length;
    if (start < 0 || end < 0 || end > length) return 0;
    if (first_line != last_line)
        while (end > start && Py_UNICODE_ISSPACE(PyUnicode_READ_CHAR(line, end - 1))) end--;
    Py_ssize_t left = 0, right = 0;
    int anchored = 0;
    if (first_line == last_line) {
        PyObject *segment = PyUnicode_Substring(line, start, end);
        if (segment == NULL) return -1;
        anchored = find_anchor(display, segment, &left, &right);
        Py_DECREF(segment);
    }
    /* an instruction that spans the whole line says nothing new */
    Py_ssize_t last = length;
    while (last > 0 && Py_UNICODE_ISSPACE(PyUnicode_READ_CHAR(line, last - 1))) last--;
    if (!anchored && start <= stripped && end >= last) return 0;
    if (start < stripped) start = stripped;
    if (write_margin(display) < 0 || write_indent(display, 4) < 0) return -1;
    Py_ssize_t origin = stripped;
    for (Py_ssize_t i = origin; i < end; i++) {
        const char *mark = i < start ? " " : !anchored ? "^" : i - start >= left && i - start < right ? "^" : "~";
        if (write_text(display, mark) < 0) return -1;
    }
    return write_text(display, "\n");
}

/* ---- Tracebacks ---- */

static int show_entry(Display *display, PyTracebackObject *entry, PyCodeObject *code) {
    if (write_margin(display) < 0) return -1;
    if (write_object(display, PyUnicode_FromFormat("  File \"%U\", line %d, in %U\n", code->co_filename, entry->tb_lineno,
                                                   code->co_name)) < 0)
        return -1;
    PyObject *line = NULL;
    Py_ssize_t stripped = 0;
    if (show_source_line(display, code->co_filename, entry->tb_lineno, 4, &line, &stripped) < 0) return -1;
    if (line == NULL) return 0;
    int result = show_carets(display, entry, code, line, stripped);
    Py_DECREF(line);
    return result;
}

static int show_repeats(Display *display, long count) {
    count -= REPEATS_SHOWN;
    if (write_margin(display) < 0) return -1;
    return write_object(display, PyUnicode_FromFormat(count > 1 ? "  [Previous line repeated %ld more times]\n"
                                                                : "  [Previous line repeated %ld more time]\n",
                                                      count));
}

static int show_traceback(Display *display, PyObject *traceback, const char *header) {
    if (traceback == NULL || traceback == Py_None) return 0;
    if (!PyTraceBack_Check(traceback)) {
        PyErr_BadInternalCall();
        return -1;
    }
    long limit = TRACEBACK_LIMIT, depth = 0, repeats = 0;
    PyObject *limit_object = PySys_GetObject("tracebacklimit");
    if (limit_object != NULL && PyLong_Check(limit_object)) {
        int overflow;
        limit = PyLong_AsLongAndOverflow(limit_object, &overflow);
        if (overflow > 0)
            limit = LONG_MAX;
        else if (limit <= 0)
            return 0;
    }
    if (header != NULL && (write_margin(display) < 0 || write_text(display, header) < 0)) return -1;
    PyTracebackObject *entry = (PyTracebackObject *)traceback;
    for (PyTracebackObject *at = entry; at != NULL; at = at->tb_next) depth++;
    for (; depth > limit; depth--) entry = entry->tb_next;
    PyObject *last_file = NULL, *last_name = NULL;
    int last_line = -1, result = 0;
    for (; entry != NULL && result == 0; entry = entry->tb_next) {
        PyCodeObject *code = PyFrame_GetCode(entry->tb_frame);
        if (last_file == NULL || PyUnicode_Compare(code->co_filename, last_file) != 0 || last_line != entry->tb_lineno ||
            PyUnicode_Compare(code->co_name, last_name) != 0) {
            if (repeats > REPEATS_SHOWN) result = show_repeats(display, repeats);
            last_file = code->co_filename;
            last_name = code->co_name;
            last_line = entry->tb_lineno;
            repeats = 0;
        }
        repeats++;
        if (result == 0 && repeats <= REPEATS_SHOWN) {
            result = show_entry(display, entry, code);
            if (result == 0) result = PyErr_CheckSignals();
        }
        Py_DECREF(code);
    }
    if (result == 0 && repeats > REPEATS_SHOWN) result = show_repeats(display, repeats);
    return result;
}

int PyTraceBack_Print(PyObject *traceback, PyObject *file) {
    Display display = {.file = file};
    return show_traceback(&display, traceback, "Traceback (most recent call last):\n");
}

/* ---- Exceptions ---- */

/* The place that a SyntaxError tells of. */
typedef struct {
    PyObject *message, *file; /* owned */
    PyObject *text;           /* owned; NULL if there is none */
    Py_ssize_t line, offset, end_line, end_offset; /* from 1; offsets are -1 if there are none */
} SyntaxPlace;

/* Reads an attribute as a number; None means `absent`. Returns 0, or -1 with an exception. */
static int read_number(PyObject *value, const char *name, Py_ssize_t absent, Py_ssize_t *number) {
    PyObject *object = PyObject_GetAttrString(value, name);
    if (object == NULL) return -1;
    *number = object == Py_None ? absent : PyLong_AsSsize_t(object);
    Py_DECREF(object);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

/* Reads the place from the exception's attributes. Returns 1, or 0 without an exception if they tell of none. */
static int read_place(Display *display, PyObject *value, SyntaxPlace *place) {
    *place = (SyntaxPlace){NULL};
    PyObject *line = PyObject_GetAttrString(value, "lineno");
    int none = line == NULL || line == Py_None;
    Py_XDECREF(line);
    if (none || (place->message = PyObject_GetAttrString(value, "msg")) == NULL ||
        (place->file = PyObject_GetAttrString(value, "filename")) == NULL ||
        read_number(value, "lineno", -1, &place->line) < 0 || read_number(value, "offset", -1, &place->offset) < 0 ||
        read_number(value, "end_lineno", place->line, &place->end_line) < 0 ||
        read_number(value, "end_offset", -1, &place->end_offset) < 0 ||
        (place->text = PyObject_GetAttrString(value, "text")) == NULL)
        goto none;
    if (place->file == Py_None) {
        Py_SETREF(place->file, PyUnicode_FromString("<string>"));
        if (place->file == NULL) goto none;
    }
    if (place->text == Py_None) Py_CLEAR(place->text);
    if (!Py_IS_TYPE(value, (PyTypeObject *)PyExc_SyntaxError)) { /* only plain ones have an end, as in the reference */
        place->end_line = place->line;
        place->end_offset = -1;
    }
    return 1;
none:
    do_without(display);
    Py_CLEAR(place->message);
    Py_CLEAR(place->file);
    Py_CLEAR(place->text);
    return 0;
}

/* Shows the text from the line on that the place is in, and carets below. */
static int show_place_text(Display *display, SyntaxPlace *place) {
    if (!PyUnicode_Check(place->text)) {
        PyErr_BadArgument();
        return -1;
    }
    PyObject *text = place->text;
    Py_ssize_t start = leading_blanks(text), length = PyUnicode_GET_LENGTH(text) - start;
    int newline = length > 0 && PyUnicode_READ_CHAR(text, start + length - 1) == '\n';
    Py_ssize_t column = -1, end = -1; /* from `start` */
    if (place->offset >= 1) {
        column = place->offset - 1 - start;
        if (column > length) column = length;
        if (column > 0 && column == length && newline) column--;
        if (place->end_line > place->line)
            end = length - newline;
        else if (place->end_offset > 0)
            end = place->end_offset - 1 - start;
        if (end > length) end = length;
        for (Py_ssize_t i = start; i < start + column; i++) { /* the place may be in a later line of the text */
            if (PyUnicode_READ_CHAR(text, i) != '\n') continue;
            Py_ssize_t skipped = i + 1 - start;
            start += skipped;
            length -= skipped;
            column -= skipped;
            end -= skipped;
        }
    }
    PyObject *visible = PyUnicode_Substring(text, start, start + length);
    if (visible == NULL) return -1;
    int result = write_text(display, "    "); /* as in the reference, no margin here */
    if (result == 0) result = PyFile_WriteObject(visible, display->file, Py_PRINT_RAW);
    if (result == 0 && !newline) result = write_text(display, "\n");
    Py_DECREF(visible);
    if (result < 0 || column < 0) return result;
    if (end <= column) end = column + 1;
    if (write_indent(display, 4) < 0 || write_indent(display, (int)column) < 0) return -1;
    for (; column < end && result == 0; column++) result = write_text(display, "^");
    return result == 0 ? write_text(display, "\n") : -1;
}

/* The place of a SyntaxError: file, line, text and carets. *message gets what is to be shown instead of the exception's
 * own text (a new reference), or NULL. */
static int show_syntax_error(Display *display, PyObject *value, PyObject **message) {
    SyntaxPlace place;
    *message = NULL;
    if (!read_place(display, value, &place)) return 0;
    int result = write_margin(display);
    if (result == 0)
        result = write_object(display, PyUnicode_FromFormat("  File \"%S\", line %zd\n", place.file, place.line));
    if (result == 0 && place.text != NULL) result = show_place_text(display, &place);
    *message = place.message;
    Py_DECREF(place.file);
    Py_XDECREF(place.text);
    return result;
}

/* "module.Name" of the type, without the modules that everybody knows. */
static int write_type(Display *display, PyObject *type) {
    /* A static type's name is the text wanted; it takes no memory, of which a MemoryError has none. */
    if (!PyType_HasFeature((PyTypeObject *)type, Py_TPFLAGS_HEAPTYPE)) return write_text(display, ((PyTypeObject *)type)->tp_name);
    PyObject *module = PyObject_GetAttr(type, KR_NAME(__module__)), *name = PyObject_GetAttr(type, KR_NAME(__qualname__));
    int result = 0;
    if (module == NULL || !PyUnicode_Check(module)) {
        do_without(display);
        result = write_text(display, "<unknown>.");
    } else if (!_PyUnicode_EqualToASCIIString(module, "builtins") && !_PyUnicode_EqualToASCIIString(module, "__main__")) {
        result = PyFile_WriteObject(module, display->file, Py_PRINT_RAW);
        if (result == 0) result = write_text(display, ".");
    }
    if (result == 0) {
        if (name == NULL || !PyUnicode_Check(name)) {
            do_without(display);
            result = write_text(display, "<unknown>");
        } else {
            result = PyFile_WriteObject(name, display->file, Py_PRINT_RAW);
        }
    }
    Py_XDECREF(module);
    Py_XDECREF(name);
    return result;
}

/* The suggestion for a misspelt name, as ". Did you mean: 'x'?". */
static int write_suggestion(Display *display, PyObject *value) {
    PyObject *suggestion = kr_suggestion(value);
    if (suggestion == NULL) {
        do_without(display);
        return 0;
    }
    int result = write_object(display, PyUnicode_FromFormat(". Did you mean: '%U'?", suggestion));
    Py_DECREF(suggestion);
    return result;
}

/* Text with the margin in front of every line. */
static int write_lines(Display *display, PyObject *text) {
    PyObject *lines = PyUnicode_Splitlines(text, 1);
    if (lines == NULL) return -1;
    int result = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(lines) && result == 0; i++) {
        result = write_margin(display);
        if (result == 0) result = PyFile_WriteObject(PyList_GET_ITEM(lines, i), display->file, Py_PRINT_RAW);
    }
    Py_DECREF(lines);
    return result;
}

static int show_notes(Display *display, PyObject *value) {
    PyObject *notes;
    if (!PyExceptionInstance_Check(value)) return 0;
    if (_PyObject_LookupAttr(value, KR_NAME(__notes__), &notes) <= 0) return PyErr_Occurred() ? -1 : 0;
    int result = 0;
    if (!PySequence_Check(notes) || PyUnicode_Check(notes) || PyBytes_Check(notes)) {
        PyObject *text = PyObject_Repr(notes);
        if (text == NULL) {
            do_without(display);
            text = PyUnicode_FromString("<__notes__ repr() failed>");
        }
        result = text == NULL ? -1 : write_lines(display, text); /* as in the reference, no newline after it */
        Py_XDECREF(text);
        Py_DECREF(notes);
        return result;
    }
    Py_ssize_t count = PySequence_Length(notes);
    for (Py_ssize_t i = 0; i < count && result == 0; i++) {
        PyObject *note = PySequence_GetItem(notes, i);
        if (note == NULL) {
            result = -1;
            break;
        }
        PyObject *text = PyUnicode_Check(note) ? Py_NewRef(note) : PyObject_Str(note);
        if (text == NULL) {
            do_without(display);
            text = PyUnicode_FromString("<note str() failed>");
        }
        result = text == NULL ? -1 : write_lines(display, text);
        Py_XDECREF(text);
        Py_DECREF(note);
        if (result == 0) result = write_text(display, "\n");
    }
    Py_DECREF(notes);
    return result;
}

static int show_one(Display *display, PyObject *value) {
    if (!PyExceptionInstance_Check(value)) {
        if (write_indent(display, display->indent) < 0) return -1;
        return write_object(display, PyUnicode_FromFormat("TypeError: print_exception(): Exception expected for value, %s found\n",
                                                          Py_TYPE(value)->tp_name));
    }
    PyObject *traceback = PyException_GetTraceback(value), *message = NULL;
    int is_group = PyObject_TypeCheck(value, (PyTypeObject *)PyExc_BaseExceptionGroup);
    int opens_group = is_group && display->group_depth == 0;
    fflush(stdout);
    /* the outermost group draws its margin itself */
    const char *header = is_group ? "Exception Group Traceback (most recent call last):\n" : "Traceback (most recent call last):\n";
    int result = 0;
    if (opens_group) {
        display->indent += 2;
        display->group_depth = 1;
        if (traceback != NULL) {
            result = write_indent(display, display->indent);
            if (result == 0) {
                result = write_text(display, "+ ");
                Display plain = *display;
                plain.indent = 0;
                plain.group_depth = 0;
                if (result == 0) result = write_text(&plain, header);
                if (result == 0) result = show_traceback(display, traceback, NULL);
            }
        }
    } else {
        result = show_traceback(display, traceback, header);
    }
    Py_XDECREF(traceback);
    if (result < 0) return -1;
    if (PyObject_TypeCheck(value, (PyTypeObject *)PyExc_SyntaxError) && show_syntax_error(display, value, &message) < 0) {
        Py_XDECREF(message);
        return -1;
    }
    result = write_margin(display);
    if (result == 0) result = write_type(display, (PyObject *)Py_TYPE(value));
    if (result == 0) {
        PyObject *text = message == Py_None ? PyUnicode_New(0, 0) : PyObject_Str(message != NULL ? message : value);
        if (text == NULL) {
            do_without(display);
            result = write_text(display, ": <exception str() failed>");
        } else {
            if (PyUnicode_GET_LENGTH(text) > 0) {
                result = write_text(display, ": ");
                if (result == 0) result = PyFile_WriteObject(text, display->file, Py_PRINT_RAW);
            }
            Py_DECREF(text);
        }
    }
    Py_XDECREF(message);
    if (result == 0) result = write_suggestion(display, value);
    if (result == 0) result = write_text(display, "\n");
    if (result == 0) result = show_notes(display, value);
    return result;
}

static int show_recursive(Display *display, PyObject *value);

static int show_chained(Display *display, PyObject *value, const char *message) {
    int need_close = display->need_close, result;
    if (Py_EnterRecursiveCall(" in print_chained")) return -1;
    display->need_close = 0;
    result = show_recursive(display, value);
    display->need_close = need_close;
    Py_LeaveRecursiveCall();
    if (result < 0) return -1;
    if (write_margin(display) < 0 || write_text(display, "\n") < 0 || write_margin(display) < 0 ||
        write_text(display, message) < 0 || write_margin(display) < 0 || write_text(display, "\n") < 0)
        return -1;
    return 0;
}

/* Shows the cause or context first, unless it was shown already. */
static int show_cause_and_context(Display *display, PyObject *value) {
    if (display->seen == NULL) return 0;
    PyObject *id = PyLong_FromVoidPtr(value);
    int failed = id == NULL || PySet_Add(display->seen, id) < 0;
    Py_XDECREF(id);
    if (failed) return -1;
    PyObject *cause = PyException_GetCause(value), *context = NULL;
    const char *message = "The above exception was the direct cause of the following exception:\n";
    if (cause == NULL && !((PyBaseExceptionObject *)value)->suppress_context) {
        context = PyException_GetContext(value);
        cause = context;
        message = "During handling of the above exception, another exception occurred:\n";
    }
    if (cause == NULL) return 0;
    id = PyLong_FromVoidPtr(cause);
    int seen = id == NULL ? -1 : PySet_Contains(display->seen, id), result = 0;
    Py_XDECREF(id);
    if (seen < 0)
        result = -1;
    else if (!seen)
        result = show_chained(display, cause, message);
    Py_DECREF(cause);
    return result;
}

static int show_group(Display *display, PyObject *value) {
    if (display->group_depth > GROUP_DEPTH) {
        if (write_margin(display) < 0) return -1;
        return write_object(display, PyUnicode_FromFormat("... (max_group_depth is %d)\n", GROUP_DEPTH));
    }
    int own_depth = display->group_depth, own_indent = display->indent;
    if (show_one(display, value) < 0) return -1;
    PyObject *exceptions = ((PyBaseExceptionGroupObject *)value)->excs;
    Py_ssize_t total = PyTuple_GET_SIZE(exceptions), shown = total > GROUP_WIDTH ? GROUP_WIDTH : total;
    if (shown < total) shown = GROUP_WIDTH;
    display->need_close = 0;
    int result = 0;
    Py_ssize_t lines = total > shown ? shown + 1 : total;
    for (Py_ssize_t i = 0; i < lines && result == 0; i++) {
        int last = i == lines - 1, truncated = total > shown && last;
        if (last) display->need_close = 1;
        if (write_indent(display, display->indent) < 0) return -1;
        PyObject *bar = truncated ? PyUnicode_FromFormat("%s+---------------- ... ----------------\n", i == 0 ? "+-" : "  ")
                                  : PyUnicode_FromFormat("%s+---------------- %zd ----------------\n", i == 0 ? "+-" : "  ", i + 1);
        if (write_object(display, bar) < 0) return -1;
        display->group_depth++;
        display->indent += 2;
        if (truncated) {
            Py_ssize_t rest = total - shown;
            result = write_margin(display);
            if (result == 0)
                result = write_object(display, PyUnicode_FromFormat("and %zd more exception%s\n", rest, rest > 1 ? "s" : ""));
        } else {
            if (Py_EnterRecursiveCall(" in print_exception_group")) return -1;
            result = show_recursive(display, PyTuple_GET_ITEM(exceptions, i));
            Py_LeaveRecursiveCall();
        }
        if (result == 0 && last && display->need_close) {
            if (write_indent(display, display->indent) < 0 || write_text(display, "+------------------------------------\n") < 0)
                return -1;
            display->need_close = 0;
        }
        display->group_depth--;
        display->indent -= 2;
    }
    display->group_depth = own_depth;
    display->indent = own_indent;
    return result;
}

static int show_recursive(Display *display, PyObject *value) {
    if (Py_EnterRecursiveCall(" in print_exception_recursive")) return -1;
    int result = PyExceptionInstance_Check(value) ? show_cause_and_context(display, value) : 0;
    if (result == 0)
        result = PyObject_TypeCheck(value, (PyTypeObject *)PyExc_BaseExceptionGroup) ? show_group(display, value)
                                                                                    : show_one(display, value);
    Py_LeaveRecursiveCall();
    return result;
}

void _PyErr_Display(PyObject *file, PyObject *type, PyObject *value, PyObject *traceback) {
    Py_INCREF(value);
    if (PyExceptionInstance_Check(value) && traceback != NULL && PyTraceBack_Check(traceback)) {
        PyObject *current = PyException_GetTraceback(value);
        if (current == NULL) PyException_SetTraceback(value, traceback);
        Py_XDECREF(current);
    }
    Display display = {.file = file, .seen = PySet_New(NULL)};
    if (display.seen == NULL) do_without(&display);
    if (show_recursive(&display, value) < 0) {
        PyErr_Clear();
        _PyObject_Dump(value);
        fprintf(stderr, "lost sys.stderr\n");
    } else if (display.shortened && write_text(&display, "(shown in part: out of memory)\n") < 0) {
        PyErr_Clear();
    }
    Py_XDECREF(display.seen);
    PyObject *flushed = PyObject_CallMethodNoArgs(file, KR_NAME(flush));
    if (flushed == NULL) PyErr_Clear();
    Py_XDECREF(flushed);
    Py_DECREF(value);
}

void PyErr_Display(PyObject *type, PyObject *value, PyObject *traceback) {
    PyObject *file = PySys_GetObject("stderr");
    if (file == NULL) {
        _PyObject_Dump(value);
        fprintf(stderr, "lost sys.stderr\n");
        fflush(stderr);
        return;
    }
    if (file == Py_None || value == NULL) return;
    Py_INCREF(file);
    _PyErr_Display(file, type, value, traceback);
    Py_DECREF(file);
}
