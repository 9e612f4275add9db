/* Code generation for what has a code object of its own: modules, functions, classes, lambdas and comprehensions. */
#include <Python.h>

#include "compile/codegen.h"

/* Bits of MAKE_FUNCTION's argument: what lies on the stack below the code object. */
enum { HAS_DEFAULTS = 1, HAS_KEYWORD_DEFAULTS = 2, HAS_ANNOTATIONS = 4, HAS_CLOSURE = 8 };

/* Finishes the unit on top and leaves it. Returns a new code object or NULL. */
static PyCodeObject *finish_unit(KrCompiler *c, int returns_none) {
    PyCodeObject *code = kr_assemble(c, returns_none);
    if (code != NULL) kr_unit_leave(c);
    return code;
}

/* Makes a function of a code object whose defaults and annotations are on the stack. Takes the reference to `code`. */
static int gen_closure(KrCompiler *c, PyCodeObject *code, int flags) {
    if (code == NULL) return -1;
    if (code->co_nfreevars > 0) {
        KrUnit *unit = c->unit;
        int first_free = code->co_nlocalsplus - code->co_nfreevars;
        for (int i = 0; i < code->co_nfreevars; i++) {
            PyObject *name = PyTuple_GET_ITEM(code->co_localsplusnames, first_free + i);
            int argument;
            /* A class may bind a name and pass the variable of the same name around it on to its methods. */
            int is_cell = kr_scope_of_flags(kr_scope_flags(unit->scope, name)) == KR_CELL;
            if (unit->scope->type == KR_SCOPE_CLASS && unit->scope->needs_class_closure)
                is_cell |= kr_numbering_find(&unit->cells, name) >= 0;
            if (is_cell) {
                argument = kr_numbering_find(&unit->cells, name);
            } else {
                argument = kr_numbering_find(&unit->free_variables, name);
                if (argument >= 0) argument += unit->cells.count;
            }
            if (argument < 0) {
                PyErr_Format(PyExc_SystemError, "no variable %R in %S for the closure of %S", name, unit->name,
                             code->co_name);
                goto error;
            }
            if (kr_emit(c, OP_LOAD_CLOSURE, argument) < 0) goto error;
        }
        flags |= HAS_CLOSURE;
        if (kr_emit(c, OP_BUILD_TUPLE, code->co_nfreevars) < 0) goto error;
    }
    TRY(kr_emit_new_constant(c, (PyObject *)code));
    return kr_emit(c, OP_MAKE_FUNCTION, flags);
error:
    Py_DECREF(code);
    return -1;
}

/* Parameters */

static int check_parameters(KrCompiler *c, const KrSeq *parameters) {
    for (Py_ssize_t i = 0; i < kr_seq_count(parameters); i++)
        TRY(kr_check_target(c, ((Kr_arg *)parameters->item[i])->arg, KR_Store));
    return 0;
}

static int check_arguments(KrCompiler *c, const Kr_arguments *arguments) {
    TRY(check_parameters(c, arguments->posonlyargs));
    TRY(check_parameters(c, arguments->args));
    if (arguments->vararg != NULL) TRY(kr_check_target(c, arguments->vararg->arg, KR_Store));
    TRY(check_parameters(c, arguments->kwonlyargs));
    if (arguments->kwarg != NULL) TRY(kr_check_target(c, arguments->kwarg->arg, KR_Store));
    return 0;
}

