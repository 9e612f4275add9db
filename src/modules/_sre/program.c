/* From the code list of re._compiler to a program: the check of the list, the translation, and what can be known of the
   characters that each way through the program starts with. */
#include <Python.h>

#include "modules/_sre/sre.h"

enum {
#define SRE_OPCODE(name) OPCODE_##name,
#include "modules/_sre/opcodes.def"
#undef SRE_OPCODE
};

enum { /* the numbers of re._constants.ATCODES */
    AT_CODE_BEGINNING,
    AT_CODE_BEGINNING_LINE,
    AT_CODE_BEGINNING_STRING,
    AT_CODE_BOUNDARY,
    AT_CODE_NON_BOUNDARY,
    AT_CODE_END,
    AT_CODE_END_LINE,
    AT_CODE_END_STRING,
    AT_CODE_LOC_BOUNDARY,
    AT_CODE_LOC_NON_BOUNDARY,
    AT_CODE_UNI_BOUNDARY,
    AT_CODE_UNI_NON_BOUNDARY,
    AT_CODE_COUNT,
};

enum { INFO_PREFIX = 1, INFO_LITERAL = 2, INFO_CHARSET = 4 };

enum {
    FIRST_SET_BUDGET = 96,      /* nodes looked at to find what a way can start with */
    EXCLUSIVE_ALTERNATIVES = 64, /* later alternatives an alternative is compared with */
    SHARED_SETS = 32,           /* newest sets among which an equal one is looked for */
};

typedef struct {
    Program *program;
    const uint32_t *code;
    uint32_t word_capacity, node_capacity, set_capacity;
} Builder;

/* The results of the functions that follow: a position in the code, or INVALID (with an exception if it is not the
   code's fault). */
enum { INVALID = -1 };

/* Makes room for `more` items. Returns false with MemoryError set. */
static bool reserve(void **items, uint32_t *capacity, uint32_t count, size_t more, size_t size) {
    if (count + more <= *capacity) return true;
    size_t wanted = (count + more) + (count + more) / 2 + 8;
    void *grown = wanted < UINT32_MAX / 2 ? PyMem_Realloc(*items, wanted * size) : NULL;
    if (grown == NULL) {
        PyErr_NoMemory();
        return false;
    }
    *items = grown;
    *capacity = (uint32_t)wanted;
    return true;
}

static Node *add_node(Builder *builder, NodeOp op) {
    Program *program = builder->program;
    if (!reserve((void **)&program->nodes, &builder->node_capacity, program->node_count, 1, sizeof(Node))) return NULL;
    Node *node = &program->nodes[program->node_count++];
    memset(node, 0, sizeof(*node));
    node->op = (uint8_t)op;
    node->first = node->tail = NO_SET;
    return node;
}

static bool add_words(Builder *builder, const uint32_t *words, Py_ssize_t count) {
    Program *program = builder->program;
    if (!reserve((void **)&program->words, &builder->word_capacity, program->word_count, (size_t)count, sizeof(uint32_t)))
        return false;
    memcpy(program->words + program->word_count, words, (size_t)count * sizeof(uint32_t));
    program->word_count += (uint32_t)count;
    return true;
}

static CharSet *add_set(Builder *builder) {
    Program *program = builder->program;
    if (!reserve((void **)&program->sets, &builder->set_capacity, program->set_count, 1, sizeof(CharSet))) return NULL;
    CharSet *set = &program->sets[program->set_count++];
    memset(set, 0, sizeof(*set));
    return set;
}

/* Adds the set that checked rules describe. Returns its index, or NO_SET with MemoryError set. */
static uint32_t add_rules(Builder *builder, const uint32_t *rules, Py_ssize_t length, CaseKind casing, bool inverted) {
    CharSet *set = add_set(builder);
    if (set == NULL) return NO_SET;
    kr_sre_set_init(set, rules, casing);
    set->inverted = inverted;
    if (set->wide == WIDE_RULES) {
        set->rules = builder->program->word_count;
        if (!add_words(builder, rules, length)) return NO_SET;
    }
    return builder->program->set_count - 1;
}

