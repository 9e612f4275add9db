/* Writing tracebacks from signal handlers. */
#include <Python.h>

#include <string.h>
#include <unistd.h>

#include "base/fileutils.h"
#include "collector/collector.h"
#include "object/interpreter.h"
#include "object/module.h"
#include "object/runtime.h"
#include "runtime/dump.h"
#include "vm/frame.h"

enum { FRAME_LIMIT = 100, THREAD_LIMIT = 100, TEXT_LIMIT = 500 };

static void put(int descriptor, const char *text) {
    size_t size = strlen(text);
    while (size > 0) {
        Py_ssize_t written = _Py_write_noraise(descriptor, text, size);
        if (written <= 0) return;
        text += written;
        size -= (size_t)written;
    }
}

void _Py_DumpDecimal(int descriptor, size_t value) {
    char digits[24], *at = digits + sizeof digits - 1;
    *at = 0;
    do *--at = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    put(descriptor, at);
}

void _Py_DumpHexadecimal(int descriptor, uintptr_t value, Py_ssize_t width) {
    char digits[sizeof(uintptr_t) * 2 + 1], *end = digits + sizeof digits - 1, *at = end;
    *at = 0;
    if (width > (Py_ssize_t)sizeof(uintptr_t) * 2) width = sizeof(uintptr_t) * 2;
    do *--at = "0123456789abcdef"[value & 15];
    while ((value >>= 4) != 0 || end - at < width);
    put(descriptor, at);
}

/* The text with everything but printable ASCII escaped, cut off after TEXT_LIMIT characters. */
void _Py_DumpASCII(int descriptor, PyObject *text) {
    if (!PyUnicode_Check(text) || !PyUnicode_IS_READY(text)) return;
    Py_ssize_t length = PyUnicode_GET_LENGTH(text), shown = length > TEXT_LIMIT ? TEXT_LIMIT : length;
    int kind = PyUnicode_KIND(text);
    const void *data = PyUnicode_DATA(text);
    char buffer[128];
    size_t used = 0;
    for (Py_ssize_t i = 0; i < shown; i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if (c >= ' ' && c <= '~') {
            buffer[used++] = (char)c;
        } else {
            int digits = c <= 0xff ? 2 : c <= 0xffff ? 4 : 8;
            buffer[used++] = '\\';
            buffer[used++] = digits == 2 ? 'x' : digits == 4 ? 'u' : 'U';
            while (--digits >= 0) buffer[used++] = "0123456789abcdef"[c >> (4 * digits) & 15];
        }
        if (used > sizeof buffer - 12) {
            buffer[used] = 0;
            put(descriptor, buffer);
            used = 0;
        }
    }
    buffer[used] = 0;
    put(descriptor, buffer);
    if (shown < length) put(descriptor, "...");
}

static void dump_text(int descriptor, PyObject *text) {
    if (text != NULL && PyUnicode_Check(text))
        _Py_DumpASCII(descriptor, text);
    else
        put(descriptor, "???");
}

static void dump_frame(int descriptor, const KrFrame *frame) {
    put(descriptor, "  File ");
    if (frame->code->co_filename != NULL && PyUnicode_Check(frame->code->co_filename)) {
        put(descriptor, "\"");
        _Py_DumpASCII(descriptor, frame->code->co_filename);
        put(descriptor, "\"");
    } else {
        put(descriptor, "???");
    }
    int line = kr_frame_line(frame);
    put(descriptor, ", line ");
    if (line >= 0)
        _Py_DumpDecimal(descriptor, (size_t)line);
    else
        put(descriptor, "???");
    put(descriptor, " in ");
    dump_text(descriptor, frame->code->co_name);
    put(descriptor, "\n");
}

static void dump_stack(int descriptor, PyThreadState *thread) {
    const KrFrame *frame = kr_current_frame(thread);
    if (frame == NULL) put(descriptor, "  <no Python frame>\n");
    for (int depth = 0; frame != NULL; frame = frame->previous, depth++) {
        if (depth >= FRAME_LIMIT) {
            put(descriptor, "  ...\n");
            break;
        }
        dump_frame(descriptor, frame);
    }
}

