/* SPDX-License-Identifier: Apache-2.0 */
/* What the program knows of an API: its module.c defines one struct api_module, called after the folder
 * (pyrus_module), and apis.def lists it. The commands, the
 * configuration and the server go through that list, and name no API. */
#ifndef CAIS_API_KIT_MODULE_H
#define CAIS_API_KIT_MODULE_H

#include "api/kit/links.h"
#include "base/config_key.h"
#include "base/log.h"
#include "core/core.h"
#include "core/sync/inbox.h"
#include "core/webhook/webhook.h"

/* The keys that `cais key add LOGIN --for NAME` makes for this API. */
enum api_key_form {
    API_KEYS_NONE,    /* none: the API asks for no credentials */
    API_KEYS_SECRET,  /* one secret, kept as a hash */
    API_KEYS_PAIR,    /* two secrets, kept as hashes */
    API_KEYS_SIGNING, /* a name and a secret that signs requests, kept sealed */
    API_KEYS_PUBLIC,  /* a public key (--public-key), of which the fingerprint is kept */
    /* An application (core/access/application.h): token, client id, client secret and PIN, kept as hashes. Its users have roles in
     * courses. */
    API_KEYS_APPLICATION
};
enum { API_KEY_NAMES = 4 };

/* A role of keys (key_may), and what the clients of an API call it. A role may have several names; the first is shown. */
struct api_key_role {
    const char *name;
    enum key_role role;
};

/* Fields that a form for this bucket may have although no condition of its policy covers them. They have no effect there.
 * Names are compared without regard to case. */
struct form_exemption {
    slice bucket;
    const slice *fields;
    size_t field_count;
};

struct health_watch;
struct api_module;
/* What an API is opened with. All of it is borrowed until close. */
struct api_params {
    struct core *core;
    const void *options; /* of the module's type, made from its keys */
    const struct link_base *links;
    const slice *hosts; /* the names in [hosts] that belong to this API */
    size_t host_count;
    const struct form_exemption *form_exemptions; /* of all APIs */
    size_t form_exemption_count;
    /* What keys are made for: number n, counted from 0; NULL past the last one. Of what is no API, only the members that are about
     * keys are set. */
    const struct api_module *(*key_purpose)(size_t n);
    struct health_watch *health; /* of `core` */
    struct log *log;             /* for errors of the server itself */
    struct arena *arena;         /* for what lives until close */
};

struct api_module {
    const char *name; /* also its section of the configuration, its name in [hosts], and the purpose of its keys */
    enum api_key_form key_form;
    const char *key_names[API_KEY_NAMES]; /* what its clients call the parts of a key; NULL ends them */
    bool key_has_login;                   /* whether clients need the login along with the key */
    /* The roles that --role names, in the order of messages; ends with { 0 }. Without --role a key is KEY_ADMIN. The API itself
     * refuses what a role may not (key_may). NULL: its keys have no roles, and may do everything. Not together with
     * API_KEYS_APPLICATION, for which --role is of a course. */
    const struct api_key_role *key_roles;
    /* A key belongs to a workspace (core/sync/workspace.h), which --workspace and --bucket name, and may expire (--expires). Only
     * with API_KEYS_SECRET and API_KEYS_PUBLIC. */
    bool key_has_workspace;

    /* Its webhooks (core/webhook/webhook.h), whose functions get the context of its http_api. NULL: it has none. */
    const struct webhook_format *webhook;

    const struct config_key *keys; /* of the configuration; offsets are in the struct of options */
    size_t key_count, options_size;
    /* Where the API keeps its own copy of the options, in bytes from the context of its http_api: a reload changes the numbers and
     * bools there, which the API therefore reads with LIVE. */
    size_t options_at;
    /* A reload has changed such options. NULL: whatever reads them sees that. */
    void (*reload)(const struct http_api *);
    /* Another list of the names in [hosts] that belong to this API; it lives until close. NULL: the API does not look at them. */
    void (*rename_hosts)(const struct http_api *, const slice *hosts, size_t count, struct arena *kept);
    /* Check what concerns several keys. Errors: INVALID. NULL: nothing does. */
    err_t (*check)(const void *options, struct arena *a);
    /* A bucket whose forms may have additional fields. *ret points into the options. NULL: there is none. */
    void (*form_exemption)(const void *options, struct form_exemption *ret);

    /* Open the API: make the buckets and keys that it needs, and *ret, which is valid until close. Errors, after which
     * close is not called: INVALID an option has an impossible value; those of the stores. */
    err_t (*open)(const struct api_params *, struct arena *a, const struct http_api **ret);
    void (*close)(const struct http_api *); /* after the last request has ended */
    /* Files that come without this API, by other protocols, belong to it all the same: how their inboxes are opened. `origin` and
     * `way` are those of the protocol. One API has this; NULL: not this one. */
    void (*inbox)(const struct http_api *, struct inbox_options *ret);
};

#endif