/* A single character that is told by one number: reads it and makes a set. */
static uint32_t add_one_rule(Builder *builder, bool negate, uint32_t opcode, uint32_t argument, CaseKind casing) {
    if (casing == CASE_LOCALE) {
        uint32_t rules[] = {opcode, argument, OPCODE_FAILURE};
        return add_rules(builder, rules, 3, casing, negate);
    }
    uint32_t rules[] = {OPCODE_NEGATE, opcode, argument, OPCODE_FAILURE};
    return negate ? add_rules(builder, rules, 4, casing, false) : add_rules(builder, rules + 1, 3, casing, false);
}

/* Translates an instruction that matches one character; returns the position behind it. If there is none at pos, returns
   INVALID. */
static Py_ssize_t translate_unit(Builder *builder, Py_ssize_t pos, Py_ssize_t end, uint8_t *unit, uint32_t *value) {
    const uint32_t *code = builder->code + pos;
    Py_ssize_t left = end - pos;
    if (left < 1) return INVALID;
    uint32_t opcode = code[0];
    bool negate = false;
    CaseKind casing = CASE_EXACT;
    *unit = NODE_SET;
    *value = 0;
    switch (opcode) {
    case OPCODE_ANY:
        *unit = NODE_NOT_CHAR;
        *value = '\n';
        return pos + 1;
    case OPCODE_ANY_ALL:
        *unit = NODE_ANY_CHAR;
        return pos + 1;
    case OPCODE_LITERAL:
    case OPCODE_NOT_LITERAL:
        if (left < 2) return INVALID;
        *unit = opcode == OPCODE_LITERAL ? NODE_CHAR : NODE_NOT_CHAR;
        *value = code[1];
        return pos + 2;
    case OPCODE_NOT_LITERAL_IGNORE:
        negate = true;
        __attribute__((fallthrough));
    case OPCODE_LITERAL_IGNORE:
        casing = CASE_ASCII;
        break;
    case OPCODE_NOT_LITERAL_LOC_IGNORE:
        negate = true;
        __attribute__((fallthrough));
    case OPCODE_LITERAL_LOC_IGNORE:
        casing = CASE_LOCALE;
        break;
    case OPCODE_NOT_LITERAL_UNI_IGNORE:
        negate = true;
        __attribute__((fallthrough));
    case OPCODE_LITERAL_UNI_IGNORE:
        casing = CASE_UNICODE;
        break;
    case OPCODE_CATEGORY:
        if (left < 2 || !kr_sre_category_check(code[1])) return INVALID;
        *value = add_one_rule(builder, false, OPCODE_CATEGORY, code[1], CASE_EXACT);
        return *value == NO_SET ? INVALID : pos + 2;
    case OPCODE_IN_IGNORE:
    case OPCODE_IN_LOC_IGNORE:
    case OPCODE_IN_UNI_IGNORE:
    case OPCODE_IN: {
        casing = opcode == OPCODE_IN               ? CASE_EXACT
                 : opcode == OPCODE_IN_IGNORE     ? CASE_ASCII
                 : opcode == OPCODE_IN_LOC_IGNORE ? CASE_LOCALE
                                                  : CASE_UNICODE;
        if (left < 3 || code[1] < 2 || code[1] > left - 1) return INVALID;
        Py_ssize_t length = (Py_ssize_t)code[1] - 1;
        if (!kr_sre_rules_check(code + 2, length)) return INVALID;
        *value = add_rules(builder, code + 2, length, casing, false);
        return *value == NO_SET ? INVALID : pos + 1 + code[1];
    }
    default:
        return INVALID;
    }
    if (left < 2) return INVALID;
    *value = add_one_rule(builder, negate, OPCODE_LITERAL, code[1], casing);
    return *value == NO_SET ? INVALID : pos + 2;
}

static Py_ssize_t translate_sequence(Builder *builder, Py_ssize_t pos, Py_ssize_t end, bool may_jump);

/* Reads the number at pos, which tells how far away a position is. Returns that position, or INVALID if it is not in
   front of or at `end`. */
static Py_ssize_t read_skip(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    if (pos >= end) return INVALID;
    Py_ssize_t skip = builder->code[pos];
    return skip >= 1 && skip <= end - pos ? pos + skip : INVALID;
}

