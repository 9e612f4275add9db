/* Code generation for the match statement.
 *
 * While a pattern is tested, the value to match is on top of the stack; the pattern consumes it. Names that it captures
 * wait on the stack, below everything the pattern still needs, until the whole pattern has matched: then they are stored.
 * When a part does not match, all of that has to be popped, so a failing test jumps into a chain of POP_TOP at the depth
 * that fits.
 */
#include <Python.h>

#include "compile/codegen.h"

typedef struct Names {
    PyObject **items; /* borrowed, in the order in which they lie on the stack */
    Py_ssize_t count, capacity;
} Names;

typedef struct Pattern {
    Names stores;
    int allows_irrefutable; /* a pattern that always matches may stand here */
    KrBlock **fail_pop;     /* fail_pop[n] pops n values and goes on with the next case */
    Py_ssize_t fail_pop_count, fail_pop_capacity;
    Py_ssize_t on_top; /* values above the captured ones that a failure has to pop */
} Pattern;

static int gen_pattern(KrCompiler *c, KrNode *node, Pattern *pattern);

static void *doubled(KrCompiler *c, void *items, Py_ssize_t count, Py_ssize_t *capacity) {
    if (count < *capacity) return items;
    Py_ssize_t larger = *capacity ? 2 * *capacity : 8;
    void **moved = kr_arena_alloc(c->arena, (size_t)larger * sizeof(void *));
    if (moved == NULL) return NULL;
    if (count) memcpy(moved, items, (size_t)count * sizeof(void *));
    *capacity = larger;
    return moved;
}

static Py_ssize_t find_name(const Names *names, PyObject *name) {
    for (Py_ssize_t i = 0; i < names->count; i++)
        if (names->items[i] == name) return i;
    return -1;
}

static int add_name(KrCompiler *c, Names *names, PyObject *name) {
    PyObject **items = doubled(c, names->items, names->count, &names->capacity);
    if (items == NULL) return -1;
    names->items = items;
    items[names->count++] = name;
    return 0;
}

/* Failing */

static int reserve_fail_pops(KrCompiler *c, Pattern *pattern, Py_ssize_t pops) {
    while (pattern->fail_pop_count <= pops) {
        KrBlock **blocks = doubled(c, pattern->fail_pop, pattern->fail_pop_count, &pattern->fail_pop_capacity);
        if (blocks == NULL) return -1;
        pattern->fail_pop = blocks;
        NEW_BLOCK(block);
        blocks[pattern->fail_pop_count++] = block;
    }
    return 0;
}

/* Emits a jump for a part that does not match. */
static int gen_fail(KrCompiler *c, Pattern *pattern, int opcode) {
    Py_ssize_t pops = pattern->on_top + pattern->stores.count;
    TRY(reserve_fail_pops(c, pattern, pops));
    return kr_emit_jump(c, opcode, pattern->fail_pop[pops]);
}

static int gen_fail_unless(KrCompiler *c, Pattern *pattern) { return gen_fail(c, pattern, OP_POP_JUMP_IF_FALSE); }

/* Emits the chain of pops that failing tests jump into. */
static int gen_fail_pops(KrCompiler *c, Pattern *pattern) {
    if (pattern->fail_pop_count == 0) {
        NEW_BLOCK(block);
        kr_unit_use_block(c, block);
        return 0;
    }
    while (--pattern->fail_pop_count) {
        kr_unit_use_block(c, pattern->fail_pop[pattern->fail_pop_count]);
        EMIT(POP_TOP);
    }
    kr_unit_use_block(c, pattern->fail_pop[0]);
    pattern->fail_pop = NULL;
    pattern->fail_pop_capacity = 0;
    return 0;
}

/* Capturing */

/* Moves the top of the stack down to position `count`. */
static int gen_rotate(KrCompiler *c, Py_ssize_t count) {
    while (count > 1) EMIT_ARG(SWAP, (int)count--);
    return 0;
}

static int duplicate_name(KrCompiler *c, PyObject *name) {
    return kr_compile_error(c, "multiple assignments to name %R in pattern", name);
}

static int gen_capture(KrCompiler *c, PyObject *name, Pattern *pattern) {
    if (name == NULL) {
        EMIT(POP_TOP);
        return 0;
    }
    TRY(kr_check_target(c, name, KR_Store));
    name = kr_identifier_intern(c->arena, name);
    if (name == NULL) return -1;
    if (find_name(&pattern->stores, name) >= 0) return duplicate_name(c, name);
    TRY(gen_rotate(c, pattern->on_top + pattern->stores.count + 1));
    return add_name(c, &pattern->stores, name);
}

