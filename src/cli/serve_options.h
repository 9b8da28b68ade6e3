/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `cais serve`, which `cais check` takes, too. */
#ifndef CAIS_CLI_SERVE_OPTIONS_H
#define CAIS_CLI_SERVE_OPTIONS_H

#include "cli/config.h"
#include "cli/options.h"

/* clang-format off */
#define SERVE_OPTIONS                                                                                           \
    { "data", 0, "DIR", false, "Data directory (default ./cais-data), made when missing." },                    \
    { "listen", 0, "ADDR:PORT", true, "Plain HTTP (default 127.0.0.1:8080); port 0 takes a free one." },        \
    { "tls-listen", 0, "ADDR:PORT", true, "HTTPS; needs --tls-cert and --tls-key." },                           \
    { "tls-cert", 0, "FILE", true, "Certificate chain (PEM); may be given again, with its key." },              \
    { "tls-key", 0, "FILE", true, "Private key (PEM)." },                                                       \
    { "s3-listen", 0, "ADDR:PORT", true, "S3 only." },                                                          \
    { "sftp-listen", 0, "ADDR:PORT", true, "SFTP." },                                                           \
    { "public-url", 0, "URL", false, "How clients reach this server, for links in answers." },                  \
    { "config", 0, "FILE", false, "Configuration file; docs/configuration.md lists every key." },               \
    { "set", 0, "SECTION.KEY=VALUE", true, "Set one key of the configuration." },                               \
    { "log-format", 0, "json|text", false, "How log lines look (default: text on a terminal, and json elsewhere)." }
/* clang-format on */

/* The configuration that these options, the environment and the file give, in the arena of cli. Errors: those of config_read_file,
 * config_set and config_check. */
MUST_USE err_t serve_config(const struct cli *cli, struct config *ret);

#endif
