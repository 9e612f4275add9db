/* Generates the Unicode tables: unicode_tables DATA_DIRECTORY OUTPUT_FILE
 *
 * DATA_DIRECTORY holds the files of the Unicode Character Database, version 14.0 or later (Debian's package unicode-data:
 * /usr/share/unicode). What later versions assigned is left out, by DerivedAge.txt. The output is one C file that
 * defines what src/base/unicode_tables.h declares.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 0x110000, BLOCK = 128, VERSION = 1400, OLD_VERSION = 302 };

static const char *data_directory;
static FILE *output;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("unicode_tables: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *allocate(size_t size) {
    void *block = calloc(1, size ? size : 1);
    if (block == NULL) fail("out of memory");
    return block;
}

/* ---- reading ---- */

enum { MAX_FIELDS = 20, MAX_LINE = 4096 };

/* One line cut at its semicolons, each field stripped; comments are removed. */
typedef struct {
    FILE *file;
    char line[MAX_LINE];
    char *field[MAX_FIELDS];
    int count;
} Reader;

static void open_data(Reader *reader, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", data_directory, name);
    reader->file = fopen(path, "r");
    if (reader->file == NULL) fail("cannot open %s (package unicode-data)", path);
}

static char *strip(char *text) {
    while (*text == ' ' || *text == '\t') text++;
    char *end = text + strlen(text);
    while (end > text && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) end--;
    *end = 0;
    return text;
}

/* Reads the next line with data; returns 0 (and closes the file) at its end. */
static int next_line(Reader *reader) {
    while (fgets(reader->line, sizeof reader->line, reader->file) != NULL) {
        char *comment = strchr(reader->line, '#');
        if (comment != NULL) *comment = 0;
        char *p = strip(reader->line);
        if (*p == 0) continue;
        reader->count = 0;
        for (;;) {
            char *semicolon = strchr(p, ';');
            if (semicolon != NULL) *semicolon = 0;
            if (reader->count == MAX_FIELDS) fail("too many fields: %s", reader->line);
            reader->field[reader->count++] = strip(p);
            if (semicolon == NULL) break;
            p = semicolon + 1;
        }
        for (int i = reader->count; i < MAX_FIELDS; i++) reader->field[i] = "";
        return 1;
    }
    fclose(reader->file);
    return 0;
}

static uint32_t parse_code(const char *text) {
    char *end;
    unsigned long code = strtoul(text, &end, 16);
    if (end == text || code >= CODES) fail("bad code point: %s", text);
    return (uint32_t)code;
}

static void parse_range(const char *text, uint32_t *first, uint32_t *last) {
    *first = *last = parse_code(text);
    const char *dots = strstr(text, "..");
    if (dots != NULL) *last = parse_code(dots + 2);
}

/* Parses code points separated by spaces; returns their number. */
static int parse_codes(const char *text, uint32_t *codes, int room) {
    int count = 0;
    while (*text != 0) {
        if (count == room) fail("too many code points: %s", text);
        codes[count++] = parse_code(text);
        while (*text != 0 && *text != ' ') text++;
        while (*text == ' ') text++;
    }
    return count;
}

/* ---- characters ---- */

enum {
    ALPHA = 1, LOWER = 2, UPPER = 4, TITLE = 8, SPACE = 16, LINE_BREAK = 32, XID_START = 64, XID_CONTINUE = 128,
    PRINTABLE = 256, NUMERIC = 512, CASED = 1024, CASE_IGNORABLE = 2048,
};

enum { MAX_DECOMPOSITION = 18, NO_DIGIT = 255, SAME = 255 };

typedef struct {
    char *name;
    const char *category;
    const char *bidirectional;
    const char *width;
    int combining, mirrored, age;
    int decimal, digit;
    double numeric;
    uint32_t lower, upper, title; /* simple mappings; the code itself if there is none */
    int full_lower_count, full_upper_count, full_title_count, fold_count;
    uint32_t full_lower[3], full_upper[3], full_title[3], fold[3];
    int flags;
    int decomposition_kind, decomposition_count;
    uint32_t *decomposition;
    int excluded; /* from composition */
    int quick_check;
} Character;

static Character *characters;

static struct {
    uint32_t first, last;
    int ideographs;
} ranges[64];
static int range_count;

static int has_age(uint32_t code) { return characters[code].age != 0 && characters[code].age <= VERSION; }

static void read_ages(void) {
    Reader reader;
    open_data(&reader, "DerivedAge.txt");
    while (next_line(&reader)) {
        uint32_t first, last;
        int major, minor;
        parse_range(reader.field[0], &first, &last);
        if (sscanf(reader.field[1], "%d.%d", &major, &minor) != 2) fail("bad age: %s", reader.field[1]);
        for (uint32_t code = first; code <= last; code++) characters[code].age = major * 100 + minor;
    }
}

static const char *decomposition_names[32] = {""};
static int decomposition_name_count = 1;

static int find_name(const char **names, int *count, int room, const char *name) {
    for (int i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0) return i;
    if (*count == room) fail("too many different values: %s", name);
    names[*count] = strdup(name);
    return (*count)++;
}

