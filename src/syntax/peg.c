/* A parser that walks through the text of a grammar. */
#include <Python.h>

#include "syntax/peg.h"
#include "syntax/syntax_error.h"

enum {
    MAX_RULES = 512,
    MAX_ALTERNATIVES = 1024,
    MAX_ITEMS = 3072,
    MAX_LENGTH = 40,      /* alternatives of a rule */
    MAX_SEQUENCE = 12,    /* items of an alternative */
    LONG_NUMBER = 600,    /* digits from which on a number may be too long to convert */
    MAX_MESSAGE = 160,
};

/* The prepared grammar */

typedef enum Operation {
    TOKEN,      /* operand: kind */
    SOFT,       /* operand: KrSoftKeyword */
    ANY_SOFT,
    RULE,       /* operand: rule */
    OPTIONAL,   /* operand: item, from here on */
    ANY,
    SOME,
    LIST,       /* operand: item; the separator, a token, is the item behind it */
    AHEAD,
    NOT_AHEAD,
    SUFFIXES,
    COMMIT,
    FORCED,     /* operand: kind */
} Operation;

typedef struct Item {
    uint8_t operation;
    uint16_t operand;
} Item;

typedef enum Outcome {
    DEFAULT,    /* the only item, or a group of the items */
    NODE,       /* value: kind */
    PASS,       /* value: which item */
    CALL,       /* value: which function */
    ERROR_AT,   /* value: item (and last item) */
    ERROR_FROM,
    ERROR_LAST,
    ERROR_INDENT,
    ERROR_BLOCK,
} Outcome;

typedef struct Alternative {
    uint16_t first, count;    /* items */
    uint8_t outcome, value, last_value;
    bool wrong;               /* tried only where wrong forms are */
    uint16_t message_length;
    const char *message;
} Alternative;

typedef struct TokenSet {
    uint64_t bits[2];
} TokenSet;

typedef struct Rule {
    const char *name;
    uint16_t name_length;
    uint16_t first, count;    /* alternatives */
    bool memo;                /* remembered whether or not wrong forms are tried */
    bool quiet;               /* wrong forms are not tried inside */
    bool nullable;
    TokenSet starts;          /* kinds of tokens with which it can begin */
} Rule;

typedef struct Grammar {
    int rule_count, alternative_count, item_count;
    Rule rules[MAX_RULES];
    Alternative alternatives[MAX_ALTERNATIVES];
    Item items[MAX_ITEMS];
    const char *place;        /* while reading the text */
} Grammar;

static struct {
    Grammar *grammar;
} state;

void kr_peg_finalize(void) {
    PyMem_Free(state.grammar);
    state.grammar = NULL;
}

static int read_alternatives(Grammar *g, int rule);

static bool is_word(char c) { return Py_ISALNUM(Py_CHARMASK(c)) || c == '_'; }

static void skip_blanks(Grammar *g) {
    while (*g->place == ' ') g->place++;
}

static size_t read_word(Grammar *g, const char **word) {
    *word = g->place;
    while (is_word(*g->place)) g->place++;
    return (size_t)(g->place - *word);
}

static int find_rule(const Grammar *g, const char *name, size_t length) {
    for (int i = 0; i < g->rule_count; i++) {
        if (g->rules[i].name_length == length && memcmp(g->rules[i].name, name, length) == 0) return i;
    }
    Py_UNREACHABLE();
}

static int find_token(const char *name, size_t length) {
    for (int i = 0; i < N_TOKENS; i++) {
        if (_PyParser_TokenNames[i] != NULL && strlen(_PyParser_TokenNames[i]) == length &&
            memcmp(_PyParser_TokenNames[i], name, length) == 0)
            return i;
    }
    Py_UNREACHABLE();
}

/* The kind of a literal: an operator or a keyword. */
static int literal_kind(const char *text, size_t length) {
    if (is_word(text[0])) {
        uint8_t soft;
        return kr_token_name_kind(text, length, &soft);
    }
    if (length == 1) return PyToken_OneChar(text[0]);
    return length == 2 ? PyToken_TwoChars(text[0], text[1]) : PyToken_ThreeChars(text[0], text[1], text[2]);
}

static int read_literal(Grammar *g) {
    const char *text = ++g->place;
    while (*g->place != '\'') g->place++;
    int kind = literal_kind(text, (size_t)(g->place - text));
    g->place++;
    return kind;
}