/* Evaluates the defaults of parameters. Returns the flags for MAKE_FUNCTION, or -1. */
static int gen_defaults(KrCompiler *c, const Kr_arguments *arguments) {
    int flags = 0;
    Py_ssize_t count = kr_seq_count(arguments->defaults);
    if (count > 0) {
        for (Py_ssize_t i = 0; i < count; i++) TRY(kr_gen_expression(c, kr_seq_node(arguments->defaults, i)));
        EMIT_ARG(BUILD_TUPLE, (int)count);
        flags |= HAS_DEFAULTS;
    }
    Py_ssize_t with_default = 0;
    for (Py_ssize_t i = 0; i < kr_seq_count(arguments->kwonlyargs); i++) {
        KrNode *value = kr_seq_node(arguments->kw_defaults, i);
        if (value == NULL) continue;
        TRY(kr_gen_expression(c, value));
        with_default++;
    }
    if (with_default == 0) return flags;
    PyObject *names = PyTuple_New(with_default);
    if (names == NULL) return -1;
    for (Py_ssize_t i = 0, used = 0; i < kr_seq_count(arguments->kwonlyargs); i++) {
        if (kr_seq_node(arguments->kw_defaults, i) == NULL) continue;
        PyObject *name = kr_mangled(c, ((Kr_arg *)arguments->kwonlyargs->item[i])->arg);
        if (name == NULL) {
            Py_DECREF(names);
            return -1;
        }
        PyTuple_SET_ITEM(names, used++, Py_NewRef(name));
    }
    TRY(kr_emit_new_constant(c, names));
    EMIT_ARG(BUILD_CONST_KEY_MAP, (int)with_default);
    return flags | HAS_KEYWORD_DEFAULTS;
}

/* Evaluates an annotation, or loads its source text where annotations are postponed. */
int kr_gen_annotation(KrCompiler *c, KrNode *annotation) {
    if (c->future.features & CO_FUTURE_ANNOTATIONS) return kr_emit_new_constant(c, kr_unparse(annotation));
    return kr_gen_expression(c, annotation);
}

static int gen_parameter_annotation(KrCompiler *c, PyObject *name, KrNode *annotation, int *count) {
    if (annotation == NULL) return 0;
    EMIT_CONSTANT(kr_mangled(c, name));
    if (annotation->kind == KR_Starred && !(c->future.features & CO_FUTURE_ANNOTATIONS)) {
        /* `*args: *Ts` */
        TRY(kr_gen_expression(c, KR_AS(Starred, annotation)->value));
        EMIT_ARG(UNPACK_SEQUENCE, 1);
    } else {
        TRY(kr_gen_annotation(c, annotation));
    }
    *count += 2;
    return 0;
}

static int gen_parameters_annotations(KrCompiler *c, const KrSeq *parameters, int *count) {
    for (Py_ssize_t i = 0; i < kr_seq_count(parameters); i++) {
        Kr_arg *parameter = parameters->item[i];
        TRY(gen_parameter_annotation(c, parameter->arg, parameter->annotation, count));
    }
    return 0;
}

/* Builds the tuple of names and annotations. Returns HAS_ANNOTATIONS, 0 if there are none, or -1. */
static int gen_annotations(KrCompiler *c, const Kr_arguments *arguments, KrNode *returns) {
    int count = 0;
    TRY(gen_parameters_annotations(c, arguments->args, &count));
    TRY(gen_parameters_annotations(c, arguments->posonlyargs, &count));
    if (arguments->vararg != NULL)
        TRY(gen_parameter_annotation(c, arguments->vararg->arg, arguments->vararg->annotation, &count));
    TRY(gen_parameters_annotations(c, arguments->kwonlyargs, &count));
    if (arguments->kwarg != NULL)
        TRY(gen_parameter_annotation(c, arguments->kwarg->arg, arguments->kwarg->annotation, &count));
    if (returns != NULL) TRY(gen_parameter_annotation(c, KR_NAME(return), returns, &count));
    if (count == 0) return 0;
    EMIT_ARG(BUILD_TUPLE, count);
    return HAS_ANNOTATIONS;
}

static void count_parameters(KrUnit *unit, const Kr_arguments *arguments) {
    unit->positional_only_count = (int)kr_seq_count(arguments->posonlyargs);
    unit->argument_count = unit->positional_only_count + (int)kr_seq_count(arguments->args);
    unit->keyword_only_count = (int)kr_seq_count(arguments->kwonlyargs);
}

/* Definitions */

