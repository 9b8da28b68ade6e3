/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/demo_sync.h"

#include "api/appfile/appfile.h"
#include "cli/command_text.h"
#include "cli/demo_remove.h"
#include "core/access/access.h"
#include "core/sync/workspace.h"

err_t demo_sync_make(struct cli *cli, struct admin *admin, slice login, int64_t user_id, struct demo_sync *ret)
{
    struct core *core = &admin->store->core;
    struct arena *a = cli->arena;
    struct workspace workspace;
    struct section section;
    struct minted_key key;
    TRY(workspace_add(core, &admin->who, demo_workspace_name(user_id, a), a, &workspace));
    TRY(section_add(core, &admin->who, &(struct section_request){ workspace.name, S("demo"), false }, a, &section));
    struct key_request request = { .login = login,
                                   .purpose = APPFILE_PURPOSE,
                                   .role = KEY_WRITER,
                                   .workspace = workspace.name,
                                   .section = section.name };
    TRY(key_mint(core, &admin->who, &request, a, &key));
    *ret = (struct demo_sync){ login, workspace.name, section.name, key.key };
    return NULL;
}

/* Two families, and one that is deleted. */
static void print_sync_file(FILE *out, const char *name)
{
    static const char *const lines[] = { "00|DEMO|FAMILY|20261121033000|REF-1",
                                         "01|wks_family|||cc-family|SYNC",
                                         "02|entityId",
                                         "03|entityId|name|familySize:int",
                                         "10|F-100|Silva#/#Souza|4",
                                         "10|F-101|Lee|2",
                                         "90|F-099",
                                         "99|3" };
    fprintf(out, "printf '%%s\\n'");
    for (size_t i = 0; i < LENGTH_OF(lines); i++)
        fprintf(out, " '%s'", lines[i]);
    fprintf(out, " > %s\n", name);
}

#define URL SLICE_ARG(url)

/* The four calls of the vendor's document, with the upload once by curl and once by Node.js. */
void demo_sync_print_api(FILE *out, slice url, const struct demo_sync *d)
{
    fprintf(out,
            "\necho '== Appfile: a signed URL, the file, its import, its status, and its records (workspace " SLICE_FMT
            ")'\n",
            SLICE_ARG(d->workspace));
    fprintf(out, "appfile() { curl -sS -H 'x-api-key: " SLICE_FMT "' -H 'Content-Type: application/json' \"$@\"; }\n",
            SLICE_ARG(d->key));
    fprintf(out, "member() { printf '%%s' \"$ISSUED\" | sed 's/.*\"'\"$1\"'\":\"\\([^\"]*\\)\".*/\\1/'; }\n");
    print_sync_file(out, "families.cc5txt");
    fprintf(out,
            "ISSUED=$(appfile " SLICE_FMT "/appfile/file/path -d '{\"FileName\":\"families.cc5txt\",\"EntityType\":"
            "\"wks_family\",\"ActionId\":\"demo\"}')\n",
            URL);
    fprintf(out, "curl -sS -T families.cc5txt \"$(member Url)\"\n");
    fprintf(
        out,
        "appfile " SLICE_FMT
        "/appfile/file/import -d \"{\\\"FileType\\\":\\\"cc5\\\",\\\"FileId\\\":\\\"$(member FileId)\\\"}\" && echo\n",
        URL);
    fprintf(out, "appfile " SLICE_FMT "/appfile/file/$(member FileId) && echo\n", URL);
    fprintf(out,
            "appfile " SLICE_FMT
            "/appdata/family/query -d '{\"Query\":{\"familySize\":{\"$gt\":2}},\"Fields\":[\"entityId\",\"name\"]}' && "
            "echo\n",
            URL);
    fprintf(out, "echo '== The same: the upload by Node.js with axios, and the import in the background'\n");
    fprintf(out, "ISSUED=$(appfile " SLICE_FMT "/appfile/file/path -d '{\"FileName\":\"families.cc5txt\"}')\n", URL);
    fprintf(out, "if node -e 'require(\"axios\")' 2>/dev/null; then\n"
                 "node -e '\n"
                 "const fs = require(\"fs\");\n"
                 "const axios = require(\"axios\");\n"
                 "const [signedUrl, filePath] = process.argv.slice(1);\n"
                 "axios.put(signedUrl, fs.createReadStream(filePath), { headers: { \"Content-Type\": "
                 "\"application/octet-stream\" } })\n"
                 "  .then((response) => console.log(\"stored:\", response.status), (error) => "
                 "console.error(\"refused:\", error.message));\n"
                 "' \"$(member Url)\" families.cc5txt\n"
                 "else\n"
                 "echo 'Node.js or axios is not installed here (npm install axios): curl sends the file'\n"
                 "curl -sS -T families.cc5txt \"$(member Url)\"\n"
                 "fi\n");
    fprintf(out,
            "appfile " SLICE_FMT "/appdata/import/file/async -d \"{\\\"ActionId\\\":\\\"demo-2\\\",\\\"FileType\\\":"
            "\\\"cc5\\\",\\\"FileId\\\":\\\"$(member FileId)\\\"}\" && echo\n",
            URL);
}
#undef URL

/* The port of "host:port" or "[::1]:port", and the host without the port. */
static slice split_port(slice address, slice *ret_host)
{
    size_t at = address.n;
    while (at && address.p[at - 1] != ':')
        at--;
    slice host = slice_part(address, 0, at ? at - 1 : 0);
    bool brackets = host.n > 2 && host.p[0] == '[';
    *ret_host = brackets ? slice_part(host, 1, host.n - 2) : host;
    return slice_from(address, at);
}

void demo_sync_print_sftp(FILE *out, slice address, slice data_dir, const struct demo_sync *d, struct arena *a)
{
    slice host, port = split_port(address, &host);
    fprintf(out, "\necho '== SFTP: the same file, dropped into the folder import'\n");
    fprintf(out, "ssh-keygen -q -t ed25519 -N '' -f demo_key\n");
    fprintf(out,
            "cais key add " SLICE_FMT " --for sftp --workspace " SLICE_FMT " --bucket " SLICE_FMT
            " --public-key demo_key.pub --data " SLICE_FMT "\n",
            SLICE_ARG(d->login), SLICE_ARG(d->workspace), SLICE_ARG(d->section), SLICE_ARG(shell_word(data_dir, a)));
    print_sync_file(out, "dropped.cc5txt");
    fprintf(out,
            "printf '%%s\\n' 'put -f dropped.cc5txt import/dropped.cc5txt' 'ls -l import' > session\n"
            "sftp -q -b session -P " SLICE_FMT " -i demo_key -o IdentitiesOnly=yes -o User=" SLICE_FMT
            " -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=demo_hosts " SLICE_FMT "\n",
            SLICE_ARG(port), SLICE_ARG(d->login), SLICE_ARG(host));
}