void _Py_DumpTraceback(int descriptor, PyThreadState *thread) {
    put(descriptor, "Stack (most recent call first):\n");
    dump_stack(descriptor, thread);
}

const char *_Py_DumpTracebackThreads(int descriptor, PyInterpreterState *interpreter, PyThreadState *current) {
    if (current == NULL) current = PyGILState_GetThisThreadState();
    if (interpreter == NULL) interpreter = current != NULL ? current->interp : _PyRuntime.main_interpreter;
    if (interpreter == NULL) return "unable to get the interpreter state";
    PyThreadState *thread = interpreter->thread_head;
    if (thread == NULL) return "unable to get the thread head state";
    for (int count = 0; thread != NULL; thread = thread->next, count++) {
        if (count > 0) put(descriptor, "\n");
        if (count >= THREAD_LIMIT) {
            put(descriptor, "...\n");
            break;
        }
        put(descriptor, thread == current ? "Current thread 0x" : "Thread 0x");
        _Py_DumpHexadecimal(descriptor, thread->thread_id, sizeof(unsigned long) * 2);
        put(descriptor, " (most recent call first):\n");
        if (thread == current && kr_gc.collecting) put(descriptor, "  Garbage-collecting\n");
        dump_stack(descriptor, thread);
    }
    return NULL;
}

static int same_text(PyObject *a, PyObject *b) {
    Py_ssize_t length = PyUnicode_GET_LENGTH(a);
    return length == PyUnicode_GET_LENGTH(b) && PyUnicode_KIND(a) == PyUnicode_KIND(b) &&
           memcmp(PyUnicode_DATA(a), PyUnicode_DATA(b), (size_t)length * PyUnicode_KIND(a)) == 0;
}

/* True if sys.stdlib_module_names has the name. */
static int is_library_module(PyObject *names, PyObject *name) {
    Py_ssize_t position = 0;
    PyObject *item;
    Py_hash_t hash;
    if (names == NULL || !PyFrozenSet_CheckExact(names)) return 0;
    while (_PySet_NextEntry(names, &position, &item, &hash))
        if (PyUnicode_Check(item) && same_text(item, name)) return 1;
    return 0;
}

/* Looks a key up without hashing it or raising anything. */
static PyObject *find_in_dict(PyObject *dict, const char *key) {
    Py_ssize_t position = 0, size = (Py_ssize_t)strlen(key);
    PyObject *name, *value;
    while (PyDict_Next(dict, &position, &name, &value))
        if (PyUnicode_Check(name) && PyUnicode_IS_COMPACT_ASCII(name) && PyUnicode_GET_LENGTH(name) == size &&
            memcmp(PyUnicode_DATA(name), key, (size_t)size) == 0)
            return value;
    return NULL;
}

void _Py_DumpExtensionModules(int descriptor, PyInterpreterState *interpreter) {
    if (interpreter == NULL || interpreter->modules == NULL || !PyDict_Check(interpreter->modules)) return;
    PyObject *library = interpreter->sysdict == NULL ? NULL : find_in_dict(interpreter->sysdict, "stdlib_module_names");
    Py_ssize_t position = 0, count = 0;
    PyObject *name, *module;
    while (PyDict_Next(interpreter->modules, &position, &name, &module)) {
        if (!PyUnicode_Check(name) || !PyModule_Check(module)) continue;
        PyModuleDef *module_definition = ((PyModuleObject *)module)->definition;
        if (module_definition == NULL || module_definition->m_methods == NULL) continue;
        if (is_library_module(library, name)) continue;
        put(descriptor, count++ == 0 ? "\nExtension modules: " : ", ");
        _Py_DumpASCII(descriptor, name);
    }
    if (count == 0) return;
    put(descriptor, " (total: ");
    _Py_DumpDecimal(descriptor, (size_t)count);
    put(descriptor, ")\n");
}
