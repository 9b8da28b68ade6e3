/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one core makes rows out of a data file that is in memory, and how fast the parts of that are: `ninja -C build
 * bench/line-rows && build/bench/line-rows [MB]`. The file has MB megabytes (200), made with a fixed seed: ten fields of mixed types
 * in each line. The numbers are CPU time, the best of several attempts. */
#include "base/buf.h"
#include "base/json_scan.h"
#include "core/dataset/lines.h"
#include "core/dataset/row_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIES 5
#define SEED UINT64_C(20261121)

static const char *const names[] = { "id",    "uuid",   "name",    "email",   "amount",
                                     "ratio", "active", "country", "created", "tags" };
static const enum column_type types[] = { COLUMN_INT64, COLUMN_STRING, COLUMN_STRING, COLUMN_STRING,   COLUMN_DECIMAL,
                                          COLUMN_FLOAT, COLUMN_BOOL,   COLUMN_STRING, COLUMN_DATETIME, COLUMN_JSON };
#define COLUMNS LENGTH_OF(names)

static uint64_t drawn(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

static void add_line(struct buf *to, uint64_t *r, uint64_t id)
{
    static const char *const first[] = { "José", "Conceição", "Ana", "João Vítor", "Luíza", "Pedro", "Márcia", "Caio" };
    static const char *const last[] = { "da Silva", "Gonçalves", "Araújo", "Souza", "de Assunção", "Lima" };
    static const char *const countries[] = { "BR", "PT", "AR", "UY", "US" };
    static const char *const tags[] = { "[]", "[\"novo\"]", "[\"vip\",\"atacado\"]",
                                        "[\"promoção\",\"2026\",\"frete\"]" };
    buf_printf(to, "{\"id\":%llu,\"uuid\":\"%08x-%04x-4%03x-8%03x-%06x%06x\",\"name\":\"%s %s\",",
               (unsigned long long)id * 7919, (unsigned)drawn(r, 1u << 31), (unsigned)drawn(r, 65536),
               (unsigned)drawn(r, 4096), (unsigned)drawn(r, 4096), (unsigned)drawn(r, 1 << 24),
               (unsigned)drawn(r, 1 << 24), first[drawn(r, LENGTH_OF(first))], last[drawn(r, LENGTH_OF(last))]);
    buf_printf(to, "\"email\":\"cliente%u@example.com\",\"amount\":%u.%02u,\"ratio\":%.17g,\"active\":%s,",
               (unsigned)drawn(r, 1000000), (unsigned)drawn(r, 100000), (unsigned)drawn(r, 100),
               (double)drawn(r, 1u << 31) / 2147483647.0, drawn(r, 2) ? "true" : "false");
    buf_printf(to, "\"country\":\"%s\",\"created\":\"2026-%02u-%02uT%02u:%02u:%02uZ\",\"tags\":%s}\n",
               countries[drawn(r, LENGTH_OF(countries))], (unsigned)drawn(r, 12) + 1, (unsigned)drawn(r, 28) + 1,
               (unsigned)drawn(r, 24), (unsigned)drawn(r, 60), (unsigned)drawn(r, 60), tags[drawn(r, LENGTH_OF(tags))]);
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(err_t e)
{
    if (!e)
        return;
    fprintf(stderr, "%s\n", e->msg);
    exit(1);
}

typedef uint64_t pass_fn(const struct content *);

/* The lines alone. */
static uint64_t count_lines(const struct content *content)
{
    SCRATCH(a);
    SCOPED(lines_closep) struct lines *l = lines_open(content, S("x.jsonl"), LINES_UNZIPPED_MAX, &a);
    struct text_line line;
    enum line_fault fault;
    uint64_t count = 0;
    for (bool has_more = true; has_more;) {
        must(lines_fill(l, &a, &has_more, &fault));
        while (lines_next(l, &line))
            count++;
    }
    return count;
}

/* And their members. */
static uint64_t scan_lines(const struct content *content)
{
    SCRATCH(a);
    SCOPED(lines_closep) struct lines *l = lines_open(content, S("x.jsonl"), LINES_UNZIPPED_MAX, &a);
    struct text_line line;
    enum line_fault fault;
    uint64_t count = 0;
    struct json_scan s;
    struct json_member m;
    for (bool has_more = true; has_more;) {
        must(lines_fill(l, &a, &has_more, &fault));
        while (lines_next(l, &line)) {
            enum json_scan_step step = JSON_SCAN_BAD;
            if (json_scan_begin(&s, line.text))
                while ((step = json_scan_next(&s, &m)) == JSON_SCAN_MEMBER)
                    ;
            count += step == JSON_SCAN_END;
        }
    }
    return count;
}

/* And the cells. */
static uint64_t read_rows(const struct content *content)
{
    SCRATCH(a);
    struct column items[COLUMNS];
    struct column_list columns = { items, COLUMNS };
    for (size_t i = 0; i < COLUMNS; i++)
        items[i] = (struct column){ .name = slice_of(names[i]), .type = types[i] };
    struct row_source source = { content, S("x.jsonl"), LINES_UNZIPPED_MAX, &columns, true };
    SCOPED(row_reader_closep) struct row_reader *r = row_reader_open(&source, &a);
    struct row_batch batch;
    uint64_t count = 0;
    for (bool has_more = true; has_more; count += batch.row_count)
        must(row_reader_next(r, &a, &batch, &has_more));
    size_t errors;
    row_reader_errors(r, &errors);
    return errors ? 0 : count;
}

static void measure(const char *what, pass_fn *pass, const struct content *content, uint64_t rows)
{
    double best = 1e9;
    for (int try = 0; try < TRIES; try++) {
        double begin = cpu_s();
        uint64_t count = pass(content);
        double took = cpu_s() - begin;
        best = took < best ? took : best;
        if (count != rows) {
            fprintf(stderr, "%s: %llu rows instead of %llu\n", what, (unsigned long long)count,
                    (unsigned long long)rows);
            exit(1);
        }
    }
    printf("%-10s %6.2f million rows/s %7.0f MB/s\n", what, (double)rows / best / 1e6,
           (double)content->size_bytes / best / 1e6);
}

int main(int argc, char **argv)
{
    size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 200) * 1000000;
    struct buf file = { 0 };
    uint64_t state = SEED, rows = 0;
    while (file.n < size)
        add_line(&file, &state, ++rows);
    printf("%llu rows of %.0f bytes\n", (unsigned long long)rows, (double)file.n / (double)rows);
    struct content content = { .size_bytes = file.n, .bytes = buf_slice(&file) };
    measure("lines", count_lines, &content, rows);
    measure("+ members", scan_lines, &content, rows);
    measure("+ cells", read_rows, &content, rows);
    buf_release(&file);
    return 0;
}