static int add_item(Grammar *g, Item item) {
    assert(g->item_count < MAX_ITEMS);
    g->items[g->item_count] = item;
    return g->item_count++;
}

/* Reads an item without what stands before or behind it. */
static Item read_simple(Grammar *g) {
    const char *word;
    size_t length;
    uint8_t soft;
    switch (*g->place) {
    case '\'': return (Item){TOKEN, (uint16_t)read_literal(g)};
    case '<':
        g->place++;
        length = read_word(g, &word);
        g->place++;
        (void)kr_token_name_kind(word, length, &soft);
        return (Item){SOFT, soft};
    case '(': {
        g->place++;
        int rule = g->rule_count++;
        assert(rule < MAX_RULES);
        g->rules[rule] = (Rule){.name = "", .name_length = 0};
        read_alternatives(g, rule);
        g->place++;
        return (Item){RULE, (uint16_t)rule};
    }
    default: break;
    }
    length = read_word(g, &word);
    if (Py_ISUPPER(Py_CHARMASK(word[0]))) {
        if (length == strlen("SOFT_KEYWORD") && memcmp(word, "SOFT_KEYWORD", length) == 0) return (Item){ANY_SOFT, 0};
        return (Item){TOKEN, (uint16_t)find_token(word, length)};
    }
    return (Item){RULE, (uint16_t)find_rule(g, word, length)};
}

static Item read_item(Grammar *g) {
    Operation before = COMMIT, behind;
    switch (*g->place) {
    case '~': g->place++; return (Item){COMMIT, 0};
    case '^': g->place++; return (Item){FORCED, (uint16_t)read_literal(g)};
    case '&': before = AHEAD; g->place++; break;
    case '!': before = NOT_AHEAD; g->place++; break;
    default: break;
    }
    Item item = read_simple(g);
    if (before != COMMIT) return (Item){(uint8_t)before, (uint16_t)add_item(g, item)};
    switch (*g->place) {
    case '.': {
        g->place++;
        Item element = read_simple(g);
        g->place++;
        int index = add_item(g, element);
        add_item(g, item);
        return (Item){LIST, (uint16_t)index};
    }
    case '?': behind = OPTIONAL; break;
    case '*': behind = ANY; break;
    case '+': behind = SOME; break;
    case '<': behind = SUFFIXES; break;
    default: return item;
    }
    g->place++;
    return (Item){(uint8_t)behind, (uint16_t)add_item(g, item)};
}

static int read_digit(Grammar *g) {
    skip_blanks(g);
    return Py_ISDIGIT(Py_CHARMASK(*g->place)) ? *g->place++ - '0' : 0;
}

static bool is_same(const char *word, size_t length, const char *text) {
    return strlen(text) == length && memcmp(word, text, length) == 0;
}

/* Reads what becomes of an alternative, if that is said. */
static void read_outcome(Grammar *g, Alternative *alternative) {
    const char *word;
    size_t length;
    switch (*g->place) {
    case '=':
        g->place++;
        if (*g->place == '$') {
            g->place++;
            alternative->outcome = PASS;
            alternative->value = (uint8_t)read_digit(g);
            return;
        }
        length = read_word(g, &word);
        alternative->outcome = NODE;
        alternative->value = KR_PEG_UNPACKING;
        for (int kind = 1; kind < KR_NODE_KIND_COUNT; kind++) {
            if (is_same(word, length, kr_node_info[kind].name)) alternative->value = (uint8_t)kind;
        }
        return;
    case '@':
        g->place++;
        length = read_word(g, &word);
        alternative->outcome = CALL;
        while (!is_same(word, length, kr_peg_actions[alternative->value].name)) alternative->value++;
        return;
    case '#': break;
    default: return;
    }
    g->place++;
    length = read_word(g, &word);
    alternative->outcome = is_same(word, length, "last")     ? ERROR_LAST
                           : is_same(word, length, "indent") ? ERROR_INDENT
                           : is_same(word, length, "block")  ? ERROR_BLOCK
                           : is_same(word, length, "from")   ? ERROR_FROM
                                                             : ERROR_AT;
    alternative->value = (uint8_t)read_digit(g);
    alternative->last_value = (uint8_t)read_digit(g);
    if (alternative->last_value == 0) alternative->last_value = alternative->value;
    skip_blanks(g);
    alternative->message = ++g->place;
    while (*g->place != '`') g->place++;
    alternative->message_length = (uint16_t)(g->place - alternative->message);
    g->place++;
}

