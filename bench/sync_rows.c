/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one core checks and reads a sync file that is in memory, in both forms, and how much memory that takes: `ninja -C build
 * bench/sync-rows && build/bench/sync-rows [ROWS]`. The file has ROWS rows (1,000,000) of ten fields, made with a fixed seed. The
 * numbers are CPU time, the best of several attempts. */
#include "core/sync/sync_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TRIES 5
#define SEED UINT64_C(20261121)

static uint64_t drawn(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

struct sample {
    char id[32], name[64], zip[16], tag[16], born[16];
    unsigned size, cents;
    bool is_homeless;
};

static struct sample draw_sample(uint64_t *r, uint64_t id)
{
    static const char *const first[] = { "José", "Conceição", "Ana", "João Vítor", "Luíza", "Pedro", "Márcia", "Caio" };
    static const char *const last[] = { "da Silva", "Gonçalves", "Araújo", "Souza", "de Assunção", "Lima" };
    struct sample s = { .size = (unsigned)drawn(r, 9) + 1,
                        .cents = (unsigned)drawn(r, 10000000),
                        .is_homeless = drawn(r, 8) == 0 };
    snprintf(s.id, sizeof s.id, "F-%09llu", (unsigned long long)id);
    snprintf(s.name, sizeof s.name, "%s %s", first[drawn(r, 8)], last[drawn(r, 6)]);
    snprintf(s.zip, sizeof s.zip, "%05u", (unsigned)drawn(r, 99999));
    snprintf(s.tag, sizeof s.tag, "t%u", (unsigned)drawn(r, 100));
    snprintf(s.born, sizeof s.born, "%u%02u%02u", 1950 + (unsigned)drawn(r, 60), 1 + (unsigned)drawn(r, 12),
             1 + (unsigned)drawn(r, 28));
    return s;
}

static void add_lines(struct buf *to, uint64_t rows)
{
    uint64_t r = SEED;
    buf_printf(to, "00|CHILDACTION|FAMILY|20261121033000|REF-000017\n01|wks_family|||cc-family|SYNC\n02|entityId\n"
                   "03|entityId|name|familySize:int|homeless:bool|address:object|tags:array|income:number|born:date|"
                   "note|disabled:bool\n");
    for (uint64_t i = 0; i < rows; i++) {
        struct sample s = draw_sample(&r, i);
        buf_printf(to, "10|%s|%s|%u|%d|{\"zip\":\"%s\",\"city\":\"Sacramento\"}|%s,new|%u.%02u|%s||false|\n", s.id,
                   s.name, s.size, s.is_homeless, s.zip, s.tag, s.cents / 100, s.cents % 100, s.born);
    }
    buf_printf(to, "99|%llu\n", (unsigned long long)rows);
}

static void add_json(struct buf *to, uint64_t rows)
{
    static const char *const fields[][2] = { { "entityId", "string" }, { "name", "string" },    { "familySize", "int" },
                                             { "homeless", "bool" },   { "address", "object" }, { "tags", "array" },
                                             { "income", "number" },   { "born", "date" },      { "note", "string" },
                                             { "disabled", "bool" } };
    uint64_t r = SEED;
    buf_printf(to, "{\"header\":{\"metadata\":{\"keys\":[\"entityId\"],\"entityType\":\"wks_family\",\"dataSource\":"
                   "\"cc-family\"},"
                   "\"FieldMappings\":{");
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        buf_printf(to, "%s\"%s\":{\"type\":\"%s\"}", i ? "," : "", fields[i][0], fields[i][1]);
    buf_printf(to, "}},\n\"data\":[\n");
    for (uint64_t i = 0; i < rows; i++) {
        struct sample s = draw_sample(&r, i);
        buf_printf(
            to,
            "%s{\"entityId\":\"%s\",\"name\":\"%s\",\"familySize\":%u,\"homeless\":%s,\"address\":{\"zip\":\"%s\","
            "\"city\":\"Sacramento\"},\"tags\":[\"%s\",\"new\"],\"income\":%u.%02u,\"born\":\"%s\",\"note\":null,"
            "\"disabled\":false}",
            i ? ",\n" : "", s.id, s.name, s.size, s.is_homeless ? "true" : "false", s.zip, s.tag, s.cents / 100,
            s.cents % 100, s.born);
    }
    buf_printf(to, "],\n\"footer\":{\"total\":%llu}}\n", (unsigned long long)rows);
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

/* Returns the rows that were found, and where they begin. */
static uint64_t check(const struct content *content, enum sync_form form, struct arena *a,
                      struct sync_position *ret_start)
{
    SCOPED(sync_check_closep) struct sync_check *c = sync_check_open(content, form, a);
    for (bool has_more = true; has_more;)
        must(sync_check_next(c, a, &has_more));
    const struct sync_check_result *r = sync_check_result(c);
    *ret_start = r->start;
    return r->fault ? 0 : r->upserts + r->deletes;
}

static uint64_t read_rows(const struct content *content, const struct sync_position *start, struct arena *a)
{
    SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
    struct sync_row row;
    enum sync_step step;
    uint64_t count = 0;
    must(sync_rows_open(content, start, a, a, &r));
    do {
        must(sync_rows_next(r, a, &step, &row));
        count += step == SYNC_ROW && !row.fault;
    } while (step != SYNC_END);
    return count;
}

static void measure(const char *name, enum sync_form form, const struct content *content, uint64_t rows)
{
    double best_check = 1e9, best_rows = 1e9;
    size_t peak = 0;
    for (int try = 0; try < TRIES; try++) {
        SCRATCH(a);
        struct sync_position start;
        double begin = cpu_s();
        uint64_t checked = check(content, form, &a, &start);
        double middle = cpu_s();
        uint64_t read = read_rows(content, &start, &a);
        double end = cpu_s();
        best_check = middle - begin < best_check ? middle - begin : best_check;
        best_rows = end - middle < best_rows ? end - middle : best_rows;
        peak = a.peak;
        if (checked != rows || read != rows) {
            fprintf(stderr, "%s: %llu and %llu rows instead of %llu\n", name, (unsigned long long)checked,
                    (unsigned long long)read, (unsigned long long)rows);
            exit(1);
        }
    }
    double n = (double)rows / 1e6, mb = (double)content->size_bytes / 1e6;
    printf(
        "%-5s check %5.2f million rows/s %5.0f MB/s, rows %5.2f million/s %5.0f MB/s, both %5.2f million/s; %zu KiB\n",
        name, n / best_check, mb / best_check, n / best_rows, mb / best_rows, n / (best_check + best_rows), peak >> 10);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    struct buf file = { 0 };
    add_lines(&file, rows);
    struct content content = { .size_bytes = file.n, .bytes = buf_slice(&file) };
    measure("lines", SYNC_LINES, &content, rows);
    buf_clear(&file);
    add_json(&file, rows);
    content = (struct content){ .size_bytes = file.n, .bytes = buf_slice(&file) };
    measure("JSON", SYNC_JSON, &content, rows);
    buf_release(&file);
    return 0;
}
