/* The fold of SHA-2 (FIPS 180-4), which is the same for words of 32 and of 64 bits: _sha256.c and _sha512.c include this
 * file once each. They define before it
 *
 *     Word              the type of a word, and load_word(bytes), which reads one in big-endian order
 *     ROUNDS            the number of rounds, a multiple of 16, and round_constants[ROUNDS]
 *     CHAIN_WORDS(c)    the words of a HashChain
 *     mix_a, mix_e      the functions that FIPS 180-4 calls big sigma 0 and 1, of a word
 *     mix_early, mix_late   and small sigma 0 and 1
 */

/* One round, which renames the working words instead of moving them: afterwards `d` is the new e and `h` the new a. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                                              \
    do {                                                                                                              \
        Word sum = h + mix_e(e) + (g ^ (e & (f ^ g))) + round_constants[i] + schedule[(i) & 15];                      \
        d += sum;                                                                                                     \
        h = sum + mix_a(a) + ((a & b) | (c & (a | b)));                                                               \
    } while (0)

/* The message schedule is a ring of 16 words: word i replaces word i - 16. */
static void extend_schedule(Word *schedule) {
    for (int i = 0; i < 16; i++)
        schedule[i] += mix_early(schedule[(i + 1) & 15]) + schedule[(i + 9) & 15] + mix_late(schedule[(i + 14) & 15]);
}

static void fold(HashChain *chain, const unsigned char *blocks, size_t count) {
    Word schedule[16], *words = CHAIN_WORDS(chain);
    for (; count > 0; count--, blocks += sizeof schedule) {
        Word a = words[0], b = words[1], c = words[2], d = words[3];
        Word e = words[4], f = words[5], g = words[6], h = words[7];
        for (size_t i = 0; i < 16; i++) schedule[i] = load_word(blocks + sizeof(Word) * i);
        for (int i = 0; i < ROUNDS; i += 16) {
            if (i > 0) extend_schedule(schedule);
            for (int j = i; j < i + 16; j += 8) {
                ROUND(a, b, c, d, e, f, g, h, j);
                ROUND(h, a, b, c, d, e, f, g, j + 1);
                ROUND(g, h, a, b, c, d, e, f, j + 2);
                ROUND(f, g, h, a, b, c, d, e, j + 3);
                ROUND(e, f, g, h, a, b, c, d, j + 4);
                ROUND(d, e, f, g, h, a, b, c, j + 5);
                ROUND(c, d, e, f, g, h, a, b, j + 6);
                ROUND(b, c, d, e, f, g, h, a, j + 7);
            }
        }
        words[0] += a, words[1] += b, words[2] += c, words[3] += d;
        words[4] += e, words[5] += f, words[6] += g, words[7] += h;
    }
}

#undef ROUND