static void read_alternative(Grammar *g, Alternative *alternative) {
    Item items[MAX_SEQUENCE];
    int count = 0;
    *alternative = (Alternative){0};
    for (;;) {
        skip_blanks(g);
        if (strchr("=@#|)\n", *g->place) != NULL) break;
        assert(count < MAX_SEQUENCE);
        items[count++] = read_item(g);
    }
    read_outcome(g, alternative);
    skip_blanks(g);
    alternative->first = (uint16_t)g->item_count;
    alternative->count = (uint16_t)count;
    for (int i = 0; i < count; i++) add_item(g, items[i]);
    if (count == 1 && items[0].operation == RULE) {
        const Rule *rule = &g->rules[items[0].operand];
        alternative->wrong = rule->name_length > 6 && memcmp(rule->name, "wrong_", 6) == 0;
    }
}

/* Reads the alternatives of a rule up to the end of its line or its closing parenthesis. */
static int read_alternatives(Grammar *g, int rule) {
    Alternative alternatives[MAX_LENGTH];
    int count = 0;
    for (;;) {
        assert(count < MAX_LENGTH);
        read_alternative(g, &alternatives[count++]);
        if (*g->place != '|') break;
        g->place++;
    }
    assert(g->alternative_count + count <= MAX_ALTERNATIVES);
    g->rules[rule].first = (uint16_t)g->alternative_count;
    g->rules[rule].count = (uint16_t)count;
    memcpy(&g->alternatives[g->alternative_count], alternatives, (size_t)count * sizeof(Alternative));
    g->alternative_count += count;
    return count;
}

static void add_all(TokenSet *set) { set->bits[0] = set->bits[1] = ~UINT64_C(0); }
static void add_kind(TokenSet *set, int kind) { set->bits[kind / 64] |= UINT64_C(1) << kind % 64; }
static bool has_kind(const TokenSet *set, int kind) { return set->bits[kind / 64] >> kind % 64 & 1; }

/* Adds the tokens with which an item can begin. Returns true if the item can be empty. */
static bool add_starts(const Grammar *g, const Item *item, TokenSet *set) {
    switch ((Operation)item->operation) {
    case TOKEN: add_kind(set, item->operand); return false;
    case SOFT:
    case ANY_SOFT: add_kind(set, NAME); return false;
    case RULE:
        set->bits[0] |= g->rules[item->operand].starts.bits[0];
        set->bits[1] |= g->rules[item->operand].starts.bits[1];
        return g->rules[item->operand].nullable;
    case OPTIONAL:
    case ANY: (void)add_starts(g, &g->items[item->operand], set); return true;
    case SOME:
    case LIST:
    case AHEAD: return add_starts(g, &g->items[item->operand], set);
    case NOT_AHEAD:
    case COMMIT:
    case SUFFIXES: return true;
    case FORCED: add_all(set); return false;
    }
    return true;
}

/* Finds with which tokens every rule can begin, by going over the rules until nothing changes. */
static void find_starts(Grammar *g) {
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < g->rule_count; i++) {
            Rule *rule = &g->rules[i];
            TokenSet set = rule->starts;
            bool nullable = rule->nullable;
            for (int a = 0; a < rule->count; a++) {
                const Alternative *alternative = &g->alternatives[rule->first + a];
                int item = 0;
                while (item < alternative->count && add_starts(g, &g->items[alternative->first + item], &set)) item++;
                nullable |= item == alternative->count;
            }
            if (memcmp(&set, &rule->starts, sizeof(set)) != 0 || nullable != rule->nullable) changed = true;
            rule->starts = set;
            rule->nullable = nullable;
        }
    }
    for (int i = 0; i < g->rule_count; i++) {
        if (g->rules[i].nullable) add_all(&g->rules[i].starts);
    }
}

