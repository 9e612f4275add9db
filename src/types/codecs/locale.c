/* Text in the encoding of the C library's locale.
 *
 * These functions are needed before there are Python objects: memory comes from PyMem_RawMalloc and errors are numbers, as
 * codecs.h says. In UTF-8 mode the encoding is UTF-8 whatever the locale is, except where the current locale is asked for.
 */
#include <Python.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "types/codecs/codecs.h"

enum { RESULT_OK = 0, RESULT_NO_MEMORY = -1, RESULT_BAD_TEXT = -2, RESULT_BAD_HANDLER = -3 };

static int is_supported(KrErrorHandler errors) {
    return errors == KR_ERRORS_STRICT || errors == KR_ERRORS_SURROGATEESCAPE;
}

/* ---- decoding ---- */

static int decoding_error(size_t *length, size_t position, const char **reason) {
    if (length != NULL) *length = position;
    if (reason != NULL) *reason = "decoding error";
    return RESULT_BAD_TEXT;
}

/* Reads one character of the locale's encoding. Returns the number of bytes, or 0 if they are no character. */
static size_t read_locale(const char *bytes, size_t size, mbstate_t *shift, wchar_t *character) {
    size_t used = mbrtowc(character, bytes, size, shift);
    if (used == (size_t)-1 || used == (size_t)-2 || kr_is_surrogate((Py_UCS4)*character) || *character > 0x10ffff) {
        memset(shift, 0, sizeof *shift);
        return 0;
    }
    return used;
}

/* The length of the UTF-8 sequence at `bytes`, 0 if there is no valid one; with `surrogates` those are valid. */
static size_t read_utf8(const char *bytes, size_t size, int surrogates, wchar_t *character) {
    const unsigned char *p = (const unsigned char *)bytes;
    unsigned char lead = p[0];
    size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length == 0 || length > size) return 0;
    Py_UCS4 c = length == 1 ? lead : lead & (0xff >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if ((length == 3 && c < 0x800) || (length == 4 && (c < 0x10000 || c > 0x10ffff))) return 0;
    if (kr_is_surrogate(c) && !surrogates) return 0;
    *character = (wchar_t)c;
    return length;
}

int _Py_DecodeLocaleEx(const char *bytes, wchar_t **text, size_t *length, const char **reason, int current_locale,
                       KrErrorHandler errors) {
    int use_utf8 = Py_UTF8Mode == 1 && !current_locale;
    if (!is_supported(errors) && !(use_utf8 && errors == KR_ERRORS_SURROGATEPASS)) return RESULT_BAD_HANDLER;
    size_t size = strlen(bytes), position = 0, count = 0;
    if (size >= PY_SSIZE_T_MAX / sizeof(wchar_t)) return RESULT_NO_MEMORY;
    wchar_t *output = PyMem_RawMalloc((size + 1) * sizeof(wchar_t));
    if (output == NULL) return RESULT_NO_MEMORY;
    mbstate_t shift = {0};
    while (position < size) {
        wchar_t character = 0;
        size_t used = use_utf8 ? read_utf8(bytes + position, size - position, errors == KR_ERRORS_SURROGATEPASS, &character)
                               : read_locale(bytes + position, size - position, &shift, &character);
        if (used == 0) {
            unsigned char byte = (unsigned char)bytes[position];
            if (errors != KR_ERRORS_SURROGATEESCAPE || byte < 0x80) {
                PyMem_RawFree(output);
                return decoding_error(length, position, reason);
            }
            character = 0xdc00 + byte;
            used = 1;
        }
        output[count++] = character;
        position += used;
    }
    output[count] = 0;
    *text = output;
    if (length != NULL) *length = count;
    return RESULT_OK;
}

wchar_t *Py_DecodeLocale(const char *bytes, size_t *length) {
    wchar_t *text;
    int result = _Py_DecodeLocaleEx(bytes, &text, length, NULL, 0, KR_ERRORS_SURROGATEESCAPE);
    if (result == RESULT_OK) return text;
    if (length != NULL) *length = result == RESULT_BAD_TEXT ? (size_t)-2 : (size_t)-1;
    return NULL;
}

/* ---- encoding ---- */

static size_t write_utf8(char *output, Py_UCS4 c, int surrogates) {
    if (c < 0x80) {
        output[0] = (char)c;
        return 1;
    }
    if (c > 0x10ffff || (kr_is_surrogate(c) && !surrogates)) return 0;
    size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, c >>= 6) output[i] = (char)(0x80 | (c & 0x3f));
    output[0] = (char)(0xf00 >> length | c);
    return length;
}

static size_t write_locale(char *output, wchar_t character, mbstate_t *shift) {
    size_t used = wcrtomb(output, character, shift);
    if (used != (size_t)-1) return used;
    memset(shift, 0, sizeof *shift);
    return 0;
}

