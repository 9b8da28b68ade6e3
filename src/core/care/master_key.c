/* SPDX-License-Identifier: Apache-2.0 */
#include "core/care/master_key.h"

#include "base/secret_file.h"
#include "base/text.h"
#include "core/care/data_dir.h"

#include <string.h>

enum { DIGITS = 2 * SEAL_KEY_SIZE };

static err_t not_a_key(struct arena *a, const char *path)
{
    return err_make(a, ERR_CORRUPT, "%s is no master key: 64 hex digits are wanted", path);
}

err_t master_key_read(const char *dir, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE])
{
    const char *path = arena_printf(a, "%s/%s", dir, DATA_DIR_MASTER_KEY).p;
    slice text, key;
    err_t e = secret_file_read(path, DIGITS + 1, a, &text); /* with the line end */
    if (err_is(e, ERR_CORRUPT))
        return not_a_key(a, path);
    TRY(e);
    slice digits = text;
    if (digits.n == DIGITS + 1 && text.p[DIGITS] == '\n')
        digits.n--;
    bool good = digits.n == DIGITS && hex_decode(a, digits, &key);
    if (good) {
        memcpy(ret_key, key.p, SEAL_KEY_SIZE);
        secret_wipe(key);
    }
    secret_wipe(text);
    return good ? NULL : not_a_key(a, path);
}

err_t master_key_write(const char *dir, const unsigned char key[SEAL_KEY_SIZE], struct arena *a)
{
    slice digits = hex_encode(a, (slice){ (const char *)key, SEAL_KEY_SIZE });
    slice parts[] = { digits, S("\n") }, text = arena_join(a, parts, LENGTH_OF(parts));
    err_t e = secret_file_make(dir, DATA_DIR_MASTER_KEY, text, a);
    secret_wipe(digits);
    secret_wipe(text);
    return e;
}

err_t master_key_ensure(const char *dir, struct random *random, struct arena *a, unsigned char ret_key[SEAL_KEY_SIZE])
{
    err_t e = master_key_read(dir, a, ret_key);
    if (!e)
        return secret_file_keep(dir, a);
    if (e->code != ERR_NOT_FOUND)
        return e;
    unsigned char key[SEAL_KEY_SIZE];
    random_fill(random, key, sizeof key);
    TRY(master_key_write(dir, key, a));
    memcpy(ret_key, key, sizeof key);
    explicit_bzero(key, sizeof key);
    return NULL;
}
