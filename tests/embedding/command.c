/* The interpreter's own command line inside another program: Py_BytesMain, and Py_RunMain after a configuration of its own.
 * The first argument says which: m Py_BytesMain with the others, p and i Py_RunMain after a Python or an isolated configuration. */
#include <Python.h>

static void check(PyStatus status) {
    if (PyStatus_IsExit(status)) exit(status.exitcode);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
}

int main(int count, char **arguments) {
    char which = arguments[1][0];
    arguments[1] = arguments[0];
    if (which == 'm') return Py_BytesMain(count - 1, arguments + 1);
    PyConfig config;
    if (which == 'i')
        PyConfig_InitIsolatedConfig(&config);
    else
        PyConfig_InitPythonConfig(&config);
    if (which == 'i') {
        check(PyConfig_SetString(&config, &config.run_command,
                                 L"import sys\n"
                                 L"print(sys.flags, sys.path, sys.argv, sys.orig_argv, __name__)\n"
                                 L"sys.exit(3)\n"));
        check(PyWideStringList_Append(&config.argv, L"first"));
        check(PyWideStringList_Insert(&config.argv, 1, L"second"));
        check(PyWideStringList_Append(&config.warnoptions, L"error::UserWarning"));
    } else {
        check(PyConfig_SetBytesArgv(&config, count - 1, arguments + 1));
    }
    check(PyConfig_SetBytesString(&config, &config.program_name, "/usr/bin/python3.11"));
    check(Py_InitializeFromConfig(&config));
    PyConfig_Clear(&config);
    return Py_RunMain();
}