static void read_decomposition(Character *character, char *text) {
    if (*text == '<') {
        char *end = strchr(text, '>');
        char *rest = strip(end + 1);
        end[1] = 0;
        character->decomposition_kind = find_name(decomposition_names, &decomposition_name_count, 32, text);
        text = rest;
    }
    uint32_t codes[MAX_DECOMPOSITION];
    int count = parse_codes(text, codes, MAX_DECOMPOSITION);
    character->decomposition_count = count;
    character->decomposition = allocate(sizeof(uint32_t) * (size_t)count);
    memcpy(character->decomposition, codes, sizeof(uint32_t) * (size_t)count);
}

static void read_characters(void) {
    Reader reader;
    uint32_t range_first = 0;
    open_data(&reader, "UnicodeData.txt");
    while (next_line(&reader)) {
        char **field = reader.field;
        uint32_t code = parse_code(field[0]), first = code;
        if (strstr(field[1], ", First>") != NULL) {
            range_first = code;
            continue;
        }
        if (strstr(field[1], ", Last>") != NULL) {
            first = range_first;
            ranges[range_count].first = first;
            ranges[range_count].last = code;
            ranges[range_count].ideographs = strncmp(field[1], "<CJK Ideograph", 14) == 0;
            range_count++;
        }
        const char *category = strdup(field[2]), *bidirectional = strdup(field[4]);
        for (uint32_t c = first; c <= code; c++) {
            if (!has_age(c)) continue;
            Character *character = &characters[c];
            character->category = category;
            character->combining = atoi(field[3]);
            character->bidirectional = bidirectional;
            character->mirrored = field[9][0] == 'Y';
        }
        if (first != code || !has_age(code)) continue;
        Character *character = &characters[code];
        if (field[1][0] != '<') character->name = strdup(field[1]);
        if (*field[5]) read_decomposition(character, field[5]);
        if (*field[6]) character->decimal = atoi(field[6]);
        if (*field[7]) character->digit = atoi(field[7]);
        if (*field[12]) character->upper = parse_code(field[12]);
        if (*field[13]) character->lower = parse_code(field[13]);
        character->title = *field[14] ? parse_code(field[14]) : character->upper;
    }
}

/* Calls `apply` for each assigned character with a property of that name (field 1) in a file of ranges. */
static void read_property(const char *file, const char *property, void (*apply)(Character *, const char *value)) {
    Reader reader;
    open_data(&reader, file);
    while (next_line(&reader)) {
        uint32_t first, last;
        if (property != NULL && strcmp(reader.field[1], property) != 0) continue;
        parse_range(reader.field[0], &first, &last);
        for (uint32_t code = first; code <= last; code++)
            if (has_age(code)) apply(&characters[code], reader.field[property == NULL ? 1 : 2]);
    }
}

static void set_lower(Character *character, const char *value) { character->flags |= LOWER; }
static void set_upper(Character *character, const char *value) { character->flags |= UPPER; }
static void set_cased(Character *character, const char *value) { character->flags |= CASED; }
static void set_case_ignorable(Character *character, const char *value) { character->flags |= CASE_IGNORABLE; }
static void set_xid_start(Character *character, const char *value) { character->flags |= XID_START; }
static void set_xid_continue(Character *character, const char *value) { character->flags |= XID_CONTINUE; }
static void set_excluded(Character *character, const char *value) { character->excluded = 1; }

static void set_width(Character *character, const char *value) {
    static const char *names[16];
    static int count;
    character->width = names[find_name(names, &count, 16, value)];
}

static int quick_check_position;
static void set_quick_check(Character *character, const char *value) {
    character->quick_check |= (*value == 'N' ? 2 : 1) << quick_check_position;
}

/* The last field is an integer or a fraction. */
static void read_numbers(void) {
    Reader reader;
    open_data(&reader, "extracted/DerivedNumericValues.txt");
    while (next_line(&reader)) {
        uint32_t first, last;
        double numerator, denominator = 1;
        parse_range(reader.field[0], &first, &last);
        if (sscanf(reader.field[3], "%lf/%lf", &numerator, &denominator) < 1) fail("bad number: %s", reader.field[3]);
        for (uint32_t code = first; code <= last; code++) {
            if (!has_age(code)) continue;
            characters[code].numeric = numerator / denominator;
            characters[code].flags |= NUMERIC;
        }
    }
}

static void read_special_cases(void) {
    Reader reader;
    open_data(&reader, "SpecialCasing.txt");
    while (next_line(&reader)) {
        uint32_t code = parse_code(reader.field[0]);
        /* Mappings with a condition (a language, a final sigma) are left to the code. */
        if (reader.count > 5 || !has_age(code)) continue;
        Character *character = &characters[code];
        character->full_lower_count = parse_codes(reader.field[1], character->full_lower, 3);
        character->full_title_count = parse_codes(reader.field[2], character->full_title, 3);
        character->full_upper_count = parse_codes(reader.field[3], character->full_upper, 3);
    }
    open_data(&reader, "CaseFolding.txt");
    while (next_line(&reader)) {
        uint32_t code = parse_code(reader.field[0]);
        char status = reader.field[1][0];
        if ((status == 'C' || status == 'F') && has_age(code))
            characters[code].fold_count = parse_codes(reader.field[2], characters[code].fold, 3);
    }
}

