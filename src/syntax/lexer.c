/* From text to tokens: layout, names, numbers, strings, operators. */
#include <Python.h>
#include <stddef.h>

#include "syntax/lexer.h"
#include "syntax/syntax_error.h"

enum { TAB_STOP = 8 };

/* What a byte can be part of. */
enum { NAME_START = 1, NAME_PART = 2, DIGIT = 4, BLANK = 8, STRING_STOP = 16 };

static const uint8_t byte_class[256] = {
    ['a' ... 'z'] = NAME_START | NAME_PART,
    ['A' ... 'Z'] = NAME_START | NAME_PART,
    ['_'] = NAME_START | NAME_PART,
    [128 ... 255] = NAME_START | NAME_PART,
    ['0' ... '9'] = NAME_PART | DIGIT,
    [' '] = BLANK,
    ['\t'] = BLANK,
    ['\f'] = BLANK,
    ['\n'] = STRING_STOP,
    ['\\'] = STRING_STOP,
    ['\''] = STRING_STOP,
    ['"'] = STRING_STOP,
    [0] = STRING_STOP,
};

#define IS(character, property) (byte_class[(unsigned char)(character)] & (property))

void kr_lexer_init(KrLexer *lexer, const char *text, size_t length, PyObject *filename, KrParseMode mode) {
    /* The stacks of brackets and indents need no clearing. */
    memset(lexer, 0, offsetof(KrLexer, brackets));
    memset((char *)lexer + offsetof(KrLexer, filename), 0, sizeof(KrLexer) - offsetof(KrLexer, filename));
    lexer->text = lexer->cursor = lexer->line_start = lexer->buffer = text;
    lexer->limit = text + length;
    lexer->at_line_start = true;
    lexer->indent[0].column = lexer->indent[0].tab_column = 0;
    lexer->filename = filename;
    lexer->mode = mode;
}

void kr_lexer_init_interactive(KrLexer *lexer, KrReadLine read_line, void *context, PyObject *filename) {
    kr_lexer_init(lexer, "", 0, filename, KR_PARSE_INTERACTIVE);
    lexer->interactive = true;
    lexer->read_line = read_line;
    lexer->read_context = context;
}

void kr_lexer_destroy(KrLexer *lexer) {
    PyMem_Free(lexer->owned);
    lexer->owned = NULL;
}

void kr_lexer_restart(KrLexer *lexer, KrLexer *from) {
    kr_lexer_init(lexer, from->text, (size_t)(from->limit - from->text), from->filename, from->mode);
    lexer->interactive = from->interactive;
    lexer->read_line = from->read_line;
    lexer->read_context = from->read_context;
    lexer->read_count = from->read_count;
    lexer->read_ended = from->read_ended;
    lexer->owned = from->owned;
    lexer->owned_size = from->owned_size;
    from->owned = NULL;
    lexer->first_lineno = from->first_lineno;
    lexer->first_col = from->first_col;
    if (from->first_lineno > 0) lexer->lineno = from->first_lineno - 1;
    lexer->is_fstring = from->is_fstring;
    lexer->encoded = from->encoded;
    lexer->encoding = from->encoding;
    lexer->silent = from->silent;
    lexer->silent_until = (uint32_t)(from->cursor - from->text);
}

const char *kr_lexer_line_end(const KrLexer *lexer, const char *line) {
    const char *newline = memchr(line, '\n', (size_t)(lexer->limit - line));
    return newline != NULL ? newline + 1 : lexer->limit;
}

/* Makes room for `more` bytes behind the text. Returns false with an exception. */
static bool grow_text(KrLexer *lexer, size_t more) {
    size_t used = (size_t)(lexer->limit - lexer->text);
    if (used + more <= lexer->owned_size) return true;
    size_t size = 2 * (used + more) + 256;
    char *grown = PyMem_Realloc(lexer->owned, size);
    if (grown == NULL) {
        PyErr_NoMemory();
        return false;
    }
    ptrdiff_t moved = grown - lexer->text;
    lexer->owned = grown;
    lexer->owned_size = size;
    lexer->text = grown;
    lexer->limit = lexer->cursor = grown + used;
    lexer->line_start = used == 0 ? grown : lexer->line_start + moved;
    lexer->buffer = used == 0 ? grown : lexer->buffer + moved;
    return true;
}

