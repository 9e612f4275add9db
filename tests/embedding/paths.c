/* What the functions of the time before PyConfig do to the paths, and what they tell before, while and after an interpreter is
 * there. The argument names what is set: n program name, h home, H an empty home, p search path, s the streams' encoding; c
 * changes it after the first interpreter. */
#include <Python.h>

#include <string.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static void show(const char *when) {
    const wchar_t *texts[] = {Py_GetProgramName(), Py_GetPythonHome(), Py_GetProgramFullPath(),
                              Py_GetPrefix(),      Py_GetExecPrefix(), Py_GetPath()};
    printf("%s:", when);
    for (int i = 0; i < 6; i++) printf(" %ls", texts[i] == NULL ? L"-" : texts[i]);
    printf("\n");
    fflush(stdout);
}

int main(int count, char **arguments) {
    const char *what = count > 1 ? arguments[1] : "";
    wchar_t name[40] = L"/opt/some/program";
    if (strchr(what, 'n')) Py_SetProgramName(name);
    if (strchr(what, 'h')) Py_SetPythonHome(L"/usr");
    if (strchr(what, 'H')) Py_SetPythonHome(L"");
    if (strchr(what, 'p')) Py_SetPath(L"/usr/lib/python3.11:/usr/lib/python3.11/lib-dynload:/nowhere");
    if (strchr(what, 's')) printf("streams: %d\n", Py_SetStandardStreamEncoding("latin-1", "replace"));
    wcscpy(name, L"/changed");
    show("before");
    for (int i = 0; i < 2; i++) {
        Py_Initialize();
        show("while");
        PyRun_SimpleString("import sys\n"
                           "print(sys.executable, sys.prefix, sys.exec_prefix, sys.path, sys.argv)\n"
                           "print(sys.stdout.encoding, sys.stdout.errors)");
        if (strchr(what, 's')) printf("streams: %d\n", Py_SetStandardStreamEncoding("latin-1", NULL));
        Py_Finalize();
        show("after");
        if (strchr(what, 'c')) {
            Py_SetPath(NULL);
            Py_SetProgramName(L"");
            Py_SetProgramName(L"/opt/another");
            Py_SetPythonHome(NULL);
        }
    }
    return 0;
}