/* Letters that became lower case in Unicode 15.0. */
static void restore_old_case(void) {
    static const uint32_t codes[] = {0x10fc, 0xa7f2, 0xa7f3, 0xa7f4, 0xab69};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) characters[codes[i]].flags &= ~(LOWER | CASED);
}

static int is_one_of(const char *text, const char *list) {
    size_t length = strlen(text);
    for (const char *p = strstr(list, text); p != NULL; p = strstr(p + 1, text))
        if ((p == list || p[-1] == ' ') && (p[length] == ' ' || p[length] == 0)) return 1;
    return 0;
}

/* Properties that follow from others. */
static void derive_flags(void) {
    for (uint32_t code = 0; code < CODES; code++) {
        Character *character = &characters[code];
        const char *category = character->category;
        if (category == NULL) continue;
        int printable = !is_one_of(category, "Cc Cf Cs Co Cn Zl Zp Zs") || code == ' ';
        if (is_one_of(category, "Lu Ll Lt Lm Lo")) character->flags |= ALPHA;
        if (strcmp(category, "Lt") == 0) character->flags |= TITLE;
        if (strcmp(category, "Zs") == 0 || is_one_of(character->bidirectional, "WS B S")) character->flags |= SPACE;
        if (code == '\v' || code == '\f' || code == 0x2028 || strcmp(character->bidirectional, "B") == 0)
            character->flags |= LINE_BREAK;
        if (printable) character->flags |= PRINTABLE;
    }
}

static void read_all(void) {
    characters = allocate(sizeof(Character) * CODES);
    for (uint32_t code = 0; code < CODES; code++) {
        Character *character = &characters[code];
        character->decimal = character->digit = NO_DIGIT;
        character->lower = character->upper = character->title = code;
    }
    read_ages();
    read_characters();
    read_numbers();
    read_special_cases();
    read_property("DerivedCoreProperties.txt", "Lowercase", set_lower);
    read_property("DerivedCoreProperties.txt", "Uppercase", set_upper);
    read_property("DerivedCoreProperties.txt", "Cased", set_cased);
    restore_old_case();
    read_property("DerivedCoreProperties.txt", "Case_Ignorable", set_case_ignorable);
    read_property("DerivedCoreProperties.txt", "XID_Start", set_xid_start);
    read_property("DerivedCoreProperties.txt", "XID_Continue", set_xid_continue);
    read_property("DerivedNormalizationProps.txt", "Full_Composition_Exclusion", set_excluded);
    read_property("EastAsianWidth.txt", NULL, set_width);
    static const char *const forms[] = {"NFD_QC", "NFKD_QC", "NFC_QC", "NFKC_QC"};
    for (int i = 0; i < 4; i++) {
        quick_check_position = 2 * i;
        read_property("DerivedNormalizationProps.txt", forms[i], set_quick_check);
    }
    derive_flags();
}

/* ---- writing ---- */

static void write_numbers(const char *declaration, const char *format, const void *numbers, int width, size_t count) {
    fprintf(output, "%s[] = {", declaration);
    for (size_t i = 0; i < count; i++) {
        uint32_t value = width == 1   ? ((const uint8_t *)numbers)[i]
                         : width == 2 ? ((const uint16_t *)numbers)[i]
                                      : ((const uint32_t *)numbers)[i];
        fputs(i % 16 == 0 ? "\n    " : " ", output);
        fprintf(output, format, value);
        fputc(',', output);
    }
    fputs("\n};\n\n", output);
}

static void write_strings(const char *declaration, const char *const *strings, int count) {
    fprintf(output, "%s[] = {", declaration);
    for (int i = 0; i < count; i++) fprintf(output, "\"%s\", ", strings[i]);
    fputs("};\n\n", output);
}

/* Writes a table with a value for every code point in two stages: equal blocks are stored once. */
static void write_stages(const char *name, const uint16_t *values) {
    static uint16_t pages[CODES / BLOCK];
    uint16_t *cells = allocate(sizeof(uint16_t) * CODES);
    int blocks = 0;
    for (int page = 0; page < CODES / BLOCK; page++) {
        const uint16_t *block = values + page * BLOCK;
        int i = 0;
        while (i < blocks && memcmp(cells + i * BLOCK, block, sizeof(uint16_t) * BLOCK) != 0) i++;
        if (i == blocks) memcpy(cells + blocks++ * BLOCK, block, sizeof(uint16_t) * BLOCK);
        pages[page] = (uint16_t)i;
    }
    char declaration[100];
    snprintf(declaration, sizeof declaration, "const uint16_t kr_unicode_%s_pages", name);
    write_numbers(declaration, "%u", pages, 2, CODES / BLOCK);
    snprintf(declaration, sizeof declaration, "const uint16_t kr_unicode_%s_cells", name);
    write_numbers(declaration, "%u", cells, 2, (size_t)blocks * BLOCK);
    free(cells);
}