/* Appends the next line of interactive input to the text; one that comes without its newline is asked for until the input
 * ends. Returns false at the end of input or with an exception. */
static bool read_more(KrLexer *lexer) {
    size_t before = (size_t)(lexer->limit - lexer->text);
    while (!lexer->read_ended) {
        char *line = lexer->read_line(lexer->read_context, lexer->read_count++ > 0);
        bool failed = line == NULL && PyErr_Occurred();
        lexer->read_ended = line == NULL;
        if (failed || !grow_text(lexer, (line == NULL ? 0 : strlen(line)) + 2)) {
            PyMem_Free(line);
            lexer->state = KR_LEXER_RAISED;
            return false;
        }
        size_t used = (size_t)(lexer->limit - lexer->text), length = line == NULL ? used > before : strlen(line);
        memcpy(lexer->owned + used, line == NULL ? "\n" : line, length);
        PyMem_Free(line);
        used += length;
        lexer->owned[used] = '\0';
        lexer->limit = lexer->owned + used;
        if (used > before && lexer->owned[used - 1] == '\n') return true;
    }
    return false;
}

/* Enters the line at the cursor. Returns false at the end of the text. */
static bool enter_line(KrLexer *lexer, bool inside_token) {
    if (lexer->cursor == lexer->limit && !(lexer->interactive && read_more(lexer))) {
        if (lexer->state == KR_LEXER_OK) lexer->state = KR_LEXER_AT_END;
        lexer->reached_end = true;
        return false;
    }
    if (!inside_token) lexer->buffer = lexer->cursor;
    lexer->line_start = lexer->cursor;
    lexer->lineno++;
    return true;
}

/* Goes on behind a backslash at a line's end. Returns false if there is no line end, or no line after it. */
static bool continue_line(KrLexer *lexer, bool inside_token) {
    char c = *lexer->cursor;
    if (c != '\n') {
        if (lexer->cursor < lexer->limit) lexer->cursor++;
        lexer->state = KR_LEXER_BAD_CONTINUATION;
        return false;
    }
    lexer->cursor++;
    return enter_line(lexer, inside_token) && lexer->cursor < lexer->limit;
}

static void set_place(const KrLexer *lexer, KrToken *token, int kind, const char *start, const char *end) {
    int shift = lexer->lineno == lexer->first_lineno ? lexer->first_col : 0;
    token->kind = (uint8_t)kind;
    token->soft = KR_NOT_SOFT;
    token->level = (uint16_t)lexer->level;
    token->lineno = token->end_lineno = lexer->lineno;
    token->col = (int)(start - lexer->line_start) + shift;
    token->end_col = (int)(end - lexer->line_start) + shift;
    token->start = (uint32_t)(start - lexer->text);
    token->length = (uint32_t)(end - start);
}

static void set_placeless(const KrLexer *lexer, KrToken *token, int kind) {
    token->kind = (uint8_t)kind;
    token->soft = KR_NOT_SOFT;
    token->level = (uint16_t)lexer->level;
    token->lineno = token->end_lineno = lexer->lineno;
    token->col = token->end_col = -1 + (lexer->lineno == lexer->first_lineno ? lexer->first_col : 0);
    token->start = (uint32_t)(lexer->cursor - lexer->text);
    token->length = 0;
}

/* Compares a line's indentation with the open ones. Returns false if it does not fit. */
static bool set_indentation(KrLexer *lexer, int column, int tab_column) {
    int depth = lexer->indents;
    if (column == lexer->indent[depth].column) {
        if (tab_column == lexer->indent[depth].tab_column) return true;
        lexer->state = KR_LEXER_BAD_TABS;
    } else if (column > lexer->indent[depth].column) {
        if (depth + 1 >= KR_MAX_INDENTS) {
            lexer->state = KR_LEXER_TOO_DEEP;
        } else if (tab_column <= lexer->indent[depth].tab_column) {
            lexer->state = KR_LEXER_BAD_TABS;
        } else {
            lexer->pending++;
            lexer->indents++;
            lexer->indent[lexer->indents].column = column;
            lexer->indent[lexer->indents].tab_column = tab_column;
            return true;
        }
    } else {
        while (lexer->indents > 0 && column < lexer->indent[lexer->indents].column) {
            lexer->pending--;
            lexer->indents--;
        }
        if (column != lexer->indent[lexer->indents].column) {
            lexer->state = KR_LEXER_BAD_DEDENT;
        } else if (tab_column != lexer->indent[lexer->indents].tab_column) {
            lexer->state = KR_LEXER_BAD_TABS;
        } else {
            return true;
        }
    }
    lexer->cursor = kr_lexer_line_end(lexer, lexer->cursor);
    return false;
}