static Py_ssize_t translate_at(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    static const struct {
        uint8_t op, word;
    } nodes[AT_CODE_COUNT] = {
        [AT_CODE_BEGINNING] = {NODE_AT_BEGINNING},
        [AT_CODE_BEGINNING_LINE] = {NODE_AT_BEGINNING_LINE},
        [AT_CODE_BEGINNING_STRING] = {NODE_AT_BEGINNING},
        [AT_CODE_BOUNDARY] = {NODE_AT_BOUNDARY, WORD_ASCII},
        [AT_CODE_NON_BOUNDARY] = {NODE_AT_NON_BOUNDARY, WORD_ASCII},
        [AT_CODE_END] = {NODE_AT_END},
        [AT_CODE_END_LINE] = {NODE_AT_END_LINE},
        [AT_CODE_END_STRING] = {NODE_AT_END_STRING},
        [AT_CODE_LOC_BOUNDARY] = {NODE_AT_BOUNDARY, WORD_LOCALE},
        [AT_CODE_LOC_NON_BOUNDARY] = {NODE_AT_NON_BOUNDARY, WORD_LOCALE},
        [AT_CODE_UNI_BOUNDARY] = {NODE_AT_BOUNDARY, WORD_UNICODE},
        [AT_CODE_UNI_NON_BOUNDARY] = {NODE_AT_NON_BOUNDARY, WORD_UNICODE},
    };
    if (end - pos < 2 || builder->code[pos + 1] >= AT_CODE_COUNT) return INVALID;
    uint32_t place = builder->code[pos + 1];
    Node *node = add_node(builder, nodes[place].op);
    if (node == NULL) return INVALID;
    node->value = nodes[place].word;
    return pos + 2;
}

/* BRANCH, then for each alternative: skip to the next one, body, JUMP to the end; then 0. */
static Py_ssize_t translate_branch(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    Program *program = builder->program;
    uint32_t pending_jump = NO_SET; /* the newest JUMP; each holds the index of the one before until all are known */
    uint32_t last = NO_SET;
    Py_ssize_t jump_target = INVALID;
    pos++;
    while (pos < end && builder->code[pos] != 0) {
        Py_ssize_t next = read_skip(builder, pos, end);
        if (next == INVALID || next - pos < 3 || next >= end) return INVALID;
        uint32_t alternative = program->node_count;
        if (last != NO_SET) program->nodes[last].target = alternative;
        last = alternative;
        if (add_node(builder, NODE_ALTERNATIVE) == NULL) return INVALID;
        if (translate_sequence(builder, pos + 1, next, true) != next - 2) return INVALID;
        Py_ssize_t target = read_skip(builder, next - 1, end);
        if (target == INVALID || (jump_target != INVALID && target != jump_target)) return INVALID;
        jump_target = target;
        Node *jump = add_node(builder, NODE_JUMP);
        if (jump == NULL) return INVALID;
        jump->target = pending_jump;
        pending_jump = program->node_count - 1;
        pos = next;
    }
    if (pos >= end) return INVALID;
    pos++;
    if (last == NO_SET) return add_node(builder, NODE_FAIL) != NULL ? pos : INVALID;
    if (jump_target != pos) return INVALID;
    program->nodes[last].op = NODE_LAST_ALTERNATIVE;
    while (pending_jump != NO_SET) {
        uint32_t previous = program->nodes[pending_jump].target;
        program->nodes[pending_jump].target = program->node_count;
        pending_jump = previous;
    }
    return pos;
}

/* Reads skip, min and max behind a repeat's opcode. Returns where the skip leads to, or INVALID. */
static Py_ssize_t read_repeat(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    if (end - pos < 5) return INVALID;
    const uint32_t *code = builder->code + pos;
    Py_ssize_t target = read_skip(builder, pos + 1, end);
    return target != INVALID && target - pos >= 4 && target < end && code[2] <= code[3] ? target : INVALID;
}

/* REPEAT_ONE and its kin: skip, min, max, unit, SUCCESS. */
static Py_ssize_t translate_repeat_one(Builder *builder, Py_ssize_t pos, Py_ssize_t end, NodeOp op) {
    if (end - pos < 6) return INVALID;
    const uint32_t *code = builder->code + pos;
    Py_ssize_t target = read_skip(builder, pos + 1, end);
    if (target == INVALID || target - pos < 6 || code[2] > code[3] || builder->code[target - 1] != OPCODE_SUCCESS)
        return INVALID;
    uint8_t unit = 0;
    uint32_t value = 0;
    if (translate_unit(builder, pos + 4, target - 1, &unit, &value) != target - 1) return INVALID;
    Node *node = add_node(builder, op);
    if (node == NULL) return INVALID;
    node->unit = unit;
    node->value = value;
    node->min = code[2];
    node->max = code[3];
    return target;
}