/* A growing array of equal-sized records without duplicates. */
typedef struct {
    char *items;
    size_t size;
    int count, capacity;
} Records;

static int record_index(Records *records, const void *record) {
    /* Neighbours are often alike: look from the end. */
    for (int i = records->count - 1; i >= 0; i--)
        if (memcmp(records->items + (size_t)i * records->size, record, records->size) == 0) return i;
    if (records->count == records->capacity) {
        records->capacity = records->capacity ? records->capacity * 2 : 64;
        records->items = realloc(records->items, (size_t)records->capacity * records->size);
        if (records->items == NULL) fail("out of memory");
    }
    memcpy(records->items + (size_t)records->count * records->size, record, records->size);
    return records->count++;
}

/* ---- types ---- */

typedef struct {
    int32_t lower, upper, title;
    uint32_t flags, special, decimal, digit;
} TypeRecord;

typedef struct {
    uint32_t count[4];
    uint32_t codes[4][3];
} SpecialRecord;

/* Notes a full mapping if it is not the simple one. */
static void note_full(SpecialRecord *record, int which, int count, const uint32_t *codes, uint32_t simple) {
    if (count == 0 || (count == 1 && codes[0] == simple)) return;
    record->count[which] = (uint32_t)count;
    memcpy(record->codes[which], codes, sizeof(uint32_t) * (size_t)count);
}

static void write_codes(const uint32_t *codes) {
    fprintf(output, "{0x%x, 0x%x, 0x%x}, ", codes[0], codes[1], codes[2]);
}

static void write_types(void) {
    Records types = {.size = sizeof(TypeRecord)}, specials = {.size = sizeof(SpecialRecord)};
    uint16_t *values = allocate(sizeof(uint16_t) * CODES);
    SpecialRecord none = {{0}};
    record_index(&specials, &none);
    for (uint32_t code = 0; code < CODES; code++) {
        const Character *c = &characters[code];
        SpecialRecord special = {{0}};
        note_full(&special, 0, c->full_lower_count, c->full_lower, c->lower);
        note_full(&special, 1, c->full_upper_count, c->full_upper, c->upper);
        note_full(&special, 2, c->full_title_count, c->full_title, c->title);
        if (c->fold_count > 0) note_full(&special, 3, c->fold_count, c->fold, c->lower);
        else if (c->lower != code) note_full(&special, 3, 1, &code, c->lower);
        TypeRecord type = {
            .lower = (int32_t)(c->lower - code),
            .upper = (int32_t)(c->upper - code),
            .title = (int32_t)(c->title - code),
            .flags = (uint32_t)c->flags,
            .special = (uint32_t)record_index(&specials, &special),
            .decimal = (uint32_t)c->decimal,
            .digit = (uint32_t)c->digit,
        };
        values[code] = (uint16_t)record_index(&types, &type);
    }
    write_stages("type", values);
    free(values);
    fputs("const KrUnicodeType kr_unicode_types[] = {\n", output);
    for (int i = 0; i < types.count; i++) {
        const TypeRecord *t = (TypeRecord *)types.items + i;
        fprintf(output, "    {%d, %d, %d, 0x%x, %u, %u, %u},\n", t->lower, t->upper, t->title, t->flags, t->special,
                t->decimal, t->digit);
    }
    fputs("};\n\nconst KrUnicodeSpecial kr_unicode_specials[] = {\n", output);
    for (int i = 0; i < specials.count; i++) {
        const SpecialRecord *s = (SpecialRecord *)specials.items + i;
        fprintf(output, "    {%u, %u, %u, %u, ", s->count[0], s->count[1], s->count[2], s->count[3]);
        for (int j = 0; j < 4; j++) write_codes(s->codes[j]);
        fputs("},\n", output);
    }
    fputs("};\n\n", output);
}

static void write_numeric_values(void) {
    uint32_t *codes = allocate(sizeof(uint32_t) * CODES);
    uint8_t *indexes = allocate(CODES);
    Records values = {.size = sizeof(double)};
    int count = 0;
    for (uint32_t code = 0; code < CODES; code++) {
        if (!(characters[code].flags & NUMERIC)) continue;
        int index = record_index(&values, &characters[code].numeric);
        if (index > 255) fail("too many numeric values");
        codes[count] = code;
        indexes[count++] = (uint8_t)index;
    }
    fprintf(output, "const int kr_unicode_numeric_count = %d;\n\n", count);
    write_numbers("const Py_UCS4 kr_unicode_numeric_codes", "0x%x", codes, 4, (size_t)count);
    write_numbers("const uint8_t kr_unicode_numeric_index", "%u", indexes, 1, (size_t)count);
    fputs("const double kr_unicode_numeric_values[] = {\n", output);
    for (int i = 0; i < values.count; i++) fprintf(output, "    %.17g,\n", ((double *)values.items)[i]);
    fputs("};\n\n", output);
    free(codes);
    free(indexes);
}

