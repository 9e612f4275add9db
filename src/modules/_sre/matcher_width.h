/* The matcher for one width of characters. Included by matcher.c, with CHAR defined as the type of a character and
   NAME(x) as x with the width appended. */

/* The characters of CHAR's type that a Py_UCS4 cannot be equal to are those above this. */
#define CHAR_MAXIMUM ((Py_UCS4)(CHAR)-1)

static inline bool NAME(set_has)(const CharSet *set, const uint32_t *words, CHAR ch) {
#if CHAR_BYTES == 1
    if (!set->dynamic) return sre_bit(set, ch);
#else
    if (ch < 256 && !set->dynamic) return sre_bit(set, ch);
    if (set->wide != WIDE_RULES) return set->wide == WIDE_ALL;
#endif
    return kr_sre_set_contains_slow(set, words, ch);
}

/* True if a character can start what the set was made for; the set has no rules. */
static inline bool NAME(can_start)(const CharSet *set, CHAR ch) {
#if CHAR_BYTES == 1
    return sre_bit(set, ch);
#else
    return ch < 256 ? sre_bit(set, ch) : set->wide != WIDE_NONE;
#endif
}

/* The first place in [ptr, end) where the character is, or end. */
static inline const CHAR *NAME(find_char)(const CHAR *ptr, const CHAR *end, Py_UCS4 ch) {
    if (ch > CHAR_MAXIMUM) return end;
#if CHAR_BYTES == 1
    const CHAR *found = memchr(ptr, (int)ch, (size_t)(end - ptr));
    return found != NULL ? found : end;
#elif CHAR_BYTES == 4
    const CHAR *found = (const CHAR *)wmemchr((const wchar_t *)ptr, (wchar_t)ch, (size_t)(end - ptr));
    return found != NULL ? found : end;
#else
    while (ptr < end && *ptr != ch) ptr++;
    return ptr;
#endif
}

/* The end of the run of characters from ptr on, at most up to `end`, that the unit of a repeat matches. */
static const CHAR *NAME(run_end)(const Program *program, const Node *node, const CHAR *ptr, const CHAR *end) {
    enum { PEEK = 8 }; /* characters looked at before a search function is worth its call */
    Py_UCS4 ch = node->value;
    switch (node->unit) {
    case NODE_CHAR:
        if (ch > CHAR_MAXIMUM) return ptr;
        while (ptr < end && *ptr == (CHAR)ch) ptr++;
        return ptr;
    case NODE_NOT_CHAR: {
        const CHAR *near_end = end - ptr > PEEK ? ptr + PEEK : end;
        while (ptr < near_end) {
            if (*ptr == ch) return ptr;
            ptr++;
        }
        return ptr < end ? NAME(find_char)(ptr, end, ch) : end;
    }
    case NODE_SET: {
        const CharSet *set = &program->sets[ch];
#if CHAR_BYTES == 1
        if (!set->dynamic) {
            while (ptr < end && sre_bit(set, *ptr)) ptr++;
            return ptr;
        }
#endif
        while (ptr < end && NAME(set_has)(set, program->words, *ptr)) ptr++;
        return ptr;
    }
    default:
        return end;
    }
}

static inline bool NAME(unit_matches)(const Program *program, NodeOp unit, uint32_t value, CHAR ch) {
    switch (unit) {
    case NODE_CHAR:
        return ch == value;
    case NODE_NOT_CHAR:
        return ch != value;
    case NODE_SET:
        return NAME(set_has)(&program->sets[value], program->words, ch);
    default:
        return true;
    }
}

/* True if exactly one of the characters around ptr belongs to a word. */
static bool NAME(at_boundary)(const MatchState *state, WordKind kind, const CHAR *ptr) {
    bool before = ptr > (const CHAR *)state->beginning && kr_sre_is_word(kind, ptr[-1]);
    bool after = ptr < (const CHAR *)state->end && kr_sre_is_word(kind, *ptr);
    return before != after;
}

/* The place behind a repetition of [from, to) at ptr; NULL if there is none. */
static const CHAR *NAME(skip_repetition)(CaseKind kind, const CHAR *from, const CHAR *to, const CHAR *ptr,
                                         const CHAR *end) {
    if (to - from > end - ptr) return NULL;
    if (kind == CASE_EXACT) {
        for (; from < to; from++, ptr++) {
            if (*ptr != *from) return NULL;
        }
    } else {
        for (; from < to; from++, ptr++) {
            if (kr_sre_lower(kind, *ptr) != kr_sre_lower(kind, *from)) return NULL;
        }
    }
    return ptr;
}

