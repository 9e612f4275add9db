/* A program that has Krait inside: it offers Python a module, runs code, calls a function and handles its exception.
 *
 *     gcc examples/embed.c $(pkg-config --cflags --libs krait-embed) -o embed
 */
#include <Python.h>

static int stock = 12; /* apples */

/* What Python sees as shop.take(apples): takes them from the stock and tells what is left. */
static PyObject *take(PyObject *module, PyObject *argument) {
    long apples = PyLong_AsLong(argument);
    if (apples == -1 && PyErr_Occurred()) return NULL;
    if (apples > stock) {
        PyErr_Format(PyExc_ValueError, "%ld apples wanted, %d there", apples, stock);
        return NULL;
    }
    stock -= (int)apples;
    return PyLong_FromLong(stock);
}

static PyMethodDef functions[] = {{"take", take, METH_O, "take(apples): how many are left"}, {NULL}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "shop", .m_size = -1, .m_methods = functions};
static PyObject *initialise_shop(void) { return PyModule_Create(&definition); }

static const char program[] = "import shop\n"
                              "def sell(*orders):\n"
                              "    for order in orders:\n"
                              "        print(order, 'sold,', shop.take(order), 'left')\n"
                              "    return sum(orders)\n";

static int run(void) {
    if (PyRun_SimpleString(program) != 0) return 1; /* it printed the traceback */
    PyObject *sell = PyObject_GetAttrString(PyImport_AddModule("__main__"), "sell");
    if (sell == NULL) return 1;
    PyObject *sum = PyObject_CallFunction(sell, "ii", 3, 4);
    if (sum != NULL) printf("%ld in all\n", PyLong_AsLong(sum));
    Py_XDECREF(sum);
    fflush(stdout);
    sum = PyObject_CallFunction(sell, "i", 30);
    if (sum == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyObject *type, *value, *traceback;
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        PyObject *text = PyObject_Str(value);
        printf("refused: %s\n", text == NULL ? "?" : PyUnicode_AsUTF8(text));
        Py_XDECREF(text);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    Py_XDECREF(sum);
    Py_DECREF(sell);
    return PyErr_Occurred() != NULL;
}

int main(int count, char **arguments) {
    PyImport_AppendInittab("shop", initialise_shop);
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    PyStatus status = PyConfig_SetBytesArgv(&config, count, arguments);
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    int code = run();
    return Py_FinalizeEx() < 0 ? 120 : code;
}
