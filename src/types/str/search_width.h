/* The search functions for one width of character: included by search.c with CHAR and NAME(x) defined.
 *
 * `step` is +1 to search forward, or -1 with text and needle pointing at their last characters: then everything runs in
 * the mirror, and indexes count from the end. It is a constant in every inlined copy.
 */

/* Length of the part before the greatest suffix of the needle, by rising (or falling) order of characters, and the
 * suffix's period. */
static inline __attribute__((always_inline)) Py_ssize_t NAME(greatest_suffix)(const CHAR *needle, Py_ssize_t length,
                                                                             Py_ssize_t step, int falling,
                                                                             Py_ssize_t *period) {
    Py_ssize_t start = 0, candidate = 1, matched = 0, p = 1;
    while (candidate + matched < length) {
        CHAR a = needle[(candidate + matched) * step], b = needle[(start + matched) * step];
        if (a == b) {
            if (++matched == p) {
                candidate += p;
                matched = 0;
            }
        } else if (falling ? a < b : a > b) {
            start = candidate++;
            matched = 0;
            p = 1;
        } else {
            candidate += matched + 1;
            matched = 0;
            p = candidate - start;
        }
    }
    *period = p;
    return start;
}

static inline __attribute__((always_inline)) Py_ssize_t NAME(two_way)(const CHAR *text, Py_ssize_t length,
                                                                     const CHAR *needle, Py_ssize_t needle_length,
                                                                     Py_ssize_t step) {
    Py_ssize_t period, other_period;
    Py_ssize_t cut = NAME(greatest_suffix)(needle, needle_length, step, 0, &period);
    Py_ssize_t other_cut = NAME(greatest_suffix)(needle, needle_length, step, 1, &other_period);
    if (other_cut > cut) {
        cut = other_cut;
        period = other_period;
    }
    int periodic = cut + period <= needle_length;
    for (Py_ssize_t i = 0; periodic && i < cut; i++) periodic = needle[i * step] == needle[(i + period) * step];
    if (!periodic) period = Py_MAX(cut, needle_length - cut) + 1;

    Py_ssize_t known = 0; /* characters at the needle's start that the last shift has already matched */
    for (Py_ssize_t at = 0; at <= length - needle_length;) {
        Py_ssize_t i = Py_MAX(cut, known);
        while (i < needle_length && needle[i * step] == text[(at + i) * step]) i++;
        if (i < needle_length) {
            at += i - cut + 1;
            known = 0;
            continue;
        }
        i = cut;
        while (i > known && needle[(i - 1) * step] == text[(at + i - 1) * step]) i--;
        if (i <= known) return at;
        at += period;
        known = periodic ? needle_length - period : 0;
    }
    return -1;
}

/* Fills in what the search has to know of a needle of two or more characters. */
static inline __attribute__((always_inline)) void NAME(prepare)(KrNeedle *prepared, const CHAR *needle,
                                                               Py_ssize_t length, Py_ssize_t step) {
    Py_ssize_t end = length - 1;
    CHAR final = needle[end * step];
    prepared->present = (uint64_t)1 << (final & 63);
    prepared->gap = length;
    for (Py_ssize_t i = 0; i < end; i++) {
        prepared->present |= (uint64_t)1 << (needle[i * step] & 63);
        if (needle[i * step] == final) prepared->gap = end - i;
    }
}

/* Compares at a place, last character first; when the character behind the place is none of the needle's, no place up to
 * there can fit. Hands over to two_way() when that does not pay. */
static inline __attribute__((always_inline)) Py_ssize_t NAME(search)(const KrNeedle *prepared, const CHAR *text,
                                                                    Py_ssize_t length, const CHAR *needle,
                                                                    Py_ssize_t step) {
    Py_ssize_t needle_length = prepared->length, end = needle_length - 1, last = length - needle_length, work = 0;
    uint64_t present = prepared->present;
    CHAR final = needle[end * step];
    Py_ssize_t at = 0;
    while (at < last) {
        if (text[(at + end) * step] != final) {
            /* A branch, which can be predicted, not a conditional move, on which the next load would have to wait. */
            if (present >> (text[(at + needle_length) * step] & 63) & 1) {
                at++;
                __asm__ volatile("");
            } else {
                at += needle_length + 1;
            }
            continue;
        }
        Py_ssize_t i = 0;
        while (i < end && text[(at + i) * step] == needle[i * step]) i++;
        if (i == end) return at;
        work += i + 1;
        if (work > 1000 && work > at) {
            at++;
            Py_ssize_t rest = NAME(two_way)(text + at * step, length - at, needle, needle_length, step);
            return rest < 0 ? -1 : at + rest;
        }
        at += present >> (text[(at + needle_length) * step] & 63) & 1 ? prepared->gap : needle_length + 1;
    }
    if (at > last) return -1;
    for (Py_ssize_t i = 0; i < needle_length; i++)
        if (text[(at + i) * step] != needle[i * step]) return -1;
    return at;
}
