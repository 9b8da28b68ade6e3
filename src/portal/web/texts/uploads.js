// SPDX-License-Identifier: Apache-2.0
// What is being sent. i18n.js says what a row is.
export const UPLOADS_TEXTS = {
  up_count: [
    { one: "{done} of {n} file", other: "{done} of {n} files" }, { one: "{done} de {n} arquivo", other: "{done} de {n} arquivos" },
    { one: "{done} de {n} archivo", other: "{done} de {n} archivos" },
    { one: "{done} из {n} файла", few: "{done} из {n} файлов", many: "{done} из {n} файлов", other: "{done} из {n} файла" }],
  up_left: ["{time} left", "faltam {time}", "quedan {time}", "осталось {time}"],
  up_speed: ["{speed}/s", "{speed}/s", "{speed}/s", "{speed}/с"],
  up_done: ["All files have arrived", "Todos os arquivos chegaram", "Han llegado todos los archivos", "Все файлы получены"],
  up_failed: [
    { one: "{n} file did not arrive", other: "{n} files did not arrive" }, { one: "{n} arquivo não chegou", other: "{n} arquivos não chegaram" },
    { one: "{n} archivo no llegó", other: "{n} archivos no llegaron" },
    { one: "{n} файл не получен", few: "{n} файла не получены", many: "{n} файлов не получено", other: "{n} файла не получено" }],
  up_percent: ["{percent} percent of the uploads have arrived", "{percent} por cento dos envios chegaram", "Ha llegado el {percent} por ciento", "Получено {percent} процентов"],
  up_progress: ["Progress of {name}", "Progresso de {name}", "Progreso de {name}", "Ход загрузки: {name}"],
  up_all_progress: ["Progress of all uploads", "Progresso de todos os envios", "Progreso de todas las subidas", "Общий ход загрузки"],
  up_skipped: [
    { one: "{n} file was in the list already", other: "{n} files were in the list already" }, { one: "{n} arquivo já estava na lista", other: "{n} arquivos já estavam na lista" },
    { one: "{n} archivo ya estaba en la lista", other: "{n} archivos ya estaban en la lista" },
    { one: "{n} файл уже был в списке", few: "{n} файла уже были в списке", many: "{n} файлов уже было в списке", other: "{n} файла уже было в списке" }],
  up_more: [
    { one: "and {n} more", other: "and {n} more" }, { one: "e mais {n}", other: "e mais {n}" }, { one: "y {n} más", other: "y {n} más" },
    { one: "и ещё {n}", few: "и ещё {n}", many: "и ещё {n}", other: "и ещё {n}" }],
  up_waiting: ["Waiting", "Aguardando", "En espera", "Ожидает"],
  up_sending: ["Sending", "Enviando", "Enviando", "Отправляется"],
  up_paused: ["Paused", "Pausado", "En pausa", "Пауза"],
  up_retrying: ["No connection; trying again", "Sem conexão; tentando de novo", "Sin conexión; reintentando", "Нет связи, повторяем"],
  up_no_space: ["The disk of the server is full; trying again", "O disco do servidor está cheio; tentando de novo", "El disco del servidor está lleno; reintentando", "Диск сервера заполнен, повторяем"],
  up_arrived: ["Arrived", "Chegou", "Recibido", "Получен"],
  up_changed: ["The file on your disk has changed. Add it again.", "O arquivo no seu disco mudou. Adicione-o de novo.", "El archivo de su disco ha cambiado. Añádalo de nuevo.", "Файл на вашем диске изменился. Добавьте его снова."],
  pause_name: ["Pause {name}", "Pausar {name}", "Pausar {name}", "Приостановить {name}"],
  resume_name: ["Go on with {name}", "Continuar {name}", "Continuar {name}", "Продолжить {name}"],
  retry_name: ["Send {name} again", "Enviar {name} novamente", "Volver a enviar {name}", "Отправить {name} снова"],
  cancel_name: ["Remove {name}", "Remover {name}", "Quitar {name}", "Убрать {name}"],
  pause_all: ["Pause all", "Pausar todos", "Pausar todo", "Приостановить все"],
  resume_all: ["Go on with all", "Continuar todos", "Continuar todo", "Продолжить все"],
  retry_failed: ["Try the failed ones again", "Repetir os que falharam", "Reintentar los fallidos", "Повторить неудавшиеся"],
  hide_list: ["Hide the list", "Ocultar a lista", "Ocultar la lista", "Скрыть список"],
  show_list: ["Show the list", "Mostrar a lista", "Mostrar la lista", "Показать список"],
  close_uploads: ["Close the uploads", "Fechar os envios", "Cerrar las subidas", "Закрыть загрузки"],
  unfinished: [
    { one: "{n} upload is not finished. Drop the same file here, and it goes on where it was.", other: "{n} uploads are not finished. Drop the same files here, and they go on where they were." },
    { one: "{n} envio não terminou. Solte o mesmo arquivo aqui e ele continua de onde parou.", other: "{n} envios não terminaram. Solte os mesmos arquivos aqui e eles continuam de onde pararam." },
    { one: "{n} subida no ha terminado. Suelte aquí el mismo archivo y seguirá donde estaba.", other: "{n} subidas no han terminado. Suelte aquí los mismos archivos y seguirán donde estaban." },
    { one: "{n} загрузка не завершена. Перетащите сюда тот же файл, и она продолжится.", few: "{n} загрузки не завершены. Перетащите сюда те же файлы, и они продолжатся.", many: "{n} загрузок не завершено. Перетащите сюда те же файлы, и они продолжатся.", other: "{n} загрузки не завершены. Перетащите сюда те же файлы, и они продолжатся." }],
  unfinished_part: ["{acked} of {size}", "{acked} de {size}", "{acked} de {size}", "{acked} из {size}"],
  up_taken: ["A file of that name is there already. It stays as it is.", "Já existe um arquivo com esse nome. Ele fica como está.", "Ya hay un archivo con ese nombre. Queda como está.", "Файл с таким именем уже есть. Он не изменён."],
  up_count_taken: [
    { one: "{n} was there already", other: "{n} were there already" }, { one: "{n} já existia", other: "{n} já existiam" },
    { one: "{n} ya estaba", other: "{n} ya estaban" },
    { one: "{n} уже был там", few: "{n} уже были там", many: "{n} уже были там", other: "{n} уже были там" }],
};
