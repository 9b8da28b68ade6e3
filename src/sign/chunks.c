/* SPDX-License-Identifier: Apache-2.0 */
/* The reader buffers one line at a time, never a chunk.
 *
 *            size line             all bytes           CRLF
 *     SIZE ───────────► DATA ───────────► DATA_END ───────────► SIZE
 *      │ size 0, no trailers                          CRLF
 *      ├──────────────────────────────► LAST_CRLF ────────────► DONE
 *      │ size 0                                    empty line
 *      └──────────────────────────────► TRAILERS ─────────────► DONE
 *
 * Some clients, such as minio-go, end trailer lines by LF and send an empty line before the signature. Therefore an
 * empty line ends signed trailers only after their signature. */
#include "sign/chunks.h"

#include "base/text.h"
#include "sign/sign_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024 /* a size with a signature takes 97; a checksum trailer far less */
#define SIZE_DIGITS_MAX 16
#define EMPTY_SHA256 S("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
#define SIGNATURE_NAME S("x-amz-trailer-signature")
#define EXTENSION S(";chunk-signature=")
#define CRLF S("\r\n")

enum chunks_state { SIZE, DATA, DATA_END, LAST_CRLF, TRAILERS, DONE };

struct chunks_reader {
    struct chunks_seed seed;
    enum chunks_state state;
    enum sign_fault fault;
    uint64_t left;                       /* of the chunk */
    uint64_t decoded_left;               /* of the body */
    char previous[SIGV4_SIGNATURE_SIZE]; /* signature */
    char claimed[SIGV4_SIGNATURE_SIZE];  /* of the chunk that is being received */
    struct hash *hash;                   /* of that chunk; NULL when it is unsigned */
    char line[LINE_MAX_BYTES];
    size_t line_n;
    struct arena arena; /* the trailers and the announced names */
    slice announced[CHUNKS_TRAILERS_MAX];
    size_t announced_count;
    struct sign_pair trailers[CHUNKS_TRAILERS_MAX];
    size_t trailer_count, trailer_bytes;
    bool trailers_signed, blank_seen;
};

bool chunks_mode_of(enum sigv4_payload payload, enum chunks_mode *ret_mode)
{
    switch (payload) {
    case SIGV4_PAYLOAD_CHUNKS:
        *ret_mode = CHUNKS_SIGNED;
        return true;
    case SIGV4_PAYLOAD_CHUNKS_TRAILER:
        *ret_mode = CHUNKS_SIGNED_TRAILER;
        return true;
    case SIGV4_PAYLOAD_UNSIGNED_CHUNKS_TRAILER:
        *ret_mode = CHUNKS_UNSIGNED_TRAILER;
        return true;
    default:
        return false;
    }
}

/* ---- signatures ---- */

static void digest_hex(const unsigned char digest[SHA256_SIZE], char ret_hex[2 * SHA256_SIZE])
{
    SCRATCH(s);
    memcpy(ret_hex, hex_encode(&s, (slice){ (const char *)digest, SHA256_SIZE }).p, (size_t)2 * SHA256_SIZE);
}

/* kind is "PAYLOAD" or "TRAILER". A payload has one more line, the digest of its headers, which are always empty. */
static void sign_piece(const struct chunks_seed *seed, slice kind, const char previous[SIGV4_SIGNATURE_SIZE],
                       const unsigned char digest[SHA256_SIZE], char ret_signature[SIGV4_SIGNATURE_SIZE])
{
    SCRATCH(s);
    char hex[2 * SHA256_SIZE];
    digest_hex(digest, hex);
    bool is_payload = slice_eq(kind, S("PAYLOAD"));
    const slice parts[] = { S("AWS4-HMAC-SHA256-"),
                            kind,
                            S("\n"),
                            seed->timestamp,
                            S("\n"),
                            seed->scope,
                            S("\n"),
                            (slice){ previous, SIGV4_SIGNATURE_SIZE },
                            S("\n"),
                            is_payload ? EMPTY_SHA256 : S(""),
                            is_payload ? S("\n") : S(""),
                            (slice){ hex, sizeof hex } };
    slice signature = sigv4_mac_hex(&s, &seed->key, arena_join(&s, parts, LENGTH_OF(parts)));
    memcpy(ret_signature, signature.p, SIGV4_SIGNATURE_SIZE);
}

