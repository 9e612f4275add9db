/* The parser's state, and the kinds of input. */
#include <Python.h>

#include "syntax/parser.h"
#include "syntax/syntax_error.h"

/* Capacities at the start: for whole sources, and for parts of f-strings. */
enum { MANY_TOKENS = 128, MANY_NAMES = 256, FEW_TOKENS = 16, FEW_NAMES = 16, FIRST_ITEMS = 32 };

int kr_parser_init(KrParser *p, KrLexer *lexer, KrParseMode mode, PyCompilerFlags *flags, KrArena *arena) {
    memset(p, 0, sizeof(*p));
    p->lexer = lexer;
    p->mode = mode;
    p->flags = flags != NULL ? flags->cf_flags : 0;
    p->feature_version = flags != NULL && (flags->cf_flags & PyCF_ONLY_AST) ? flags->cf_feature_version
                                                                            : PY_MINOR_VERSION;
    p->barry = (p->flags & CO_FUTURE_BARRY_AS_BDFL) != 0;
    p->arena = arena;
    int tokens = lexer->is_fstring ? FEW_TOKENS : MANY_TOKENS, names = lexer->is_fstring ? FEW_NAMES : MANY_NAMES;
    p->tokens = PyMem_Malloc((size_t)tokens * sizeof(KrToken));
    p->items = PyMem_Malloc(FIRST_ITEMS * sizeof(void *));
    p->names = PyMem_Calloc((size_t)names, sizeof(KrParserName));
    if (p->tokens == NULL || p->items == NULL || p->names == NULL) {
        kr_parser_destroy(p);
        PyErr_NoMemory();
        return -1;
    }
    p->capacity = tokens;
    p->item_capacity = FIRST_ITEMS;
    p->name_mask = (uint32_t)names - 1;
    lexer->type_comments = (p->flags & PyCF_TYPE_COMMENTS) != 0;
    lexer->words_async = p->feature_version < 7;
    return 0;
}

void kr_parser_destroy(KrParser *p) {
    PyMem_Free(p->tokens);
    PyMem_Free(p->items);
    PyMem_Free(p->names);
    p->tokens = NULL;
    p->items = NULL;
    p->names = NULL;
}

/* Remembers a `# type: ignore` comment. Returns false with an exception. */
static bool add_type_ignore(KrParser *p, const KrToken *token) {
    Py_ssize_t capacity = kr_seq_count(p->type_ignores);
    if (p->type_ignore_count == capacity) {
        KrSeq *grown = kr_seq_new(p->arena, capacity ? 2 * capacity : 8);
        if (grown == NULL) return false;
        if (capacity) memcpy(grown->item, p->type_ignores->item, (size_t)capacity * sizeof(void *));
        p->type_ignores = grown;
    }
    PyObject *tag = kr_parser_text(p, token);
    if (tag == NULL) return false;
    Kr_TypeIgnore *node = KR_NEW(p->arena, TypeIgnore, .lineno = token->lineno, .tag = tag);
    if (node == NULL) return false;
    p->type_ignores->item[p->type_ignore_count++] = node;
    return true;
}

void kr_parser_fill(KrParser *p) {
    if (p->count > 0 && p->tokens[p->count - 1].kind == ERRORTOKEN) return;
    if (p->count == p->capacity) {
        size_t capacity = 2 * (size_t)p->capacity;
        KrToken *grown = PyMem_Realloc(p->tokens, capacity * sizeof(KrToken));
        if (grown == NULL) {
            /* Give up one token: the last one read becomes the error. */
            PyErr_NoMemory();
            p->failed = true;
            p->count--;
            p->mark = p->mark > p->count ? p->count : p->mark;
            p->tokens[p->count++].kind = ERRORTOKEN;
            return;
        }
        p->tokens = grown;
        p->capacity = (int)capacity;
    }
    KrToken *token = &p->tokens[p->count];
    KrLexer *lexer = p->lexer;
    kr_lexer_next(lexer, token);
    while (__builtin_expect(token->kind == TYPE_IGNORE, 0)) {
        if (!add_type_ignore(p, token)) {
            p->failed = true;
            token->kind = ERRORTOKEN;
            break;
        }
        kr_lexer_next(lexer, token);
    }
    if (p->mode == KR_PARSE_INTERACTIVE) {
        if (token->kind == ENDMARKER && p->started) {
            /* The end of input ends the line, and open blocks with it. */
            token->kind = NEWLINE;
            p->started = false;
            if (lexer->indents > 0 && !(p->flags & PyCF_DONT_IMPLY_DEDENT)) {
                lexer->pending = -lexer->indents;
                lexer->indents = 0;
            }
        } else {
            p->started = true;
        }
    }
    if (token->kind == ERRORTOKEN) {
        if (!p->failed) kr_syntax_error_from_lexer(lexer, token);
        p->failed = true;
    }
    p->count++;
}