/* Tries to match at `start`. Returns 1 and sets state->start and state->ptr, or returns 0, or -1 with an exception. */
static int NAME(match)(MatchState *state, const CHAR *start) {
    static const void *const labels[] = {
#define SRE_NODE(name) &&do_##name,
#include "modules/_sre/nodes.def"
#undef SRE_NODE
    };
    const Program *const program = state->program;
    const Node *const nodes = program->nodes;
    const CharSet *const sets = program->sets;
    const CHAR *const beginning = (const CHAR *)state->beginning, *const end = (const CHAR *)state->end;
    const CHAR *ptr = start;
    const Node *pc = nodes;
    uintptr_t *const slots = state->slots;

    Choice local_choices[LOCAL_CHOICES], *choices, *top, *choice_limit;
    TrailEntry local_trail[LOCAL_TRAIL], *trail, *trail_top, *trail_limit;
    size_t barrier = 0; /* index of the choice that guards the innermost group that matches on its own */

    if (state->choices != NULL) {
        choices = state->choices;
        choice_limit = choices + state->choice_capacity;
    } else {
        choices = local_choices;
        choice_limit = choices + LOCAL_CHOICES;
    }
    if (state->trail != NULL) {
        trail = state->trail;
        trail_limit = trail + state->trail_capacity;
    } else {
        trail = local_trail;
        trail_limit = trail + LOCAL_TRAIL;
    }
    top = choices;
    trail_top = trail;

#define DISPATCH() goto *labels[pc->op]
#define NEXT()        \
    do {              \
        pc++;         \
        DISPATCH();   \
    } while (0)

/* Adds a choice. */
#define CHOOSE(how, at, where, data)                                                                     \
    do {                                                                                                 \
        if (top == choice_limit) {                                                                       \
            Py_ssize_t used = top - choices;                                                             \
            if ((choices = grow_choices(state, choices, used)) == NULL) return -1;                       \
            top = choices + used;                                                                        \
            choice_limit = choices + state->choice_capacity;                                             \
        }                                                                                                \
        *top++ = (Choice){(at), (where), (uintptr_t)(data), (uint32_t)(trail_top - trail), (how)};       \
    } while (0)

/* Sets a slot so that failing restores it. With no choice left there is nothing to go back to. */
#define SET_SLOT(index, new_value)                                                                       \
    do {                                                                                                 \
        uint32_t slot_index = (index);                                                                   \
        if (top != choices) {                                                                            \
            if (trail_top == trail_limit) {                                                              \
                Py_ssize_t used = trail_top - trail;                                                     \
                if ((trail = grow_trail(state, trail, used)) == NULL) return -1;                         \
                trail_top = trail + used;                                                                \
                trail_limit = trail + state->trail_capacity;                                             \
            }                                                                                            \
            *trail_top++ = (TrailEntry){slot_index, slots[slot_index]};                                  \
        }                                                                                                \
        slots[slot_index] = (uintptr_t)(new_value);                                                      \
    } while (0)

#define CAN_START(set) ((set) == NO_SET || (ptr < end && NAME(can_start)(&sets[set], *ptr)))

/* Looks after signals once in a while; used wherever a loop of nodes must pass. */
#define TICK()                                                                                           \
    do {                                                                                                 \
        if ((++state->ticks & TICKS_MASK) == 0 && PyErr_CheckSignals() < 0) return -1;                    \
    } while (0)

    DISPATCH();

do_CHAR:
    if (ptr >= end || *ptr != pc->value) goto fail;
    ptr++;
    NEXT();

do_NOT_CHAR:
    if (ptr >= end || *ptr == pc->value) goto fail;
    ptr++;
    NEXT();

do_ANY_CHAR:
    if (ptr >= end) goto fail;
    ptr++;
    NEXT();

do_SET:
    if (ptr >= end || !NAME(set_has)(&sets[pc->value], program->words, *ptr)) goto fail;
    ptr++;
    NEXT();

do_STRING: {
    const uint32_t *wanted = program->words + pc->value, *wanted_end = wanted + pc->max;
    if (end - ptr < wanted_end - wanted) goto fail;
    do {
        if (*ptr != *wanted) goto fail;
        ptr++;
    } while (++wanted < wanted_end);
    NEXT();
}

do_AT_BEGINNING:
    if (ptr != beginning) goto fail;
    NEXT();

do_AT_BEGINNING_LINE:
    if (ptr != beginning && ptr[-1] != '\n') goto fail;
    NEXT();

do_AT_END:
    if (ptr != end && (end - ptr != 1 || *ptr != '\n')) goto fail;
    NEXT();

do_AT_END_LINE:
    if (ptr != end && *ptr != '\n') goto fail;
    NEXT();

do_AT_END_STRING:
    if (ptr != end) goto fail;
    NEXT();

do_AT_BOUNDARY:
    if (beginning == end || !NAME(at_boundary)(state, pc->value, ptr)) goto fail;
    NEXT();

do_AT_NON_BOUNDARY: /* An empty subject has none either. */
    if (beginning == end || NAME(at_boundary)(state, pc->value, ptr)) goto fail;
    NEXT();

do_MARK:
    SET_SLOT(pc->value, ptr);
    if (pc->value & 1) SET_SLOT(LAST_GROUP_SLOT(program), pc->value / 2 + 1);
    state->slots_used = true;
    NEXT();

do_GROUPREF: {
    const CHAR *from = (const CHAR *)slots[2 * pc->value], *to = (const CHAR *)slots[2 * pc->value + 1];
    if (from == NULL || to == NULL || to < from) goto fail;
    if ((ptr = NAME(skip_repetition)(pc->max, from, to, ptr, end)) == NULL) goto fail;
    NEXT();
}

do_GROUPREF_EXISTS: {
    const CHAR *from = (const CHAR *)slots[2 * pc->value], *to = (const CHAR *)slots[2 * pc->value + 1];
    if (from != NULL && to != NULL && to >= from) NEXT();
    pc = nodes + pc->target;
    DISPATCH();
}

do_JUMP:
    pc = nodes + pc->target;
    DISPATCH();

do_ALTERNATIVE:
    if (!CAN_START(pc->first)) {
        pc = nodes + pc->target;
        DISPATCH();
    }
    if (!pc->exclusive) CHOOSE(RESUME, nodes + pc->target, ptr, 0);
    NEXT();

do_LAST_ALTERNATIVE:
    if (!CAN_START(pc->first)) goto fail;
    NEXT();

do_REPEAT_ONE: {
    if (end - ptr < (Py_ssize_t)pc->min) goto fail;
    const CHAR *least = ptr + pc->min, *limit = end;
    if (pc->max < (size_t)(end - ptr)) limit = ptr + pc->max;
    ptr = NAME(run_end)(program, pc, ptr, limit);
    if (ptr < least) goto fail;
    if (pc->exclusive || ptr == least) NEXT();
    if (pc->tail != NO_SET) {
        const CharSet *tail = &sets[pc->tail];
        if (ptr == end) ptr--;
        while (!NAME(can_start)(tail, *ptr)) {
            if (ptr == least) goto fail;
            ptr--;
        }
        if (ptr == least) NEXT();
    }
    CHOOSE(SHRINK, pc, ptr, least);
    NEXT();
}

do_MIN_REPEAT_ONE: {
    if (end - ptr < (Py_ssize_t)pc->min) goto fail;
    const CHAR *limit = end;
    if (pc->max < (size_t)(end - ptr)) limit = ptr + pc->max;
    if (pc->min > 0) {
        const CHAR *least = ptr + pc->min;
        ptr = NAME(run_end)(program, pc, ptr, least);
        if (ptr < least) goto fail;
    }
    if (pc->tail != NO_SET) {
        const CharSet *tail = &sets[pc->tail];
        for (; ptr == end || !NAME(can_start)(tail, *ptr); ptr++) {
            if (ptr >= limit || !NAME(unit_matches)(program, pc->unit, pc->value, *ptr)) goto fail;
        }
    }
    if (ptr < limit && !pc->exclusive) CHOOSE(EXTEND, pc, ptr, limit);
    NEXT();
}

do_POSSESSIVE_REPEAT_ONE: {
    if (end - ptr < (Py_ssize_t)pc->min) goto fail;
    const CHAR *least = ptr + pc->min, *limit = end;
    if (pc->max < (size_t)(end - ptr)) limit = ptr + pc->max;
    ptr = NAME(run_end)(program, pc, ptr, limit);
    if (ptr < least) goto fail;
    NEXT();
}

do_LOOP:
    state->slots_used = true;
    SET_SLOT(pc->value, 0);
    SET_SLOT(pc->value + 1, 0);
    pc = nodes + pc->target;
    DISPATCH();

do_MAX_LOOP: {
    uintptr_t count = slots[pc->value];
    TICK();
    if (count < pc->min) {
        SET_SLOT(pc->value, count + 1);
        pc = nodes + pc->target;
        DISPATCH();
    }
    if ((count >= pc->max && pc->max != SRE_MAX_REPEAT) || ptr == (const CHAR *)slots[pc->value + 1] ||
        !CAN_START(pc->first))
        NEXT();
    if (!pc->exclusive) CHOOSE(RESUME, pc + 1, ptr, 0);
    SET_SLOT(pc->value, count + 1);
    SET_SLOT(pc->value + 1, ptr);
    pc = nodes + pc->target;
    DISPATCH();
}

do_MIN_LOOP: {
    uintptr_t count = slots[pc->value];
    TICK();
    if (count < pc->min) {
        SET_SLOT(pc->value, count + 1);
        pc = nodes + pc->target;
        DISPATCH();
    }
    bool may_go_on = !((count >= pc->max && pc->max != SRE_MAX_REPEAT) || ptr == (const CHAR *)slots[pc->value + 1] ||
                       !CAN_START(pc->first));
    if (!CAN_START(pc->tail)) {
        if (!may_go_on) goto fail;
        goto one_more;
    }
    if (may_go_on && !pc->exclusive) CHOOSE(ONE_MORE, pc, ptr, 0);
    NEXT();
}
one_more: /* of a MIN_LOOP */
    SET_SLOT(pc->value, slots[pc->value] + 1);
    SET_SLOT(pc->value + 1, ptr);
    pc = nodes + pc->target;
    DISPATCH();

do_POSSESSIVE_LOOP:
    state->slots_used = true;
    SET_SLOT(pc->value, 0);
    SET_SLOT(pc->value + 1, 0);
    NEXT();

do_POSSESSIVE_TEST: {
    uintptr_t count = slots[pc->value];
    TICK();
    if (count < pc->min) {
        CHOOSE(BARRIER, pc, ptr, barrier);
        SET_SLOT(pc->value, count + 1);
    } else if ((count < pc->max || pc->max == SRE_MAX_REPEAT) && ptr != (const CHAR *)slots[pc->value + 1]) {
        CHOOSE(BARRIER_GO_ON, pc, ptr, barrier);
        SET_SLOT(pc->value, count + 1);
        SET_SLOT(pc->value + 1, ptr);
    } else {
        pc = nodes + pc->target;
        DISPATCH();
    }
    barrier = (size_t)(top - choices) - 1;
    NEXT();
}

do_POSSESSIVE_NEXT:
    top = choices + barrier;
    barrier = top->extra;
    pc = nodes + pc->target;
    DISPATCH();

do_ASSERT:
    if (ptr - beginning < (Py_ssize_t)pc->value) goto fail;
    CHOOSE(BARRIER, pc, ptr, barrier);
    barrier = (size_t)(top - choices) - 1;
    ptr -= pc->value;
    NEXT();

do_ASSERT_END:
    top = choices + barrier;
    barrier = top->extra;
    ptr = top->ptr;
    NEXT();

do_ASSERT_NOT:
    if (ptr - beginning < (Py_ssize_t)pc->value) {
        pc = nodes + pc->target;
        DISPATCH();
    }
    CHOOSE(BARRIER_GO_ON, pc, ptr, barrier);
    barrier = (size_t)(top - choices) - 1;
    ptr -= pc->value;
    NEXT();

do_ASSERT_NOT_END:
    top = choices + barrier;
    barrier = top->extra;
    goto fail;

do_ATOMIC:
    CHOOSE(BARRIER, pc, ptr, barrier);
    barrier = (size_t)(top - choices) - 1;
    NEXT();

do_ATOMIC_END:
    top = choices + barrier;
    barrier = top->extra;
    NEXT();

do_SUCCESS:
    if ((state->match_all && ptr != end) || (state->must_advance && ptr == (const CHAR *)state->start)) goto fail;
    state->start = (const char *)start;
    state->ptr = (const char *)ptr;
    return 1;

do_FAIL:
fail:
    TICK();
    if (top == choices) return 0;
    Choice *choice = top - 1;
    for (TrailEntry *height = trail + choice->trail; trail_top > height;) {
        trail_top--;
        slots[trail_top->slot] = trail_top->value;
    }
    pc = choice->node;
    ptr = choice->ptr;
    switch (choice->kind) {
    case RESUME:
        top--;
        DISPATCH();
    case SHRINK: {
        const CHAR *least = (const CHAR *)choice->extra;
        ptr--;
        if (pc->tail != NO_SET) {
            const CharSet *tail = &sets[pc->tail];
            while (!NAME(can_start)(tail, *ptr)) {
                if (ptr == least) {
                    top--;
                    goto fail;
                }
                ptr--;
            }
        }
        if (ptr == least) {
            top--;
        } else {
            choice->ptr = ptr;
        }
        NEXT();
    }
    case EXTEND: {
        const CHAR *limit = (const CHAR *)choice->extra;
        const CharSet *tail = pc->tail != NO_SET ? &sets[pc->tail] : NULL;
        do {
            if (ptr >= limit || !NAME(unit_matches)(program, pc->unit, pc->value, *ptr)) {
                top--;
                goto fail;
            }
            ptr++;
        } while (tail != NULL && (ptr == end || !NAME(can_start)(tail, *ptr)));
        choice->ptr = ptr;
        NEXT();
    }
    case ONE_MORE:
        top--;
        goto one_more;
    case BARRIER:
        barrier = choice->extra;
        top--;
        goto fail;
    default:
        barrier = choice->extra;
        top--;
        pc = nodes + pc->target;
        DISPATCH();
    }

#undef DISPATCH
#undef NEXT
#undef CHOOSE
#undef SET_SLOT
#undef CAN_START
#undef TICK
}

