// SPDX-License-Identifier: Apache-2.0
// The preview of PDFs. i18n.js says what a row is.
export const PDF_TEXTS = {
  pdf_page: ["Page {page} of {n}", "Página {page} de {n}", "Página {page} de {n}", "Страница {page} из {n}"],
  pdf_of: ["{page} of {n}", "{page} de {n}", "{page} de {n}", "{page} из {n}"],
  pdf_back: ["Previous page", "Página anterior", "Página anterior", "Предыдущая страница"],
  pdf_next: ["Next page", "Próxima página", "Página siguiente", "Следующая страница"],
  pdf_locked: ["This PDF is protected by a password. Download it to read it.", "Este PDF é protegido por senha. Baixe-o para ler.", "Este PDF está protegido con contraseña. Descárguelo para leerlo.", "Этот PDF защищён паролем. Скачайте его, чтобы прочитать."],
  pdf_broken: ["This PDF cannot be shown.", "Não é possível mostrar este PDF.", "No se puede mostrar este PDF.", "Этот PDF не удаётся показать."],
};
