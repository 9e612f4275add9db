/* A parser that walks through the text of a grammar, for finding out what is wrong with a source.
 *
 * It is slow and thorough: ordered alternatives with unlimited going back, results remembered. It builds no tree, only nodes
 * that tell which tokens belong together and what the language calls them.
 *
 * Invariant: once the parser `p` has `failed` (an exception is set), every function returns NULL.
 */
#ifndef KR_SYNTAX_PEG_H
#define KR_SYNTAX_PEG_H

#include <Python.h>
#include <stdbool.h>

#include "syntax/parser.h"

/* Kinds of nodes beyond KrNodeKind. */
enum {
    KR_PEG_GROUP = KR_NODE_KIND_COUNT, /* items that have no name together */
    KR_PEG_UNPACKING,                  /* `**mapping` in a call */
    KR_PEG_TOKEN,
};

/* A node, or a token if the lowest bit is set: see kr_peg_kind. */
typedef struct KrPegNode {
    int start, end; /* indices of the first token and of the one behind the last */
    int kind, count;
    struct KrPegNode *items[];
} KrPegNode;

typedef struct KrPegMemo KrPegMemo;

typedef struct KrPeg {
    KrParser *p;
    bool wrong;          /* the rules for wrong forms are tried */
    int level;           /* depth of rules */
    KrArena *memory;     /* of nodes and memos since the last top-level statement */
    KrPegMemo **memos;   /* for each token from `memo_start` on */
    int memo_start, memo_capacity;
} KrPeg;

/* What an alternative becomes: a node, or NULL if the rule fails. */
typedef KrPegNode *(*KrPegFunction)(KrPeg *peg, KrPegNode **items, int start);
typedef struct KrPegAction {
    const char *name;
    KrPegFunction function;
} KrPegAction;
extern const KrPegAction kr_peg_actions[]; /* ends with a NULL name */

extern const char kr_diagnosis_grammar[];

int kr_peg_init(KrPeg *peg, KrParser *p);
void kr_peg_destroy(KrPeg *peg);
/* Parses a whole source from its start. Returns true if it is right; else false, with an exception if `failed`. */
bool kr_peg_run(KrPeg *peg, const char *rule);
/* Releases the prepared grammar. */
void kr_peg_finalize(void);

KrPegNode *kr_peg_new(KrPeg *peg, int kind, int start, int count);
int kr_peg_kind(KrPeg *peg, const KrPegNode *node);
/* The first and the last token of a node; one that spans no tokens gives the token at its place. */
const KrToken *kr_peg_first(KrPeg *peg, const KrPegNode *node);
const KrToken *kr_peg_last(KrPeg *peg, const KrPegNode *node);
/* The nodes with a name in a node's items, found through groups: calls visit for each until it returns false. */
bool kr_peg_visit(KrPeg *peg, const KrPegNode *node, bool (*visit)(KrPeg *, KrPegNode *, void *), void *argument);

/* Raises SyntaxError from the first token of `first` to the last of `last`, in whose message %s is what the node is called.
 * Returns NULL. */
KrPegNode *kr_peg_refuse(KrPeg *peg, KrPegNode *first, KrPegNode *last, const char *format, ...);
/* What an expression is called in messages. */
const char *kr_peg_name(KrPeg *peg, const KrPegNode *node);

#endif