static int is_wildcard(const KrNode *node) { return node->kind == KR_MatchAs && KR_AS(MatchAs, node)->name == NULL; }
static int is_star_wildcard(const KrNode *node) {
    return node->kind == KR_MatchStar && KR_AS(MatchStar, node)->name == NULL;
}

static int gen_subpattern(KrCompiler *c, KrNode *node, Pattern *pattern) {
    int outer = pattern->allows_irrefutable;
    pattern->allows_irrefutable = 1;
    TRY(gen_pattern(c, node, pattern));
    pattern->allows_irrefutable = outer;
    return 0;
}

static int gen_as(KrCompiler *c, const Kr_MatchAs *as, Pattern *pattern) {
    if (as->pattern == NULL) {
        if (!pattern->allows_irrefutable) {
            if (as->name != NULL)
                return kr_compile_error(c, "name capture %R makes remaining patterns unreachable", as->name);
            return kr_compile_error(c, "wildcard makes remaining patterns unreachable");
        }
        return gen_capture(c, as->name, pattern);
    }
    pattern->on_top++;
    EMIT_ARG(COPY, 1);
    TRY(gen_pattern(c, as->pattern, pattern));
    pattern->on_top--;
    return gen_capture(c, as->name, pattern);
}

/* Sequences */

static int gen_unpack(KrCompiler *c, const KrSeq *patterns) {
    int count = (int)kr_seq_count(patterns), has_star = 0;
    for (int i = 0; i < count; i++) {
        if (kr_seq_node(patterns, i)->kind != KR_MatchStar) continue;
        if (has_star) return kr_compile_error(c, "multiple starred expressions in sequence pattern");
        if (i >= 1 << 8 || count - i - 1 >= INT_MAX >> 8)
            return kr_compile_error(c, "too many expressions in star-unpacking sequence pattern");
        EMIT_ARG(UNPACK_EX, i + ((count - i - 1) << 8));
        has_star = 1;
    }
    if (!has_star) EMIT_ARG(UNPACK_SEQUENCE, count);
    return 0;
}

static int gen_unpacked_items(KrCompiler *c, const KrSeq *patterns, Pattern *pattern) {
    TRY(gen_unpack(c, patterns));
    Py_ssize_t count = kr_seq_count(patterns);
    pattern->on_top += count;
    for (Py_ssize_t i = 0; i < count; i++) {
        pattern->on_top--;
        TRY(gen_subpattern(c, kr_seq_node(patterns, i), pattern));
    }
    return 0;
}

/* `[a, *_, b]`: the items are picked by index, since nobody wants those in the middle. */
static int gen_picked_items(KrCompiler *c, const KrSeq *patterns, Py_ssize_t star, Pattern *pattern) {
    Py_ssize_t count = kr_seq_count(patterns);
    pattern->on_top++;
    for (Py_ssize_t i = 0; i < count; i++) {
        KrNode *item = kr_seq_node(patterns, i);
        if (is_wildcard(item) || i == star) continue;
        EMIT_ARG(COPY, 1);
        if (i < star) {
            TRY(kr_emit_new_constant(c, PyLong_FromSsize_t(i)));
        } else {
            /* Not every sequence understands negative indices. */
            EMIT(GET_LEN);
            TRY(kr_emit_new_constant(c, PyLong_FromSsize_t(count - i)));
            TRY(kr_gen_binary(c, KR_Sub, 0));
        }
        EMIT(BINARY_SUBSCR);
        TRY(gen_subpattern(c, item, pattern));
    }
    pattern->on_top--;
    EMIT(POP_TOP);
    return 0;
}

/* Fails unless the length of the value on the stack compares with `length` as wanted. */
static int gen_length_test(KrCompiler *c, Py_ssize_t length, KrEnumerator comparison, Pattern *pattern) {
    EMIT(GET_LEN);
    TRY(kr_emit_new_constant(c, PyLong_FromSsize_t(length)));
    TRY(kr_gen_compare(c, comparison));
    return gen_fail_unless(c, pattern);
}