/* Reads the blanks at the start of a line. Returns false on error; `*blank` tells a line without code. */
static bool read_indentation(KrLexer *lexer, bool *blank) {
    int column = 0, tab_column = 0, first_column = 0;
    const char *s = lexer->cursor;
    for (;; s++) {
        if (*s == ' ') {
            column++;
            tab_column++;
        } else if (*s == '\t') {
            column = (column / TAB_STOP + 1) * TAB_STOP;
            tab_column++;
        } else if (*s == '\f') {
            column = tab_column = 0;
        } else if (*s == '\\') {
            /* The first of continued lines decides. */
            if (first_column == 0) first_column = column;
            lexer->cursor = s + 1;
            if (!continue_line(lexer, false)) return false;
            s = lexer->cursor - 1;
        } else {
            break;
        }
    }
    lexer->cursor = s;
    lexer->reached_end |= *s == '\0';
    *blank = false;
    if (*s == '#' || *s == '\n') {
        if (!lexer->interactive) {
            *blank = true;
        } else if (column == 0 && *s == '\n') {
            /* An empty line ends a compound statement at the prompt. */
        } else if (lexer->lineno == 1) {
            column = tab_column = first_column = 0;
        } else {
            *blank = true;
        }
    }
    if (*blank || lexer->level > 0) return true;
    if (first_column != 0) column = tab_column = first_column;
    return set_indentation(lexer, column, tab_column);
}

/* Behind a comment's '#': tells whether it is a type comment ("type: ..."); `*start` is where the type begins. */
static bool is_type_comment(const char *s, const char *end, const char **start) {
    static const char word[] = "type:";
    while (s < end && (*s == ' ' || *s == '\t')) s++;
    if ((size_t)(end - s) < sizeof(word) - 1 || memcmp(s, word, sizeof(word) - 1) != 0) return false;
    s += sizeof(word) - 1;
    while (s < end && (*s == ' ' || *s == '\t')) s++;
    *start = s;
    return true;
}

static bool is_type_ignore(const char *s, const char *end) {
    static const char word[] = "ignore";
    size_t length = sizeof(word) - 1;
    if ((size_t)(end - s) < length || memcmp(s, word, length) != 0) return false;
    if ((size_t)(end - s) == length) return true;
    unsigned char next = (unsigned char)s[length];
    return next < 128 && !Py_ISALNUM(next);
}

/* Checks a name with non-ASCII characters. Returns false with SyntaxError. */
static bool check_identifier(KrLexer *lexer, const char *start, const char *end) {
    PyObject *name = PyUnicode_DecodeUTF8(start, end - start, NULL);
    if (name == NULL) {
        lexer->state = PyErr_ExceptionMatches(PyExc_UnicodeDecodeError) ? KR_LEXER_BAD_DECODING : KR_LEXER_RAISED;
        return false;
    }
    Py_ssize_t length = PyUnicode_GET_LENGTH(name), valid = _PyUnicode_ScanIdentifier(name);
    if (valid < length) {
        Py_UCS4 wrong = PyUnicode_READ_CHAR(name, valid);
        PyObject *head = PyUnicode_Substring(name, 0, valid + 1);
        Py_ssize_t bytes = 0;
        if (head == NULL || PyUnicode_AsUTF8AndSize(head, &bytes) == NULL) {
            lexer->state = KR_LEXER_RAISED;
        } else {
            char hex[9];
            snprintf(hex, sizeof(hex), "%04X", (unsigned)wrong);
            lexer->cursor = start + bytes;
            if (Py_UNICODE_ISPRINTABLE(wrong)) {
                kr_syntax_error_in_token(lexer, -1, -1, "invalid character '%c' (U+%s)", (int)wrong, hex);
            } else {
                kr_syntax_error_in_token(lexer, -1, -1, "invalid non-printable character U+%s", hex);
            }
        }
        Py_XDECREF(head);
    }
    Py_DECREF(name);
    return valid == length;
}

/* At a number's end: what follows must not look like a part of it, unless it is a keyword that may follow an expression.
 * Returns false with an exception. */
