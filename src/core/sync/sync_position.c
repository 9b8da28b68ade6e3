/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sync/sync_position.h"

void sync_position_add_text(struct buf *to, const struct sync_position *p)
{
    const uint64_t numbers[] = { (uint64_t)p->form, p->is_deleting,   p->offset,     p->line, p->row,
                                 p->header_offset,  p->delete_offset, p->delete_line };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (i)
            buf_add_byte(to, ' ');
        buf_add_u64(to, numbers[i]);
    }
}

bool sync_position_from_text(slice text, struct sync_position *ret)
{
    uint64_t n[8];
    slice number;
    for (size_t i = 0; i < 8; i++)
        if (slice_cut(text, ' ', &number, &text) != (i < 7) || !slice_to_u64(number, &n[i]))
            return false;
    if (n[0] >= SYNC_FORM_COUNT || n[1] > 1)
        return false;
    *ret = (struct sync_position){ (enum sync_form)n[0], n[1] == 1, n[2], n[3], n[4], n[5], n[6], n[7] };
    return true;
}