bool kr_parser_grow_items(KrParser *p) {
    size_t capacity = 2 * (size_t)p->item_capacity;
    void **grown = PyMem_Realloc(p->items, capacity * sizeof(void *));
    if (grown == NULL) {
        PyErr_NoMemory();
        p->failed = true;
        return false;
    }
    p->items = grown;
    p->item_capacity = (Py_ssize_t)capacity;
    return true;
}

KrSeq *kr_parser_take(KrParser *p, Py_ssize_t base) {
    Py_ssize_t count = p->item_count - base;
    p->item_count = base;
    if (count == 0) return NULL;
    KrSeq *seq = kr_arena_alloc(p->arena, sizeof(KrSeq) + (size_t)count * sizeof(void *));
    if (seq == NULL) {
        p->failed = true;
        return NULL;
    }
    seq->count = count;
    memcpy(seq->item, p->items + base, (size_t)count * sizeof(void *));
    return seq;
}

PyObject *kr_parser_own(KrParser *p, PyObject *object) {
    if (object == NULL || kr_arena_own(p->arena, object) < 0) {
        p->failed = true;
        return NULL;
    }
    return object;
}

bool kr_parser_refuse_version(KrParser *p, int minor, const char *what) {
    if (!p->failed) {
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, &p->tokens[p->count - 1],
                             "%s only supported in Python 3.%i and greater", what, minor);
    }
    p->failed = true;
    return false;
}

bool kr_parser_probe(KrParser *p, int depth) {
    enum { STEP = 128 }; /* levels between looks at the stack */
    if (p->failed) return false;
    if (depth > KR_PARSER_MAX_DEPTH) {
        PyErr_NoMemory();
    } else if (Py_EnterRecursiveCall(" during compilation") == 0) {
        Py_LeaveRecursiveCall();
        p->probed = depth + STEP < KR_PARSER_MAX_DEPTH ? depth + STEP : KR_PARSER_MAX_DEPTH;
        return true;
    }
    p->failed = true;
    return false;
}

PyObject *kr_parser_text(KrParser *p, const KrToken *token) {
    return kr_parser_own(p, PyUnicode_DecodeUTF8(p->lexer->text + token->start, token->length, NULL));
}

/* Returns the NFKC form of a name with non-ASCII characters: a new reference, or NULL with an exception. */
static PyObject *normalize_name(PyObject *name) {
    PyObject *unicodedata = PyImport_ImportModule("unicodedata");
    if (unicodedata == NULL) return NULL;
    PyObject *normal = PyObject_CallMethod(unicodedata, "normalize", "sO", "NFKC", name);
    Py_DECREF(unicodedata);
    if (normal != NULL && !PyUnicode_Check(normal)) {
        PyErr_Format(PyExc_TypeError, "unicodedata.normalize() must return a string, not %.200s",
                     Py_TYPE(normal)->tp_name);
        Py_CLEAR(normal);
    }
    return normal;
}

/* Returns a new reference to the interned identifier, or NULL with an exception. */
static PyObject *new_identifier(const char *text, uint32_t length) {
    unsigned char bits = 0;
    for (uint32_t i = 0; i < length; i++) bits |= (unsigned char)text[i];
    PyObject *name;
    if (bits < 128) {
        name = _PyUnicode_FromASCII(text, length);
        if (name == NULL) return NULL;
    } else {
        PyObject *raw = PyUnicode_DecodeUTF8(text, length, NULL);
        if (raw == NULL) return NULL;
        name = normalize_name(raw);
        Py_DECREF(raw);
        if (name == NULL) return NULL;
    }
    PyUnicode_InternInPlace(&name);
    return name;
}

static uint32_t name_hash(const char *text, uint32_t length) {
    uint32_t hash = length;
    for (uint32_t i = 0; i < length; i++) hash = hash * 31 + (unsigned char)text[i];
    return hash ^ (hash >> 15);
}