static bool check_number_end(KrLexer *lexer, const char *s, const char *kind) {
    lexer->cursor = s;
    lexer->reached_end |= *s == '\0';
    if (!IS(*s, NAME_PART)) return true;
    static const char *const followers[] = {"and", "else", "for", "if", "in", "is", "or", "not"};
    for (size_t i = 0; i < Py_ARRAY_LENGTH(followers); i++) {
        size_t length = strlen(followers[i]);
        if (strncmp(s, followers[i], length) != 0) continue;
        if (*s != 'i') {
            lexer->reached_end |= s[length] == '\0';
            if (IS(s[length], NAME_PART)) continue;
        }
        if (lexer->silent || s - lexer->text <= lexer->silent_until) return true;
        lexer->cursor = s + 1;
        int status = kr_syntax_warn(lexer, PyExc_SyntaxWarning, lexer->lineno, "invalid %s literal", kind);
        lexer->cursor = s;
        if (status > 0) kr_syntax_error_in_token(lexer, -1, -1, "invalid %s literal", kind);
        if (status != 0) {
            lexer->state = KR_LEXER_RAISED;
            lexer->warned = true;
            return false;
        }
        return true;
    }
    kr_syntax_error_in_token(lexer, -1, -1, "invalid %s literal", kind);
    return false;
}

/* Reads decimal digits with single underscores between them. Returns their end, or NULL with SyntaxError. */
static const char *read_digits(KrLexer *lexer, const char *s) {
    for (;;) {
        while (IS(*s, DIGIT)) s++;
        if (*s != '_') return s;
        s++;
        if (!IS(*s, DIGIT)) {
            lexer->cursor = s;
            kr_syntax_error_in_token(lexer, -1, -1, "invalid decimal literal");
            return NULL;
        }
    }
}

static bool is_digit_of(char c, int base) {
    if (base == 16) return Py_ISXDIGIT(Py_CHARMASK(c));
    return c >= '0' && c < '0' + base;
}

/* Reads the digits behind 0x, 0o or 0b. */
static bool read_based(KrLexer *lexer, const char *s, int base, const char *kind) {
    do {
        if (*s == '_') s++;
        if (!is_digit_of(*s, base)) {
            bool wrong_digit = base != 16 && IS(*s, DIGIT);
            lexer->cursor = s + wrong_digit;
            if (wrong_digit) {
                kr_syntax_error_in_token(lexer, -1, -1, "invalid digit '%c' in %s literal", *s, kind);
            } else {
                kr_syntax_error_in_token(lexer, -1, -1, "invalid %s literal", kind);
            }
            return false;
        }
        while (is_digit_of(*s, base)) s++;
    } while (*s == '_');
    if (base != 16 && IS(*s, DIGIT)) {
        lexer->cursor = s + 1;
        kr_syntax_error_in_token(lexer, -1, -1, "invalid digit '%c' in %s literal", *s, kind);
        return false;
    }
    return check_number_end(lexer, s, kind);
}

/* Reads a number's exponent and imaginary suffix, if any. */
static bool read_number_tail(KrLexer *lexer, const char *s) {
    if (*s == 'e' || *s == 'E') {
        const char *exponent = s + 1;
        if (*exponent == '+' || *exponent == '-') {
            exponent++;
            if (!IS(*exponent, DIGIT)) {
                lexer->cursor = exponent;
                kr_syntax_error_in_token(lexer, -1, -1, "invalid decimal literal");
                return false;
            }
        } else if (!IS(*exponent, DIGIT)) {
            return check_number_end(lexer, s, "decimal");
        }
        s = read_digits(lexer, exponent);
        if (s == NULL) return false;
    }
    if (*s == 'j' || *s == 'J') return check_number_end(lexer, s + 1, "imaginary");
    return check_number_end(lexer, s, "decimal");
}

/* Reads what follows a number's integral part. */
static bool read_fraction(KrLexer *lexer, const char *s) {
    if (*s == '.') {
        s++;
        if (IS(*s, DIGIT)) {
            s = read_digits(lexer, s);
            if (s == NULL) return false;
        }
    }
    return read_number_tail(lexer, s);
}