/* ---- properties ---- */

/* What Unicode 3.2 said differently about characters that it had (its UnicodeData.txt and EastAsianWidth.txt). */
typedef struct {
    uint32_t first, last;
    const char *value;
} OldValue;

static const OldValue old_categories[] = {
    {167, 167, "So"},     {170, 170, "Ll"},     {173, 173, "Pd"},     {182, 182, "So"},     {186, 186, "Ll"},
    {660, 660, "Ll"},     {697, 698, "Sk"},     {710, 719, "Sk"},     {748, 748, "Sk"},     {884, 884, "Sk"},
    {1470, 1470, "Po"},   {1758, 1758, "Me"},   {3860, 3860, "So"},   {4304, 4344, "Lo"},   {4969, 4977, "Nd"},
    {5024, 5108, "Lo"},   {5741, 5741, "Po"},   {5940, 5940, "Mn"},   {6068, 6069, "Mc"},   {6277, 6278, "Lo"},
    {8203, 8203, "Zs"},   {8305, 8305, "Ll"},   {8319, 8319, "Ll"},   {8472, 8472, "So"},   {8498, 8498, "So"},
    {8579, 8579, "Nl"},   {8968, 8971, "Sm"},   {9140, 9140, "Ps"},   {9141, 9141, "Pe"},   {9142, 9142, "Po"},
    {12334, 12335, "Mn"}, {12539, 12539, "Pc"}, {40981, 40981, "Lo"}, {64830, 64830, "Ps"}, {64831, 64831, "Pe"},
    {65381, 65381, "Pc"}, {66369, 66369, "Lo"}, {0},
};

static const OldValue old_bidirectional[] = {
    {43, 43, "ET"},         {45, 45, "ET"},         {47, 47, "ES"},         {173, 173, "ON"},
    {1757, 1757, "AL"},     {1758, 1758, "NSM"},    {1807, 1807, "BN"},     {3263, 3263, "NSM"},
    {3270, 3270, "NSM"},    {5940, 5940, "NSM"},    {6068, 6069, "L"},      {6277, 6278, "L"},
    {8239, 8239, "WS"},     {8260, 8260, "ON"},     {8314, 8315, "ET"},     {8330, 8331, "ET"},
    {8498, 8498, "ON"},     {8722, 8722, "ET"},     {9312, 9351, "EN"},     {9450, 9450, "EN"},
    {10240, 10495, "ON"},   {12334, 12335, "NSM"},  {64297, 64297, "ET"},   {65122, 65123, "ET"},
    {65291, 65291, "ET"},   {65293, 65293, "ET"},   {65295, 65295, "ES"},   {65529, 65531, "BN"},
    {120539, 120539, "L"},  {120597, 120597, "L"},  {120655, 120655, "L"},  {120713, 120713, "L"},
    {120771, 120771, "L"},  {0},
};

static const OldValue old_widths[] = {{8986, 8987, "N"}, {9725, 9726, "N"}, {9800, 9811, "N"}, {0}};

static const OldValue old_mirrored[] = {
    {3898, 3901, "0"},     {5787, 5788, "0"},     {10657, 10657, "1"},   {65113, 65118, "0"},   {65124, 65125, "0"},
    {120539, 120539, "0"}, {120597, 120597, "0"}, {120655, 120655, "0"}, {120713, 120713, "0"}, {120771, 120771, "0"},
    {0},
};

/* Superscripts, subscripts and Ethiopic digits counted as decimal digits. */
static const OldValue old_decimals[] = {
    {178, 178, "2"},   {179, 179, "3"},   {185, 185, "1"},   {4969, 4969, "1"}, {4970, 4970, "2"}, {4971, 4971, "3"},
    {4972, 4972, "4"}, {4973, 4973, "5"}, {4974, 4974, "6"}, {4975, 4975, "7"}, {4976, 4976, "8"}, {4977, 4977, "9"},
    {8304, 8304, "0"}, {8308, 8308, "4"}, {8309, 8309, "5"}, {8310, 8310, "6"}, {8311, 8311, "7"}, {8312, 8312, "8"},
    {8313, 8313, "9"}, {8320, 8320, "0"}, {8321, 8321, "1"}, {8322, 8322, "2"}, {8323, 8323, "3"}, {8324, 8324, "4"},
    {8325, 8325, "5"}, {8326, 8326, "6"}, {8327, 8327, "7"}, {8328, 8328, "8"}, {8329, 8329, "9"}, {0},
};

static const char *old_value(const OldValue *table, uint32_t code) {
    for (; table->value != NULL; table++)
        if (table->first <= code && code <= table->last) return table->value;
    return NULL;
}

typedef struct {
    uint32_t category, combining, bidirectional, width, mirrored, quick_check, change;
} PropertyRecord;

typedef struct {
    uint32_t category, bidirectional, width, mirrored, decimal;
} ChangeRecord;

