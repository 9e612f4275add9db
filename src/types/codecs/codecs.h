/* Between text and bytes.
 *
 * A codec converts as long as it can and calls an *error handler* where it cannot. The well-known handlers have numbers and
 * are mostly served without a call; others are looked up in the registry when the first error occurs. KrDecodeErrors and
 * KrEncodeErrors hold what lives from one error to the next: the handler, and one exception object whose fields are changed
 * for each error.
 *
 * A decoding handler may put another bytes object in the place of the one being decoded; the codec goes on with `start`,
 * `next` and `end` of its KrDecodeErrors, which always describe the current one.
 */
#ifndef KR_TYPES_CODECS_CODECS_H
#define KR_TYPES_CODECS_CODECS_H

#include <Python.h>

#include "types/bytes_internal.h" /* kr_ascii_prefix */

/* The numbers are part of the binary interface of _Py_GetErrorHandler and its relatives. */
typedef enum {
    KR_ERRORS_UNKNOWN = 0,
    KR_ERRORS_STRICT,
    KR_ERRORS_SURROGATEESCAPE,
    KR_ERRORS_REPLACE,
    KR_ERRORS_IGNORE,
    KR_ERRORS_BACKSLASHREPLACE,
    KR_ERRORS_SURROGATEPASS,
    KR_ERRORS_XMLCHARREFREPLACE,
    KR_ERRORS_OTHER,
} KrErrorHandler;

/* Returns the number of a handler's name; NULL means strict. */
PyAPI_FUNC(KrErrorHandler) _Py_GetErrorHandler(const char *errors);

static inline int kr_is_surrogate(Py_UCS4 c) { return c >= 0xd800 && c <= 0xdfff; }
static inline int kr_is_high_surrogate(Py_UCS4 c) { return c >= 0xd800 && c <= 0xdbff; }
static inline int kr_is_low_surrogate(Py_UCS4 c) { return c >= 0xdc00 && c <= 0xdfff; }
static inline Py_UCS4 kr_join_surrogates(Py_UCS4 high, Py_UCS4 low) {
    return 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
}
/* The byte that surrogateescape stands for, or -1. */
static inline int kr_escaped_byte(Py_UCS4 c) { return c >= 0xdc80 && c <= 0xdcff ? (int)(c - 0xdc00) : -1; }

/* ---- decoding (errors.c) ---- */

typedef struct {
    const char *encoding, *errors;
    KrErrorHandler kind;
    const char *start, *next, *end; /* the input and how far it was decoded */
    PyObject *handler, *exception;
    PyObject *replaced_input;       /* bytes object that holds the input since a handler has put it there */
} KrDecodeErrors;

void kr_decode_begin(KrDecodeErrors *state, const char *encoding, const char *errors, const char *data, Py_ssize_t size);
void kr_decode_end(KrDecodeErrors *state);
/* Handles the error of the bytes from `first` up to `last`: writes what stands for them and sets state->next. Returns 0, or
 * -1 with an exception. */
int kr_decode_error(KrDecodeErrors *state, const char *first, const char *last, const char *reason,
                    _PyUnicodeWriter *writer);

/* The names of characters, from the module unicodedata; NULL with an exception if it cannot be imported (errors.c). */
const struct KrCharacterNames *kr_codec_character_names(void);

/* ---- encoding (errors.c) ---- */

typedef struct {
    const char *encoding, *errors;
    KrErrorHandler kind;
    PyObject *text; /* borrowed */
    PyObject *handler, *exception;
} KrEncodeErrors;

void kr_encode_begin(KrEncodeErrors *state, const char *encoding, const char *errors, PyObject *text);
void kr_encode_end(KrEncodeErrors *state);
/* Calls the handler for the characters from `first` up to `last`. Returns what stands for them, a new reference to str or
 * bytes, and stores where to go on; NULL with an exception. */
PyObject *kr_encode_call_handler(KrEncodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason,
                                 Py_ssize_t *next);
/* Raises UnicodeEncodeError for the characters from `first` up to `last`. */
void kr_encode_raise(KrEncodeErrors *state, Py_ssize_t first, Py_ssize_t last, const char *reason);

/* ---- the locale's and the file system's encoding (locale.c, filesystem.c) ---- */

/* Decodes a C string of the locale's encoding, or of UTF-8 in UTF-8 mode unless `current_locale` is set. *text is memory of
 * PyMem_RawMalloc. Returns 0; -1 out of memory; -2 on a decoding error (*length is its position); -3 if the handler is not
 * supported. */
PyAPI_FUNC(int) _Py_DecodeLocaleEx(const char *bytes, wchar_t **text, size_t *length, const char **reason,
                                   int current_locale, KrErrorHandler errors);
/* The reverse, with the same results. */
PyAPI_FUNC(int) _Py_EncodeLocaleEx(const wchar_t *text, char **bytes, size_t *error_position, const char **reason,
                                   int current_locale, KrErrorHandler errors);

/* Between str and the locale's encoding; only strict and surrogateescape are supported. New reference or NULL. */
PyObject *kr_encode_locale(PyObject *text, KrErrorHandler errors, int current_locale);
PyObject *kr_decode_locale(const char *bytes, Py_ssize_t size, KrErrorHandler errors, int current_locale);
/* Py_EncodeLocale with memory of PyMem_RawMalloc. */
PyAPI_FUNC(char *) _Py_EncodeLocaleRaw(const wchar_t *text, size_t *error_position);

/* Sets the encoding and the error handler of file names, once at start-up; the strings are copied. Returns 0 or -1 with
 * MemoryError. Before, file names are in the encoding of the locale. */
int kr_codecs_set_filesystem(const char *encoding, const char *errors);
void kr_codecs_finalize_filesystem(void);

/* ---- registry (registry.c) ---- */

/* The handlers of handlers.c, by the names they are registered under; ends with a NULL name. */
typedef struct {
    const char *name;
    PyMethodDef method;
} KrHandlerEntry;
extern KrHandlerEntry kr_codec_handlers[];

/* ---- escapes ---- */

/* Writes \xhh, \uhhhh or \Uhhhhhhhh, whichever is shortest; returns the end. */
static inline char *kr_write_backslash_escape(char *output, Py_UCS4 c) {
    int digits = c > 0xffff ? 8 : c > 0xff ? 4 : 2;
    *output++ = '\\';
    *output++ = digits == 8 ? 'U' : digits == 4 ? 'u' : 'x';
    while (digits-- > 0) *output++ = Py_hexdigits[c >> (4 * digits) & 15];
    return output;
}

/* Writes &#n; (ten characters at most); returns the end. */
static inline char *kr_write_character_reference(char *output, Py_UCS4 c) {
    char digits[8];
    int count = 0;
    do digits[count++] = (char)('0' + c % 10);
    while ((c /= 10) != 0);
    *output++ = '&';
    *output++ = '#';
    while (count > 0) *output++ = digits[--count];
    *output++ = ';';
    return output;
}

void kr_codecs_finalize(void);
/* Writes an encoding's name in lower case with every run of other characters than letters, digits and dots as one
 * underscore; returns 0 if it does not fit. */
int kr_normalize_encoding(const char *encoding, char *lower, size_t size);

#endif