/* Reads a number that begins with a zero. */
static bool read_zero(KrLexer *lexer, const char *start) {
    const char *s = start + 1;
    switch (*s) {
    case 'x':
    case 'X': return read_based(lexer, s + 1, 16, "hexadecimal");
    case 'o':
    case 'O': return read_based(lexer, s + 1, 8, "octal");
    case 'b':
    case 'B': return read_based(lexer, s + 1, 2, "binary");
    default: break;
    }
    /* More zeros are fine: 000. */
    for (;;) {
        if (*s == '_') {
            s++;
            if (!IS(*s, DIGIT)) {
                lexer->cursor = s;
                kr_syntax_error_in_token(lexer, -1, -1, "invalid decimal literal");
                return false;
            }
        }
        if (*s != '0') break;
        s++;
    }
    const char *zeros_end = s + 1; /* with the digit that must not follow */
    bool nonzero = IS(*s, DIGIT) != 0;
    if (nonzero) {
        s = read_digits(lexer, s);
        if (s == NULL) return false;
    }
    if (*s == '.' || *s == 'e' || *s == 'E' || *s == 'j' || *s == 'J') return read_fraction(lexer, s);
    if (nonzero) {
        lexer->cursor = s;
        kr_syntax_error_in_token(lexer, (int)(start + 1 - lexer->line_start), (int)(zeros_end - lexer->line_start),
                                 "leading zeros in decimal integer literals are not permitted; use an 0o prefix for "
                                 "octal integers");
        return false;
    }
    return check_number_end(lexer, s, "decimal");
}

static bool read_number(KrLexer *lexer, const char *start) {
    if (*start == '.') return read_fraction(lexer, start);
    if (*start == '0') return read_zero(lexer, start);
    const char *s = read_digits(lexer, start);
    return s != NULL && read_fraction(lexer, s);
}

/* Reads a string literal from its opening quote at the cursor; `start` is the start of its prefix. */
static void read_string(KrLexer *lexer, KrToken *token, const char *start) {
    const char *s = lexer->cursor, *first_line = lexer->line_start;
    size_t start_offset = (size_t)(start - lexer->text), line_offset = (size_t)(first_line - lexer->text);
    int first_lineno = lexer->lineno;
    int shift = first_lineno == lexer->first_lineno ? lexer->first_col : 0;
    char quote = *s++;
    bool triple = s[0] == quote && s[1] == quote;
    if (triple) {
        s += 2;
    } else if (s[0] == quote) {
        lexer->reached_end |= s[1] == '\0';
    }
    for (;;) {
        while (!IS(*s, STRING_STOP)) s++;
        char c = *s;
        if (c == quote) {
            s++;
            if (!triple) break;
            if (s[0] == quote && s[1] == quote) {
                s += 2;
                break;
            }
            continue;
        }
        if (c == '\\') {
            s++;
            if (*s != '\n') {
                if (s < lexer->limit) s++;
                continue;
            }
        } else if (c == '\'' || c == '"') {
            s++;
            continue;
        } else if (c == '\0' || !triple) {
            goto unterminated;
        }
        /* A line end inside the string. */
        lexer->cursor = ++s;
        if (!enter_line(lexer, true)) {
            if (lexer->state == KR_LEXER_RAISED) {
                set_placeless(lexer, token, ERRORTOKEN);
                return;
            }
            goto unterminated;
        }
        s = lexer->cursor;
    }
    lexer->cursor = s;
    set_place(lexer, token, STRING, s, s);
    token->lineno = first_lineno;
    token->col = (int)(start_offset - line_offset) + shift;
    token->start = (uint32_t)start_offset;
    token->length = (uint32_t)((size_t)(s - lexer->text) - start_offset);
    return;

unterminated:
    lexer->string_end = s;
    lexer->reached_end |= *s == '\0';
    int last_lineno = lexer->lineno;
    lexer->cursor = lexer->text + start_offset + 1;
    lexer->line_start = lexer->text + line_offset;
    lexer->lineno = first_lineno;
    kr_syntax_error_in_token(lexer, -1, -1,
                             triple ? "unterminated triple-quoted string literal (detected at line %d)"
                                    : "unterminated string literal (detected at line %d)",
                             last_lineno);
    set_placeless(lexer, token, ERRORTOKEN);
}

static bool is_string_prefix(const char *s, size_t length) {
    char first = (char)Py_TOLOWER(Py_CHARMASK(s[0]));
    if (length == 1) return first == 'r' || first == 'b' || first == 'f' || first == 'u';
    if (length != 2) return false;
    char second = (char)Py_TOLOWER(Py_CHARMASK(s[1]));
    return (first == 'r' && (second == 'b' || second == 'f')) || (second == 'r' && (first == 'b' || first == 'f'));
}

