/* SPDX-License-Identifier: Apache-2.0 */
#include "api/datasnap/line_words.h"

#include "api/datasnap/meta_type.h"
#include "core/dataset/lines.h"

#include <assert.h>

slice line_error_words(const struct line_error *e, struct arena *a)
{
    unsigned long long line = e->line;
    switch (e->fault) {
    case LINE_NOT_AN_OBJECT:
        return arena_printf(a,
                            "A linha %llu do arquivo não é um JSON válido. O arquivo deve estar no formato JSONL (um "
                            "objeto JSON por linha).",
                            line);
    case LINE_TOO_LONG:
        return arena_printf(a, "A linha %llu do arquivo tem mais de %zu MiB.", line, LINE_BYTES_MAX >> 20);
    case LINE_BAD_VALUE:
        return arena_printf(a, "Linha %llu: campo '" SLICE_FMT "' espera %s", line, SLICE_ARG(e->field),
                            meta_type_name(e->expected));
    case LINE_NO_VALUE:
        return arena_printf(a, "Linha %llu: campo '" SLICE_FMT "' é obrigatório", line, SLICE_ARG(e->field));
    case LINE_UNKNOWN_FIELD:
        return arena_printf(a, "Linha %llu: campo '" SLICE_FMT "' não existe no schema", line, SLICE_ARG(e->field));
    case FILE_NAME_UNKNOWN:
        return S("O nome do arquivo deve terminar em .jsonl ou .ndjson (ou em .jsonl.gz ou .ndjson.gz).");
    case FILE_DAMAGED:
        return S("O arquivo não é um gzip válido ou está incompleto.");
    case FILE_TOO_LARGE:
        return S("O arquivo descompactado é grande demais.");
    case FILE_NO_ROOM:
        return S("A conta atingiu o seu limite de armazenamento. Libere espaço e envie o arquivo novamente.");
    case FILE_CANCELLED:
        return S("O processamento do arquivo foi cancelado.");
    case FILE_UNREADABLE:
        return S("O arquivo não pôde ser processado por um erro do servidor. Envie-o novamente.");
    case LINE_FINE:
    case LINE_FAULT_COUNT:
        break;
    }
    assert(!"no fault");
    return S("");
}