static int gen_decorators(KrCompiler *c, const KrSeq *decorators) {
    for (Py_ssize_t i = 0; i < kr_seq_count(decorators); i++)
        TRY(kr_gen_expression(c, kr_seq_node(decorators, i)));
    return 0;
}

static int apply_decorators(KrCompiler *c, const KrSeq *decorators) {
    KrLocation outer = c->unit->location;
    for (Py_ssize_t i = kr_seq_count(decorators) - 1; i >= 0; i--) {
        kr_set_location(c, kr_seq_node(decorators, i));
        EMIT_ARG(PRECALL, 0);
        EMIT_ARG(CALL, 0);
    }
    c->unit->location = outer;
    return 0;
}

static int first_line(const KrNode *definition, const KrSeq *decorators) {
    return kr_seq_count(decorators) > 0 ? kr_seq_node(decorators, 0)->lineno : definition->lineno;
}

/* A definition and an async one have the same fields. */
int kr_gen_function(KrCompiler *c, Kr_FunctionDef *function) {
    const Kr_arguments *arguments = function->args;
    TRY(check_arguments(c, arguments));
    TRY(gen_decorators(c, function->decorator_list));
    int flags = gen_defaults(c, arguments);
    if (flags < 0) return -1;
    int annotations = gen_annotations(c, arguments, function->returns);
    if (annotations < 0) return -1;

    KrUnitKind kind = function->node.kind == KR_AsyncFunctionDef ? KR_UNIT_ASYNC_FUNCTION : KR_UNIT_FUNCTION;
    TRY(kr_unit_enter(c, function->name, kind, function, first_line(&function->node, function->decorator_list)));
    /* The first constant is the docstring, or None. */
    PyObject *docstring = c->optimize < 2 ? kr_docstring(function->body) : NULL;
    int has_docstring = docstring != NULL;
    if (docstring == NULL) docstring = Py_None;
    TRY(kr_constant_add(c, Py_NewRef(docstring)));
    count_parameters(c->unit, arguments);
    for (Py_ssize_t i = has_docstring; i < kr_seq_count(function->body); i++)
        TRY(kr_gen_statement(c, kr_seq_node(function->body, i)));
    PyCodeObject *code = finish_unit(c, 1);
    TRY(gen_closure(c, code, flags | annotations));
    TRY(apply_decorators(c, function->decorator_list));
    return kr_gen_name(c, function->name, KR_Store);
}

int kr_gen_lambda(KrCompiler *c, Kr_Lambda *lambda) {
    TRY(check_arguments(c, lambda->args));
    int flags = gen_defaults(c, lambda->args);
    if (flags < 0) return -1;
    TRY(kr_unit_enter(c, KR_TEXT("<lambda>"), KR_UNIT_LAMBDA, lambda, lambda->node.lineno));
    /* A lambda has no docstring, even if its value is a string. */
    TRY(kr_constant_add(c, Py_NewRef(Py_None)));
    count_parameters(c->unit, lambda->args);
    TRY(kr_gen_expression(c, lambda->body));
    int is_generator = c->unit->scope->is_generator;
    if (!is_generator) EMIT(RETURN_VALUE);
    return gen_closure(c, finish_unit(c, !is_generator), flags);
}

static int gen_class_body(KrCompiler *c, Kr_ClassDef *definition) {
    c->unit->private_name = definition->name;
    PyObject *name = KR_NAME(__name__), *module = KR_NAME(__module__), *qualified = KR_NAME(__qualname__);
    if (name == NULL || module == NULL || qualified == NULL) return -1;
    TRY(kr_gen_name(c, name, KR_Load));
    TRY(kr_gen_name(c, module, KR_Store));
    EMIT_CONSTANT(c->unit->qualified_name);
    TRY(kr_gen_name(c, qualified, KR_Store));
    TRY(kr_gen_body(c, definition->body));
    kr_unset_location(c);
    if (c->unit->scope->needs_class_closure) {
        /* Hand the cell of __class__ to type.__new__, which fills it. */
        PyObject *cell_name = KR_NAME(__classcell__), *class_name = KR_NAME(__class__);
        if (cell_name == NULL || class_name == NULL) return -1;
        EMIT_ARG(LOAD_CLOSURE, kr_numbering_find(&c->unit->cells, class_name));
        EMIT_ARG(COPY, 1);
        TRY(kr_gen_name(c, cell_name, KR_Store));
    } else {
        EMIT_CONSTANT(Py_None);
    }
    EMIT(RETURN_VALUE);
    return 0;
}

