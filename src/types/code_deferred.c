/* Deferred code: functions of frozen modules whose bodies are read when they are first needed.
 *
 * Every start makes the functions of a dozen modules and calls few of them. A deferred code object knows what a call has
 * to know (counts, flags, names), has its final size, and begins with the instruction LOAD_BODY; all else is empty. The
 * body, an ordinary code object in the marshal format, lies in the executable. LOAD_BODY reads it, and so does everybody
 * who looks at a field that is not there yet.
 */
#include <Python.h>

#include "types/code.h"

/* While the code object is deferred the place of the body lies behind LOAD_BODY, in bytes that no instruction uses yet. */
enum { BODY_OFFSET = sizeof(_Py_CODEUNIT) };

/* tools/freeze.py defers no code that is shorter. */
enum { LEAST_BYTES = 24 };
_Static_assert(BODY_OFFSET + sizeof(KrCodeBody) <= LEAST_BYTES, "the place of the body fits into the shortest deferred code");

PyCodeObject *kr_code_new_deferred(const KrCodeParts *parts, const KrCodeCounts *counts, const KrCodeBody *body) {
    PyObject *no_bytes = PyBytes_FromStringAndSize(NULL, 0), *no_items = PyTuple_New(0);
    KrCodeParts known = *parts;
    known.line_table = known.exception_table = known.variable_kinds = no_bytes;
    known.constants = known.names = known.variable_names = no_items;
    PyCodeObject *code = no_bytes == NULL || no_items == NULL ? NULL : kr_code_make(&known, counts);
    Py_XDECREF(no_bytes);
    Py_XDECREF(no_items);
    if (code == NULL) return NULL;
    code->co_warmup = KR_CODE_DEFERRED;
    _PyCode_CODE(code)[0] = _Py_MAKECODEUNIT(KR_LOAD_BODY, 0);
    memcpy(code->co_code_adaptive + BODY_OFFSET, body, sizeof *body);
    return code;
}

static KrCodeBody body_of(const PyCodeObject *code) {
    KrCodeBody body;
    memcpy(&body, code->co_code_adaptive + BODY_OFFSET, sizeof body);
    return body;
}

int kr_code_defers_doc(const PyCodeObject *code) { return kr_code_is_deferred(code) && body_of(code).has_doc; }

int kr_code_read_body(PyCodeObject *code) {
    KrCodeBody body = body_of(code);
    PyObject *read = kr_marshal_read_memory(body.data, body.size);
    if (read == NULL) return -1;
    PyCodeObject *whole = (PyCodeObject *)read;
    int result = 0;
    if (!PyCode_Check(read) || Py_SIZE(whole) != Py_SIZE(code) || whole->co_nlocalsplus != code->co_nlocalsplus ||
        whole->co_stacksize != code->co_stacksize || whole->co_flags != code->co_flags) {
        PyErr_Format(PyExc_SystemError, "the frozen body of %U does not fit", code->co_qualname);
        result = -1;
    } else if (kr_code_is_deferred(code)) { /* unless a finalizer, while reading, called the function */
        PyObject **const fields[] = {&code->co_consts,           &code->co_names,     &code->co_localsplusnames,
                                     &code->co_localspluskinds,  &code->co_linetable, &code->co_exceptiontable};
        PyObject **const sources[] = {&whole->co_consts,          &whole->co_names,     &whole->co_localsplusnames,
                                      &whole->co_localspluskinds, &whole->co_linetable, &whole->co_exceptiontable};
        for (size_t i = 0; i < Py_ARRAY_LENGTH(fields); i++) Py_SETREF(*fields[i], Py_NewRef(*sources[i]));
        memcpy(code->co_code_adaptive, whole->co_code_adaptive, (size_t)_PyCode_NBYTES(code));
        code->co_warmup = whole->co_warmup;
    }
    Py_DECREF(read);
    return result;
}