/* Tries to match at ptr, after clearing what earlier tries have left. */
static inline int NAME(try)(MatchState *state, const CHAR *ptr) {
    if (state->slots_used) reset_slots(state);
    return NAME(match)(state, ptr);
}

/* The next place in [ptr, last] where the literal stands; NULL if there is none. */
static const CHAR *NAME(find_literal)(const CHAR *ptr, const CHAR *end, const uint32_t *literal, Py_ssize_t length) {
    const CHAR *last = end - length;
    for (; ptr <= last; ptr++) {
        ptr = NAME(find_char)(ptr, last + 1, literal[0]);
        if (ptr > last) return NULL;
        Py_ssize_t i = 1;
        while (i < length && ptr[i] == literal[i]) i++;
        if (i == length) return ptr;
    }
    return NULL;
}

static int NAME(search)(MatchState *state) {
    const Program *program = state->program;
    const CHAR *ptr = (const CHAR *)state->start, *end = (const CHAR *)state->end;
    if (ptr > end || (size_t)(end - ptr) < program->min_width) return 0;
    if (program->anchored) {
        int result = ptr == (const CHAR *)state->beginning ? NAME(try)(state, ptr) : 0;
        state->must_advance = false;
        return result;
    }
    const CHAR *last = end - program->min_width; /* no match starts behind this */
    int result;
    if (program->prefix != NO_SET) {
        const Node *node = &program->nodes[program->prefix];
        const uint32_t *literal = node->op == NODE_CHAR ? &node->value : program->words + node->value;
        Py_ssize_t length = node->max;
        while ((ptr = NAME(find_literal)(ptr, end, literal, length)) != NULL) {
            if ((result = NAME(try)(state, ptr)) != 0) goto done;
            if ((const char *)ptr++ == state->start) state->must_advance = false;
        }
        return 0;
    }
    if (program->first != NO_SET) {
        const CharSet *first = &program->sets[program->first];
        for (; ptr < end; ptr++) {
            while (!NAME(can_start)(first, *ptr)) {
                if (++ptr == end) return 0;
            }
            bool had_to_advance = state->must_advance;
            if ((result = NAME(try)(state, ptr)) != 0) goto done;
            state->must_advance = false;
            if (program->sweeps && !had_to_advance) {
                ptr = NAME(find_char)(ptr, end, '\n');
                if (ptr == end) return 0;
            }
        }
        return 0;
    }
    for (; ptr <= last; ptr++) {
        bool had_to_advance = state->must_advance;
        if ((result = NAME(try)(state, ptr)) != 0) goto done;
        state->must_advance = false;
        if (program->sweeps && !had_to_advance) ptr = NAME(find_char)(ptr, end, '\n');
    }
    return 0;
done:
    state->must_advance = false;
    return result;
}

#undef CHAR_MAXIMUM