static bool grow_names(KrParser *p) {
    uint32_t mask = 2 * p->name_mask + 1;
    KrParserName *grown = PyMem_Calloc((size_t)mask + 1, sizeof(KrParserName));
    if (grown == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (uint32_t i = 0; i <= p->name_mask; i++) {
        if (p->names[i].object == NULL) continue;
        uint32_t slot = p->names[i].hash & mask;
        while (grown[slot].object != NULL) slot = (slot + 1) & mask;
        grown[slot] = p->names[i];
    }
    PyMem_Free(p->names);
    p->names = grown;
    p->name_mask = mask;
    return true;
}

PyObject *kr_parser_identifier(KrParser *p, const KrToken *token) {
    const char *base = p->lexer->text, *text = base + token->start;
    uint32_t length = token->length, hash = name_hash(text, length), slot = hash & p->name_mask;
    for (; p->names[slot].object != NULL; slot = (slot + 1) & p->name_mask) {
        KrParserName *known = &p->names[slot];
        if (known->hash == hash && known->length == length && memcmp(base + known->start, text, length) == 0)
            return known->object;
    }
    if (p->failed) return NULL;
    PyObject *object = kr_parser_own(p, new_identifier(text, length));
    if (object == NULL) return NULL;
    p->names[slot] = (KrParserName){token->start, length, hash, object};
    if (2 * ++p->name_count > p->name_mask && !grow_names(p)) {
        p->failed = true;
        return NULL;
    }
    return object;
}

static KrNode *run_file(KrParser *p) {
    while (kr_peek_kind(p) != ENDMARKER) {
        if (!kr_parse_statement(p)) return NULL;
    }
    kr_skip(p);
    Kr_Module *module = KR_NEW(p->arena, Module);
    if (module == NULL) return NULL;
    module->body = kr_parser_take(p, 0);
    module->type_ignores = p->type_ignores;
    if (p->type_ignores != NULL) p->type_ignores->count = p->type_ignore_count;
    return p->failed ? NULL : &module->node;
}

/* Tells whether code follows the statement that was compiled in interactive mode from a string. */
static bool has_more_statements(const KrLexer *lexer) {
    const char *s = lexer->cursor;
    for (;;) {
        while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\f') s++;
        if (*s != '#') return *s != '\0';
        while (*s != '\0' && *s != '\n') s++;
    }
}

static KrNode *run_interactive(KrParser *p) {
    int kind = kr_peek_kind(p), start = p->mark;
    if (kind == ENDMARKER) return NULL;
    if (kind == NEWLINE) {
        kr_skip(p);
        KrNode *pass = KR_MAKE_STATEMENT(p, start, Pass);
        if (pass == NULL || !kr_push(p, pass)) return NULL;
    } else {
        bool is_compound;
        KrNode *compound = kr_parse_compound_statement(p, &is_compound);
        if (is_compound) {
            if (compound == NULL || !kr_accept(p, NEWLINE) || !kr_push(p, compound)) return NULL;
        } else if (!kr_parse_simple_statements(p)) {
            return NULL;
        }
    }
    if (!p->lexer->interactive && has_more_statements(p->lexer)) {
        const KrToken *last = &p->tokens[p->count - 1];
        p->lexer->state = KR_LEXER_RAISED;
        p->failed = true;
        kr_syntax_error_last(p->lexer, PyExc_SyntaxError, last,
                             "multiple statements found while compiling a single statement");
        return NULL;
    }
    Kr_Interactive *tree = KR_NEW(p->arena, Interactive);
    if (tree == NULL) return NULL;
    tree->body = kr_parser_take(p, 0);
    return p->failed ? NULL : &tree->node;
}

static bool skip_to_end(KrParser *p) {
    while (kr_accept(p, NEWLINE)) continue;
    return kr_peek_kind(p) == ENDMARKER;
}

static KrNode *run_expression(KrParser *p) {
    KrNode *body = kr_parse_expressions(p);
    if (body == NULL || !skip_to_end(p)) return NULL;
    return (KrNode *)KR_NEW(p->arena, Expression, .body = body);
}

/* `(int, *str, **bool) -> str`: a signature in a type comment. */
static KrNode *run_function_type(KrParser *p) {
    if (!kr_accept(p, LPAR)) return NULL;
    int stars = 0; /* 1 behind `*type`, 2 behind `**type` */
    while (kr_peek_kind(p) != RPAR) {
        if (stars == 2 || (p->item_count > 0 && !kr_accept(p, COMMA))) return NULL;
        if (stars == 0 && kr_accept(p, STAR)) {
            stars = 1;
        } else if (kr_accept(p, DOUBLESTAR)) {
            stars = 2;
        } else if (stars != 0) {
            return NULL;
        }
        KrNode *type = kr_parse_expression(p);
        if (type == NULL || !kr_push(p, type)) return NULL;
    }
    kr_skip(p);
    KrSeq *argtypes = kr_parser_take(p, 0);
    if (p->failed || !kr_accept(p, RARROW)) return NULL;
    KrNode *returns = kr_parse_expression(p);
    if (returns == NULL || !skip_to_end(p)) return NULL;
    return (KrNode *)KR_NEW(p->arena, FunctionType, .argtypes = argtypes, .returns = returns);
}

KrNode *kr_parser_run(KrParser *p) {
    switch (p->mode) {
    case KR_PARSE_FILE: return run_file(p);
    case KR_PARSE_EXPRESSION: return run_expression(p);
    case KR_PARSE_INTERACTIVE: return run_interactive(p);
    case KR_PARSE_FUNCTION_TYPE: return run_function_type(p);
    }
    return NULL;
}

KrNode *kr_parser_run_fstring(KrParser *p) { return kr_parse_star_expressions(p); }