int kr_gen_class(KrCompiler *c, Kr_ClassDef *definition) {
    TRY(gen_decorators(c, definition->decorator_list));
    TRY(kr_unit_enter(c, definition->name, KR_UNIT_CLASS, definition,
                      first_line(&definition->node, definition->decorator_list)));
    TRY(gen_class_body(c, definition));
    PyCodeObject *code = finish_unit(c, 1);
    if (code == NULL) return -1;
    if (kr_emit(c, OP_PUSH_NULL, 0) < 0 || kr_emit(c, OP_LOAD_BUILD_CLASS, 0) < 0) {
        Py_DECREF(code);
        return -1;
    }
    TRY(gen_closure(c, code, 0));
    EMIT_CONSTANT(kr_identifier_intern(c->arena, definition->name));
    TRY(kr_gen_call(c, 2, definition->bases, definition->keywords));
    TRY(apply_decorators(c, definition->decorator_list));
    return kr_gen_name(c, definition->name, KR_Store);
}

/* Comprehensions: a function that is called at once with the outermost iterator. */

typedef struct Comprehension {
    KrComprehensionKind kind;
    const KrSeq *generators;
    KrNode *element, *value; /* key and value for a dict */
} Comprehension;

static int gen_comprehension_level(KrCompiler *c, const Comprehension *comprehension, Py_ssize_t level, int depth);

/* What happens for each combination: the element is yielded or added `depth` entries down. */
static int gen_comprehension_element(KrCompiler *c, const Comprehension *comprehension, int depth) {
    TRY(kr_gen_expression(c, comprehension->element));
    switch (comprehension->kind) {
        case KR_GENERATOR_EXPRESSION:
            TRY(kr_gen_yield(c));
            EMIT(POP_TOP);
            break;
        case KR_LIST_COMPREHENSION: EMIT_ARG(LIST_APPEND, depth + 1); break;
        case KR_SET_COMPREHENSION: EMIT_ARG(SET_ADD, depth + 1); break;
        default:
            TRY(kr_gen_expression(c, comprehension->value));
            EMIT_ARG(MAP_ADD, depth + 1);
            break;
    }
    return 0;
}

/* Target, conditions and what is inside a level, after its iterator. */
static int gen_comprehension_inside(KrCompiler *c, const Comprehension *comprehension, Py_ssize_t level, int depth,
                                    KrBlock *next_item) {
    const Kr_comprehension *generator = comprehension->generators->item[level];
    for (Py_ssize_t i = 0; i < kr_seq_count(generator->ifs); i++)
        TRY(kr_gen_jump_if(c, kr_seq_node(generator->ifs, i), next_item, 0));
    if (level + 1 < kr_seq_count(comprehension->generators))
        return gen_comprehension_level(c, comprehension, level + 1, depth);
    return gen_comprehension_element(c, comprehension, depth);
}

/* Returns the only element of `for x in [value]`, which is a plain assignment, else NULL. */
static KrNode *only_element(const KrNode *iterable) {
    const KrSeq *elements = iterable->kind == KR_List    ? KR_AS(List, iterable)->elts
                            : iterable->kind == KR_Tuple ? KR_AS(Tuple, iterable)->elts
                                                         : NULL;
    if (kr_seq_count(elements) != 1 || kr_seq_node(elements, 0)->kind == KR_Starred) return NULL;
    return kr_seq_node(elements, 0);
}

