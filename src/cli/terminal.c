/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include "base/buf.h"
#include "base/character.h"

#include <string.h>
#include <sys/ioctl.h>

#define REDRAW_MS 100

slice terminal_safe(struct arena *a, slice text)
{
    struct buf b;
    buf_init(&b, 0);
    while (text.n) {
        size_t n;
        uint32_t c = character_first(text, &n);
        if (!n)
            buf_printf(&b, "\\x%02x", (unsigned char)text.p[0]);
        else if (c == '\n')
            buf_add(&b, S("\\n"));
        else if (c == '\t')
            buf_add(&b, S("\\t"));
        else if (c == '\\')
            buf_add(&b, S("\\\\"));
        else if (c < 0x20 || c == 0x7f)
            buf_printf(&b, "\\x%02x", c);
        else if (character_is_control(c) || character_is_invisible(c) || c == 0x2028 || c == 0x2029)
            buf_printf(&b, "\\u{%04x}", c);
        else
            buf_add(&b, slice_part(text, 0, n));
        text = slice_from(text, n ? n : 1);
    }
    slice safe = arena_copy(a, buf_slice(&b));
    buf_release(&b);
    return safe;
}

/* The width of the beginning of the text that fits into `max`; *ret_length: its bytes. */
static size_t fitting_width(slice text, size_t max, size_t *ret_length)
{
    size_t width = 0, at = 0;
    while (at < text.n) {
        size_t n;
        uint32_t c = character_first(slice_from(text, at), &n);
        bool combines = c >= 0x300 && c < 0x370;
        bool wide = (c >= 0x1100 && c < 0x1160) || (c >= 0x2e80 && c < 0xa4d0) || (c >= 0xac00 && c < 0xd7a4) ||
                    (c >= 0xf900 && c < 0xfb00) || (c >= 0xfe30 && c < 0xfe70) || (c >= 0xff00 && c < 0xff61) ||
                    (c >= 0x1f300 && c < 0x1f650) || (c >= 0x20000 && c < 0x40000);
        size_t more = combines ? 0 : wide ? 2 : 1;
        if (width + more > max)
            break;
        width += more;
        at += n ? n : 1;
    }
    *ret_length = at;
    return width;
}

size_t terminal_width(slice text)
{
    size_t length;
    return fitting_width(text, SIZE_MAX, &length);
}

slice terminal_cut(slice text, size_t width)
{
    size_t length;
    fitting_width(text, width, &length);
    return slice_part(text, 0, length);
}

size_t terminal_columns(FILE *to)
{
    struct winsize size;
    if (!isatty(fileno(to)))
        return 0;
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

slice size_for_people(struct arena *a, int64_t bytes)
{
    static const char units[][4] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    if (bytes < 1024)
        return arena_printf(a, "%lld B", (long long)bytes);
    double size = (double)bytes / 1024;
    size_t unit = 0;
    /* %.1f rounds 1023.95 to 1024.0 */
    while (size >= 1023.95 && unit + 1 < LENGTH_OF(units))
        size /= 1024, unit++;
    return arena_printf(a, "%.1f %s", size, units[unit]);
}

slice duration_for_people(struct arena *a, int64_t seconds)
{
    long long s = seconds < 0 ? 0 : seconds;
    if (s >= 3600)
        return arena_printf(a, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return arena_printf(a, "%lld:%02lld", s / 60, s % 60);
}

void progress_init(struct progress *p, FILE *to, struct clock *clock, slice safe_name)
{
    int64_t now = clock_monotonic_ms(clock);
    *p = (struct progress){ .to = to, .clock = clock, .name = safe_name, .started_ms = now, .drawn_ms = now };
    p->shown = isatty(fileno(to));
}

void progress_begin_at(struct progress *p, int64_t done)
{
    p->begun_at = done;
    p->started_ms = clock_monotonic_ms(p->clock);
}

static size_t room_to_draw(const struct progress *p)
{
    size_t columns = terminal_columns(p->to);
    return columns ? columns : 80;
}

static bool is_time_to_draw(const struct progress *p, int64_t now)
{
    return p->shown && now - p->drawn_ms >= REDRAW_MS;
}

static void draw(struct progress *p, slice facts, int64_t now)
{
    size_t width = room_to_draw(p), taken = terminal_width(facts) + 3;
    slice name = p->name;
    if (terminal_width(name) + taken > width)
        name = S("");
    fprintf(p->to, "\r\033[K" SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(name), name.n ? "  " : "", SLICE_ARG(facts));
    fflush(p->to);
    p->drawn = true;
    p->drawn_ms = now;
}

void progress_update(struct progress *p, int64_t done, int64_t total)
{
    enum { BAR = 24 };
    int64_t now = clock_monotonic_ms(p->clock);
    if (!is_time_to_draw(p, now))
        return;
    SCRATCH(scratch);
    int64_t took = now - p->started_ms, moved = done - p->begun_at;
    int64_t rate = took > 0 && moved > 0 ? (int64_t)((double)moved * 1000 / (double)took) : 0;
    slice facts = arena_printf(&scratch, SLICE_FMT "  " SLICE_FMT "/s", SLICE_ARG(size_for_people(&scratch, done)),
                               SLICE_ARG(size_for_people(&scratch, rate)));
    if (total > 0) {
        char bar[BAR];
        size_t full = (size_t)((double)done / (double)total * BAR);
        memset(bar, ' ', BAR);
        memset(bar, '=', full < BAR ? full : BAR);
        slice left = rate ? duration_for_people(&scratch, (total - done) / rate) : S("-:--");
        facts = arena_printf(&scratch, "%3d %% [%.*s] " SLICE_FMT "  ETA " SLICE_FMT,
                             (int)((double)done * 100 / (double)total), BAR, bar, SLICE_ARG(facts), SLICE_ARG(left));
    }
    draw(p, facts, now);
}

void progress_note(struct progress *p, slice safe_text, bool at_once)
{
    enum { NOTE_MIN = 30 }; /* columns; in fewer, the note matters more than the name */
    int64_t now = clock_monotonic_ms(p->clock);
    if (!is_time_to_draw(p, now) && !(p->shown && at_once))
        return;
    size_t width = room_to_draw(p), taken = terminal_width(p->name) + 3;
    size_t room = width > taken + NOTE_MIN ? width - taken : width > 1 ? width - 1 : 1;
    draw(p, slice_characters(safe_text, room), now);
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", p->to);
    p->drawn = false;
}