/* For language versions in which `async` is a word only before `def`: tells whether that comes next. */
static bool def_follows(const KrLexer *lexer, const char *s) {
    while (IS(*s, BLANK) || (s[0] == '\\' && s[1] == '\n')) s += *s == '\\' ? 2 : 1;
    return s < lexer->limit && strncmp(s, "def", 3) == 0 && !IS(s[3], NAME_PART);
}

static int async_kind(KrLexer *lexer, int kind, const char *end) {
    if (!lexer->words_async || lexer->async_def) return kind;
    if (kind == ASYNC && def_follows(lexer, end)) {
        lexer->async_def = true;
        lexer->async_def_newline = false;
        lexer->async_def_indent = lexer->indents;
        return ASYNC;
    }
    return NAME;
}

static void open_bracket(KrLexer *lexer, KrToken *token, char c) {
    if (lexer->level >= KR_MAX_BRACKETS) {
        kr_syntax_error_in_token(lexer, -1, -1, "too many nested parentheses");
        set_placeless(lexer, token, ERRORTOKEN);
        return;
    }
    lexer->brackets[lexer->level].bracket = c;
    lexer->brackets[lexer->level].lineno = lexer->lineno;
    lexer->brackets[lexer->level].col = (int)(lexer->cursor - 1 - lexer->line_start);
    lexer->level++;
    set_place(lexer, token, PyToken_OneChar(c), lexer->cursor - 1, lexer->cursor);
}

static void close_bracket(KrLexer *lexer, KrToken *token, char c) {
    if (lexer->level == 0) {
        kr_syntax_error_in_token(lexer, -1, -1, "unmatched '%c'", c);
        set_placeless(lexer, token, ERRORTOKEN);
        return;
    }
    lexer->level--;
    char opening = lexer->brackets[lexer->level].bracket;
    if (!((opening == '(' && c == ')') || (opening == '[' && c == ']') || (opening == '{' && c == '}'))) {
        int lineno = lexer->brackets[lexer->level].lineno;
        if (lineno != lexer->lineno) {
            kr_syntax_error_in_token(lexer, -1, -1,
                                     "closing parenthesis '%c' does not match opening parenthesis '%c' on line %d", c,
                                     opening, lineno);
        } else {
            kr_syntax_error_in_token(lexer, -1, -1, "closing parenthesis '%c' does not match opening parenthesis '%c'",
                                     c, opening);
        }
        set_placeless(lexer, token, ERRORTOKEN);
        return;
    }
    set_place(lexer, token, PyToken_OneChar(c), lexer->cursor - 1, lexer->cursor);
}

/* Reads an operator, or a character that begins no token. */
static void read_operator(KrLexer *lexer, KrToken *token) {
    const char *s = lexer->cursor;
    lexer->reached_end |= s[1] == '\0';
    switch (*s) {
    case '(':
    case '[':
    case '{':
        lexer->cursor = s + 1;
        open_bracket(lexer, token, *s);
        return;
    case ')':
    case ']':
    case '}':
        lexer->cursor = s + 1;
        close_bracket(lexer, token, *s);
        return;
    case ',': lexer->cursor = s + 1; set_place(lexer, token, COMMA, s, s + 1); return;
    default: break;
    }
    int kind = PyToken_TwoChars(s[0], s[1]);
    if (kind != OP || s[0] == '.') {
        int longer = PyToken_ThreeChars(s[0], s[1], s[2]);
        if (s[1] == s[0]) lexer->reached_end |= s[2] == '\0';
        if (longer != OP) {
            lexer->cursor = s + 3;
            set_place(lexer, token, longer, s, s + 3);
            return;
        }
    }
    if (kind != OP) {
        lexer->reached_end |= s[2] == '\0';
        lexer->cursor = s + 2;
        set_place(lexer, token, kind, s, s + 2);
        return;
    }
    if (!Py_UNICODE_ISPRINTABLE((unsigned char)*s)) {
        char hex[9];
        snprintf(hex, sizeof(hex), "%04X", (unsigned)(unsigned char)*s);
        lexer->cursor = s + 1;
        kr_syntax_error_in_token(lexer, -1, -1, "invalid non-printable character U+%s", hex);
        set_placeless(lexer, token, ERRORTOKEN);
        return;
    }
    lexer->cursor = s + 1;
    set_place(lexer, token, PyToken_OneChar((unsigned char)*s), s, s + 1);
}