static int gen_sequence(KrCompiler *c, const Kr_MatchSequence *sequence, Pattern *pattern) {
    const KrSeq *patterns = sequence->patterns;
    Py_ssize_t count = kr_seq_count(patterns), star = -1;
    int only_wildcards = 1, star_is_wildcard = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        const KrNode *item = kr_seq_node(patterns, i);
        if (item->kind == KR_MatchStar) {
            if (star >= 0) return kr_compile_error(c, "multiple starred names in sequence pattern");
            star_is_wildcard = is_star_wildcard(item);
            only_wildcards &= star_is_wildcard;
            star = i;
            continue;
        }
        only_wildcards &= is_wildcard(item);
    }
    pattern->on_top++;
    EMIT(MATCH_SEQUENCE);
    TRY(gen_fail_unless(c, pattern));
    if (star < 0)
        TRY(gen_length_test(c, count, KR_Eq, pattern));
    else if (count > 1)
        TRY(gen_length_test(c, count - 1, KR_GtE, pattern));
    pattern->on_top--;
    if (only_wildcards) {
        EMIT(POP_TOP);
        return 0;
    }
    return star_is_wildcard ? gen_picked_items(c, patterns, star, pattern) : gen_unpacked_items(c, patterns, pattern);
}

/* Classes */

static int check_attributes(KrCompiler *c, const KrSeq *attributes, const KrSeq *patterns) {
    Py_ssize_t count = kr_seq_count(attributes);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = kr_seq_object(attributes, i);
        kr_set_location(c, kr_seq_node(patterns, i));
        TRY(kr_check_target(c, name, KR_Store));
        for (Py_ssize_t j = i + 1; j < count; j++) {
            if (PyUnicode_Compare(name, kr_seq_object(attributes, j)) != 0) continue;
            kr_set_location(c, kr_seq_node(patterns, j));
            return kr_compile_error(c, "attribute name repeated in class pattern: %U", kr_seq_object(attributes, j));
        }
    }
    return 0;
}

/* The matching instruction left a tuple of values, or None for no match. */
static int gen_fail_if_none(KrCompiler *c, Pattern *pattern) {
    EMIT_ARG(COPY, 1);
    EMIT_CONSTANT(Py_None);
    EMIT_ARG(IS_OP, 1);
    return gen_fail_unless(c, pattern);
}

static int gen_class(KrCompiler *c, KrNode *node, Pattern *pattern) {
    const Kr_MatchClass *match = KR_AS(MatchClass, node);
    Py_ssize_t positional = kr_seq_count(match->patterns), named = kr_seq_count(match->kwd_attrs);
    if (kr_seq_count(match->kwd_patterns) != named)
        return kr_compile_error(c, "kwd_attrs (%d) / kwd_patterns (%d) length mismatch in class pattern", (int)named,
                                (int)kr_seq_count(match->kwd_patterns));
    if (positional >= INT_MAX || positional + named - 1 >= INT_MAX)
        return kr_compile_error(c, "too many sub-patterns in class pattern %R", match->cls);
    if (named) {
        TRY(check_attributes(c, match->kwd_attrs, match->kwd_patterns));
        kr_set_location(c, node);
    }
    TRY(kr_gen_expression(c, match->cls));
    PyObject *names = PyTuple_New(named);
    if (names == NULL) return -1;
    for (Py_ssize_t i = 0; i < named; i++)
        PyTuple_SET_ITEM(names, i, Py_NewRef(kr_seq_object(match->kwd_attrs, i)));
    TRY(kr_emit_new_constant(c, names));
    EMIT_ARG(MATCH_CLASS, (int)positional);
    EMIT_ARG(COPY, 1);
    EMIT_CONSTANT(Py_None);
    EMIT_ARG(IS_OP, 1);
    pattern->on_top++;
    TRY(gen_fail_unless(c, pattern));
    EMIT_ARG(UNPACK_SEQUENCE, (int)(positional + named));
    pattern->on_top += positional + named - 1;
    for (Py_ssize_t i = 0; i < positional + named; i++) {
        KrNode *item = i < positional ? kr_seq_node(match->patterns, i) : kr_seq_node(match->kwd_patterns, i - positional);
        pattern->on_top--;
        if (is_wildcard(item)) {
            EMIT(POP_TOP);
            continue;
        }
        TRY(gen_subpattern(c, item, pattern));
    }
    return 0;
}

/* Mappings */

static int gen_keys(KrCompiler *c, const Kr_MatchMapping *mapping, PyObject *seen) {
    Py_ssize_t count = kr_seq_count(mapping->keys);
    for (Py_ssize_t i = 0; i < count; i++) {
        KrNode *key = kr_seq_node(mapping->keys, i);
        if (key == NULL) {
            kr_set_location(c, kr_seq_node(mapping->patterns, i));
            return kr_compile_error(c, "can't use NULL keys in MatchMapping (set 'rest' parameter instead)");
        }
        if (key->kind == KR_Constant) {
            PyObject *value = KR_AS(Constant, key)->value;
            int found = PySet_Contains(seen, value);
            if (found < 0) return -1;
            if (found) return kr_compile_error(c, "mapping pattern checks duplicate key (%R)", value);
            TRY(PySet_Add(seen, value));
        } else if (key->kind != KR_Attribute) {
            return kr_compile_error(c, "mapping pattern keys may only match literals and attribute lookups");
        }
        TRY(kr_gen_expression(c, key));
    }
    return 0;
}