static uint32_t add_loop_slots(Builder *builder) {
    uint32_t slot = builder->program->slots;
    builder->program->slots += 2;
    return slot;
}

/* REPEAT skip min max body MAX_UNTIL or MIN_UNTIL. */
static Py_ssize_t translate_repeat(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    Program *program = builder->program;
    Py_ssize_t target = read_repeat(builder, pos, end);
    if (target == INVALID) return INVALID;
    uint32_t until = builder->code[target];
    if (until != OPCODE_MAX_UNTIL && until != OPCODE_MIN_UNTIL) return INVALID;
    uint32_t loop = program->node_count, slot = add_loop_slots(builder);
    if (add_node(builder, NODE_LOOP) == NULL || translate_sequence(builder, pos + 4, target, false) != target)
        return INVALID;
    Node *test = add_node(builder, until == OPCODE_MAX_UNTIL ? NODE_MAX_LOOP : NODE_MIN_LOOP);
    if (test == NULL) return INVALID;
    test->min = builder->code[pos + 2];
    test->max = builder->code[pos + 3];
    test->target = loop + 1;
    test->value = program->nodes[loop].value = slot;
    program->nodes[loop].min = test->min;
    program->nodes[loop].target = program->node_count - 1;
    return target + 1;
}

/* POSSESSIVE_REPEAT skip min max body SUCCESS. */
static Py_ssize_t translate_possessive(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    Program *program = builder->program;
    Py_ssize_t target = read_repeat(builder, pos, end);
    if (target == INVALID || builder->code[target] != OPCODE_SUCCESS) return INVALID;
    uint32_t slot = add_loop_slots(builder), test = program->node_count + 1;
    Node *node = add_node(builder, NODE_POSSESSIVE_LOOP);
    if (node == NULL) return INVALID;
    node->value = slot;
    node->min = builder->code[pos + 2];
    node = add_node(builder, NODE_POSSESSIVE_TEST);
    if (node == NULL) return INVALID;
    node->value = slot;
    node->min = builder->code[pos + 2];
    node->max = builder->code[pos + 3];
    if (translate_sequence(builder, pos + 4, target, false) != target) return INVALID;
    node = add_node(builder, NODE_POSSESSIVE_NEXT);
    if (node == NULL) return INVALID;
    node->target = test;
    program->nodes[test].target = program->node_count;
    return target + 1;
}

/* ASSERT skip back body SUCCESS, ASSERT_NOT alike, ATOMIC_GROUP skip body SUCCESS. */
static Py_ssize_t translate_group(Builder *builder, Py_ssize_t pos, Py_ssize_t end, NodeOp op, NodeOp end_op) {
    Program *program = builder->program;
    Py_ssize_t target = read_skip(builder, pos + 1, end);
    Py_ssize_t body = op == NODE_ATOMIC ? pos + 2 : pos + 3;
    if (target == INVALID || target - 1 < body || builder->code[target - 1] != OPCODE_SUCCESS) return INVALID;
    uint32_t index = program->node_count;
    Node *node = add_node(builder, op);
    if (node == NULL) return INVALID;
    if (op != NODE_ATOMIC) {
        node->value = builder->code[pos + 2];
        if (node->value > INT32_MAX) return INVALID;
    }
    if (translate_sequence(builder, body, target - 1, false) != target - 1 || add_node(builder, end_op) == NULL)
        return INVALID;
    program->nodes[index].target = program->node_count;
    return target;
}

