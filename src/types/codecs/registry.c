/* The registry of codecs and error handlers.
 *
 * A search function takes the normalised name of an encoding and returns a tuple (encoder, decoder, stream reader, stream
 * writer) or None. What was found is kept. The standard search function is that of the `encodings` package, which is
 * imported when the registry is used first.
 */
#include <Python.h>
#include <string.h>

#include "object/interpreter.h"
#include "object/names.h"
#include "object/runtime.h"
#include "types/codecs/codecs.h"

/* The registry belongs to the interpreter: search functions are objects of its modules. */
#define REGISTRY (kr_tstate()->interp->codecs)

void kr_codecs_finalize(void) {
    Py_CLEAR(REGISTRY.search_functions);
    Py_CLEAR(REGISTRY.cache);
    Py_CLEAR(REGISTRY.handlers);
    REGISTRY.imported = 0;
}

/* ---- error handlers ---- */

static int create_handlers(void) {
    REGISTRY.handlers = PyDict_New();
    if (REGISTRY.handlers == NULL) return -1;
    for (KrHandlerEntry *entry = kr_codec_handlers; entry->name != NULL; entry++) {
        PyObject *function = PyCFunction_NewEx(&entry->method, NULL, NULL);
        int failed = function == NULL || PyDict_SetItemString(REGISTRY.handlers, entry->name, function) < 0;
        Py_XDECREF(function);
        if (failed) {
            Py_CLEAR(REGISTRY.handlers);
            return -1;
        }
    }
    return 0;
}

int PyCodec_RegisterError(const char *name, PyObject *handler) {
    if (REGISTRY.handlers == NULL && create_handlers() < 0) return -1;
    if (!PyCallable_Check(handler)) {
        PyErr_SetString(PyExc_TypeError, "handler must be callable");
        return -1;
    }
    return PyDict_SetItemString(REGISTRY.handlers, name, handler);
}

PyObject *PyCodec_LookupError(const char *name) {
    if (REGISTRY.handlers == NULL && create_handlers() < 0) return NULL;
    if (name == NULL) name = "strict";
    PyObject *key = PyUnicode_FromString(name);
    if (key == NULL) return NULL;
    PyObject *handler = PyDict_GetItemWithError(REGISTRY.handlers, key);
    Py_DECREF(key);
    if (handler != NULL) return Py_NewRef(handler);
    if (!PyErr_Occurred()) PyErr_Format(PyExc_LookupError, "unknown error handler name '%.400s'", name);
    return NULL;
}

/* ---- search functions ---- */

/* Prepares the registry. Returns 0 or -1. */
static int open_registry(void) {
    if (kr_tstate()->interp->modules == NULL) { /* at the interpreter's end */
        PyErr_SetString(PyExc_LookupError, "no codec search functions registered: can't find encoding");
        return -1;
    }
    if (REGISTRY.search_functions == NULL) {
        REGISTRY.search_functions = PyList_New(0);
        REGISTRY.cache = PyDict_New();
        if (REGISTRY.search_functions == NULL || REGISTRY.cache == NULL) {
            Py_CLEAR(REGISTRY.search_functions);
            Py_CLEAR(REGISTRY.cache);
            return -1;
        }
    }
    if (!REGISTRY.imported) {
        REGISTRY.imported = 1; /* importing it registers its search function */
        PyObject *module = PyImport_ImportModule("encodings");
        if (module == NULL) {
            REGISTRY.imported = 0;
            return -1;
        }
        Py_DECREF(module);
    }
    return 0;
}

int PyCodec_Register(PyObject *search_function) {
    if (open_registry() < 0) return -1;
    if (search_function == NULL) {
        PyErr_BadArgument();
        return -1;
    }
    if (!PyCallable_Check(search_function)) {
        PyErr_SetString(PyExc_TypeError, "argument must be callable");
        return -1;
    }
    return PyList_Append(REGISTRY.search_functions, search_function);
}

int PyCodec_Unregister(PyObject *search_function) {
    if (REGISTRY.search_functions == NULL) return 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(REGISTRY.search_functions); i++) {
        if (PyList_GET_ITEM(REGISTRY.search_functions, i) == search_function) {
            PyDict_Clear(REGISTRY.cache);
            return PyList_SetSlice(REGISTRY.search_functions, i, i + 1, NULL);
        }
    }
    return 0;
}

/* ---- looking codecs up ---- */