static Grammar *prepare_grammar(void) {
    if (state.grammar != NULL) return state.grammar;
    Grammar *g = PyMem_Calloc(1, sizeof(Grammar));
    if (g == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    /* Names first, so that rules can refer to later ones. */
    for (const char *line = kr_diagnosis_grammar; *line != '\0'; line = strchr(line, '\n') + 1) {
        Rule *rule = &g->rules[g->rule_count++];
        rule->name = line;
        while (is_word(line[rule->name_length])) rule->name_length++;
    }
    int count = g->rule_count;
    for (int i = 0; i < count; i++) {
        Rule *rule = &g->rules[i];
        g->place = rule->name + rule->name_length;
        rule->memo = *g->place == '*';
        rule->quiet = *g->place == '-';
        while (*g->place++ != ':') continue;
        read_alternatives(g, i);
        assert(*g->place == '\n');
    }
    find_starts(g);
    state.grammar = g;
    return g;
}

/* Nodes */

static KrPegNode absent; /* stands for an item that takes no tokens */

static KrPegNode *token_node(int index) { return (KrPegNode *)(uintptr_t)((unsigned)index * 2u + 1u); }
static bool is_token(const KrPegNode *node) { return ((uintptr_t)node & 1) != 0; }
static int token_index(const KrPegNode *node) { return (int)((uintptr_t)node / 2); }

KrPegNode *kr_peg_new(KrPeg *peg, int kind, int start, int count) {
    KrPegNode *node = kr_arena_alloc(peg->memory, sizeof(KrPegNode) + (size_t)count * sizeof(KrPegNode *));
    if (node == NULL) {
        peg->p->failed = true;
        return NULL;
    }
    *node = (KrPegNode){.start = start, .end = peg->p->mark, .kind = kind, .count = count};
    return node;
}

int kr_peg_kind(KrPeg *peg, const KrPegNode *node) {
    if (!is_token(node)) return node->kind;
    switch (peg->p->tokens[token_index(node)].kind) {
    case NAME: return KR_Name;
    case NUMBER:
    case ELLIPSIS:
    case KEYWORD_TRUE:
    case KEYWORD_FALSE:
    case KEYWORD_NONE: return KR_Constant;
    default: return KR_PEG_TOKEN;
    }
}

const KrToken *kr_peg_first(KrPeg *peg, const KrPegNode *node) {
    return &peg->p->tokens[is_token(node) ? token_index(node) : node->start];
}

const KrToken *kr_peg_last(KrPeg *peg, const KrPegNode *node) {
    if (is_token(node)) return &peg->p->tokens[token_index(node)];
    return &peg->p->tokens[node->end > node->start ? node->end - 1 : node->start];
}

bool kr_peg_visit(KrPeg *peg, const KrPegNode *node, bool (*visit)(KrPeg *, KrPegNode *, void *), void *argument) {
    if (is_token(node)) return true;
    for (int i = 0; i < node->count; i++) {
        KrPegNode *item = node->items[i];
        int kind = kr_peg_kind(peg, item);
        if (item == &absent || kind == KR_PEG_TOKEN) continue;
        bool more = kind == KR_PEG_GROUP ? kr_peg_visit(peg, item, visit, argument) : visit(peg, item, argument);
        if (!more) return false;
    }
    return true;
}

const char *kr_peg_name(KrPeg *peg, const KrPegNode *node) {
    switch (kr_peg_kind(peg, node)) {
    case KR_Attribute: return "attribute";
    case KR_Subscript: return "subscript";
    case KR_Starred: return "starred";
    case KR_Name: return "name";
    case KR_List: return "list";
    case KR_Tuple: return "tuple";
    case KR_Lambda: return "lambda";
    case KR_Call: return "function call";
    case KR_BoolOp:
    case KR_BinOp:
    case KR_UnaryOp: return "expression";
    case KR_GeneratorExp: return "generator expression";
    case KR_Yield:
    case KR_YieldFrom: return "yield expression";
    case KR_Await: return "await expression";
    case KR_ListComp: return "list comprehension";
    case KR_SetComp: return "set comprehension";
    case KR_DictComp: return "dict comprehension";
    case KR_Dict: return "dict literal";
    case KR_Set: return "set display";
    case KR_JoinedStr: return "f-string expression";
    case KR_Compare: return "comparison";
    case KR_IfExp: return "conditional expression";
    case KR_NamedExpr: return "named expression";
    default: break;
    }
    switch (kr_peg_first(peg, node)->kind) {
    case KEYWORD_TRUE: return "True";
    case KEYWORD_FALSE: return "False";
    case KEYWORD_NONE: return "None";
    case ELLIPSIS: return "ellipsis";
    default: return "literal";
    }
}

KrPegNode *kr_peg_refuse(KrPeg *peg, KrPegNode *first, KrPegNode *last, const char *format, ...) {
    const KrToken *start = kr_peg_first(peg, first), *end = kr_peg_last(peg, last);
    va_list arguments;
    va_start(arguments, format);
    kr_syntax_error_va(peg->p->lexer, PyExc_SyntaxError, start->lineno, start->col, end->end_lineno, end->end_col, format,
                       arguments);
    va_end(arguments);
    peg->p->failed = true;
    return NULL;
}

/* Parsing */

struct KrPegMemo {
    KrPegMemo *next;
    KrPegNode *node;
    int end;
    uint16_t rule;
    bool wrong;
};

static KrPegNode *parse_rule(KrPeg *peg, const Grammar *g, int index);

int kr_peg_init(KrPeg *peg, KrParser *p) {
    *peg = (KrPeg){.p = p};
    peg->memory = kr_arena_new();
    return peg->memory == NULL ? -1 : 0;
}

void kr_peg_destroy(KrPeg *peg) {
    kr_arena_free(peg->memory);
    PyMem_Free(peg->memos);
}

/* Forgets all results. Those for tokens before the current one are never wanted again. */
static bool forget(KrPeg *peg) {
    kr_arena_free(peg->memory);
    peg->memory = kr_arena_new();
    if (peg->memory == NULL) peg->p->failed = true;
    if (peg->memos != NULL) memset(peg->memos, 0, (size_t)peg->memo_capacity * sizeof(KrPegMemo *));
    peg->memo_start = peg->p->mark;
    return peg->memory != NULL;
}

/* The list of results for rules at a token; NULL with `failed`. */
static KrPegMemo **memos_at(KrPeg *peg, int mark) {
    int index = mark - peg->memo_start;
    if (index >= peg->memo_capacity) {
        int capacity = 2 * index + 256;
        KrPegMemo **grown = PyMem_Realloc(peg->memos, (size_t)capacity * sizeof(KrPegMemo *));
        if (grown == NULL) {
            PyErr_NoMemory();
            peg->p->failed = true;
            return NULL;
        }
        memset(grown + peg->memo_capacity, 0, (size_t)(capacity - peg->memo_capacity) * sizeof(KrPegMemo *));
        peg->memos = grown;
        peg->memo_capacity = capacity;
    }
    return &peg->memos[index];
}

/* Consumes a token. A number is converted, as it may be too long to be converted. */
static KrPegNode *take_token(KrPeg *peg) {
    KrParser *p = peg->p;
    int index = p->mark;
    if (p->tokens[index].kind == NUMBER && p->tokens[index].length >= LONG_NUMBER) {
        if (kr_parse_number(p) == NULL) return NULL;
    } else {
        kr_skip(p);
    }
    return token_node(index);
}

static KrPegNode *finish_list(KrPeg *peg, Py_ssize_t base, int start) {
    KrParser *p = peg->p;
    if (p->failed) return NULL;
    Py_ssize_t count = p->item_count - base;
    KrPegNode *node = kr_peg_new(peg, KR_PEG_GROUP, start, (int)count);
    if (node != NULL && count > 0) memcpy(node->items, p->items + base, (size_t)count * sizeof(void *));
    p->item_count = base;
    return node;
}

static KrPegNode *parse_item(KrPeg *peg, const Grammar *g, const Item *item);

/* An item again and again, each with a separator before it except the first, if there are separators. */
static KrPegNode *parse_repeated(KrPeg *peg, const Grammar *g, const Item *item, const Item *separator, int minimum) {
    KrParser *p = peg->p;
    int start = p->mark;
    Py_ssize_t base = p->item_count;
    if (++peg->level > p->probed && !kr_parser_probe(p, peg->level)) return NULL;
    for (;;) {
        int before = p->mark;
        if (separator != NULL && p->item_count > base && !kr_accept(p, separator->operand)) break;
        KrPegNode *node = parse_item(peg, g, item);
        if (p->failed) return NULL;
        if (node == NULL) {
            p->mark = before;
            break;
        }
        if (!kr_push(p, node)) return NULL;
    }
    peg->level--;
    if (p->item_count - base < minimum) {
        p->item_count = base;
        p->mark = start;
        return NULL;
    }
    return finish_list(peg, base, start);
}

/* True for the start of a soft keyword, too: whoever types `cas` means no missing comma. */
static bool may_be_soft(const KrParser *p, const KrToken *token) {
    static const char *const words[] = {"_", "case", "match"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(words); i++) {
        if (strncmp(words[i], p->lexer->text + token->start, token->length) == 0) return true;
    }
    return false;
}

static KrPegNode *parse_item(KrPeg *peg, const Grammar *g, const Item *item) {
    KrParser *p = peg->p;
    const Item *inner = &g->items[item->operand];
    KrPegNode *node;
    int mark = p->mark;
    switch ((Operation)item->operation) {
    case TOKEN: return kr_peek_kind(p) == item->operand ? take_token(peg) : NULL;
    case SOFT:
        return kr_peek_kind(p) == NAME && p->tokens[mark].soft == item->operand ? take_token(peg) : NULL;
    case ANY_SOFT: return kr_peek_kind(p) == NAME && may_be_soft(p, &p->tokens[mark]) ? take_token(peg) : NULL;
    case RULE: return parse_rule(peg, g, item->operand);
    case OPTIONAL:
        node = parse_item(peg, g, inner);
        if (node != NULL || p->failed) return node;
        p->mark = mark;
        return &absent;
    case ANY: return parse_repeated(peg, g, inner, NULL, 0);
    case SOME: return parse_repeated(peg, g, inner, NULL, 1);
    case LIST: return parse_repeated(peg, g, inner, inner + 1, 1);
    case AHEAD:
    case NOT_AHEAD:
        node = parse_item(peg, g, inner);
        p->mark = mark;
        return !p->failed && (node != NULL) == (item->operation == AHEAD) ? &absent : NULL;
    case FORCED:
        if (kr_peek_kind(p) == item->operand) return take_token(peg);
        if (!p->failed) {
            KrPegNode *found = token_node(mark);
            kr_peg_refuse(peg, found, found, "expected '%c'", item->operand == COLON ? ':' : '(');
        }
        return NULL;
    case COMMIT:
    case SUFFIXES: break;
    }
    return &absent;
}

/* Applies suffixes to what was parsed: each makes a node of its kind from `start`. */
static KrPegNode *parse_suffixes(KrPeg *peg, const Grammar *g, const Item *suffix, KrPegNode *node, int start) {
    while (!peg->p->failed) {
        int mark = peg->p->mark;
        KrPegNode *applied = parse_item(peg, g, suffix);
        if (applied == NULL) {
            if (peg->p->failed) return NULL;
            peg->p->mark = mark;
            return node;
        }
        KrPegNode *whole = kr_peg_new(peg, kr_peg_kind(peg, applied), start, 2);
        if (whole == NULL) return NULL;
        whole->items[0] = node;
        whole->items[1] = applied;
        node = whole;
    }
    return NULL;
}

/* Raises the error that an alternative stands for. */
static void raise_error(KrPeg *peg, const Alternative *alternative, KrPegNode **items) {
    KrParser *p = peg->p;
    char message[MAX_MESSAGE];
    snprintf(message, sizeof(message), "%.*s", (int)alternative->message_length, alternative->message);
    KrPegNode *first = alternative->value > 0 ? items[alternative->value - 1] : NULL;
    const KrToken *last = &p->tokens[p->count - 1], *start = first != NULL ? kr_peg_first(peg, first) : NULL;
    p->failed = true;
    switch ((Outcome)alternative->outcome) {
    case ERROR_AT: {
        char text[MAX_MESSAGE];
        const char *name = strstr(message, "%s");
        if (name == NULL) {
            snprintf(text, sizeof(text), "%s", message);
        } else {
            snprintf(text, sizeof(text), "%.*s%s%s", (int)(name - message), message, kr_peg_name(peg, first), name + 2);
        }
        kr_peg_refuse(peg, first, items[alternative->last_value - 1], "%s", text);
        break;
    }
    case ERROR_FROM:
        kr_syntax_error(p->lexer, PyExc_SyntaxError, start->lineno, start->col, 0, KR_NO_COLUMN, "%s", message);
        break;
    case ERROR_INDENT: kr_syntax_error_last(p->lexer, PyExc_IndentationError, last, "%s", message); break;
    case ERROR_BLOCK:
        kr_syntax_error_last(p->lexer, PyExc_IndentationError, last, "expected an indented block after %s on line %d",
                             message, start->lineno);
        break;
    default: kr_syntax_error_last(p->lexer, PyExc_SyntaxError, last, "%s", message); break;
    }
}

static KrPegNode *make_result(KrPeg *peg, const Alternative *alternative, KrPegNode **items, int start) {
    KrPegNode *node;
    switch ((Outcome)alternative->outcome) {
    case DEFAULT:
    case NODE:
        if (alternative->outcome == DEFAULT && alternative->count == 1) return items[0];
        node = kr_peg_new(peg, alternative->outcome == NODE ? alternative->value : KR_PEG_GROUP, start,
                          alternative->count);
        if (node != NULL) memcpy(node->items, items, alternative->count * sizeof(KrPegNode *));
        return node;
    case PASS: return items[alternative->value - 1];
    case CALL: return kr_peg_actions[alternative->value].function(peg, items, start);
    default: raise_error(peg, alternative, items); return NULL;
    }
}

/* Tries the alternatives of a rule in order. On failure the position is undefined. */
static KrPegNode *parse_alternatives(KrPeg *peg, const Grammar *g, const Rule *rule) {
    KrParser *p = peg->p;
    int start = p->mark;
    for (int a = 0; a < rule->count; a++) {
        const Alternative *alternative = &g->alternatives[rule->first + a];
        if (alternative->wrong && !peg->wrong) continue;
        KrPegNode *items[MAX_SEQUENCE];
        bool committed = false;
        int i = 0;
        p->mark = start;
        for (; i < alternative->count; i++) {
            const Item *item = &g->items[alternative->first + i];
            if (item->operation == SUFFIXES) {
                items[i - 1] = parse_suffixes(peg, g, &g->items[item->operand], items[i - 1], start);
                return items[i - 1];
            }
            committed |= item->operation == COMMIT;
            items[i] = parse_item(peg, g, item);
            if (items[i] == NULL) break;
        }
        if (p->failed) return NULL;
        if (i == alternative->count) return make_result(peg, alternative, items, start);
        if (committed) return NULL;
    }
    return NULL;
}

static KrPegNode *parse_rule(KrPeg *peg, const Grammar *g, int index) {
    KrParser *p = peg->p;
    const Rule *rule = &g->rules[index];
    int start = p->mark;
    int kind = kr_peek_kind(p);
    if (p->failed || !has_kind(&rule->starts, kind)) return NULL;
    KrPegMemo **memos = memos_at(peg, start);
    if (memos == NULL) return NULL;
    bool wrong = rule->memo || peg->wrong;
    for (KrPegMemo *memo = *memos; memo != NULL; memo = memo->next) {
        if (memo->rule == index && memo->wrong == wrong) {
            p->mark = memo->end;
            return memo->node;
        }
    }
    if (++peg->level > p->probed && !kr_parser_probe(p, peg->level)) return NULL;
    bool was_wrong = peg->wrong;
    if (rule->quiet) peg->wrong = false;
    KrPegNode *node = parse_alternatives(peg, g, rule);
    peg->wrong = was_wrong;
    peg->level--;
    if (p->failed) return NULL;
    if (node == NULL) p->mark = start;
    KrPegMemo *memo = kr_arena_alloc(peg->memory, sizeof(KrPegMemo));
    memos = memos_at(peg, start);
    if (memo == NULL || memos == NULL) {
        p->failed = true;
        return NULL;
    }
    *memo = (KrPegMemo){.next = *memos, .node = node, .end = p->mark, .rule = (uint16_t)index, .wrong = wrong};
    *memos = memo;
    return node;
}

bool kr_peg_run(KrPeg *peg, const char *name) {
    KrParser *p = peg->p;
    const Grammar *g = prepare_grammar();
    if (g == NULL) {
        p->failed = true;
        return false;
    }
    p->mark = 0;
    p->item_count = 0;
    peg->level = 0;
    if (!forget(peg)) return false;
    if (strcmp(name, "file") != 0) return parse_rule(peg, g, find_rule(g, name, strlen(name))) != NULL;
    /* Statement by statement, so that little has to be remembered. */
    int statement = find_rule(g, "statement", strlen("statement"));
    while (parse_rule(peg, g, statement) != NULL) {
        if (!forget(peg)) return false;
    }
    return !p->failed && kr_peek_kind(p) == ENDMARKER;
}
