/* wick publish: a model into the place that bots read it from, and back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli_internal.h"
#include "wick/publish.h"

static int cmd_publish(const wk_cli *cli, wk_err *err)
{
    bool back = wk_cli_flag(cli, "rollback"), verify = wk_cli_flag(cli, "verify");
    size_t n = wk_cli_n_args(cli);
    wk_manifest p;
    const char *kept = wk_cli_option_value(cli, "keep");
    char *end = "";
    int64_t keep = kept ? strtol(kept, &end, 10) : 1;
    if (*end || keep < 1 || keep > 15)
        return wk_fail(err, WK_E_ARG, "--keep %s: write a number from 1 to 15", kept);
    if (back && verify)
        return wk_fail(err, WK_E_ARG, "--rollback and --verify: choose one");
    if (n != (back || verify ? 1 : 2))
        return wk_fail(err, WK_E_ARG,
                       back || verify
                           ? "name the published model only"
                           : "name the model and where it goes: wick publish MODEL DEST");
    const char *dest = wk_cli_arg(cli, n - 1);
    WK_TRY(back     ? wk_publish_rollback(dest, &p, err)
           : verify ? wk_manifest_verify(dest, &p, err)
                    : wk_publish_keep(wk_cli_arg(cli, 0), dest, keep, &p, err));
    printf(wk_cli_json(cli) ? "{\"version\": \"%s\", \"number\": %" PRId64 ", \"files\": %" PRId64
                              ", \"bytes\": %" PRId64 "}\n"
                            : "version %s  number %" PRId64 "  files %" PRId64 "  bytes %" PRId64
                              "\n",
           p.version, p.number, p.n_files, p.size_bytes);
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"rollback", NULL, "goes back to the model before; again: forward"},
    {"keep", "N",
     "how many of those that DEST replaced stay: DEST.previous, DEST.g<number>; default 1"},
    {"verify", NULL, "checks every file against the manifest"},
    {.name = NULL}};

const wk_cli_command wk_cmd_publish = {
    .name = "publish",
    .usage = "MODEL DEST | --rollback DEST | --verify DEST",
    .summary = "puts a model into place in one step, with checksums, and back",
    .details =
        "Copies beside DEST, writes manifest.json with the SHA-256 of every file, checks and "
        "syncs the\n"
        "copy, and exchanges the names. The model before stays as DEST.previous. Whatever "
        "loads a model\n"
        "with a manifest checks it first.",
    .example = "wick publish out/demo/model out/published/demo",
    .args_min = 1,
    .args_max = 2,
    .options = options,
    .run = cmd_publish};