static int gen_sync_level(KrCompiler *c, const Comprehension *comprehension, Py_ssize_t level, int depth) {
    const Kr_comprehension *generator = comprehension->generators->item[level];
    NEW_BLOCK(start);
    NEW_BLOCK(next_item);
    NEW_BLOCK(anchor);
    int loops = 1;
    if (level == 0) {
        c->unit->argument_count = 1;
        EMIT_ARG(LOAD_FAST, 0);
    } else {
        KrNode *only = only_element(generator->iter);
        if (only != NULL) {
            TRY(kr_gen_expression(c, only));
            loops = 0;
        } else {
            TRY(kr_gen_expression(c, generator->iter));
            EMIT(GET_ITER);
        }
    }
    if (loops) {
        depth++;
        kr_unit_use_block(c, start);
        EMIT_JUMP(FOR_ITER, anchor);
    }
    TRY(kr_gen_expression(c, generator->target));
    TRY(gen_comprehension_inside(c, comprehension, level, depth, next_item));
    kr_unit_use_block(c, next_item);
    if (loops) {
        EMIT_JUMP(JUMP, start);
        kr_unit_use_block(c, anchor);
    }
    return 0;
}

static int gen_async_level(KrCompiler *c, const Comprehension *comprehension, Py_ssize_t level, int depth) {
    const Kr_comprehension *generator = comprehension->generators->item[level];
    NEW_BLOCK(start);
    NEW_BLOCK(except);
    NEW_BLOCK(next_item);
    if (level == 0) {
        c->unit->argument_count = 1;
        EMIT_ARG(LOAD_FAST, 0);
    } else {
        TRY(kr_gen_expression(c, generator->iter));
        EMIT(GET_AITER);
    }
    kr_unit_use_block(c, start);
    TRY(kr_region_push(c, KR_REGION_ASYNC_COMPREHENSION, start, NULL, NULL));
    EMIT_JUMP(SETUP_FINALLY, except);
    EMIT(GET_ANEXT);
    EMIT_CONSTANT(Py_None);
    TRY(kr_gen_yield_from(c, 1));
    EMIT(POP_BLOCK);
    TRY(kr_gen_expression(c, generator->target));
    TRY(gen_comprehension_inside(c, comprehension, level, depth + 1, next_item));
    kr_unit_use_block(c, next_item);
    EMIT_JUMP(JUMP, start);
    kr_region_pop(c);
    kr_unit_use_block(c, except);
    EMIT(END_ASYNC_FOR);
    return 0;
}

static int gen_comprehension_level(KrCompiler *c, const Comprehension *comprehension, Py_ssize_t level, int depth) {
    const Kr_comprehension *generator = comprehension->generators->item[level];
    return generator->is_async ? gen_async_level(c, comprehension, level, depth)
                               : gen_sync_level(c, comprehension, level, depth);
}

static int gen_comprehension(KrCompiler *c, KrNode *node, PyObject *name, const Comprehension *comprehension) {
    int is_generator = comprehension->kind == KR_GENERATOR_EXPRESSION;
    int allows_await = kr_allows_top_level_await(c);
    KrUnitKind outer_kind = c->unit->kind;
    const Kr_comprehension *outermost = comprehension->generators->item[0];
    TRY(kr_unit_enter(c, name, KR_UNIT_COMPREHENSION, node, node->lineno));
    kr_set_location(c, node);
    int is_async = c->unit->scope->is_coroutine;
    if (is_async && !is_generator && outer_kind != KR_UNIT_ASYNC_FUNCTION && outer_kind != KR_UNIT_COMPREHENSION &&
        !allows_await)
        return kr_compile_error(c, "asynchronous comprehension outside of an asynchronous function");
    switch (comprehension->kind) {
        case KR_LIST_COMPREHENSION: EMIT_ARG(BUILD_LIST, 0); break;
        case KR_SET_COMPREHENSION: EMIT_ARG(BUILD_SET, 0); break;
        case KR_DICT_COMPREHENSION: EMIT_ARG(BUILD_MAP, 0); break;
        default: break;
    }
    TRY(gen_comprehension_level(c, comprehension, 0, 0));
    if (!is_generator) EMIT(RETURN_VALUE);
    PyCodeObject *code = finish_unit(c, 1);
    if (code == NULL) return -1;
    if (allows_await && is_async) c->unit->scope->is_coroutine = 1;
    TRY(gen_closure(c, code, 0));
    TRY(kr_gen_expression(c, outermost->iter));
    if (outermost->is_async)
        EMIT(GET_AITER);
    else
        EMIT(GET_ITER);
    EMIT_ARG(PRECALL, 0);
    EMIT_ARG(CALL, 0);
    if (is_async && !is_generator) {
        EMIT_ARG(GET_AWAITABLE, 0);
        EMIT_CONSTANT(Py_None);
        TRY(kr_gen_yield_from(c, 1));
    }
    return 0;
}

