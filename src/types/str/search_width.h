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

static inline __attribute__((always_inline)) Py_ssize_t NAME(search)(const CHAR *text, Py_ssize_t length,
                                                                    const CHAR *needle, Py_ssize_t needle_length,
                                                                    Py_ssize_t step) {
    Py_ssize_t last = length - needle_length, work = 0;
    for (Py_ssize_t at = 0; at <= last; at++) {
        Py_ssize_t found = step > 0 ? NAME(find_char)(text + at, last - at + 1, needle[0])
                                    : last - at - NAME(rfind_char)(text - last, last - at + 1, needle[0]);
        if (step > 0 ? found < 0 : found > last - at) return -1;
        at += found;
        Py_ssize_t i = 1;
        while (i < needle_length && text[(at + i) * step] == needle[i * step]) i++;
        if (i == needle_length) return at;
        work += i + 1;
        if (work > 1000 && work > at) {
            at++;
            Py_ssize_t rest = NAME(two_way)(text + at * step, length - at, needle, needle_length, step);
            return rest < 0 ? -1 : at + rest;
        }
    }
    return -1;
}