static int gen_mapping(KrCompiler *c, const Kr_MatchMapping *mapping, Pattern *pattern) {
    Py_ssize_t count = kr_seq_count(mapping->keys);
    if (kr_seq_count(mapping->patterns) != count)
        return kr_compile_error(c, "keys (%d) / patterns (%d) length mismatch in mapping pattern", (int)count,
                                (int)kr_seq_count(mapping->patterns));
    pattern->on_top++;
    EMIT(MATCH_MAPPING);
    TRY(gen_fail_unless(c, pattern));
    if (count == 0 && mapping->rest == NULL) {
        pattern->on_top--;
        EMIT(POP_TOP);
        return 0;
    }
    if (count > 0) TRY(gen_length_test(c, count, KR_GtE, pattern));
    if (count - 1 > INT_MAX) return kr_compile_error(c, "too many sub-patterns in mapping pattern");

    PyObject *seen = PySet_New(NULL);
    if (seen == NULL) return -1;
    int failed = gen_keys(c, mapping, seen);
    Py_DECREF(seen);
    if (failed < 0) return -1;
    EMIT_ARG(BUILD_TUPLE, (int)count);
    EMIT(MATCH_KEYS);
    pattern->on_top += 2;
    TRY(gen_fail_if_none(c, pattern));
    EMIT_ARG(UNPACK_SEQUENCE, (int)count);
    pattern->on_top += count - 1;
    for (Py_ssize_t i = 0; i < count; i++) {
        pattern->on_top--;
        TRY(gen_subpattern(c, kr_seq_node(mapping->patterns, i), pattern));
    }
    /* Left are the tuple of keys and the mapping itself. */
    pattern->on_top -= 2;
    if (mapping->rest == NULL) {
        EMIT(POP_TOP);
        EMIT(POP_TOP);
        return 0;
    }
    /* rest = dict(mapping); for key in keys: del rest[key] */
    EMIT_ARG(BUILD_MAP, 0);
    EMIT_ARG(SWAP, 3);
    EMIT_ARG(DICT_UPDATE, 2);
    EMIT_ARG(UNPACK_SEQUENCE, (int)count);
    for (int left = (int)count; left > 0; left--) {
        EMIT_ARG(COPY, 1 + left);
        EMIT_ARG(SWAP, 2);
        EMIT(DELETE_SUBSCR);
    }
    return gen_capture(c, mapping->rest, pattern);
}

/* Alternatives */

/* Brings the names that an alternative captured into the order in which the first alternative captured them. */
static int gen_reorder(KrCompiler *c, const Names *wanted, Names *stores) {
    for (Py_ssize_t to = wanted->count; to-- > 0;) {
        Py_ssize_t from = find_name(stores, wanted->items[to]);
        if (from < 0) return kr_compile_error(c, "alternative patterns bind different names");
        if (from == to) continue;
        /* Rotate `to + 1` values by `from + 1`, on the stack and in the list. */
        Py_ssize_t by = from + 1, span = to + 1;
        PyObject **rotated = kr_arena_alloc(c->arena, (size_t)span * sizeof(PyObject *));
        if (rotated == NULL) return -1;
        for (Py_ssize_t i = 0; i < span; i++) rotated[i] = stores->items[(i + by) % span];
        memcpy(stores->items, rotated, (size_t)span * sizeof(PyObject *));
        for (; by > 0; by--) TRY(gen_rotate(c, span));
    }
    return 0;
}