static void sign_trailers(const struct chunks_seed *seed, const char previous[SIGV4_SIGNATURE_SIZE],
                          const struct sign_pair *trailers, size_t count, char ret_signature[SIGV4_SIGNATURE_SIZE])
{
    struct hash *h = hash_new(HASH_SHA256);
    unsigned char digest[SHA256_SIZE];
    for (size_t i = 0; i < count; i++) {
        hash_update(h, trailers[i].name);
        hash_update(h, S(":"));
        hash_update(h, trailers[i].value);
        hash_update(h, S("\n"));
    }
    hash_final(h, digest);
    hash_free(h);
    sign_piece(seed, S("TRAILER"), previous, digest, ret_signature);
}

static slice signature_slice(const char signature[SIGV4_SIGNATURE_SIZE])
{
    return (slice){ signature, SIGV4_SIGNATURE_SIZE };
}

/* ---- read ---- */

static void read_announced(struct chunks_reader *r, slice announced)
{
    slice piece;
    for (bool more = announced.n > 0; more;) {
        more = slice_cut(announced, ',', &piece, &announced);
        piece = slice_trim(piece);
        if (piece.n == 0)
            continue;
        if (r->announced_count == CHUNKS_TRAILERS_MAX) {
            r->fault = SIGN_TRAILER_COUNT;
            return;
        }
        r->announced[r->announced_count++] = sign_lower(&r->arena, piece);
    }
    if (r->announced_count && r->seed.mode == CHUNKS_SIGNED)
        r->fault = SIGN_TRAILER_MODE;
}

struct chunks_reader *chunks_reader_new(const struct chunks_seed *seed, uint64_t decoded_bytes, slice announced)
{
    struct chunks_reader *r = must_malloc(sizeof *r);
    r->seed = *seed;
    r->decoded_left = decoded_bytes;
    arena_init(&r->arena);
    if (seed->mode != CHUNKS_UNSIGNED_TRAILER) {
        if (seed->signature.n == SIGV4_SIGNATURE_SIZE)
            memcpy(r->previous, seed->signature.p, SIGV4_SIGNATURE_SIZE);
        else
            r->fault = SIGN_MISMATCH;
    }
    read_announced(r, announced);
    return r;
}