/* GROUPREF_EXISTS group skip body, or GROUPREF_EXISTS group skip body JUMP skip other. */
static Py_ssize_t translate_exists(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    Program *program = builder->program;
    if (end - pos < 3 || builder->code[pos + 1] >= program->groups) return INVALID;
    Py_ssize_t skip = builder->code[pos + 2];
    if (skip < 2 || skip > end - (pos + 1)) return INVALID;
    Py_ssize_t target = pos + 1 + skip;
    uint32_t index = program->node_count;
    Node *node = add_node(builder, NODE_GROUPREF_EXISTS);
    if (node == NULL) return INVALID;
    node->value = builder->code[pos + 1];
    Py_ssize_t body_end = translate_sequence(builder, pos + 3, target, true);
    if (body_end == target - 2) {
        Py_ssize_t jump_target = read_skip(builder, target - 1, end);
        uint32_t jump = program->node_count;
        if (jump_target == INVALID || add_node(builder, NODE_JUMP) == NULL) return INVALID;
        program->nodes[index].target = program->node_count;
        if (translate_sequence(builder, target, jump_target, false) != jump_target) return INVALID;
        program->nodes[jump].target = program->node_count;
        return jump_target;
    }
    program->nodes[index].target = program->node_count;
    return body_end == target ? target : INVALID;
}

/* INFO skip flags min max, then a prefix with its overlap table, or a set. Only the least width is used. */
static Py_ssize_t translate_info(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    const uint32_t *code = builder->code + pos;
    Py_ssize_t target = read_skip(builder, pos + 1, end);
    if (target == INVALID || target - pos < 5) return INVALID;
    uint32_t flags = code[2];
    Py_ssize_t left = target - pos - 5;
    if ((flags & ~(uint32_t)(INFO_PREFIX | INFO_LITERAL | INFO_CHARSET)) ||
        ((flags & INFO_PREFIX) && (flags & INFO_CHARSET)) || ((flags & INFO_LITERAL) && !(flags & INFO_PREFIX)))
        return INVALID;
    if (flags & INFO_PREFIX) {
        if (left < 2) return INVALID;
        Py_ssize_t length = code[5];
        if (code[6] > length || left != 2 + 2 * length) return INVALID;
        for (Py_ssize_t i = 0; i < length; i++) {
            if (code[7 + length + i] >= length) return INVALID;
        }
    } else if (flags & INFO_CHARSET) {
        if (!kr_sre_rules_check(code + 5, left)) return INVALID;
    } else if (left != 0) {
        return INVALID;
    }
    if (pos == 0) builder->program->min_width = code[3];
    return target;
}

/* Adds a character that must follow, to the literal node `literal` if there is one. Returns false on lack of memory. */
static bool add_literal(Builder *builder, uint32_t *literal, uint32_t ch) {
    Program *program = builder->program;
    if (*literal == NO_SET) {
        Node *node = add_node(builder, NODE_CHAR);
        if (node == NULL) return false;
        node->value = ch;
        node->max = 1;
        *literal = program->node_count - 1;
        return true;
    }
    Node *node = &program->nodes[*literal];
    if (node->op == NODE_CHAR) {
        uint32_t first = node->value;
        node->op = NODE_STRING;
        node->value = program->word_count;
        if (!add_words(builder, &first, 1)) return false;
    }
    node->max++;
    return add_words(builder, &ch, 1);
}