static const char *category_names[64] = {"Cn"}, *bidirectional_names[64] = {""}, *width_names[16] = {"F"};
static int category_count = 1, bidirectional_count = 1, width_count = 1;

static uint32_t category_index(const char *name) {
    return name == NULL ? SAME : (uint32_t)find_name(category_names, &category_count, 64, name);
}
static uint32_t bidirectional_index(const char *name) {
    return name == NULL ? SAME : (uint32_t)find_name(bidirectional_names, &bidirectional_count, 64, name);
}
static uint32_t width_index(const char *name) {
    return name == NULL ? SAME : (uint32_t)find_name(width_names, &width_count, 16, name);
}

static void write_properties(void) {
    Records properties = {.size = sizeof(PropertyRecord)}, changes = {.size = sizeof(ChangeRecord)};
    uint16_t *values = allocate(sizeof(uint16_t) * CODES);
    const ChangeRecord same = {SAME, SAME, SAME, SAME, SAME}, unassigned = {0, 0, 0, 0, SAME};
    record_index(&changes, &same);
    for (uint32_t code = 0; code < CODES; code++) {
        const Character *c = &characters[code];
        PropertyRecord record = {0};
        if (c->category != NULL) {
            const char *mirrored = old_value(old_mirrored, code), *decimal = old_value(old_decimals, code);
            ChangeRecord change = {
                category_index(old_value(old_categories, code)),
                bidirectional_index(old_value(old_bidirectional, code)),
                width_index(old_value(old_widths, code)),
                mirrored == NULL ? SAME : (uint32_t)atoi(mirrored),
                decimal == NULL ? SAME : (uint32_t)atoi(decimal),
            };
            if (c->age > OLD_VERSION) change = unassigned;
            record = (PropertyRecord){
                category_index(c->category),
                (uint32_t)c->combining,
                bidirectional_index(c->bidirectional),
                width_index(c->width == NULL ? "N" : c->width),
                (uint32_t)c->mirrored,
                (uint32_t)c->quick_check,
                (uint32_t)record_index(&changes, &change),
            };
        }
        values[code] = (uint16_t)record_index(&properties, &record);
    }
    write_stages("property", values);
    free(values);
    fputs("const KrUnicodeProperties kr_unicode_properties[] = {\n", output);
    for (int i = 0; i < properties.count; i++) {
        const PropertyRecord *p = (PropertyRecord *)properties.items + i;
        fprintf(output, "    {%u, %u, %u, %u, %u, 0x%x, %u},\n", p->category, p->combining, p->bidirectional, p->width,
                p->mirrored, p->quick_check, p->change);
    }
    fputs("};\n\nconst KrUnicodeChange kr_unicode_changes[] = {\n", output);
    for (int i = 0; i < changes.count; i++) {
        const ChangeRecord *c = (ChangeRecord *)changes.items + i;
        fprintf(output, "    {%u, %u, %u, %u, %u},\n", c->category, c->bidirectional, c->width, c->mirrored,
                c->decimal);
    }
    fputs("};\n\n", output);
    write_strings("const char *const kr_unicode_category_names", category_names, category_count);
    write_strings("const char *const kr_unicode_bidirectional_names", bidirectional_names, bidirectional_count);
    write_strings("const char *const kr_unicode_width_names", width_names, width_count);
}

/* ---- normalisation ---- */

typedef struct {
    uint32_t first, second, composed;
} Composition;

static int compare_compositions(const void *left, const void *right) {
    const Composition *a = left, *b = right;
    if (a->first != b->first) return a->first < b->first ? -1 : 1;
    return (a->second > b->second) - (a->second < b->second);
}

static void write_decompositions(void) {
    uint16_t *values = allocate(sizeof(uint16_t) * CODES);
    uint32_t *pool = allocate(sizeof(uint32_t) * 65536);
    Composition *compositions = allocate(sizeof(Composition) * 4096);
    int used = 1, count = 0;
    for (uint32_t code = 0; code < CODES; code++) {
        const Character *c = &characters[code];
        if (c->decomposition_count == 0) continue;
        if (used + c->decomposition_count + 1 > 65536) fail("too many decompositions");
        values[code] = (uint16_t)used;
        pool[used++] = (uint32_t)(c->decomposition_count * 256 + c->decomposition_kind);
        for (int i = 0; i < c->decomposition_count; i++) pool[used++] = c->decomposition[i];
        if (c->decomposition_kind == 0 && c->decomposition_count == 2 && !c->excluded)
            compositions[count++] = (Composition){c->decomposition[0], c->decomposition[1], code};
    }
    write_stages("decomposition", values);
    write_numbers("const Py_UCS4 kr_unicode_decompositions", "0x%x", pool, 4, (size_t)used);
    write_strings("const char *const kr_unicode_decomposition_names", decomposition_names, decomposition_name_count);
    qsort(compositions, (size_t)count, sizeof *compositions, compare_compositions);
    fprintf(output, "const int kr_unicode_composition_count = %d;\n\n", count);
    fputs("const KrUnicodeComposition kr_unicode_compositions[] = {\n", output);
    for (int i = 0; i < count; i++)
        fprintf(output, "    {0x%x, 0x%x, 0x%x},\n", compositions[i].first, compositions[i].second,
                compositions[i].composed);
    fputs("};\n\n", output);

    Reader reader;
    open_data(&reader, "NormalizationCorrections.txt");
    fputs("const KrUnicodeCorrection kr_unicode_corrections[] = {\n", output);
    for (count = 0; next_line(&reader);) {
        int major, minor;
        if (sscanf(reader.field[3], "%d.%d", &major, &minor) != 2 || major * 100 + minor <= OLD_VERSION) continue;
        fprintf(output, "    {0x%s, 0x%s},\n", reader.field[0], reader.field[1]);
        count++;
    }
    fprintf(output, "};\n\nconst int kr_unicode_correction_count = %d;\n\n", count);
    free(values);
    free(pool);
    free(compositions);
}

