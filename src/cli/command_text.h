/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that a message tells the user to run: they can be pasted into a shell as they are. No secret is in them. */
#ifndef CAIS_CLI_COMMAND_TEXT_H
#define CAIS_CLI_COMMAND_TEXT_H

#include "cli/options.h"

/* The word as a shell reads it; safe for terminals. In $'…', which not every shell knows, only if it has characters that are not. */
slice shell_word(slice word, struct arena *a);
/* http://ana:secret@host/ → http://host */
slice url_without_secrets(slice url, struct arena *a);
/* `begin`, and the options that were given, but for the token and those in `without`, which ends in NULL. */
slice command_again(const struct cli *cli, slice begin, const char *const *without, struct arena *a);
/* The command line with another --after. */
slice command_after(const struct cli *cli, slice cursor);

#endif
