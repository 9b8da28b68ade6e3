/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command_text.h"

#include "base/buf.h"
#include "cli/terminal.h"

#include <string.h>

static bool is_plain(slice word)
{
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i];
        bool is_alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (!c || !strchr("_./:@%+=,-", c)))
            return false;
    }
    return word.n > 0;
}

/* Would a terminal show each character as it is? */
static bool is_safe(slice word, struct arena *a)
{
    char *copy = arena_cstr(a, word);
    for (char *c = copy; *c; c++)
        *c = *c == '\\' ? '/' : *c; /* harmless, although terminal_safe escapes it */
    return slice_eq(terminal_safe(a, slice_of(copy)), slice_of(copy));
}

slice shell_word(slice word, struct arena *a)
{
    if (is_plain(word))
        return word;
    bool is_literal = is_safe(word, a);
    struct buf quoted;
    buf_init(&quoted, 0);
    buf_add(&quoted, is_literal ? S("'") : S("$'"));
    for (size_t i = 0; i < word.n; i++) {
        unsigned char c = (unsigned char)word.p[i];
        if (is_literal && c == '\'')
            buf_add(&quoted, S("'\"'\"'"));
        else if (!is_literal && (c < ' ' || c >= 0x7f || c == '\'' || c == '\\'))
            buf_printf(&quoted, "\\x%02x", c);
        else
            buf_add_byte(&quoted, (char)c);
    }
    buf_add_byte(&quoted, '\'');
    return buf_give(&quoted, a);
}

slice url_without_secrets(slice url, struct arena *a)
{
    size_t scheme = slice_find(url, S("://"));
    slice host, path, rest = scheme == SLICE_NONE ? url : slice_from(url, scheme + 3);
    bool has_path = slice_cut(rest, '/', &host, &path);
    size_t at = slice_rfind_byte(host, '@');
    while (slice_ends(path, S("/")))
        path.n--;
    slice parts[] = { slice_part(url, 0, url.n - rest.n), at == SLICE_NONE ? host : slice_from(host, at + 1),
                      has_path && path.n ? S("/") : S(""), path };
    return arena_join(a, parts, LENGTH_OF(parts));
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

slice command_again(const struct cli *cli, slice begin, const char *const *without, struct arena *a)
{
    slice command = begin;
    for (const struct option_given *g = cli->options->given; g; g = g->next) {
        const char *name = g->spec->name;
        if (strcmp(name, "token") == 0 || is_among(name, without))
            continue;
        slice value = strcmp(name, "url") == 0 ? url_without_secrets(slice_of(g->value), a) : slice_of(g->value);
        command = arena_printf(a, SLICE_FMT " --%s%s" SLICE_FMT, SLICE_ARG(command), name, g->value ? " " : "",
                               SLICE_ARG(g->value ? shell_word(value, a) : S("")));
    }
    return command;
}

slice command_after(const struct cli *cli, slice cursor)
{
    static const char *const without[] = { "after", NULL };
    const struct options *o = cli->options;
    struct arena *a = cli->arena;
    slice begin = arena_printf(a, "%scais %s", option_on(o, "token") ? "CAIS_TOKEN=... " : "", o->command->name);
    for (size_t i = 0; i < o->operand_count; i++)
        begin = arena_printf(a, SLICE_FMT " " SLICE_FMT, SLICE_ARG(begin),
                             SLICE_ARG(shell_word(slice_of(o->operands[i]), a)));
    return arena_printf(a, SLICE_FMT " --after " SLICE_FMT, SLICE_ARG(command_again(cli, begin, without, a)),
                        SLICE_ARG(shell_word(cursor, a)));
}
