/* TextIOWrapper: a buffered binary stream as text.
 *
 * Reading takes a chunk of bytes from the buffer, decodes all of it into `decoded` and gives characters from there. Writing
 * encodes into `pending`, which goes to the buffer a chunk at a time.
 *
 * Invariants:
 * - For the codecs that files are mostly in, UTF-8, ASCII and Latin-1, there are no encoder and decoder objects: `codec`
 *   says which, `undecoded` and `newlines` are the decoder's state. Otherwise `codec` is KR_CODEC_OBJECT, and `encoder` and
 *   `decoder` are incremental codecs; the latter is inside an IncrementalNewlineDecoder if line ends are translated.
 * - `decoded` is NULL or a ready string, of which `decoded_used` characters were given out.
 * - `snapshot_input` is NULL, or: with the decoder in the state (b"", snapshot_flags), decoding these bytes gave `decoded`,
 *   and the buffer stands right behind them. Positions that tell() returns are computed from that.
 */
#ifndef KR_MODULES_IO_TEXT_H
#define KR_MODULES_IO_TEXT_H

#include "modules/io/buffered.h"
#include "modules/io/newline_decoder.h"

typedef enum { KR_CODEC_OBJECT, KR_CODEC_UTF8, KR_CODEC_ASCII, KR_CODEC_LATIN1 } KrTextCodec;

/* Encodings of which the encoder object keeps the state, but does not do the work. */
typedef enum {
    KR_ENCODER_OBJECT,
    KR_ENCODER_UTF16,
    KR_ENCODER_UTF16_LE,
    KR_ENCODER_UTF16_BE,
    KR_ENCODER_UTF32,
    KR_ENCODER_UTF32_LE,
    KR_ENCODER_UTF32_BE,
} KrTextEncoder;

enum { KR_TEXT_CHUNK = 8192, KR_UNDECODED_MAX = 8 };

typedef struct {
    PyObject_HEAD
    char initialized;
    char detached;
    char can_read, can_write;
    char line_buffering;
    char write_through;
    char read_universal;   /* "\r" and "\r\n" end lines, too */
    char read_translate;   /* and become "\n" */
    char write_translate;
    char seekable;
    char has_read1;
    char telling; /* false while iterating: then no snapshots are kept */
    char finalizing;
    char codec;           /* KrTextCodec */
    char encoder_kind;    /* KrTextEncoder */
    char encode_at_start; /* what is written next starts the file: a byte order mark comes first */
    char buffer_is_ours;
    char read_end_size;      /* length of read_end */
    const char *read_end;    /* what ends a line if it is not "\n" alone and not universal; else NULL */
    const char *write_end;   /* what "\n" is written as; NULL: itself */

    Py_ssize_t chunk_size;
    PyObject *buffer;
    PyObject *encoding;
    PyObject *errors;
    const char *errors_name; /* NULL for "strict" */
    PyObject *encoder;
    PyObject *decoder;

    char undecoded[KR_UNDECODED_MAX]; /* the start of a character of which the rest was not read yet */
    unsigned char undecoded_size;
    KrNewlines newlines;

    PyObject *decoded;
    Py_ssize_t decoded_used;
    PyObject *snapshot_input;
    PyObject *snapshot_flags;
    double bytes_per_char; /* in the last chunk */

    char *pending;
    Py_ssize_t pending_size, pending_room;

    PyObject *weakrefs;
    PyObject *dict;
    uint64_t plain_version; /* ma_version_tag of `dict` when it was last seen without an item "write" */
} KrText;

/* ---- text.c ---- */

PyObject *kr_text_new(PyObject *buffer, PyObject *encoding, PyObject *errors, PyObject *newline, int line_buffering);
/* The method write() for an exact TextIOWrapper. Returns 0; -1 with an exception; 1 if nothing was done, because the
 * object has an attribute `write` of its own. */
int kr_text_write_object(PyObject *self, PyObject *text);
/* The same for bytes below 128; 1 also if it is not a matter of copying them. */
int kr_text_write_ascii(PyObject *self, const char *text, Py_ssize_t size);
/* Writes what is pending to the buffer. Returns 0, or -1 with an exception. */
int kr_text_write_pending(KrText *self);
/* Raise ValueError or UnsupportedOperation. Return 0 or -1. */
int kr_text_check_attached(KrText *self);
int kr_text_check_open(KrText *self);
/* Takes a reference to a string, or NULL, as the decoded text. */
void kr_text_set_decoded(KrText *self, PyObject *text);
void kr_text_clear_snapshot(KrText *self);

/* ---- text_codec.c ---- */

/* Finds the codec, makes encoder and decoder. `encoding` is a str. Returns 0, or -1 with an exception. */
int kr_text_set_codec(KrText *self, PyObject *encoding, PyObject *errors);
/* Sets the members about line ends; a bad value must have been refused before. NULL is universal newlines. */
void kr_text_set_newline(KrText *self, const char *newline);
int kr_text_check_newline(const char *newline);
/* Decodes a bytes-like object and translates line ends. Returns a new string or NULL. */
PyObject *kr_text_decode(KrText *self, PyObject *bytes, int final);
/* The same for memory. */
PyObject *kr_text_decode_memory(KrText *self, const char *data, Py_ssize_t size, int final);
int kr_text_is_ascii(const char *data, Py_ssize_t size);
/* The state of the decoder as new references: bytes and an int. Return 0 or -1. */
int kr_text_decoder_state(KrText *self, PyObject **bytes, PyObject **flags);
int kr_text_decoder_set_state(KrText *self, PyObject *bytes, PyObject *flags);
int kr_text_decoder_reset(KrText *self);
/* Tells the encoder whether what it writes next is the start of the file. */
int kr_text_encoder_restart(KrText *self, int at_start);
/* Encodes at the end of `pending`. Returns 0, or -1 with an exception. */
int kr_text_encode(KrText *self, PyObject *text);
/* Makes room for so many bytes more in `pending`. Returns 0, or -1 with MemoryError. */
int kr_text_reserve(KrText *self, Py_ssize_t size);

/* ---- text_position.c ---- */

PyObject *kr_text_tell(KrText *self, PyObject *unused);
PyObject *kr_text_seek(KrText *self, PyObject *const *args, Py_ssize_t count);

#endif