static Py_ssize_t translate_one(Builder *builder, Py_ssize_t pos, Py_ssize_t end) {
    const uint32_t *code = builder->code + pos;
    Py_ssize_t left = end - pos;
    Node *node;
    switch (code[0]) {
    case OPCODE_FAILURE:
        return add_node(builder, NODE_FAIL) != NULL ? pos + 1 : INVALID;
    case OPCODE_MARK:
        if (left < 2 || code[1] >= 2 * (uint64_t)builder->program->groups) return INVALID;
        if ((node = add_node(builder, NODE_MARK)) == NULL) return INVALID;
        node->value = code[1];
        return pos + 2;
    case OPCODE_AT:
        return translate_at(builder, pos, end);
    case OPCODE_GROUPREF:
    case OPCODE_GROUPREF_IGNORE:
    case OPCODE_GROUPREF_LOC_IGNORE:
    case OPCODE_GROUPREF_UNI_IGNORE:
        if (left < 2 || code[1] >= builder->program->groups) return INVALID;
        if ((node = add_node(builder, NODE_GROUPREF)) == NULL) return INVALID;
        node->value = code[1];
        node->max = code[0] == OPCODE_GROUPREF              ? CASE_EXACT
                    : code[0] == OPCODE_GROUPREF_IGNORE     ? CASE_ASCII
                    : code[0] == OPCODE_GROUPREF_LOC_IGNORE ? CASE_LOCALE
                                                            : CASE_UNICODE;
        return pos + 2;
    case OPCODE_GROUPREF_EXISTS:
        return translate_exists(builder, pos, end);
    case OPCODE_BRANCH:
        return translate_branch(builder, pos, end);
    case OPCODE_REPEAT_ONE:
        return translate_repeat_one(builder, pos, end, NODE_REPEAT_ONE);
    case OPCODE_MIN_REPEAT_ONE:
        return translate_repeat_one(builder, pos, end, NODE_MIN_REPEAT_ONE);
    case OPCODE_POSSESSIVE_REPEAT_ONE:
        return translate_repeat_one(builder, pos, end, NODE_POSSESSIVE_REPEAT_ONE);
    case OPCODE_REPEAT:
        return translate_repeat(builder, pos, end);
    case OPCODE_POSSESSIVE_REPEAT:
        return translate_possessive(builder, pos, end);
    case OPCODE_ASSERT:
        return translate_group(builder, pos, end, NODE_ASSERT, NODE_ASSERT_END);
    case OPCODE_ASSERT_NOT:
        return translate_group(builder, pos, end, NODE_ASSERT_NOT, NODE_ASSERT_NOT_END);
    case OPCODE_ATOMIC_GROUP:
        return translate_group(builder, pos, end, NODE_ATOMIC, NODE_ATOMIC_END);
    case OPCODE_INFO:
        return translate_info(builder, pos, end);
    default: {
        uint8_t unit = 0;
        uint32_t value = 0;
        pos = translate_unit(builder, pos, end, &unit, &value);
        if (pos == INVALID || (node = add_node(builder, unit)) == NULL) return INVALID;
        node->value = value;
        return pos;
    }
    }
}

/* Translates the instructions of code[pos..end). Returns end; or, if that is allowed, the position of the JUMP that is
   the last instruction. */
static Py_ssize_t translate_sequence(Builder *builder, Py_ssize_t pos, Py_ssize_t end, bool may_jump) {
    uint32_t literal = NO_SET; /* the node that collects literals */
    if (Py_EnterRecursiveCall(" while compiling a regular expression")) return INVALID;
    while (pos != INVALID && pos < end) {
        const uint32_t *code = builder->code + pos;
        if (may_jump && code[0] == OPCODE_JUMP) {
            if (pos != end - 2) pos = INVALID;
            break;
        }
        if (code[0] == OPCODE_LITERAL && end - pos >= 2) {
            pos = add_literal(builder, &literal, code[1]) ? pos + 2 : INVALID;
        } else {
            literal = NO_SET;
            pos = translate_one(builder, pos, end);
        }
    }
    Py_LeaveRecursiveCall();
    return pos;
}

/* --- What a way can start with: sets without rules, where WIDE_ALL means that some character from 256 up may do. */

static void set_add_char(CharSet *set, uint32_t ch) {
    if (ch < 256) {
        set->bits[ch >> 5] |= 1u << (ch & 31);
    } else {
        set->wide = WIDE_ALL;
    }
}

static void set_add_all(CharSet *set) {
    memset(set->bits, 0xFF, sizeof(set->bits));
    set->wide = WIDE_ALL;
}

static void set_add_set(CharSet *set, const CharSet *other) {
    if (other->dynamic) {
        set_add_all(set);
        return;
    }
    for (size_t i = 0; i < Py_ARRAY_LENGTH(set->bits); i++) set->bits[i] |= other->bits[i];
    if (other->wide != WIDE_NONE) set->wide = WIDE_ALL;
}

static void set_add_unit(CharSet *set, const Program *program, NodeOp unit, uint32_t value) {
    switch (unit) {
    case NODE_CHAR:
        set_add_char(set, value);
        break;
    case NODE_NOT_CHAR: {
        bool had = value < 256 && sre_bit(set, value);
        set_add_all(set);
        if (value < 256 && !had) set->bits[value >> 5] &= ~(1u << (value & 31));
        break;
    }
    case NODE_SET:
        set_add_set(set, &program->sets[value]);
        break;
    default:
        set_add_all(set);
        break;
    }
}

static bool sets_disjoint(const CharSet *a, const CharSet *b) {
    for (size_t i = 0; i < Py_ARRAY_LENGTH(a->bits); i++) {
        if (a->bits[i] & b->bits[i]) return false;
    }
    return a->wide == WIDE_NONE || b->wide == WIDE_NONE;
}