/* ---- names ---- */

enum { SHORT_WORDS = 200, NAMES_A_BLOCK = 16, MAX_WORDS = SHORT_WORDS + (255 - SHORT_WORDS) * 255, HASH_SIZE = 65536 };

typedef struct {
    char *text;
    int uses;
    int number; /* from 0, the most frequent first */
} Word;

static Word *words;
static int word_count;
static int word_slots[HASH_SIZE]; /* index + 1 */

/* Cuts the next word off a name: up to a space, or up to and with a hyphen (and a space behind that). */
static size_t word_length(const char *name) {
    size_t length = strcspn(name, " -");
    if (name[length] == '-') length += name[length + 1] == ' ' ? 2 : 1;
    return length;
}

static const char *behind_word(const char *name) {
    size_t length = word_length(name);
    return name + length + (name[length] == ' ' && name[length - 1] != '-');
}

static Word *find_word(const char *text, size_t length) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (uint32_t slot = hash % HASH_SIZE;; slot = (slot + 1) % HASH_SIZE) {
        if (word_slots[slot] == 0) {
            if (word_count == MAX_WORDS) fail("too many words in names");
            Word *word = &words[word_count];
            word->text = strndup(text, length);
            word_slots[slot] = ++word_count;
            return word;
        }
        Word *word = &words[word_slots[slot] - 1];
        if (strlen(word->text) == length && memcmp(word->text, text, length) == 0) return word;
    }
}

static int compare_uses(const void *left, const void *right) {
    const Word *a = *(Word *const *)left, *b = *(Word *const *)right;
    if (a->uses != b->uses) return a->uses > b->uses ? -1 : 1;
    return strcmp(a->text, b->text);
}

static uint32_t *named;
static int named_count;

static int compare_names(const void *left, const void *right) {
    return strcmp(characters[named[*(const uint16_t *)left]].name, characters[named[*(const uint16_t *)right]].name);
}

static void write_words(void) {
    Word **sorted = allocate(sizeof(Word *) * (size_t)word_count);
    uint32_t *places = allocate(sizeof(uint32_t) * (size_t)word_count);
    uint32_t place = 0;
    for (int i = 0; i < word_count; i++) sorted[i] = &words[i];
    qsort(sorted, (size_t)word_count, sizeof *sorted, compare_uses);
    fputs("const char kr_unicode_words[] =\n", output);
    for (int i = 0; i < word_count; i++) {
        sorted[i]->number = i;
        places[i] = place;
        place += (uint32_t)strlen(sorted[i]->text) + 1;
        fprintf(output, "    \"%s\\0\"\n", sorted[i]->text);
    }
    fputs("    ;\n\n", output);
    write_numbers("const uint32_t kr_unicode_word_places", "%u", places, 4, (size_t)word_count);
    free(sorted);
    free(places);
}

static void write_runs(void) {
    int runs = 0;
    fputs("const KrUnicodeNameRun kr_unicode_name_runs[] = {\n", output);
    for (int i = 0; i < named_count; runs++) {
        int end = i + 1;
        while (end < named_count && named[end] == named[end - 1] + 1) end++;
        fprintf(output, "    {0x%x, %d, %d},\n", named[i], end - i, i);
        i = end;
    }
    fprintf(output, "};\n\nconst int kr_unicode_name_run_count = %d;\n\n", runs);
}

