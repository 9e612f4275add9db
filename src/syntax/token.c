/* Token kinds: their names, and the spellings of operators and reserved words. */
#include <Python.h>

#include "syntax/token.h"

const char *const _PyParser_TokenNames[] = {
    [ENDMARKER] = "ENDMARKER", [NAME] = "NAME", [NUMBER] = "NUMBER", [STRING] = "STRING", [NEWLINE] = "NEWLINE",
    [INDENT] = "INDENT", [DEDENT] = "DEDENT", [LPAR] = "LPAR", [RPAR] = "RPAR", [LSQB] = "LSQB", [RSQB] = "RSQB",
    [COLON] = "COLON", [COMMA] = "COMMA", [SEMI] = "SEMI", [PLUS] = "PLUS", [MINUS] = "MINUS", [STAR] = "STAR",
    [SLASH] = "SLASH", [VBAR] = "VBAR", [AMPER] = "AMPER", [LESS] = "LESS", [GREATER] = "GREATER", [EQUAL] = "EQUAL",
    [DOT] = "DOT", [PERCENT] = "PERCENT", [LBRACE] = "LBRACE", [RBRACE] = "RBRACE", [EQEQUAL] = "EQEQUAL",
    [NOTEQUAL] = "NOTEQUAL", [LESSEQUAL] = "LESSEQUAL", [GREATEREQUAL] = "GREATEREQUAL", [TILDE] = "TILDE",
    [CIRCUMFLEX] = "CIRCUMFLEX", [LEFTSHIFT] = "LEFTSHIFT", [RIGHTSHIFT] = "RIGHTSHIFT", [DOUBLESTAR] = "DOUBLESTAR",
    [PLUSEQUAL] = "PLUSEQUAL", [MINEQUAL] = "MINEQUAL", [STAREQUAL] = "STAREQUAL", [SLASHEQUAL] = "SLASHEQUAL",
    [PERCENTEQUAL] = "PERCENTEQUAL", [AMPEREQUAL] = "AMPEREQUAL", [VBAREQUAL] = "VBAREQUAL",
    [CIRCUMFLEXEQUAL] = "CIRCUMFLEXEQUAL", [LEFTSHIFTEQUAL] = "LEFTSHIFTEQUAL", [RIGHTSHIFTEQUAL] = "RIGHTSHIFTEQUAL",
    [DOUBLESTAREQUAL] = "DOUBLESTAREQUAL", [DOUBLESLASH] = "DOUBLESLASH", [DOUBLESLASHEQUAL] = "DOUBLESLASHEQUAL",
    [AT] = "AT", [ATEQUAL] = "ATEQUAL", [RARROW] = "RARROW", [ELLIPSIS] = "ELLIPSIS", [COLONEQUAL] = "COLONEQUAL",
    [OP] = "OP", [AWAIT] = "AWAIT", [ASYNC] = "ASYNC", [TYPE_IGNORE] = "TYPE_IGNORE", [TYPE_COMMENT] = "TYPE_COMMENT",
    [SOFT_KEYWORD] = "SOFT_KEYWORD", [ERRORTOKEN] = "<ERRORTOKEN>", "<COMMENT>", "<NL>", "<ENCODING>",
    [N_TOKENS] = "<N_TOKENS>",
};

int PyToken_OneChar(int c) {
    static const uint8_t kind[128] = {
        ['%'] = PERCENT, ['&'] = AMPER, ['('] = LPAR, [')'] = RPAR, ['*'] = STAR, ['+'] = PLUS, [','] = COMMA,
        ['-'] = MINUS, ['.'] = DOT, ['/'] = SLASH, [':'] = COLON, [';'] = SEMI, ['<'] = LESS, ['='] = EQUAL,
        ['>'] = GREATER, ['@'] = AT, ['['] = LSQB, [']'] = RSQB, ['^'] = CIRCUMFLEX, ['{'] = LBRACE, ['|'] = VBAR,
        ['}'] = RBRACE, ['~'] = TILDE,
    };
    return c >= 0 && c < 128 && kind[c] != 0 ? kind[c] : OP;
}

int PyToken_TwoChars(int c1, int c2) {
    if (c2 == '=') {
        switch (c1) {
        case '!': return NOTEQUAL;
        case '%': return PERCENTEQUAL;
        case '&': return AMPEREQUAL;
        case '*': return STAREQUAL;
        case '+': return PLUSEQUAL;
        case '-': return MINEQUAL;
        case '/': return SLASHEQUAL;
        case ':': return COLONEQUAL;
        case '<': return LESSEQUAL;
        case '=': return EQEQUAL;
        case '>': return GREATEREQUAL;
        case '@': return ATEQUAL;
        case '^': return CIRCUMFLEXEQUAL;
        case '|': return VBAREQUAL;
        default: return OP;
        }
    }
    if (c1 == c2) {
        switch (c1) {
        case '*': return DOUBLESTAR;
        case '/': return DOUBLESLASH;
        case '<': return LEFTSHIFT;
        case '>': return RIGHTSHIFT;
        default: return OP;
        }
    }
    if (c1 == '-' && c2 == '>') return RARROW;
    if (c1 == '<' && c2 == '>') return NOTEQUAL;
    return OP;
}

int PyToken_ThreeChars(int c1, int c2, int c3) {
    if (c3 == '=' && c1 == c2) {
        switch (c1) {
        case '*': return DOUBLESTAREQUAL;
        case '/': return DOUBLESLASHEQUAL;
        case '<': return LEFTSHIFTEQUAL;
        case '>': return RIGHTSHIFTEQUAL;
        default: return OP;
        }
    }
    return c1 == '.' && c2 == '.' && c3 == '.' ? ELLIPSIS : OP;
}

/* A hash of first character, last character and length that is perfect for the words below; found by trying factors. */
enum { WORD_TABLE_SIZE = 128 };
#define WORD_HASH(first, last, length) (((first) + 11 * (last) + (length)) % WORD_TABLE_SIZE)

int kr_token_name_kind(const char *text, size_t length, uint8_t *soft) {
    static const struct {
        char text[9];
        uint8_t length, kind, soft;
    } words[WORD_TABLE_SIZE] = {
#define KR_KEYWORD(kind, text, first, last)                                                                            \
    [WORD_HASH(first, last, sizeof(text) - 1)] = {text, sizeof(text) - 1, KEYWORD_##kind, 0},
        KR_KEYWORDS(KR_KEYWORD)
#undef KR_KEYWORD
        [WORD_HASH('a', 'c', 5)] = {"async", 5, ASYNC, 0},
        [WORD_HASH('a', 't', 5)] = {"await", 5, AWAIT, 0},
        [WORD_HASH('m', 'h', 5)] = {"match", 5, NAME, KR_SOFT_MATCH},
        [WORD_HASH('c', 'e', 4)] = {"case", 4, NAME, KR_SOFT_CASE},
        [WORD_HASH('_', '_', 1)] = {"_", 1, NAME, KR_SOFT_UNDERSCORE},
    };
    size_t slot = WORD_HASH((unsigned char)text[0], (unsigned char)text[length - 1], length);
    if (words[slot].length == length && memcmp(words[slot].text, text, length) == 0) {
        *soft = words[slot].soft;
        return words[slot].kind;
    }
    *soft = KR_NOT_SOFT;
    return NAME;
}