static int gen_or(KrCompiler *c, const Kr_MatchOr *match, Pattern *pattern) {
    NEW_BLOCK(end);
    Py_ssize_t count = kr_seq_count(match->patterns);
    Names first = {0};
    for (Py_ssize_t i = 0; i < count; i++) {
        KrNode *node = kr_seq_node(match->patterns, i);
        kr_set_location(c, node);
        Pattern alternative = {.allows_irrefutable = i == count - 1 && pattern->allows_irrefutable};
        EMIT_ARG(COPY, 1);
        TRY(gen_pattern(c, node, &alternative));
        if (i == 0)
            first = alternative.stores;
        else if (alternative.stores.count != first.count)
            return kr_compile_error(c, "alternative patterns bind different names");
        else
            TRY(gen_reorder(c, &first, &alternative.stores));
        EMIT_JUMP(JUMP, end);
        TRY(gen_fail_pops(c, &alternative));
    }
    /* No alternative matched: drop the copy of the value. */
    EMIT(POP_TOP);
    TRY(gen_fail(c, pattern, OP_JUMP));
    kr_unit_use_block(c, end);
    /* The new names go below the value and everything else the enclosing pattern keeps above its own names. */
    Py_ssize_t depth = first.count + 1 + pattern->on_top + pattern->stores.count;
    for (Py_ssize_t i = 0; i < first.count; i++) {
        TRY(gen_rotate(c, depth));
        if (find_name(&pattern->stores, first.items[i]) >= 0) return duplicate_name(c, first.items[i]);
        TRY(add_name(c, &pattern->stores, first.items[i]));
    }
    EMIT(POP_TOP);
    return 0;
}

static int is_value_expression(const KrNode *node) {
    switch (node->kind) {
        case KR_Constant:
        case KR_Attribute: return 1;
        default: return 0;
    }
}

static int gen_pattern(KrCompiler *c, KrNode *node, Pattern *pattern) {
    KR_GEN_CHECK_STACK(c);
    kr_set_location(c, node);
    switch (node->kind) {
        case KR_MatchValue:
            if (!is_value_expression(KR_AS(MatchValue, node)->value))
                return kr_compile_error(c, "patterns may only match literals and attribute lookups");
            TRY(kr_gen_expression(c, KR_AS(MatchValue, node)->value));
            TRY(kr_gen_compare(c, KR_Eq));
            return gen_fail_unless(c, pattern);
        case KR_MatchSingleton:
            EMIT_CONSTANT(KR_AS(MatchSingleton, node)->value);
            TRY(kr_gen_compare(c, KR_Is));
            return gen_fail_unless(c, pattern);
        case KR_MatchSequence: return gen_sequence(c, KR_AS(MatchSequence, node), pattern);
        case KR_MatchMapping: return gen_mapping(c, KR_AS(MatchMapping, node), pattern);
        case KR_MatchClass: return gen_class(c, node, pattern);
        case KR_MatchStar: return gen_capture(c, KR_AS(MatchStar, node)->name, pattern);
        case KR_MatchAs: return gen_as(c, KR_AS(MatchAs, node), pattern);
        case KR_MatchOr: return gen_or(c, KR_AS(MatchOr, node), pattern);
        default: return kr_compile_error(c, "invalid match pattern node in AST (kind=%d)", node->kind);
    }
}

int kr_gen_match(KrCompiler *c, Kr_Match *match) {
    TRY(kr_gen_expression(c, match->subject));
    NEW_BLOCK(end);
    Py_ssize_t count = kr_seq_count(match->cases);
    const Kr_match_case *last = match->cases->item[count - 1];
    int has_default = is_wildcard(last->pattern) && count > 1;
    Py_ssize_t tested = count - has_default;
    for (Py_ssize_t i = 0; i < tested; i++) {
        const Kr_match_case *match_case = match->cases->item[i];
        int is_last_tested = i == tested - 1;
        kr_set_location(c, match_case->pattern);
        /* The last test may consume the subject itself. */
        if (!is_last_tested) EMIT_ARG(COPY, 1);
        Pattern pattern = {.allows_irrefutable = match_case->guard != NULL || i == count - 1};
        TRY(gen_pattern(c, match_case->pattern, &pattern));
        for (Py_ssize_t n = 0; n < pattern.stores.count; n++)
            TRY(kr_gen_name(c, pattern.stores.items[n], KR_Store));
        if (match_case->guard != NULL) {
            TRY(reserve_fail_pops(c, &pattern, 0));
            TRY(kr_gen_jump_if(c, match_case->guard, pattern.fail_pop[0], 0));
        }
        if (!is_last_tested) EMIT(POP_TOP);
        TRY(kr_gen_statements(c, match_case->body));
        EMIT_JUMP(JUMP, end);
        /* Cleaning up after a pattern that fails belongs to its line, not to the end of its body. */
        kr_set_location(c, match_case->pattern);
        TRY(gen_fail_pops(c, &pattern));
    }
    if (has_default) {
        kr_set_location(c, last->pattern);
        if (tested == 0)
            EMIT(POP_TOP);
        else
            EMIT(NOP);
        if (last->guard != NULL) TRY(kr_gen_jump_if(c, last->guard, end, 0));
        TRY(kr_gen_statements(c, last->body));
    }
    kr_unit_use_block(c, end);
    return 0;
}