void chunks_reader_free(struct chunks_reader *r)
{
    if (!r)
        return;
    hash_free(r->hash);
    arena_release(&r->arena);
    explicit_bzero(&r->seed.key, sizeof r->seed.key);
    free(r);
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool parse_chunk_size(slice digits, uint64_t *ret)
{
    uint64_t v = 0;
    if (digits.n == 0 || digits.n > SIZE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        int digit = hex_value(digits.p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (uint64_t)digit;
    }
    *ret = v;
    return true;
}

/* At the end of a chunk: the signature that the client sent with it must be the next one of the chain. */
static enum sign_fault verify_chunk(struct chunks_reader *r)
{
    unsigned char digest[SHA256_SIZE];
    char expected[SIGV4_SIGNATURE_SIZE];
    if (!r->hash)
        return SIGN_OK;
    hash_final(r->hash, digest);
    hash_free(r->hash);
    r->hash = NULL;
    sign_piece(&r->seed, S("PAYLOAD"), r->previous, digest, expected);
    if (!slice_eq_secret(signature_slice(expected), signature_slice(r->claimed)))
        return SIGN_MISMATCH;
    memcpy(r->previous, expected, sizeof expected);
    return SIGN_OK;
}

static enum sign_fault read_size_line(struct chunks_reader *r, slice line)
{
    slice digits = line;
    if (r->seed.mode != CHUNKS_UNSIGNED_TRAILER) {
        size_t at = slice_find_byte(line, ';');
        slice extension = slice_from(line, at == SLICE_NONE ? line.n : at);
        if (!slice_starts(extension, EXTENSION) || extension.n != EXTENSION.n + SIGV4_SIGNATURE_SIZE)
            return SIGN_CHUNK_SIGNATURE;
        memcpy(r->claimed, extension.p + EXTENSION.n, SIGV4_SIGNATURE_SIZE);
        digits.n = at;
        r->hash = hash_new(HASH_SHA256);
    }
    if (!parse_chunk_size(digits, &r->left))
        return SIGN_CHUNK_SIZE;
    if (r->left > r->decoded_left)
        return SIGN_TOO_LONG;
    if (r->left == 0 && r->decoded_left)
        return SIGN_TOO_SHORT;
    r->decoded_left -= r->left;
    if (r->left) {
        r->state = DATA;
        return SIGN_OK;
    }
    r->state = r->seed.mode == CHUNKS_SIGNED ? LAST_CRLF : TRAILERS;
    return verify_chunk(r);
}

static bool is_announced(const struct chunks_reader *r, slice name)
{
    for (size_t i = 0; i < r->announced_count; i++)
        if (slice_eq(r->announced[i], name))
            return true;
    return false;
}

static bool has_trailer(const struct chunks_reader *r, slice name)
{
    for (size_t i = 0; i < r->trailer_count; i++)
        if (slice_eq(r->trailers[i].name, name))
            return true;
    return false;
}

static enum sign_fault end_trailers(struct chunks_reader *r)
{
    if (r->seed.mode == CHUNKS_SIGNED_TRAILER && !r->trailers_signed) {
        if (r->blank_seen)
            return SIGN_TRAILER_UNSIGNED;
        r->blank_seen = true;
        return SIGN_OK;
    }
    for (size_t i = 0; i < r->announced_count; i++)
        if (!has_trailer(r, r->announced[i]))
            return SIGN_TRAILER_ABSENT;
    r->state = DONE;
    return SIGN_OK;
}

static enum sign_fault read_trailer_line(struct chunks_reader *r, slice line)
{
    slice name, value;
    if (line.n == 0)
        return end_trailers(r);
    r->trailer_bytes += line.n;
    if (r->trailers_signed)
        return SIGN_TRAILER_AFTER_LAST;
    if (r->trailer_bytes > CHUNKS_TRAILER_BYTES_MAX)
        return SIGN_TRAILER_BYTES;
    if (!slice_cut(line, ':', &name, &value))
        return SIGN_TRAILER_LINE;
    name = sign_lower(&r->arena, name);
    value = slice_trim(value);
    if (r->seed.mode == CHUNKS_SIGNED_TRAILER && slice_eq(name, SIGNATURE_NAME)) {
        char expected[SIGV4_SIGNATURE_SIZE];
        sign_trailers(&r->seed, r->previous, r->trailers, r->trailer_count, expected);
        r->trailers_signed = true;
        return slice_eq_secret(value, signature_slice(expected)) ? SIGN_OK : SIGN_MISMATCH;
    }
    if (r->blank_seen)
        return SIGN_TRAILER_AFTER_LAST;
    if (!is_announced(r, name))
        return SIGN_TRAILER_UNKNOWN;
    if (has_trailer(r, name))
        return SIGN_TRAILER_TWICE;
    assert(r->trailer_count < CHUNKS_TRAILERS_MAX); /* each was announced, and none came twice */
    r->trailers[r->trailer_count++] = (struct sign_pair){ name, arena_copy(&r->arena, value) };
    return SIGN_OK;
}

static enum sign_fault read_chunks_line(struct chunks_reader *r)
{
    slice line = { r->line, r->line_n - 1 }; /* without LF */
    r->line_n = 0;
    bool cr = line.n && line.p[line.n - 1] == '\r';
    line.n -= cr;
    if (!cr && !(r->state == TRAILERS && r->seed.mode == CHUNKS_SIGNED_TRAILER))
        return SIGN_CHUNK_CRLF;
    switch (r->state) {
    case SIZE:
        return read_size_line(r, line);
    case DATA_END:
        r->state = SIZE;
        return line.n ? SIGN_CHUNK_END : SIGN_OK;
    case LAST_CRLF:
        r->state = DONE;
        return line.n ? SIGN_CHUNK_AFTER_LAST : SIGN_OK;
    case TRAILERS:
        return read_trailer_line(r, line);
    case DATA:
    case DONE:
        break;
    }
    return SIGN_CHUNK_AFTER_LAST;
}

static enum sign_fault receive_line(struct chunks_reader *r, slice *in)
{
    size_t at = slice_find_byte(*in, '\n'), n = at == SLICE_NONE ? in->n : at + 1;
    if (n > LINE_MAX_BYTES - r->line_n)
        return SIGN_CHUNK_LINE;
    memcpy(r->line + r->line_n, in->p, n);
    r->line_n += n;
    *in = slice_from(*in, n);
    return at == SLICE_NONE ? SIGN_OK : read_chunks_line(r);
}

static enum sign_fault receive_data(struct chunks_reader *r, slice *in, slice *ret_data)
{
    size_t n = in->n < r->left ? in->n : (size_t)r->left;
    *ret_data = slice_part(*in, 0, n);
    *in = slice_from(*in, n);
    if (r->hash)
        hash_update(r->hash, *ret_data);
    r->left -= n;
    if (r->left)
        return SIGN_OK;
    r->state = DATA_END;
    return verify_chunk(r);
}

enum sign_fault chunks_read(struct chunks_reader *r, slice *in, slice *ret_data)
{
    *ret_data = S("");
    if (r->fault || in->n == 0)
        return r->fault;
    r->fault = r->state == DONE   ? SIGN_CHUNK_AFTER_LAST
               : r->state == DATA ? receive_data(r, in, ret_data)
                                  : receive_line(r, in);
    if (r->fault)
        *ret_data = S("");
    return r->fault;
}

enum sign_fault chunks_end(const struct chunks_reader *r)
{
    return r->fault ? r->fault : r->state == DONE ? SIGN_OK : SIGN_TRUNCATED;
}

const struct sign_pair *chunks_trailers(const struct chunks_reader *r, size_t *ret_count)
{
    *ret_count = r->trailer_count;
    return r->trailers;
}

/* ---- write ---- */

void chunks_writer_init(struct chunks_writer *w, const struct chunks_seed *seed)
{
    *w = (struct chunks_writer){ .seed = *seed };
    if (seed->mode != CHUNKS_UNSIGNED_TRAILER)
        memcpy(w->previous, seed->signature.p, SIGV4_SIGNATURE_SIZE);
}

static void write_size(struct chunks_writer *w, slice data, struct buf *to)
{
    buf_printf(to, "%zx", data.n);
    if (w->seed.mode != CHUNKS_UNSIGNED_TRAILER) {
        unsigned char digest[SHA256_SIZE];
        hash_sha256(data, digest);
        sign_piece(&w->seed, S("PAYLOAD"), w->previous, digest, w->previous);
        buf_add(to, EXTENSION);
        buf_add(to, signature_slice(w->previous));
    }
    buf_add(to, CRLF);
}

void chunks_write(struct chunks_writer *w, slice data, struct buf *to)
{
    write_size(w, data, to);
    buf_add(to, data);
    buf_add(to, CRLF);
}

static void write_trailer(slice name, slice value, struct buf *to)
{
    buf_add(to, name);
    buf_add_byte(to, ':');
    buf_add(to, value);
    buf_add(to, CRLF);
}

void chunks_write_end(struct chunks_writer *w, const struct sign_pair *trailers, size_t count, struct buf *to)
{
    write_size(w, S(""), to);
    if (w->seed.mode != CHUNKS_SIGNED)
        for (size_t i = 0; i < count; i++)
            write_trailer(trailers[i].name, trailers[i].value, to);
    if (w->seed.mode == CHUNKS_SIGNED_TRAILER) {
        sign_trailers(&w->seed, w->previous, trailers, count, w->previous);
        write_trailer(SIGNATURE_NAME, signature_slice(w->previous), to);
    }
    buf_add(to, CRLF);
}

static uint64_t framed_size(uint64_t bytes, size_t extension)
{
    uint64_t digits = 1;
    for (uint64_t v = bytes >> 4; v; v >>= 4)
        digits++;
    return digits + extension + 2 + bytes + (bytes ? 2 : 0);
}

uint64_t chunks_encoded_size(enum chunks_mode mode, uint64_t decoded_bytes, uint64_t chunk_bytes,
                             const struct sign_pair *trailers, size_t count)
{
    size_t extension = mode == CHUNKS_UNSIGNED_TRAILER ? 0 : EXTENSION.n + SIGV4_SIGNATURE_SIZE;
    uint64_t rest = decoded_bytes % chunk_bytes,
             size = decoded_bytes / chunk_bytes * framed_size(chunk_bytes, extension);
    if (rest)
        size += framed_size(rest, extension);
    size += framed_size(0, extension) + 2;
    if (mode != CHUNKS_SIGNED)
        for (size_t i = 0; i < count; i++)
            size += trailers[i].name.n + 1 + trailers[i].value.n + 2;
    if (mode == CHUNKS_SIGNED_TRAILER)
        size += SIGNATURE_NAME.n + 1 + SIGV4_SIGNATURE_SIZE + 2;
    return size;
}
