/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by put, get and ls: a client of the native API, connected to the server that the command line names. When no
 * server uses the data directory, the command starts a private server in its own process for as long as it runs. */
#ifndef CAIS_CLI_SESSION_H
#define CAIS_CLI_SESSION_H

#include "cli/client.h"
#include "cli/config.h"
#include "cli/options.h"

/* clang-format off */
#define SESSION_OPTIONS                                                                                         \
    { "data", 0, "DIR", false, "Folder of a server on this machine (default ./cais-data): asks its admin.sock." }, \
    { "config", 0, "FILE", false, "Configuration that names the folder." },                                     \
    { "url", 0, "URL", false, "Ask the server at this URL instead." },                                          \
    { "token", 0, "TOKEN", false, "Token for --url; better in the environment, as CAIS_TOKEN." },               \
    { "ca", 0, "FILE", false, "Certificates (PEM) to trust for an https URL." },                                \
    { "account", 0, "NAME", false, "Account to work in, on this machine (default: default)." },                 \
    { "json", 0, NULL, false, "Print JSON." }
/* clang-format on */

struct session {
    struct client *client;
    /* Which server and account it is, in every run of the program: the URL without user and password, or the path of the socket
     * that a server of the folder has. The account is empty with a URL. */
    slice server_name, account;
    struct config config;  /* of the data directory; unused with --url */
    struct log log;        /* of the private server */
    struct server *server; /* the private server; NULL when another server is asked */
};

/* The session is all zeros before the call. Returns EXIT_DONE and a client, or the exit code after a message. */
int session_open(const struct cli *cli, struct session *s);
void session_close(struct session *s);

/* The value of this variable of the environment; NULL: it is not set. */
const char *environment_value(const struct cli *cli, const char *name);

/* ---- messages and names ---- */

/* Report an error about the file `name`: "cais COMMAND: NAME: text". Returns EXIT_FAILED. */
int report_file_error(const struct cli *cli, const char *name, err_t e);
/* The error of a request about a file or object: when there is none of that ID, it says which command shows the IDs. */
err_t explain_id_error(const struct cli *cli, err_t e);
/* One line of JSON. */
void print_json_value(FILE *out, const struct json *);
/* The part of a path after its last slash; slashes at its end do not count. */
slice path_last_part(slice path);

#endif
