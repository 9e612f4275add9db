/* From a tree to a code object: the compiler's passes in order. */
#include <Python.h>

#include "compile/codegen.h"
#include "compile/compile.h"

static void free_units(KrUnit *unit) {
    while (unit != NULL) {
        KrUnit *outer = unit->outer;
        PyMem_Free(unit->instructions);
        PyMem_Free(unit);
        unit = outer;
    }
}

static PyCodeObject *generate(KrCompiler *c, KrNode *tree) {
    if (kr_unit_enter(c, KR_TEXT("<module>"), KR_UNIT_MODULE, tree, 1) < 0) return NULL;
    if (kr_gen_module(c, tree) < 0) return NULL;
    return kr_assemble(c, tree->kind != KR_Expression);
}

PyCodeObject *kr_compile(KrNode *tree, PyObject *filename, PyCompilerFlags *flags, int optimize, KrArena *arena) {
    KrCompiler c = {.arena = arena, .filename = filename, .stack_limit = kr_compile_stack_limit()};
    PyCodeObject *code = NULL;
    if (kr_future_find(tree, filename, &c.future) < 0) return NULL;
    c.future.features |= flags == NULL ? 0 : flags->cf_flags & PyCF_MASK;
    c.flags = (flags == NULL ? 0 : flags->cf_flags) | c.future.features;
    if (flags != NULL) flags->cf_flags = c.flags;
    c.optimize = optimize == -1 ? Py_OptimizeFlag : optimize;
    if (kr_compile_fold(tree, c.optimize, c.future.features, arena) < 0) return NULL;
    c.symbols = kr_symbol_table_build(tree, filename, &c.future, arena);
    if (c.symbols == NULL) return NULL;
    code = generate(&c, tree);
    free_units(c.unit);
    free_units(c.spare_units);
    kr_constants_free(&c);
    return code;
}