/* Reads a name, a reserved word, or a string with a prefix. */
static void read_name(KrLexer *lexer, KrToken *token) {
    const char *start = lexer->cursor, *s = start;
    unsigned char bits = 0;
    do bits |= (unsigned char)*s++;
    while (IS(*s, NAME_PART));
    if ((*s == '\'' || *s == '"') && is_string_prefix(start, (size_t)(s - start))) {
        lexer->cursor = s;
        read_string(lexer, token, start);
        return;
    }
    lexer->cursor = s;
    lexer->reached_end |= *s == '\0';
    if (bits >= 128) {
        if (!check_identifier(lexer, start, s)) {
            set_placeless(lexer, token, ERRORTOKEN);
            return;
        }
        set_place(lexer, token, NAME, start, s);
        return;
    }
    set_place(lexer, token, NAME, start, s);
    int kind = kr_token_name_kind(start, (size_t)(s - start), &token->soft);
    if (kind == ASYNC || kind == AWAIT) kind = async_kind(lexer, kind, s);
    token->kind = (uint8_t)kind;
}

void kr_lexer_next(KrLexer *lexer, KrToken *token) {
    bool blank;
    if (lexer->state > KR_LEXER_AT_END) {
        set_placeless(lexer, token, ERRORTOKEN);
        return;
    }
next_line:
    blank = false;
    if (lexer->at_line_start) {
        lexer->at_line_start = false;
        if (lexer->state == KR_LEXER_OK) (void)enter_line(lexer, false);
        if (lexer->state == KR_LEXER_RAISED || !read_indentation(lexer, &blank)) {
            set_placeless(lexer, token, ERRORTOKEN);
            return;
        }
    }
    if (lexer->pending != 0) {
        set_placeless(lexer, token, lexer->pending < 0 ? DEDENT : INDENT);
        lexer->pending += lexer->pending < 0 ? 1 : -1;
        return;
    }
    if (lexer->async_def && !blank && lexer->level == 0 && lexer->async_def_newline &&
        lexer->async_def_indent >= lexer->indents && *lexer->cursor != '\n') { /* not behind a type comment */
        lexer->async_def = false;
    }

next_character:;
    const char *s = lexer->cursor;
    while (IS(*s, BLANK)) s++;
    const char *start = s;
    if (*s == '#') {
        const char *end = s, *type;
        while (*end != '\n' && *end != '\0') end++;
        if (lexer->type_comments && is_type_comment(s + 1, end, &type)) {
            lexer->cursor = end;
            if (!is_type_ignore(type, end)) {
                set_place(lexer, token, TYPE_COMMENT, type, end);
                return;
            }
            set_place(lexer, token, TYPE_IGNORE, type + strlen("ignore"), end);
            if (blank && *end == '\n') {
                lexer->cursor++;
                lexer->at_line_start = true;
            }
            return;
        }
        s = end;
    }
    lexer->cursor = s;
    if (IS(*s, NAME_START)) {
        read_name(lexer, token);
        return;
    }
    if (IS(*s, DIGIT) || (*s == '.' && IS(s[1], DIGIT))) {
        if (!read_number(lexer, s)) {
            set_placeless(lexer, token, ERRORTOKEN);
            return;
        }
        set_place(lexer, token, NUMBER, s, lexer->cursor);
        return;
    }
    switch (*s) {
    case '\n':
        lexer->cursor = s + 1;
        lexer->at_line_start = true;
        if (blank || lexer->level > 0) goto next_line;
        set_place(lexer, token, NEWLINE, start, s);
        if (lexer->async_def) lexer->async_def_newline = true;
        return;
    case '\'':
    case '"': read_string(lexer, token, s); return;
    case '\\':
        lexer->cursor = s + 1;
        if (!continue_line(lexer, true)) {
            set_placeless(lexer, token, ERRORTOKEN);
            return;
        }
        goto next_character;
    case '\0':
        if (s == lexer->limit) {
            lexer->state = KR_LEXER_AT_END;
            lexer->reached_end = true;
            set_placeless(lexer, token, lexer->level > 0 ? ERRORTOKEN : ENDMARKER);
            return;
        }
        break;
    default: break;
    }
    read_operator(lexer, token);
}
