/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/native/native.h"
#include "api/pyrus/pyrus.h"
#include "api/s3/s3.h"
#include "cli/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT_ERR_TEXT(expr, text)                                                                                    \
    do {                                                                                                               \
        err_t error_ = (expr);                                                                                         \
        if (!error_)                                                                                                   \
            fail_msg("%s succeeded, expected: %s", #expr, text);                                                       \
        else                                                                                                           \
            EXPECT_SLICE(slice_of(error_->msg), slice_of(text));                                                       \
    } while (0)

/* Defines a fresh configuration c in a scratch arena a. */
#define CONFIG(c)                                                                                                      \
    SCRATCH(a);                                                                                                        \
    struct config c;                                                                                                   \
    config_init(&c, &a)

static const struct pyrus_options *pyrus_of(const struct config *c)
{
    return config_api_options(c, S("pyrus"));
}

static err_t set(struct config *c, const char *assignment)
{
    return config_assign(c, CONFIG_SET, slice_of(assignment), "--set");
}

static err_t text(struct config *c, const char *content)
{
    return config_read_text(c, slice_of(content), "cais.ini");
}

TEST(config_has_defaults_without_a_file)
{
    CONFIG(c);
    EXPECT_OK(config_check(&c));
    EXPECT_SLICE(c.server.data, S("./cais-data"));
    EXPECT_EQ(c.server.listen.count, 1);
    EXPECT_SLICE(c.server.listen.items[0], S("127.0.0.1:8080"));
    EXPECT_EQ(c.server.tls_listen.count, 0);
    EXPECT_EQ(c.log.level, LOG_INFO);
    EXPECT_EQ(c.log.format, CONFIG_LOG_AUTO);
    EXPECT_EQ(c.http.max_head_bytes, 65536);
    EXPECT_EQ(c.http.max_header_line_bytes, 16384);
    EXPECT_EQ(c.http.header_timeout_ms, 10000);
    EXPECT_EQ(c.http.body_pool_bytes, 64 << 20);
    EXPECT_EQ(c.storage.durability, CONFIG_DURABILITY_FULL);
    EXPECT_EQ(c.files.purge_grace_ms, 3600000);
    EXPECT_EQ(c.audit.keep_ms, 0);
    EXPECT_EQ(pyrus_of(&c)->max_file_size_bytes, 262144000);
    EXPECT_EQ(pyrus_of(&c)->rate_window_ms, 600000);
    EXPECT(!pyrus_of(&c)->md5_upper_case);
    EXPECT_EQ(((const struct native_options *)config_api_options(&c, S("native")))->max_file_bytes, 0);
    EXPECT(!c.hosts);
    for (size_t i = 0; i < config_key_count(); i++)
        EXPECT_EQ(c.layer_of[i], CONFIG_DEFAULT);
}

TEST(file_sets_keys_of_every_type)
{
    CONFIG(c);
    EXPECT_OK(text(&c, "\xef\xbb\xbf; a comment\r\n"
                       "[server]\r\n"
                       "data = /srv/cais data ; inline comment\n"
                       "listen = 0.0.0.0:80, [::]:80\n"
                       "  127.0.0.1:0\n  [::1]:0\n"
                       "tls_cert = /a b.pem, /c.pem\n"
                       "tls_key: /a.key,/c.key\n"
                       "trusted_proxies = 10.0.0.0/8 ::1\n"
                       "public_url = https://files.example.org/cais\n"
                       "\n[log]\nlevel = debug\nformat=text\n"
                       "[storage]\ndurability = relaxed\ninline_max = 4k\n"
                       "[http]\nheader_timeout = 250ms\nshutdown_grace = 0\nmax_headers = 50\n"
                       "[pyrus]\nlogin_by_get = on\n"
                       "# another\n[hosts]\nAccounts.Pyrus.com = pyrus\n127.0.0.2 = s3\n"));
    EXPECT_OK(config_check(&c));
    EXPECT_SLICE(c.server.data, S("/srv/cais data"));
    EXPECT_EQ(c.server.listen.count, 4);
    EXPECT_SLICE(c.server.listen.items[1], S("[::]:80"));
    EXPECT_SLICE(c.server.listen.items[3], S("[::1]:0"));
    EXPECT_SLICE(c.server.listen.items[2], S("127.0.0.1:0"));
    EXPECT_EQ(c.server.tls_cert.count, 2);
    EXPECT_SLICE(c.server.tls_cert.items[0], S("/a b.pem"));
    EXPECT_SLICE(c.server.tls_key.items[1], S("/c.key"));
    EXPECT_EQ(c.server.trusted_proxies.count, 2);
    EXPECT_EQ(c.log.level, LOG_DEBUG);
    EXPECT_EQ(c.log.format, CONFIG_LOG_TEXT);
    EXPECT_EQ(c.storage.durability, CONFIG_DURABILITY_RELAXED);
    EXPECT_EQ(c.storage.inline_max_bytes, 4096);
    EXPECT_EQ(c.http.header_timeout_ms, 250);
    EXPECT_EQ(c.http.shutdown_grace_ms, 0);
    EXPECT_EQ(c.http.max_headers, 50);
    EXPECT(pyrus_of(&c)->login_by_get);
    EXPECT_SLICE(c.hosts->name, S("accounts.pyrus.com"));
    EXPECT_SLICE(c.hosts->api, S("pyrus"));
    EXPECT_SLICE(c.hosts->next->name, S("127.0.0.2"));
    EXPECT(!c.hosts->next->next);
}

TEST(the_stronger_layer_of_the_configuration_wins_whichever_is_read_first)
{
    CONFIG(c);
    char *environment[] = { (char[]){ "CAIS_HTTP_HEADER_TIMEOUT=2s" }, (char[]){ "CAIS_HTTP_IDLE_TIMEOUT=2s" },
                            (char[]){ "CAIS_SERVER_LISTEN=10.0.0.2:2" }, NULL };
    EXPECT_OK(config_set(&c, CONFIG_FLAG, S("server"), S("listen"), S("10.0.0.4:4"), "--listen"));
    EXPECT_OK(set(&c, "http.header_timeout=3s"));
    EXPECT_OK(set(&c, "server.listen=10.0.0.3:3"));
    EXPECT_OK(config_read_environment(&c, environment));
    EXPECT_OK(
        text(&c, "[http]\nheader_timeout=1s\nidle_timeout=1s\nbody_rate_window=1s\n[server]\nlisten=10.0.0.1:1\n"));
    EXPECT_EQ(c.http.header_timeout_ms, 3000);
    EXPECT_EQ(c.http.idle_timeout_ms, 2000);
    EXPECT_EQ(c.http.body_rate_window_ms, 1000);
    EXPECT_EQ(c.http.shutdown_grace_ms, 30000);
    EXPECT_EQ(c.server.listen.count, 1);
    EXPECT_SLICE(c.server.listen.items[0], S("10.0.0.4:4"));
    EXPECT_EQ(c.layer_of[CONFIG_http_idle_timeout], CONFIG_ENVIRONMENT);
    /* A value that a stronger layer replaces must be valid, too. */
    EXPECT_ERR(text(&c, "[http]\nheader_timeout=soon\n"), ERR_INVALID);
}

TEST(lists_add_items_within_a_layer)
{
    CONFIG(c);
    EXPECT_OK(text(&c, "[server]\nlisten=10.0.0.1:1\nlisten=10.0.0.1:2\n"));
    EXPECT_EQ(c.server.listen.count, 2);
    EXPECT_OK(set(&c, "server.listen=10.0.0.1:3"));
    EXPECT_OK(set(&c, "server.listen=10.0.0.1:4 10.0.0.1:5"));
    EXPECT_EQ(c.server.listen.count, 3);
    EXPECT_SLICE(c.server.listen.items[2], S("10.0.0.1:5"));
    EXPECT_OK(config_set(&c, CONFIG_FLAG, S("server"), S("listen"), S(""), "--listen"));
    EXPECT_EQ(c.server.listen.count, 0);
}

TEST(environment_variables_count_only_when_they_name_a_section)
{
    CONFIG(c);
    char *environment[] = { (char[]){ "PATH=/bin" },
                            (char[]){ "CAIS_TOKEN=secret" },
                            (char[]){ "CAIS_PORT=tcp://10.0.0.1:80" },
                            (char[]){ "CAIS_SERVICE_HOST=10.0.0.1" },
                            (char[]){ "CAIS_PYRUS_RATE_LIMIT=0" },
                            (char[]){ "CAIS_BINARY" },
                            (char[]){ "CAIS_HOSTS=runrun.it=runrun, www.redu.com.br = redu," },
                            NULL };
    EXPECT_OK(config_read_environment(&c, environment));
    EXPECT_EQ(pyrus_of(&c)->rate_limit, 0);
    EXPECT_SLICE(c.hosts->name, S("runrun.it"));
    EXPECT_SLICE(c.hosts->next->api, S("redu"));
    char *wrong[] = { (char[]){ "CAIS_LOG_LEVL=info" }, NULL };
    EXPECT_ERR_TEXT(config_read_environment(&c, wrong),
                    "CAIS_LOG_LEVL: unknown key 'log.levl'; the nearest is 'log.level'");
    char *no_pair[] = { (char[]){ "CAIS_HOSTS=runrun.it" }, NULL };
    EXPECT_ERR_TEXT(config_read_environment(&c, no_pair), "CAIS_HOSTS: 'runrun.it' is not host=dialect");
}

TEST(error_of_an_unknown_key_names_the_nearest_key)
{
    CONFIG(c);
    EXPECT_ERR_TEXT(set(&c, "http.header_timout=3s"),
                    "--set: unknown key 'http.header_timout'; the nearest is 'http.header_timeout'");
    EXPECT_ERR_TEXT(set(&c, "htp.max_headers=3"),
                    "--set: unknown key 'htp.max_headers'; the nearest is 'http.max_headers'");
    EXPECT_ERR_TEXT(set(&c, "Server.Data=x"), "--set: unknown key 'Server.Data'; the nearest is 'server.data'");
    EXPECT_ERR_TEXT(text(&c, "\n[log]\nlvel = info\n"),
                    "cais.ini:3: unknown key 'log.lvel'; the nearest is 'log.level'");
    EXPECT_ERR_TEXT(set(&c, "data=x"), "--set: 'data=x' is not section.key=value");
    EXPECT_ERR_TEXT(set(&c, "server.data"), "--set: 'server.data' is not section.key=value");
    EXPECT_ERR_TEXT(set(&c, "a.\033[2J=x"), "--set: unknown key 'a.\\x1b[2J'; the nearest is 'log.file'");
    char longest[3000] = "pyrus.";
    memset(longest + 6, 'x', sizeof longest - 10);
    memcpy(longest + sizeof longest - 4, "=1", 3);
    EXPECT_ERR(set(&c, longest), ERR_INVALID);
}

TEST(error_of_a_bad_value_lists_what_is_allowed)
{
    CONFIG(c);
    EXPECT_ERR_TEXT(
        set(&c, "http.header_timeout=soon"),
        "--set: http.header_timeout: 'soon' is not a duration in range; allowed: a number with ms, s, m, h or d, "
        "from 100ms to 1h");
    EXPECT_ERR_TEXT(
        set(&c, "http.header_timeout=10"),
        "--set: http.header_timeout: '10' is not a duration in range; allowed: a number with ms, s, m, h or d, "
        "from 100ms to 1h");
    EXPECT_ERR_TEXT(
        set(&c, "http.header_timeout=61m"),
        "--set: http.header_timeout: '61m' is not a duration in range; allowed: a number with ms, s, m, h or d, "
        "from 100ms to 1h");
    EXPECT_ERR_TEXT(
        set(&c, "http.body_pool=1K"),
        "--set: http.body_pool: '1K' is not a size in range; allowed: a number of bytes or with K, M, G or T, "
        "from 1M to 64G");
    EXPECT_ERR(set(&c, "http.body_pool=9223372036854775807G"), ERR_INVALID);
    EXPECT_ERR(set(&c, "http.body_pool=18446744073709551615"), ERR_INVALID);
    EXPECT_ERR(set(&c, "http.body_pool=-1"), ERR_INVALID);
    EXPECT_ERR(set(&c, "http.body_pool=2.5M"), ERR_INVALID);
    EXPECT_ERR(set(&c, "http.body_pool="), ERR_INVALID);
    EXPECT_ERR(set(&c, "http.body_pool=K"), ERR_INVALID);
    EXPECT_ERR_TEXT(
        set(&c, "pyrus.max_file_size=2147483648"),
        "--set: pyrus.max_file_size: '2147483648' is not a size in range; allowed: a number of bytes or with K, "
        "M, G or T, from 1 to 2147483647");
    EXPECT_ERR_TEXT(set(&c, "http.max_headers=7"),
                    "--set: http.max_headers: '7' is not a number in range; allowed: 8 to 128");
    EXPECT_ERR_TEXT(set(&c, "log.level=loud"),
                    "--set: log.level: 'loud' is not one of its values; allowed: debug, info, warning, error");
    EXPECT_ERR_TEXT(
        set(&c, "pyrus.md5_upper_case=maybe"),
        "--set: pyrus.md5_upper_case: 'maybe' is not yes or no; allowed: true, yes, on, 1, false, no, off, 0");
    EXPECT_ERR_TEXT(
        set(&c, "server.metrics_listen=9090"),
        "--set: server.metrics_listen: '9090' is not an address; allowed: like 127.0.0.1:8080 or [::1]:8080");
    EXPECT_ERR_TEXT(
        set(&c, "server.public_url=files.example.org"),
        "--set: server.public_url: 'files.example.org' is not a URL; allowed: http:// or https://, a host, no query");
    EXPECT_ERR_TEXT(
        set(&c, "server.trusted_proxies=10.0.0.1 proxy"),
        "--set: server.trusted_proxies: 'proxy' is not a network; allowed: like 10.0.0.1, 10.0.0.0/8 or fd00::/8");
    EXPECT_ERR_TEXT(text(&c, "[server]\nloops = 1\n\nworkers = many\n"),
                    "cais.ini:4: server.workers: 'many' is not a number in range; allowed: 0 to 256");
    EXPECT_ERR_TEXT(set(&c, "server.data=a\nb"), "--set: server.data: a control character in the value");
    /* None of these values was kept. */
    EXPECT_EQ(c.http.header_timeout_ms, 10000);
    EXPECT_EQ(c.http.max_headers, 100);
    EXPECT_EQ(c.server.trusted_proxies.count, 0);
}

TEST(addresses_must_be_ip_literals_with_a_port)
{
    CONFIG(c);
    static const char *const wrong[] = { "localhost:80", ":80",    "1.2.3.4", "1.2.3.4:",    "1.2.3.4:65536",
                                         "[::1]",        "::1:80", "[::1:80", "[1.2.3.4]:1", "1.2.3.4:+1",
                                         "[]:1",         ":",      "[:1",     "1.2.3.4:1:2" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++)
        EXPECT_ERR(config_set(&c, CONFIG_SET, S("server"), S("listen"), slice_of(wrong[i]), "--set"), ERR_INVALID);
    static const char *const networks[] = { "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0/8", "/8", "10.0.0.1/-1" };
    for (size_t i = 0; i < LENGTH_OF(networks); i++)
        EXPECT_ERR(config_set(&c, CONFIG_SET, S("server"), S("trusted_proxies"), slice_of(networks[i]), "--set"),
                   ERR_INVALID);
    static const char *const urls[] = {
        "ftp://x", "https://", "https:///x", "http://a b", "http://a/?q", "http://a/#f"
    };
    for (size_t i = 0; i < LENGTH_OF(urls); i++)
        EXPECT_ERR(config_set(&c, CONFIG_SET, S("server"), S("public_url"), slice_of(urls[i]), "--set"), ERR_INVALID);
}

TEST(origins_must_have_the_form_that_browsers_send)
{
    CONFIG(c);
    EXPECT_OK(set(&c, "s3.cors_origins=https://app.example.org, http://localhost:3000 *"));
    const struct s3_options *s3 = config_api_options(&c, S("s3"));
    EXPECT_EQ(s3->cors_origins.count, 3);
    EXPECT_SLICE(s3->cors_origins.items[1], S("http://localhost:3000"));
    static const char *const wrong[] = { "app.example.org", "https://app.example.org/", "https://", "ftp://x", "**" };
    for (size_t i = 0; i < LENGTH_OF(wrong); i++) {
        char text[100];
        snprintf(text, sizeof text, "s3.cors_origins=%s", wrong[i]);
        EXPECT_ERR(set(&c, text), ERR_INVALID);
    }
}

TEST(hosts_must_name_an_api)
{
    CONFIG(c);
    EXPECT_OK(text(&c, "[hosts]\na.example = pyrus\nb.example = s3\n"));
    EXPECT_OK(set(&c, "hosts.a.example=redu"));
    EXPECT_OK(config_set(&c, CONFIG_ENVIRONMENT, S("hosts"), S("a.example"), S("appfile"), "CAIS_HOSTS"));
    EXPECT_SLICE(c.hosts->api, S("redu"));
    EXPECT_ERR_TEXT(text(&c, "[hosts]\nx.example = pyrus\nX.example = redu\n"),
                    "cais.ini:3: hosts.x.example is given twice");
    EXPECT_ERR_TEXT(set(&c, "hosts.a.example=ftp"),
                    "--set: hosts.a.example: 'ftp' is no dialect; allowed: pyrus, runrun, "
                    "redu, datasnap, oci, appfile, s3, native, resumable, portal");
    EXPECT_ERR_TEXT(set(&c, "hosts.a_b:80=s3"), "--set: hosts: 'a_b:80' is not a host name");
    EXPECT_OK(set(&c, "hosts.*.S3.example.org=s3"));
    EXPECT_ERR_TEXT(set(&c, "hosts.a.*.org=s3"), "--set: hosts: 'a.*.org' is not a host name");
    EXPECT_ERR_TEXT(set(&c, "hosts.*.=s3"), "--set: hosts: '*.' is not a host name");
    EXPECT_ERR(set(&c, "hosts.=s3"), ERR_INVALID);
}

TEST(error_of_a_bad_file_names_the_line)
{
    CONFIG(c);
    EXPECT_ERR_TEXT(text(&c, "[server]\ndata = a\ndata = b\n"),
                    "cais.ini:3: server.data is given twice (an indented line continues the one above)");
    EXPECT_ERR_TEXT(text(&c, "[http]\nmax_headers = 50\n  max_connections = 7\n"),
                    "cais.ini:3: http.max_headers is given twice (an indented line continues the one above)");
    EXPECT_ERR_TEXT(text(&c, "data = a\n"), "cais.ini:1: 'data' stands before any [section]");
    EXPECT_ERR_TEXT(text(&c, "[log]\n\nlevel\n"), "cais.ini:3: neither [section] nor key = value");
    EXPECT_ERR_TEXT(text(&c, "[log\nlevel = info\n"), "cais.ini:1: neither [section] nor key = value");
    EXPECT_ERR_TEXT(text(&c, "[htpp]\n"), "cais.ini:1: unknown section [htpp]");
    EXPECT_ERR_TEXT(config_read_text(&c, S("[log]\nlevel = in\0fo\n"), "cais.ini"), "cais.ini:2: a NUL byte");
    EXPECT_OK(text(&c, ""));
    EXPECT_OK(text(&c, "\n\n[files]\n"));
}

TEST(file_refuses_a_line_that_libinih_would_cut)
{
    char line[300] = "[server]\ndata = ";
    size_t start = strlen("[server]\n"), n = strlen(line);
    memset(line + n, 'x', start + 190 - n);
    {
        CONFIG(c);
        EXPECT_OK(text(&c, line)); /* 190 bytes, no newline at the end */
        EXPECT_EQ(c.server.data.n, 190 - strlen("data = "));
    }
    line[start + 190] = 'x';
    CONFIG(c);
    EXPECT_ERR_TEXT(text(&c, line), "cais.ini:2: a line of 191 bytes; 190 are allowed");
    memset(line, 'x', sizeof line - 1);
    line[0] = ';';
    EXPECT_ERR_TEXT(text(&c, line), "cais.ini:1: a line of 299 bytes; 190 are allowed");
}

TEST(error_of_an_unreadable_file_names_the_file)
{
    CONFIG(c);
    char path[] = "/tmp/cais-config-XXXXXX";
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    fputs("[server]\nloops = 2\n", f);
    fflush(f);
    EXPECT_OK(config_read_file(&c, path));
    EXPECT_EQ(c.server.loops, 2);
    for (int i = 0; i < 1 << 18; i++)
        fputs(";;;\n", f);
    fclose(f);
    EXPECT_ERR_TEXT(config_read_file(&c, path), arena_printf(&a, "%s: larger than 1 MiB", path).p);
    unlink(path);
    EXPECT_ERR_TEXT(config_read_file(&c, "/nonexistent/cais.ini"),
                    "cannot read the configuration /nonexistent/cais.ini: No such file or directory");
    EXPECT_ERR(config_read_file(&c, "/tmp"), ERR_UNAVAILABLE);
}

TEST(memory_for_requests_of_one_kilobyte_was_accepted)
{
    static const char *const small[] = { "1", "1K", "33554431" }, *const enough[] = { "0", "32M", "1G" };
    for (size_t i = 0; i < LENGTH_OF(small); i++) {
        CONFIG(c);
        EXPECT_OK(set(&c, arena_printf(c.arena, "http.memory=%s", small[i]).p));
        EXPECT_ERR_TEXT(config_check(&c),
                        "http.memory is less than 32M, which a few large documents take; 0 chooses a value");
    }
    for (size_t i = 0; i < LENGTH_OF(enough); i++) {
        CONFIG(c);
        EXPECT_OK(set(&c, arena_printf(c.arena, "http.memory=%s", enough[i]).p));
        EXPECT_OK(config_check(&c));
    }
}

TEST(config_check_finds_keys_that_contradict_each_other)
{
    {
        CONFIG(c);
        EXPECT_OK(set(&c, "server.tls_listen=0.0.0.0:443"));
        EXPECT_ERR_TEXT(config_check(&c), "server.tls_listen needs server.tls_cert and server.tls_key");
        EXPECT_OK(set(&c, "server.tls_cert=a,b"));
        EXPECT_OK(set(&c, "server.tls_key=a"));
        EXPECT_ERR_TEXT(config_check(&c),
                        "server.tls_cert has 2 entries and server.tls_key has 1: each certificate needs its key");
        EXPECT_OK(set(&c, "server.tls_key=b"));
        EXPECT_OK(config_check(&c));
        EXPECT_OK(set(&c, "server.data="));
        EXPECT_ERR_TEXT(config_check(&c), "server.data is empty: where should the files be kept?");
    }
    CONFIG(c);
    EXPECT_OK(set(&c, "http.max_head_bytes=4K"));
    EXPECT_ERR_TEXT(config_check(&c), "http.max_header_line is more than http.max_head_bytes, which holds it");
}

TEST(every_key_accepts_its_default)
{
    CONFIG(c);
    for (size_t i = 0; i < config_key_count(); i++) {
        struct config_key_info k = config_key_info(i);
        EXPECT_OK(config_set(&c, CONFIG_SET, slice_of(k.section), slice_of(k.key), slice_of(k.by_default), "--set"));
        EXPECT_EQ(c.layer_of[i], CONFIG_SET);
        EXPECT(strlen(k.doc) > 10);
    }
    EXPECT_OK(config_check(&c));
}

TEST(an_audit_log_of_a_few_minutes_was_allowed)
{
    CONFIG(c);
    EXPECT_OK(set(&c, "audit.keep=1439m"));
    EXPECT_ERR(config_check(&c), ERR_INVALID);
    EXPECT_OK(set(&c, "audit.keep=1d"));
    EXPECT_OK(config_check(&c));
    EXPECT_OK(set(&c, "audit.keep=0"));
    EXPECT_OK(config_check(&c));
}

RUN_TESTS(cmocka_unit_test(an_audit_log_of_a_few_minutes_was_allowed),
          cmocka_unit_test(config_has_defaults_without_a_file), cmocka_unit_test(file_sets_keys_of_every_type),
          cmocka_unit_test(the_stronger_layer_of_the_configuration_wins_whichever_is_read_first),
          cmocka_unit_test(lists_add_items_within_a_layer),
          cmocka_unit_test(environment_variables_count_only_when_they_name_a_section),
          cmocka_unit_test(error_of_an_unknown_key_names_the_nearest_key),
          cmocka_unit_test(error_of_a_bad_value_lists_what_is_allowed),
          cmocka_unit_test(addresses_must_be_ip_literals_with_a_port),
          cmocka_unit_test(origins_must_have_the_form_that_browsers_send), cmocka_unit_test(hosts_must_name_an_api),
          cmocka_unit_test(error_of_a_bad_file_names_the_line),
          cmocka_unit_test(file_refuses_a_line_that_libinih_would_cut),
          cmocka_unit_test(error_of_an_unreadable_file_names_the_file),
          cmocka_unit_test(memory_for_requests_of_one_kilobyte_was_accepted),
          cmocka_unit_test(config_check_finds_keys_that_contradict_each_other),
          cmocka_unit_test(every_key_accepts_its_default))