/* Adds to the set all characters with which a match of what starts at that node can start. Returns false if that is not
   known, or if the match can be empty. */
static bool first_add(const Program *program, uint32_t index, CharSet *set, int *budget) {
    while (--*budget >= 0) {
        const Node *node = &program->nodes[index];
        switch ((NodeOp)node->op) {
        case NODE_CHAR:
        case NODE_NOT_CHAR:
        case NODE_ANY_CHAR:
        case NODE_SET:
            set_add_unit(set, program, node->op, node->value);
            return true;
        case NODE_STRING:
            set_add_char(set, program->words[node->value]);
            return true;
        case NODE_MARK:
        case NODE_AT_BEGINNING:
        case NODE_AT_BEGINNING_LINE:
        case NODE_AT_END:
        case NODE_AT_END_LINE:
        case NODE_AT_END_STRING:
        case NODE_AT_BOUNDARY:
        case NODE_AT_NON_BOUNDARY:
        case NODE_ATOMIC:
            index++;
            break;
        case NODE_ASSERT:
        case NODE_ASSERT_NOT:
        case NODE_JUMP:
            index = node->target;
            break;
        case NODE_GROUPREF_EXISTS:
            if (!first_add(program, index + 1, set, budget)) return false;
            index = node->target;
            break;
        case NODE_ALTERNATIVE:
            if (!first_add(program, index + 1, set, budget)) return false;
            index = node->target;
            break;
        case NODE_LAST_ALTERNATIVE:
            index++;
            break;
        case NODE_REPEAT_ONE:
        case NODE_MIN_REPEAT_ONE:
        case NODE_POSSESSIVE_REPEAT_ONE:
            if (node->max > 0) set_add_unit(set, program, node->unit, node->value);
            if (node->min > 0) return true;
            index++;
            break;
        case NODE_LOOP:
        case NODE_POSSESSIVE_LOOP:
            index = node->min == 0 && node->op == NODE_LOOP ? node->target : index + 1;
            break;
        case NODE_MAX_LOOP:
        case NODE_MIN_LOOP:
            if (!first_add(program, node->target, set, budget)) return false;
            index++;
            break;
        case NODE_POSSESSIVE_TEST:
            if (!first_add(program, index + 1, set, budget)) return false;
            index = node->target;
            break;
        case NODE_FAIL:
            return true;
        default: /* Behind the end of an atomic group nothing can change what the group matched. */
            return false;
        }
    }
    return false;
}

/* The index of the set of what the way from that node can start with; NO_SET if nothing useful is known. Returns false
   with MemoryError set. */
static bool find_first(Builder *builder, uint32_t index, uint32_t *result) {
    Program *program = builder->program;
    CharSet found = {0}, all = {0};
    int budget = FIRST_SET_BUDGET;
    *result = NO_SET;
    if (!first_add(program, index, &found, &budget)) return true;
    set_add_all(&all);
    if (memcmp(&found, &all, sizeof(all)) == 0) return true;
    uint32_t oldest = program->set_count > SHARED_SETS ? program->set_count - SHARED_SETS : 0;
    for (uint32_t i = program->set_count; i-- > oldest;) {
        if (memcmp(&program->sets[i], &found, sizeof(found)) == 0) {
            *result = i;
            return true;
        }
    }
    CharSet *set = add_set(builder);
    if (set == NULL) return false;
    *set = found;
    *result = program->set_count - 1;
    return true;
}

/* True if no later alternative can start with what this one can start with. */
static bool alternative_is_exclusive(const Program *program, const Node *node) {
    if (node->first == NO_SET) return false;
    const Node *other = node;
    for (int count = 0; count < EXCLUSIVE_ALTERNATIVES; count++) {
        other = &program->nodes[other->target];
        if (other->first == NO_SET || !sets_disjoint(&program->sets[node->first], &program->sets[other->first]))
            return false;
        if (other->op == NODE_LAST_ALTERNATIVE) return true;
    }
    return false;
}

static bool ends_match(const Program *program, uint32_t index) {
    while (program->nodes[index].op == NODE_MARK) index++;
    return program->nodes[index].op == NODE_SUCCESS;
}

/* True if the program starts with a repeat that tries all places in the rest of the line. A reference to a group could
   make it matter where the repeat started. */
