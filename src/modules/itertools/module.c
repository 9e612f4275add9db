/* The module itertools. */
#include <Python.h>

#include "modules/itertools/itertools.h"

static int itertools_exec(PyObject *module) {
    PyTypeObject *types[] = {
        &kr_accumulate_type, &kr_combinations_type, &kr_combinations_with_replacement_type,
        &kr_cycle_type,      &kr_dropwhile_type,    &kr_takewhile_type,
        &kr_islice_type,     &kr_starmap_type,      &kr_chain_type,
        &kr_compress_type,   &kr_filterfalse_type,  &kr_count_type,
        &kr_zip_longest_type, &kr_pairwise_type,    &kr_permutations_type,
        &kr_product_type,    &kr_repeat_type,       &kr_groupby_type,
        &kr_grouper_type,    &kr_tee_type,          &kr_tee_data_type,
    };
    for (size_t i = 0; i < Py_ARRAY_LENGTH(types); i++) {
        if (PyModule_AddType(module, types[i]) < 0) return -1;
    }
    PyObject *name = PyModule_GetNameObject(module);
    if (name == NULL) return -1;
    PyObject *tee = PyCFunction_NewEx(&kr_tee_function, module, name);
    Py_DECREF(name);
    if (tee == NULL) return -1;
    int failed = PyModule_AddObjectRef(module, "tee", tee);
    Py_DECREF(tee);
    return failed;
}

static PyModuleDef_Slot itertools_slots[] = {{Py_mod_exec, itertools_exec}, {0, NULL}};

PyDoc_STRVAR(itertools_doc, "Iterators made from other iterators.\n\n"
                            "Without end: count cycle repeat\n"
                            "Along the inputs: accumulate chain compress dropwhile filterfalse groupby islice pairwise\n"
                            "starmap takewhile tee zip_longest\n"
                            "Combinatoric: product permutations combinations combinations_with_replacement");

static struct PyModuleDef itertools_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "itertools",
    .m_doc = itertools_doc,
    .m_slots = itertools_slots,
};

PyMODINIT_FUNC PyInit_itertools(void) { return PyModuleDef_Init(&itertools_module); }
