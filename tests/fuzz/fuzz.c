/* Entry points of libFuzzer. FUZZ_TARGET chooses what reads the bytes: no input may crash, hang or leave an error unset.
 *
 * source    the bytes are a file: decoded by its coding line, split into tokens, parsed, compiled
 * text      the bytes are UTF-8 text for compile() in each mode: the parser alone, syntax tree and all
 * marshal   the bytes are the body of a .pyc
 * pickle    the bytes are a pickle, which may refer to a few harmless classes; what it makes is pickled again
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <marshal.h>
#include <stdint.h>

#define TARGET_source 1
#define TARGET_text 2
#define TARGET_marshal 3
#define TARGET_pickle 4
#define CHOOSE(name) CHOOSE_(name)
#define CHOOSE_(name) TARGET_##name

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:allocator_may_return_null=1"; }

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    PyObject *compile; /* builtins.compile */
    PyObject *unpickle; /* a function of bytes */
} state;

#if CHOOSE(FUZZ_TARGET) == TARGET_pickle
static const char unpickler[] =
    "import _pickle, io, collections, copyreg\n"
    "class Plain: pass\n"
    "class Slots: __slots__ = 'a', 'b'\n"
    "class Items(list): pass\n"
    "class Pairs(dict): pass\n"
    "class Stateful:\n"
    "    def __setstate__(self, state): self.state = state\n"
    "class Unseekable:\n"
    "    def __init__(self, file): self.read, self.readline = file.read, file.readline\n"
    "harmless = {value.__name__: value for value in (Plain, Slots, Items, Pairs, Stateful, list, tuple, dict, set, frozenset, int,\n"
    "            float, complex, str, slice, object, collections.OrderedDict, collections.deque, collections.defaultdict,\n"
    "            copyreg._reconstructor, copyreg.__newobj__, memoryview, len, reversed, enumerate)}\n"
    "class Unpickler(_pickle.Unpickler):\n"
    "    def find_class(self, module, name): return harmless[name]\n"
    "    def persistent_load(self, key): return Plain, key\n"
    "def unpickle(data):\n"
    "    file = io.BytesIO(data[1:])\n"
    "    if data[0] & 1: file = Unseekable(file)\n"
    "    encoding = ('ASCII', 'latin1', 'bytes')[data[0] >> 1 & 3]\n"
    "    value = Unpickler(file, encoding=encoding, buffers=[b'abc', bytearray(b'def')]).load()\n"
    "    return _pickle.loads(_pickle.dumps(value, (data[0] >> 3) % 6))\n";
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.install_signal_handlers = 0;
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    if (PyRun_SimpleString("import warnings; warnings.simplefilter('ignore')")) return -1;
    state.compile = PyObject_GetAttrString(PyImport_AddModule("builtins"), "compile");
#if CHOOSE(FUZZ_TARGET) == TARGET_pickle
    if (PyRun_SimpleString(unpickler)) return -1;
    state.unpickle = PyObject_GetAttrString(PyImport_AddModule("__main__"), "unpickle");
#endif
    return state.compile ? 0 : -1;
}

/* A call succeeds, or fails with an exception; only the makers of code objects may call a .pyc's contents a SystemError. */
static void settle(PyObject *result) {
    if (result == NULL) {
        if (!PyErr_Occurred()) Py_FatalError("an error without an exception");
        if (CHOOSE(FUZZ_TARGET) != TARGET_marshal && PyErr_ExceptionMatches(PyExc_SystemError)) {
            PyErr_Print();
            Py_FatalError("a mistake of ours");
        }
        PyErr_Clear();
    } else {
        if (PyErr_Occurred()) Py_FatalError("an exception without an error");
        Py_DECREF(result);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
#if CHOOSE(FUZZ_TARGET) == TARGET_source
    settle(PyObject_CallFunction(state.compile, "y#ssii", (const char *)data, (Py_ssize_t)size, "input.py", "exec", 0, 1));
#elif CHOOSE(FUZZ_TARGET) == TARGET_text
    static const char *const modes[] = {"exec", "eval", "single"};
    if (size == 0) return 0;
    PyObject *text = PyUnicode_DecodeUTF8((const char *)data + 1, (Py_ssize_t)size - 1, "surrogateescape");
    if (text == NULL) return PyErr_Clear(), 0;
    int flags = data[0] & 4 ? PyCF_ONLY_AST : data[0] & 8 ? PyCF_TYPE_COMMENTS | PyCF_ONLY_AST : data[0] & 16 ? PyCF_ALLOW_TOP_LEVEL_AWAIT : 0;
    settle(PyObject_CallFunction(state.compile, "Ossii", text, "input.py", modes[data[0] % 3], flags, 1));
    Py_DECREF(text);
#elif CHOOSE(FUZZ_TARGET) == TARGET_pickle
    if (size == 0) return 0;
    settle(PyObject_CallFunction(state.unpickle, "y#", (const char *)data, (Py_ssize_t)size));
#else
    settle(PyMarshal_ReadObjectFromString((const char *)data, (Py_ssize_t)size));
#endif
    return 0;
}