int kr_normalize_encoding(const char *encoding, char *lower, size_t size) {
    char *output = lower, *last = lower + size - 1;
    int pending = 0; /* other characters between two parts of the name */
    for (; *encoding != 0; encoding++) {
        unsigned char c = (unsigned char)*encoding;
        if (!Py_ISALNUM(c) && c != '.') {
            pending = 1;
            continue;
        }
        if (pending && output != lower) {
            if (output == last) return 0;
            *output++ = '_';
        }
        pending = 0;
        if (output == last) return 0;
        *output++ = Py_TOLOWER(c);
    }
    *output = 0;
    return 1;
}

/* Returns the key of an encoding in the cache, an interned str. */
static PyObject *cache_key(const char *encoding) {
    size_t size = strlen(encoding) + 1;
    if (size > PY_SSIZE_T_MAX) {
        PyErr_SetString(PyExc_OverflowError, "string is too large");
        return NULL;
    }
    char *lower = PyMem_Malloc(size);
    if (lower == NULL) return PyErr_NoMemory();
    kr_normalize_encoding(encoding, lower, size);
    PyObject *key = PyUnicode_FromString(lower);
    PyMem_Free(lower);
    if (key != NULL) PyUnicode_InternInPlace(&key);
    return key;
}

/* Asks the search functions. Returns a codec tuple, a new reference, or NULL. */
static PyObject *search(PyObject *key, const char *encoding) {
    if (PyList_GET_SIZE(REGISTRY.search_functions) == 0) {
        PyErr_SetString(PyExc_LookupError, "no codec search functions registered: can't find encoding");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(REGISTRY.search_functions); i++) {
        PyObject *function = Py_NewRef(PyList_GET_ITEM(REGISTRY.search_functions, i));
        PyObject *codec = PyObject_CallOneArg(function, key);
        Py_DECREF(function);
        if (codec == NULL) return NULL;
        if (codec == Py_None) {
            Py_DECREF(codec);
            continue;
        }
        if (PyTuple_Check(codec) && PyTuple_GET_SIZE(codec) == 4) return codec;
        PyErr_SetString(PyExc_TypeError, "codec search functions must return 4-tuples");
        Py_DECREF(codec);
        return NULL;
    }
    PyErr_Format(PyExc_LookupError, "unknown encoding: %s", encoding);
    return NULL;
}

PyObject *_PyCodec_Lookup(const char *encoding) {
    if (encoding == NULL) {
        PyErr_BadArgument();
        return NULL;
    }
    if (open_registry() < 0) return NULL;
    PyObject *key = cache_key(encoding);
    if (key == NULL) return NULL;
    PyObject *codec = PyDict_GetItemWithError(REGISTRY.cache, key);
    if (codec != NULL) {
        Py_INCREF(codec);
    } else if (!PyErr_Occurred()) {
        codec = search(key, encoding);
        if (codec != NULL && PyDict_SetItem(REGISTRY.cache, key, codec) < 0) Py_CLEAR(codec);
    }
    Py_DECREF(key);
    return codec;
}

int _PyCodec_Forget(const char *encoding) {
    if (REGISTRY.cache == NULL) return -1;
    PyObject *key = cache_key(encoding);
    if (key == NULL) return -1;
    int result = PyDict_DelItem(REGISTRY.cache, key);
    Py_DECREF(key);
    return result;
}

int PyCodec_KnownEncoding(const char *encoding) {
    PyObject *codec = _PyCodec_Lookup(encoding);
    if (codec == NULL) {
        PyErr_Clear();
        return 0;
    }
    Py_DECREF(codec);
    return 1;
}

/* ---- parts of codecs ---- */

static PyObject *codec_item(const char *encoding, int index) {
    PyObject *codec = _PyCodec_Lookup(encoding);
    if (codec == NULL) return NULL;
    PyObject *item = Py_NewRef(PyTuple_GET_ITEM(codec, index));
    Py_DECREF(codec);
    return item;
}

PyObject *PyCodec_Encoder(const char *encoding) { return codec_item(encoding, 0); }
PyObject *PyCodec_Decoder(const char *encoding) { return codec_item(encoding, 1); }

static PyObject *call_factory(PyObject *codec, const char *attribute, const char *errors) {
    PyObject *factory = PyObject_GetAttrString(codec, attribute);
    if (factory == NULL) return NULL;
    PyObject *result = errors != NULL ? PyObject_CallFunction(factory, "s", errors) : PyObject_CallNoArgs(factory);
    Py_DECREF(factory);
    return result;
}

PyObject *_PyCodecInfo_GetIncrementalDecoder(PyObject *codec_info, const char *errors) {
    return call_factory(codec_info, "incrementaldecoder", errors);
}

