/* Source text: byte order mark, encoding declaration, line ends. */
#include <Python.h>

#include "syntax/parse.h"
#include "syntax/source.h"


void kr_source_destroy(KrSource *source) {
    PyMem_Free(source->text);
    PyMem_Free(source->encoding);
    source->text = source->encoding = NULL;
}

/* Copies text with '\r\n' and '\r' turned into '\n', and a newline at its end if wanted. */
static int copy_lines(KrSource *source, const char *text, size_t length, bool complete_line) {
    char *copy = PyMem_Malloc(length + 2);
    if (copy == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    source->text = copy;
    const char *end = text + length, *s = text;
    char *out = copy;
    while (s < end) {
        const char *cr = memchr(s, '\r', (size_t)(end - s));
        size_t run = (size_t)((cr != NULL ? cr : end) - s);
        memcpy(out, s, run);
        out += run;
        if (cr == NULL) break;
        *out++ = '\n';
        s = cr + 1;
        if (s < end && *s == '\n') s++;
    }
    if (complete_line && (out == copy || out[-1] != '\n')) *out++ = '\n';
    *out = '\0';
    source->length = (size_t)(out - copy);
    return 0;
}

/* Raises SyntaxError about the source as a whole; takes the reference to `message`, which may be NULL after a failure. */
static void raise_for_source(PyObject *message, PyObject *filename) {
    if (message == NULL) return;
    PyObject *value = Py_BuildValue("(N(OiiO))", message, filename, 0, -1, Py_None);
    if (value == NULL) return;
    PyErr_SetObject(PyExc_SyntaxError, value);
    Py_DECREF(value);
}

/* Turns a codec's complaint into a SyntaxError with the same text. */
static void convert_codec_error(PyObject *filename) {
    if (!PyErr_ExceptionMatches(PyExc_LookupError) && !PyErr_ExceptionMatches(PyExc_SyntaxError) &&
        !PyErr_ExceptionMatches(PyExc_UnicodeError))
        return;
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    raise_for_source(PyObject_Str(error), filename);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
}

static bool is_name_part(char c) { return Py_ISALNUM(Py_CHARMASK(c)) || c == '-' || c == '_' || c == '.'; }

/* The names under which the two most common encodings are known are unified. */
static void normalize_encoding(char *name) {
    enum { SIGNIFICANT = 12 };
    char lower[SIGNIFICANT + 1];
    int i = 0;
    for (; i < SIGNIFICANT && name[i] != '\0'; i++) {
        lower[i] = name[i] == '_' ? '-' : (char)Py_TOLOWER(Py_CHARMASK(name[i]));
    }
    lower[i] = '\0';
    if (strcmp(lower, "utf-8") == 0 || strncmp(lower, "utf-8-", 6) == 0) {
        strcpy(name, "utf-8");
    } else if (strcmp(lower, "latin-1") == 0 || strcmp(lower, "iso-8859-1") == 0 || strcmp(lower, "iso-latin-1") == 0 ||
               strncmp(lower, "latin-1-", 8) == 0 || strncmp(lower, "iso-8859-1-", 11) == 0 ||
               strncmp(lower, "iso-latin-1-", 12) == 0) {
        /* "latin-1" is shorter than the name that replaces it: callers reserve the space. */
        strcpy(name, "iso-8859-1");
    }
}

/* Looks for an encoding declaration in the comment of a line. Returns an allocated name, or NULL; `*code` tells that the
 * line is not just a comment. */
static char *find_cookie(const char *line, const char *end, bool *code) {
    static const char word[] = "coding";
    const size_t length = sizeof(word) - 1;
    const char *s = line;
    while (s < end && (*s == ' ' || *s == '\t' || *s == '\f')) s++;
    *code = s < end && *s != '#' && *s != '\n';
    if (s == end || *s != '#') return NULL;
    for (; (size_t)(end - s) > length; s++) {
        if (memcmp(s, word, length) != 0 || (s[length] != ':' && s[length] != '=')) continue;
        const char *name = s + length + 1;
        while (*name == ' ' || *name == '\t') name++;
        const char *name_end = name;
        while (is_name_part(*name_end)) name_end++;
        if (name_end == name) continue;
        char *result = PyMem_Malloc((size_t)(name_end - name) + sizeof("iso-8859-1"));
        if (result == NULL) {
            PyErr_NoMemory();
            return NULL;
        }
        memcpy(result, name, (size_t)(name_end - name));
        result[name_end - name] = '\0';
        normalize_encoding(result);
        return result;
    }
    return NULL;
}

/* Finds the declaration in the first or second line. Returns 0, or -1 with an exception. */
static int find_encoding(KrSource *source) {
    const char *line = source->text;
    for (int i = 0; i < 2; i++) {
        const char *newline = strchr(line, '\n');
        bool code;
        if (newline == NULL) break;
        source->encoding = find_cookie(line, newline, &code);
        if (source->encoding != NULL || code) break;
        if (PyErr_Occurred()) return -1;
        line = newline + 1;
    }
    return 0;
}

/* Replaces the text, which is in the declared encoding, by UTF-8. */
static int decode(KrSource *source, PyObject *filename) {
    PyObject *text = PyUnicode_Decode(source->text, (Py_ssize_t)source->length, source->encoding, NULL);
    PyObject *utf8 = text != NULL ? PyUnicode_AsUTF8String(text) : NULL;
    Py_XDECREF(text);
    if (utf8 == NULL) {
        convert_codec_error(filename);
        return -1;
    }
    size_t length = (size_t)PyBytes_GET_SIZE(utf8);
    char *copy = PyMem_Realloc(source->text, length + 1);
    if (copy == NULL) {
        Py_DECREF(utf8);
        PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, PyBytes_AS_STRING(utf8), length + 1);
    Py_DECREF(utf8);
    source->text = copy;
    source->length = length;
    return 0;
}

int kr_source_init(KrSource *source, const char *bytes, size_t length, PyObject *filename, bool is_utf8,
                   bool complete_line) {
    static const char mark[] = "\xef\xbb\xbf";
    memset(source, 0, sizeof(*source));
    if (memchr(bytes, '\0', length) != NULL) {
        PyErr_SetString(PyExc_ValueError, "source code string cannot contain null bytes");
        return -1;
    }
    bool marked = !is_utf8 && length >= 3 && memcmp(bytes, mark, 3) == 0;
    if (marked) {
        bytes += 3;
        length -= 3;
    }
    if (copy_lines(source, bytes, length, complete_line) < 0) return -1;
    if (is_utf8) return 0;
    if (find_encoding(source) < 0) return -1;
    if (marked) {
        if (source->encoding != NULL) {
            if (strcmp(source->encoding, "utf-8") == 0) return 0;
            raise_for_source(PyUnicode_FromFormat("encoding problem: %s with BOM", source->encoding), filename);
            return -1;
        }
        source->encoding = PyMem_Malloc(sizeof("utf-8"));
        if (source->encoding == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        strcpy(source->encoding, "utf-8");
        return 0;
    }
    if (source->encoding == NULL || strcmp(source->encoding, "utf-8") == 0) return 0;
    return decode(source, filename);
}

/* Length of the valid UTF-8 sequence at `s`, or 0. */
static int sequence_length(const unsigned char *s, const unsigned char *end) {
    unsigned char c = *s;
    int length = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (length == 0 || end - s < length) return 0;
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    if ((c == 0xe0 && s[1] < 0xa0) || (c == 0xed && s[1] > 0x9f) || (c == 0xf0 && s[1] < 0x90) ||
        (c == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

/* Number of the first line that is not UTF-8, or 0; `*wrong` is the byte there. */
static int find_wrong_line(const char *bytes, size_t length, unsigned char *wrong) {
    const unsigned char *s = (const unsigned char *)bytes, *end = s + length;
    int lineno = 1;
    while (s < end) {
        int step = sequence_length(s, end);
        if (step == 0) {
            *wrong = *s;
            return lineno;
        }
        lineno += *s == '\n';
        s += step;
    }
    return 0;
}

int kr_source_check_file(const char *bytes, size_t length, PyObject *filename) {
    KrSource source;
    int status = kr_source_init(&source, bytes, length, filename, false, true);
    if (status < 0) {
        /* What is wrong with the encoding is not told for files, nor where. */
        if (PyErr_ExceptionMatches(PyExc_SyntaxError) && source.encoding != NULL) {
            bool marked = (unsigned char)bytes[0] == 0xef;
            PyErr_Format(PyExc_SyntaxError, "encoding problem: %s%s", source.encoding, marked ? " with BOM" : "");
        }
    } else if (source.encoding == NULL) {
        unsigned char wrong;
        int lineno = find_wrong_line(bytes, length, &wrong);
        if (lineno > 0) {
            PyErr_Format(PyExc_SyntaxError,
                         "Non-UTF-8 code starting with '\\x%.2x' in file %U on line %i, but no encoding declared; see "
                         "https://peps.python.org/pep-0263/ for details",
                         wrong, filename, lineno);
            status = -1;
        }
    }
    kr_source_destroy(&source);
    return status;
}