static void write_names(void) {
    words = allocate(sizeof(Word) * MAX_WORDS);
    named = allocate(sizeof(uint32_t) * 65536);
    for (uint32_t code = 0; code < CODES; code++) {
        const char *name = characters[code].name;
        if (name == NULL) continue;
        if (named_count == 65536) fail("too many names");
        named[named_count++] = code;
        for (; *name; name = behind_word(name)) find_word(name, word_length(name))->uses++;
    }
    write_words();

    uint8_t *tokens = allocate((size_t)named_count * 64);
    uint32_t *blocks = allocate(sizeof(uint32_t) * (size_t)(named_count / NAMES_A_BLOCK + 1));
    uint16_t *order = allocate(sizeof(uint16_t) * (size_t)named_count);
    uint32_t used = 0;
    for (int i = 0; i < named_count; i++) {
        if (i % NAMES_A_BLOCK == 0) blocks[i / NAMES_A_BLOCK] = used;
        order[i] = (uint16_t)i;
        for (const char *name = characters[named[i]].name; *name; name = behind_word(name)) {
            int number = find_word(name, word_length(name))->number;
            if (number < SHORT_WORDS) {
                tokens[used++] = (uint8_t)(number + 1);
            } else {
                number -= SHORT_WORDS;
                tokens[used++] = (uint8_t)(SHORT_WORDS + 1 + number / 255);
                tokens[used++] = (uint8_t)(number % 255 + 1);
            }
        }
        tokens[used++] = 0;
    }
    qsort(order, (size_t)named_count, sizeof *order, compare_names);
    fprintf(output, "const int kr_unicode_name_count = %d;\n\n", named_count);
    write_numbers("const uint8_t kr_unicode_name_tokens", "%u", tokens, 1, used);
    write_numbers("const uint32_t kr_unicode_name_blocks", "%u", blocks, 4,
                  (size_t)((named_count + NAMES_A_BLOCK - 1) / NAMES_A_BLOCK));
    write_numbers("const uint16_t kr_unicode_name_order", "%u", order, 2, (size_t)named_count);
    write_runs();

    int count = 0;
    fputs("const KrUnicodeRange kr_unicode_ideographs[] = {\n", output);
    for (int i = 0; i < range_count; i++) {
        if (!ranges[i].ideographs || !has_age(ranges[i].first)) continue;
        uint32_t last = ranges[i].last;
        while (!has_age(last)) last--;
        fprintf(output, "    {0x%x, 0x%x},\n", ranges[i].first, last);
        count++;
    }
    fprintf(output, "};\n\nconst int kr_unicode_ideograph_count = %d;\n\n", count);
    free(tokens);
    free(blocks);
    free(order);
}

typedef struct {
    char *name;
    int count;
    uint32_t codes[4];
} Alias;

static int compare_aliases(const void *left, const void *right) {
    return strcmp(((const Alias *)left)->name, ((const Alias *)right)->name);
}

/* Aliases that Unicode 15.0 gave to older characters. */
static int is_new_alias(const char *name) {
    static const char *const names[] = {"EM", "ARABIC SMALL HIGH LIGATURE ALEF WITH YEH BARREE",
                                        "SUNDANESE LETTER ARCHAIC I"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return 1;
    return 0;
}

static void write_aliases(void) {
    static Alias aliases[4096];
    Reader reader;
    int count = 0;
    open_data(&reader, "NameAliases.txt");
    while (next_line(&reader)) {
        uint32_t code = parse_code(reader.field[0]);
        if (!has_age(code) || is_new_alias(reader.field[1])) continue;
        aliases[count++] = (Alias){strdup(reader.field[1]), 1, {code}};
    }
    qsort(aliases, (size_t)count, sizeof *aliases, compare_aliases);
    fprintf(output, "const int kr_unicode_alias_count = %d;\n\nconst KrUnicodeAlias kr_unicode_aliases[] = {\n", count);
    for (int i = 0; i < count; i++) fprintf(output, "    {\"%s\", 0x%x},\n", aliases[i].name, aliases[i].codes[0]);
    fputs("};\n\n", output);

    open_data(&reader, "NamedSequences.txt");
    for (count = 0; next_line(&reader);) {
        Alias *sequence = &aliases[count];
        sequence->name = strdup(reader.field[0]);
        sequence->count = parse_codes(reader.field[1], sequence->codes, 4);
        int assigned = 1;
        for (int i = 0; i < sequence->count; i++) assigned = assigned && has_age(sequence->codes[i]);
        count += assigned;
    }
    qsort(aliases, (size_t)count, sizeof *aliases, compare_aliases);
    fprintf(output, "const int kr_unicode_sequence_count = %d;\n\nconst KrUnicodeSequence kr_unicode_sequences[] = {\n",
            count);
    for (int i = 0; i < count; i++) {
        fprintf(output, "    {\"%s\", %d, {", aliases[i].name, aliases[i].count);
        for (int j = 0; j < aliases[i].count; j++) fprintf(output, "0x%x, ", aliases[i].codes[j]);
        fputs("}},\n", output);
    }
    fputs("};\n", output);
}

int main(int argc, char **argv) {
    if (argc != 3) fail("usage: unicode_tables DATA_DIRECTORY OUTPUT_FILE");
    data_directory = argv[1];
    read_all();
    output = fopen(argv[2], "w");
    if (output == NULL) fail("cannot write %s", argv[2]);
    fputs("/* Generated by tools/unicode_tables.c from the Unicode Character Database. */\n"
          "#include <Python.h>\n\n#include \"base/unicode_tables.h\"\n\n",
          output);
    write_types();
    write_numeric_values();
    write_properties();
    write_decompositions();
    write_names();
    write_aliases();
    if (fclose(output) != 0) fail("cannot write %s", argv[2]);
    return 0;
}