int kr_gen_comprehension(KrCompiler *c, KrNode *node) {
    switch (node->kind) {
        case KR_ListComp: {
            Kr_ListComp *list = KR_AS(ListComp, node);
            Comprehension comprehension = {KR_LIST_COMPREHENSION, list->generators, list->elt, NULL};
            return gen_comprehension(c, node, KR_TEXT("<listcomp>"), &comprehension);
        }
        case KR_SetComp: {
            Kr_SetComp *set = KR_AS(SetComp, node);
            Comprehension comprehension = {KR_SET_COMPREHENSION, set->generators, set->elt, NULL};
            return gen_comprehension(c, node, KR_TEXT("<setcomp>"), &comprehension);
        }
        case KR_DictComp: {
            Kr_DictComp *dict = KR_AS(DictComp, node);
            Comprehension comprehension = {KR_DICT_COMPREHENSION, dict->generators, dict->key, dict->value};
            return gen_comprehension(c, node, KR_TEXT("<dictcomp>"), &comprehension);
        }
        default: {
            Kr_GeneratorExp *generator = KR_AS(GeneratorExp, node);
            Comprehension comprehension = {KR_GENERATOR_EXPRESSION, generator->generators, generator->elt, NULL};
            return gen_comprehension(c, node, KR_TEXT("<genexpr>"), &comprehension);
        }
    }
}

/* Modules */

int kr_gen_body(KrCompiler *c, const KrSeq *body) {
    /* What a module sets up belongs to the line of its first statement. */
    if (c->unit->kind == KR_UNIT_MODULE && kr_seq_count(body) > 0) kr_set_location(c, kr_seq_node(body, 0));
    if (kr_has_annotations(body)) EMIT(SETUP_ANNOTATIONS);
    Py_ssize_t first = 0;
    if (c->optimize < 2 && kr_docstring(body) != NULL) {
        PyObject *doc = KR_NAME(__doc__);
        if (doc == NULL) return -1;
        KrNode *docstring = KR_AS(Expr, kr_seq_node(body, 0))->value;
        TRY(kr_gen_expression(c, docstring));
        kr_unset_location(c);
        TRY(kr_gen_name(c, doc, KR_Store));
        first = 1;
    }
    for (Py_ssize_t i = first; i < kr_seq_count(body); i++) TRY(kr_gen_statement(c, kr_seq_node(body, i)));
    return 0;
}

int kr_gen_module(KrCompiler *c, KrNode *mod) {
    switch (mod->kind) {
        case KR_Module: return kr_gen_body(c, KR_AS(Module, mod)->body);
        case KR_Interactive: {
            const KrSeq *body = KR_AS(Interactive, mod)->body;
            c->unit->location.lineno = 1;
            if (kr_has_annotations(body)) EMIT(SETUP_ANNOTATIONS);
            c->is_interactive = 1;
            return kr_gen_statements(c, body);
        }
        default: return kr_gen_expression(c, KR_AS(Expression, mod)->body);
    }
}