PyObject *_PyCodecInfo_GetIncrementalEncoder(PyObject *codec_info, const char *errors) {
    return call_factory(codec_info, "incrementalencoder", errors);
}

static PyObject *incremental(const char *encoding, const char *attribute, const char *errors) {
    PyObject *codec = _PyCodec_Lookup(encoding);
    if (codec == NULL) return NULL;
    PyObject *result = call_factory(codec, attribute, errors);
    Py_DECREF(codec);
    return result;
}

PyObject *PyCodec_IncrementalEncoder(const char *encoding, const char *errors) {
    return incremental(encoding, "incrementalencoder", errors);
}

PyObject *PyCodec_IncrementalDecoder(const char *encoding, const char *errors) {
    return incremental(encoding, "incrementaldecoder", errors);
}

static PyObject *stream(const char *encoding, PyObject *file, const char *errors, int index) {
    PyObject *factory = codec_item(encoding, index);
    if (factory == NULL) return NULL;
    PyObject *result = errors != NULL ? PyObject_CallFunction(factory, "Os", file, errors)
                                      : PyObject_CallOneArg(factory, file);
    Py_DECREF(factory);
    return result;
}

PyObject *PyCodec_StreamReader(const char *encoding, PyObject *file, const char *errors) {
    return stream(encoding, file, errors, 2);
}

PyObject *PyCodec_StreamWriter(const char *encoding, PyObject *file, const char *errors) {
    return stream(encoding, file, errors, 3);
}

/* ---- converting ---- */

/* Calls an encoder or decoder, whose reference it takes, and returns the first item of the pair that it returns. */
static PyObject *call_coder(PyObject *coder, PyObject *object, const char *encoding, const char *errors, int encode) {
    if (coder == NULL) return NULL;
    PyObject *pair = errors != NULL ? PyObject_CallFunction(coder, "Os", object, errors)
                                    : PyObject_CallOneArg(coder, object);
    Py_DECREF(coder);
    if (pair == NULL) {
        _PyErr_TrySetFromCause("%s with '%s' codec failed", encode ? "encoding" : "decoding", encoding);
        return NULL;
    }
    PyObject *result = NULL;
    if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2)
        result = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    else
        PyErr_SetString(PyExc_TypeError, encode ? "encoder must return a tuple (object, integer)"
                                                : "decoder must return a tuple (object,integer)");
    Py_DECREF(pair);
    return result;
}

PyObject *PyCodec_Encode(PyObject *object, const char *encoding, const char *errors) {
    return call_coder(PyCodec_Encoder(encoding), object, encoding, errors, 1);
}

PyObject *PyCodec_Decode(PyObject *object, const char *encoding, const char *errors) {
    return call_coder(PyCodec_Decoder(encoding), object, encoding, errors, 0);
}

/* Codecs that say of themselves that they are not between text and bytes are refused; plain tuples say nothing. */
PyObject *_PyCodec_LookupTextEncoding(const char *encoding, const char *alternate_command) {
    PyObject *codec = _PyCodec_Lookup(encoding), *attribute;
    if (codec == NULL || PyTuple_CheckExact(codec)) return codec;
    if (_PyObject_LookupAttr(codec, KR_NAME(_is_text_encoding), &attribute) < 0) goto failed;
    if (attribute == NULL) return codec;
    int is_text = PyObject_IsTrue(attribute);
    Py_DECREF(attribute);
    if (is_text > 0) return codec;
    if (is_text == 0)
        PyErr_Format(PyExc_LookupError, "'%.400s' is not a text encoding; use %s to handle arbitrary codecs", encoding,
                     alternate_command);
failed:
    Py_DECREF(codec);
    return NULL;
}

static PyObject *text_coder(const char *encoding, const char *alternate_command, int index) {
    PyObject *codec = _PyCodec_LookupTextEncoding(encoding, alternate_command);
    if (codec == NULL) return NULL;
    PyObject *coder = Py_NewRef(PyTuple_GET_ITEM(codec, index));
    Py_DECREF(codec);
    return coder;
}

PyObject *_PyCodec_EncodeText(PyObject *object, const char *encoding, const char *errors) {
    return call_coder(text_coder(encoding, "codecs.encode()", 0), object, encoding, errors, 1);
}

PyObject *_PyCodec_DecodeText(PyObject *object, const char *encoding, const char *errors) {
    return call_coder(text_coder(encoding, "codecs.decode()", 1), object, encoding, errors, 0);
}
