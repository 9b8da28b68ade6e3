// SPDX-License-Identifier: Apache-2.0
// What is wrong with rows. i18n.js says what a row is.
const rows = (one, other) => ({ one, other });
const russian = (one, few, many) => ({ one, few, many, other: few });

export const ROW_ERRORS_TEXTS = {
  data_errors: ["Errors", "Erros", "Errores", "Ошибки"],
  data_errors_csv: [rows("Save {n} error as CSV", "Save {n} errors as CSV"), rows("Salvar {n} erro em CSV", "Salvar {n} erros em CSV"), rows("Guardar {n} error en CSV", "Guardar {n} errores en CSV"), russian("Сохранить {n} ошибку в CSV", "Сохранить {n} ошибки в CSV", "Сохранить {n} ошибок в CSV")],
  data_error_line: ["Line", "Linha", "Línea", "Строка"],
  data_error_key: ["Key", "Chave", "Clave", "Ключ"],
  data_error_column: ["Column", "Coluna", "Columna", "Столбец"],
  data_error_value: ["Value", "Valor", "Valor", "Значение"],
  data_error_reason: ["Reason", "Motivo", "Motivo", "Причина"],
  data_reason_not_json: ["It is no JSON object", "Não é um objeto JSON", "No es un objeto JSON", "Это не объект JSON"],
  data_reason_line_too_long: ["It has more than 10 MiB", "Tem mais de 10 MiB", "Tiene más de 10 MiB", "Больше 10 МиБ"],
  data_reason_bad_value: ["The value is no {type}", "O valor não é {type}", "El valor no es {type}", "Значение не подходит под тип {type}"],
  data_reason_no_value: ["A required value is missing", "Falta um valor obrigatório", "Falta un valor obligatorio", "Нет обязательного значения"],
  data_reason_unknown_column: ["There is no such column", "Essa coluna não existe", "Esa columna no existe", "Такого столбца нет"],
  data_reason_damaged: ["The file is damaged", "O arquivo está danificado", "El archivo está dañado", "Файл повреждён"],
  data_reason_too_large: ["The file is too large when it is unzipped", "O arquivo descompactado é grande demais", "El archivo descomprimido es demasiado grande", "Распакованный файл слишком велик"],
  data_reason_quota: ["The quota of the account is used up", "A cota da conta está esgotada", "La cuota de la cuenta está agotada", "Квота аккаунта исчерпана"],
  data_reason_cancelled: ["The import was cancelled", "A importação foi cancelada", "La importación fue cancelada", "Импорт отменён"],
  data_reason_unreadable: ["The server could not read it; send it again", "O servidor não conseguiu ler; envie novamente", "El servidor no pudo leerlo; envíelo de nuevo", "Сервер не смог прочитать файл; отправьте его снова"],
};
