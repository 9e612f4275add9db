/* The regular expression engine.

   re._compiler turns a pattern into a list of numbers. compile() checks that list completely and translates it to a
   *program* of our own (program.c): fixed-size nodes, character sets with a bitmap of the first 256 characters, runs of
   literals joined. No other file sees the list, so a program can be trusted: every index in it is in range and every
   structure is properly nested.

   The matcher (matcher.c, and matcher_width.h once for each width of characters) is a backtracking machine without
   recursion. It has two stacks. A *choice* is a place to resume from when matching fails. The *trail* records the old
   values of slots (marks of groups, counts of loops), and each choice knows the height that the trail had when it was
   made. Invariant: unwinding the trail to a choice's height restores all slots as they were at that choice. So dropping
   choices (atomic groups, assertions) never loses what an older choice needs to restore. */
#ifndef KR_MODULES_SRE_SRE_H
#define KR_MODULES_SRE_SRE_H

#include <Python.h>
#include <stdbool.h>

enum {
    SRE_MAGIC = 20220615,
    SRE_CODE_SIZE = 4, /* bytes of a number in the code list */
};
#define SRE_MAX_REPEAT 0xFFFFFFFFu
#define SRE_MAX_GROUPS ((Py_ssize_t)0x3FFFFFFF)

enum { /* the flags of patterns that the engine looks at */
    SRE_FLAG_LOCALE = 4,
    SRE_FLAG_UNICODE = 32,
    SRE_FLAG_ASCII = 256,
};

typedef enum {
#define SRE_NODE(name) NODE_##name,
#include "modules/_sre/nodes.def"
#undef SRE_NODE
} NodeOp;

typedef enum { WORD_ASCII, WORD_LOCALE, WORD_UNICODE } WordKind; /* what \w means */
typedef enum { CASE_EXACT, CASE_ASCII, CASE_LOCALE, CASE_UNICODE } CaseKind;

#define NO_SET UINT32_MAX

typedef struct {
    uint8_t op;        /* NodeOp */
    uint8_t unit;      /* what a single-character repeat repeats: a NodeOp up to NODE_SET */
    uint8_t exclusive; /* if this way can start, the other way cannot: no choice is needed */
    uint8_t unused;
    uint32_t value;
    uint32_t min, max;
    uint32_t target; /* index of a node */
    uint32_t first;  /* the set of characters that this way (alternative, body) can start with, or NO_SET */
    uint32_t tail;   /* the set of characters that the other way, or what follows, can start with, or NO_SET */
} Node;

/* How members of a set are found among the characters from 256 up (and all characters, if the locale matters). */
typedef enum { WIDE_NONE, WIDE_ALL, WIDE_RULES } WideKind;

typedef struct {
    uint32_t bits[8]; /* members below 256 */
    uint8_t wide;     /* WideKind */
    uint8_t casing;   /* CaseKind: the rules are asked about the character in lower case */
    uint8_t dynamic;  /* membership depends on the locale: `bits` means nothing */
    uint8_t inverted; /* of a set with the casing CASE_LOCALE: the rules tell what is not a member */
    uint32_t rules; /* index of the rules in the program's words: the code of an IN */
} CharSet;

typedef struct {
    uint32_t *words; /* rules of sets and literal strings */
    Node *nodes;
    CharSet *sets;
    uint32_t word_count, node_count, set_count;
    uint32_t slots;       /* marks, the last closed group, then two for each loop */
    uint32_t groups;      /* capturing groups */
    uint32_t min_width;   /* no match is shorter */
    uint32_t prefix;      /* index of the node with the literal that starts each match, or NO_SET */
    uint32_t first;       /* the set of characters that a match can start with, or NO_SET */
    bool anchored;        /* can only match at the beginning of the subject */
    bool sweeps;          /* starts with .*: after a failure, no match starts in the rest of the line */
} Program;

/* The slot that holds the number of the group that was closed last. */
#define LAST_GROUP_SLOT(program) (2 * (program)->groups)

typedef struct {
    PyTypeObject *pattern_type;
    PyTypeObject *match_type;
    PyTypeObject *scanner_type;
} SreState;

typedef struct {
    PyObject_HEAD
    PyObject *pattern; /* a string, a bytes-like object or None */
    PyObject *groupindex;
    PyObject *indexgroup;
    PyObject *weakrefs;
    Py_ssize_t groups;
    int flags;
    int is_bytes; /* -1: the pattern does not tell */
    Program program;
} PatternObject;

typedef struct {
    PyObject_VAR_HEAD
    PyObject *string;
    PyObject *regs; /* cache of the attribute regs, or NULL */
    PatternObject *pattern;
    Py_ssize_t pos, endpos;
    Py_ssize_t lastindex; /* -1: no group */
    Py_ssize_t groups;    /* with group 0 */
    Py_ssize_t mark[];    /* start and end of each group, -1 where it did not match */
} MatchObject;