static bool starts_with_sweep(const Program *program) {
    const Node *node = &program->nodes[0];
    if (node->op == NODE_MARK) node++;
    if (node->op != NODE_REPEAT_ONE || node->min > 0 || node->max != SRE_MAX_REPEAT ||
        !(node->unit == NODE_ANY_CHAR || (node->unit == NODE_NOT_CHAR && node->value == '\n')))
        return false;
    for (uint32_t i = 0; i < program->node_count; i++) {
        if (program->nodes[i].op == NODE_GROUPREF || program->nodes[i].op == NODE_GROUPREF_EXISTS) return false;
    }
    return true;
}

/* Fills in first, tail and exclusive of all nodes. Returns false with MemoryError set. */
static bool analyse(Builder *builder) {
    Program *program = builder->program;
    for (uint32_t i = program->node_count; i-- > 0;) {
        Node *node = &program->nodes[i];
        switch ((NodeOp)node->op) {
        case NODE_ALTERNATIVE:
        case NODE_LAST_ALTERNATIVE:
            if (!find_first(builder, i + 1, &node->first)) return false;
            if (node->op == NODE_ALTERNATIVE) node->exclusive = alternative_is_exclusive(program, node);
            break;
        case NODE_REPEAT_ONE:
        case NODE_MIN_REPEAT_ONE:
            if (!find_first(builder, i + 1, &node->tail)) return false;
            if (node->tail != NO_SET) {
                CharSet unit = {0};
                set_add_unit(&unit, program, node->unit, node->value);
                node->exclusive = sets_disjoint(&unit, &program->sets[node->tail]);
            } else if (node->op == NODE_REPEAT_ONE) {
                node->exclusive = ends_match(program, i + 1);
            }
            break;
        case NODE_MAX_LOOP:
        case NODE_MIN_LOOP:
            if (!find_first(builder, node->target, &node->first) || !find_first(builder, i + 1, &node->tail)) return false;
            node->exclusive = node->first != NO_SET && node->tail != NO_SET &&
                              sets_disjoint(&program->sets[node->first], &program->sets[node->tail]);
            break;
        default:
            break;
        }
    }
    uint32_t start = 0;
    while (program->nodes[start].op == NODE_MARK) start++;
    program->anchored = program->nodes[start].op == NODE_AT_BEGINNING;
    if (program->nodes[start].op == NODE_CHAR || program->nodes[start].op == NODE_STRING) program->prefix = start;
    program->sweeps = starts_with_sweep(program);
    return find_first(builder, 0, &program->first);
}

int kr_sre_program_init(Program *program, const uint32_t *code, Py_ssize_t length, Py_ssize_t groups) {
    Builder builder = {.program = program, .code = code};
    memset(program, 0, sizeof(*program));
    if (groups < 0 || groups > SRE_MAX_GROUPS || length < 1 || code[length - 1] != OPCODE_SUCCESS) goto invalid;
    program->groups = (uint32_t)groups;
    program->slots = LAST_GROUP_SLOT(program) + 1;
    program->prefix = program->first = NO_SET;
    if (translate_sequence(&builder, 0, length - 1, false) != length - 1 || add_node(&builder, NODE_SUCCESS) == NULL ||
        !analyse(&builder))
        goto invalid;
    return 0;
invalid:
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "invalid SRE code");
    kr_sre_program_free(program);
    return -1;
}

void kr_sre_program_free(Program *program) {
    PyMem_Free(program->words);
    PyMem_Free(program->nodes);
    PyMem_Free(program->sets);
    memset(program, 0, sizeof(*program));
}

bool kr_sre_program_equal(const Program *a, const Program *b) {
    return a->node_count == b->node_count && a->set_count == b->set_count && a->word_count == b->word_count &&
           a->groups == b->groups && memcmp(a->nodes, b->nodes, a->node_count * sizeof(Node)) == 0 &&
           (a->set_count == 0 || memcmp(a->sets, b->sets, a->set_count * sizeof(CharSet)) == 0) &&
           (a->word_count == 0 || memcmp(a->words, b->words, a->word_count * sizeof(uint32_t)) == 0);
}

Py_hash_t kr_sre_program_hash(const Program *program) {
    Py_hash_t hash = _Py_HashBytes(program->nodes, program->node_count * sizeof(Node));
    return hash ^ _Py_HashBytes(program->words, program->word_count * sizeof(uint32_t));
}
