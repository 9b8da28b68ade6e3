/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "api/datasnap/line_words.h"

TEST(errors_of_lines_have_the_words_of_the_contract)
{
    SCRATCH(a);
    const struct {
        struct line_error error;
        const char *words;
    } cases[] = {
        { { LINE_NOT_AN_OBJECT, 5, { 0 }, 0 },
          "A linha 5 do arquivo não é um JSON válido. O arquivo deve estar no formato JSONL (um objeto JSON por "
          "linha)." },
        { { LINE_TOO_LONG, 5, { 0 }, 0 }, "A linha 5 do arquivo tem mais de 10 MiB." },
        { { LINE_BAD_VALUE, 7, S("idade"), COLUMN_UINT32 }, "Linha 7: campo 'idade' espera UInt32" },
        { { LINE_BAD_VALUE, 7, S("valor"), COLUMN_DECIMAL }, "Linha 7: campo 'valor' espera Decimal(18, 6)" },
        { { LINE_NO_VALUE, 8, S("id"), COLUMN_INT64 }, "Linha 8: campo 'id' é obrigatório" },
        { { LINE_UNKNOWN_FIELD, 9, S("cor"), 0 }, "Linha 9: campo 'cor' não existe no schema" },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++)
        EXPECT_SLICE(line_error_words(&cases[i].error, &a), slice_of(cases[i].words));
}

TEST(every_fault_has_words)
{
    SCRATCH(a);
    for (int fault = LINE_FINE + 1; fault < LINE_FAULT_COUNT; fault++) {
        struct line_error error = { .fault = (enum line_fault)fault, .line = 1, .field = S("x") };
        slice words = line_error_words(&error, &a);
        EXPECT(words.n > 10 && slice_is_utf8(words));
    }
}

RUN_TESTS(cmocka_unit_test(errors_of_lines_have_the_words_of_the_contract), cmocka_unit_test(every_fault_has_words))