typedef struct Choice Choice;
typedef struct TrailEntry TrailEntry;

/* One subject, and the matches that are looked for in it one after the other. */
typedef struct {
    const Program *program;
    PyObject *string;
    Py_buffer buffer; /* held if buffer.obj is not NULL */
    const char *beginning;      /* of the whole subject */
    const char *start;          /* where to look next; after a match: where it starts */
    const char *end;            /* where the subject is taken to end */
    const char *ptr;            /* after a match: where it ends */
    Py_ssize_t pos, endpos;
    int width;        /* bytes of a character */
    bool is_bytes;
    bool match_all;    /* the match must reach the end */
    bool must_advance; /* the match must not be empty if it starts at `start` */
    bool slots_used;   /* slots may hold something else than zero */
    unsigned ticks;    /* steps since the last look at signals */
    uintptr_t *slots;
    uintptr_t inline_slots[9]; /* four groups */
    Choice *choices;   /* stacks on the heap, kept from match to match, or NULL */
    size_t choice_capacity;
    TrailEntry *trail;
    size_t trail_capacity;
} MatchState;

/* charset.c */
bool kr_sre_rules_contain(const uint32_t *rules, Py_UCS4 ch);
bool kr_sre_set_contains_slow(const CharSet *set, const uint32_t *words, Py_UCS4 ch);
bool kr_sre_is_word(WordKind kind, Py_UCS4 ch);
Py_UCS4 kr_sre_lower(CaseKind kind, Py_UCS4 ch);
/* Checks the rules in code[0..length), which must end with FAILURE. Returns false if they are not valid. */
bool kr_sre_rules_check(const uint32_t *code, Py_ssize_t length);
bool kr_sre_category_check(uint32_t category);
/* Fills in all but set->rules from the rules. */
void kr_sre_set_init(CharSet *set, const uint32_t *rules, CaseKind casing);

static inline bool sre_bit(const CharSet *set, Py_UCS4 ch) { return set->bits[ch >> 5] >> (ch & 31) & 1; }

/* program.c */
/* Translates `length` numbers of code. Returns 0, or -1 with RuntimeError or MemoryError set. */
int kr_sre_program_init(Program *program, const uint32_t *code, Py_ssize_t length, Py_ssize_t groups);
void kr_sre_program_free(Program *program);
bool kr_sre_program_equal(const Program *a, const Program *b);
Py_hash_t kr_sre_program_hash(const Program *program);

/* matcher.c */
/* Takes hold of the subject. Returns 0, or -1 with an exception. */
int kr_sre_state_init(MatchState *state, PatternObject *pattern, PyObject *string, Py_ssize_t start, Py_ssize_t end);
void kr_sre_state_finish(MatchState *state);
/* Match at state->start, or search from there. Return 1 if there is a match, 0 if not, -1 with an exception. */
int kr_sre_match(MatchState *state);
int kr_sre_search(MatchState *state);
/* After a match: makes state->start the place where the next search begins. */
static inline void sre_state_advance(MatchState *state) {
    state->must_advance = state->ptr == state->start;
    state->start = state->ptr;
}

/* match.c */
/* A slice of a subject: a str, or bytes. */
PyObject *kr_sre_slice(bool is_bytes, const char *data, PyObject *string, Py_ssize_t start, Py_ssize_t end);
/* The text of a group of the newest match; if it took no part, "" or None. */
PyObject *kr_sre_state_group(MatchState *state, Py_ssize_t group, bool empty);
/* A Match for the newest match. */
PyObject *kr_sre_match_new(SreState *module, PatternObject *pattern, MatchState *state);
/* Gets the characters of a str or a bytes-like object; view->obj is set if it is a buffer to release. NULL with an
   exception. */
const char *kr_sre_get_string(PyObject *string, Py_ssize_t *length, bool *is_bytes, int *width, Py_buffer *view);
extern PyType_Spec kr_sre_match_spec;

/* pattern.c */
/* The function _sre.compile. */
PyObject *kr_sre_compile(PyObject *module, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames);
/* Reads the arguments (string, pos=0, endpos=maxsize) that most methods of patterns have. */
int kr_sre_read_subject(PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames, _PyArg_Parser *parser,
                        PyObject **string, Py_ssize_t *pos, Py_ssize_t *endpos);
extern PyType_Spec kr_sre_pattern_spec;

/* scanner.c */
PyObject *kr_sre_scanner_new(SreState *module, PatternObject *pattern, PyObject *string, Py_ssize_t pos,
                             Py_ssize_t endpos);
extern PyType_Spec kr_sre_scanner_spec;

#endif
