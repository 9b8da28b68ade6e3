// SPDX-License-Identifier: Apache-2.0
// The page behind a link, for people without an account. i18n.js says what a row is.
export const DROP_TEXTS = {
  upload_files: ["Choose files", "Escolher arquivos", "Elegir archivos", "Выбрать файлы"],
  upload_folder: ["Choose a folder", "Escolher uma pasta", "Elegir una carpeta", "Выбрать папку"],
  drop_now: ["Let go to send", "Solte para enviar", "Suelte para enviar", "Отпустите, чтобы отправить"],
  uploads: ["Your files", "Seus arquivos", "Sus archivos", "Ваши файлы"],
  drop_here: ["Drop files here", "Solte arquivos aqui", "Suelte archivos aquí", "Перетащите файлы сюда"],
  drop_text: ["They go only to the person who sent you this link. You need no account.", "Eles vão apenas para quem enviou este link a você. Não é preciso ter conta.", "Llegan solo a quien le envió este enlace. No necesita cuenta.", "Их получит только тот, кто прислал вам эту ссылку. Аккаунт не нужен."],
  drop_left: [
    { one: "{n} more file", other: "{n} more files" }, { one: "mais {n} arquivo", other: "mais {n} arquivos" },
    { one: "{n} archivo más", other: "{n} archivos más" },
    { one: "ещё {n} файл", few: "ещё {n} файла", many: "ещё {n} файлов", other: "ещё {n} файла" }],
  drop_each: ["up to {size} each", "até {size} cada", "hasta {size} cada uno", "до {size} каждый"],
  drop_all: ["{size} in all", "{size} no total", "{size} en total", "всего {size}"],
  drop_until: ["until {time}", "até {time}", "hasta {time}", "до {time}"],
  drop_full: ["This link has taken all that it takes", "Este link já recebeu tudo o que aceita", "Este enlace ya ha recibido todo lo que admite", "По этой ссылке принято всё, что можно"],
  drop_full_text: ["Ask the person who sent it to you for another one.", "Peça outro a quem o enviou a você.", "Pida otro a quien se lo envió.", "Попросите новую у того, кто её прислал."],
  drop_over: ["This link has ended", "Este link não vale mais", "Este enlace ya no es válido", "Эта ссылка больше не действует"],
  drop_over_text: ["It was revoked, is too old, or was not copied completely. Ask the person who sent it to you for another one.", "Ele foi revogado, é antigo demais ou não foi copiado por inteiro. Peça outro a quem o enviou a você.", "Se ha revocado, es demasiado antiguo o no se copió completo. Pida otro a quien se lo envió.", "Она отозвана, устарела или скопирована не полностью. Попросите новую у того, кто её прислал."],
};