/* Encodes to memory of `allocate`. */
static int encode(const wchar_t *text, char **bytes, size_t *error_position, const char **reason, int current_locale,
                  KrErrorHandler errors, void *(*allocate)(size_t), void (*release)(void *)) {
    int use_utf8 = Py_UTF8Mode == 1 && !current_locale;
    if (!is_supported(errors) && !(use_utf8 && errors == KR_ERRORS_SURROGATEPASS)) return RESULT_BAD_HANDLER;
    size_t longest = use_utf8 ? 4 : MB_CUR_MAX, length = wcslen(text), position = 0;
    if (length >= PY_SSIZE_T_MAX / longest) return RESULT_NO_MEMORY;
    char *output = allocate(length * longest + 1);
    if (output == NULL) return RESULT_NO_MEMORY;
    mbstate_t shift = {0};
    for (size_t i = 0; i < length; i++) {
        Py_UCS4 c = (Py_UCS4)text[i];
        int escaped = errors == KR_ERRORS_SURROGATEESCAPE ? kr_escaped_byte(c) : -1;
        size_t used = 1;
        if (escaped >= 0)
            output[position] = (char)escaped;
        else if (use_utf8)
            used = write_utf8(output + position, c, errors == KR_ERRORS_SURROGATEPASS);
        else
            used = write_locale(output + position, text[i], &shift);
        if (used == 0) {
            release(output);
            if (error_position != NULL) *error_position = i;
            if (reason != NULL) *reason = "encoding error";
            return RESULT_BAD_TEXT;
        }
        position += used;
    }
    output[position] = 0;
    *bytes = output;
    return RESULT_OK;
}

int _Py_EncodeLocaleEx(const wchar_t *text, char **bytes, size_t *error_position, const char **reason,
                       int current_locale, KrErrorHandler errors) {
    return encode(text, bytes, error_position, reason, current_locale, errors, PyMem_RawMalloc, PyMem_RawFree);
}

static char *encode_or_null(const wchar_t *text, size_t *error_position, void *(*allocate)(size_t),
                            void (*release)(void *)) {
    char *bytes;
    if (error_position != NULL) *error_position = (size_t)-1;
    int result = encode(text, &bytes, error_position, NULL, 0, KR_ERRORS_SURROGATEESCAPE, allocate, release);
    return result == RESULT_OK ? bytes : NULL;
}

char *Py_EncodeLocale(const wchar_t *text, size_t *error_position) {
    return encode_or_null(text, error_position, PyMem_Malloc, PyMem_Free);
}

char *_Py_EncodeLocaleRaw(const wchar_t *text, size_t *error_position) {
    return encode_or_null(text, error_position, PyMem_RawMalloc, PyMem_RawFree);
}

/* ---- str objects ---- */

static PyObject *unsupported_handler(void) {
    PyErr_SetString(PyExc_ValueError, "unsupported error handler");
    return NULL;
}

PyObject *kr_encode_locale(PyObject *text, KrErrorHandler errors, int current_locale) {
    Py_ssize_t length;
    wchar_t *wide = PyUnicode_AsWideCharString(text, &length);
    if (wide == NULL) return NULL;
    if ((size_t)length != wcslen(wide)) {
        PyErr_SetString(PyExc_ValueError, "embedded null character");
        PyMem_Free(wide);
        return NULL;
    }
    char *bytes;
    size_t position;
    const char *reason;
    int result = _Py_EncodeLocaleEx(wide, &bytes, &position, &reason, current_locale, errors);
    PyMem_Free(wide);
    if (result == RESULT_OK) {
        PyObject *object = PyBytes_FromString(bytes);
        PyMem_RawFree(bytes);
        return object;
    }
    if (result == RESULT_NO_MEMORY) return PyErr_NoMemory();
    if (result == RESULT_BAD_HANDLER) return unsupported_handler();
    PyObject *exception = PyObject_CallFunction(PyExc_UnicodeEncodeError, "sOnns", "locale", text, (Py_ssize_t)position,
                                                (Py_ssize_t)position + 1, reason);
    if (exception != NULL) {
        PyCodec_StrictErrors(exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *kr_decode_locale(const char *bytes, Py_ssize_t size, KrErrorHandler errors, int current_locale) {
    if (bytes[size] != 0 || (size_t)size != strlen(bytes)) {
        PyErr_SetString(PyExc_ValueError, "embedded null byte");
        return NULL;
    }
    wchar_t *wide;
    size_t length;
    const char *reason;
    int result = _Py_DecodeLocaleEx(bytes, &wide, &length, &reason, current_locale, errors);
    if (result == RESULT_OK) {
        PyObject *text = PyUnicode_FromWideChar(wide, (Py_ssize_t)length);
        PyMem_RawFree(wide);
        return text;
    }
    if (result == RESULT_NO_MEMORY) return PyErr_NoMemory();
    if (result == RESULT_BAD_HANDLER) return unsupported_handler();
    PyObject *exception = PyUnicodeDecodeError_Create("locale", bytes, size, (Py_ssize_t)length, (Py_ssize_t)length + 1,
                                                      reason);
    if (exception != NULL) {
        PyCodec_StrictErrors(exception);
        Py_DECREF(exception);
    }
    return NULL;
}

PyObject *PyUnicode_EncodeLocale(PyObject *text, const char *errors) {
    return kr_encode_locale(text, _Py_GetErrorHandler(errors), 1);
}

PyObject *PyUnicode_DecodeLocaleAndSize(const char *bytes, Py_ssize_t size, const char *errors) {
    return kr_decode_locale(bytes, size, _Py_GetErrorHandler(errors), 1);
}

PyObject *PyUnicode_DecodeLocale(const char *bytes, const char *errors) {
    return PyUnicode_DecodeLocaleAndSize(bytes, (Py_ssize_t)strlen(bytes), errors);
}
